export default function ({ data, parentElement, setTriggerValue }) {
  const drawnData = JSON.stringify(data);
  if (parentElement.drawnData === drawnData) return;
  parentElement.drawnData = drawnData;
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text ?? "";
    return made;
  };
  const row = ({ id, label, change, cells, note }) => {
    const made = document.createElement("tr");
    const head = element("th", "");
    head.scope = "row";
    const button = element("button", "", change);
    button.type = "button";
    button.dataset.id = id;
    button.setAttribute("aria-label", `Take this step: ${label}: ${change}`);
    button.onclick = () => setTriggerValue("take", id);
    head.append(element("small", "", label), button, element("small", "", note));
    made.append(head, ...cells.map(({ words, interval, verdict, tone }, place) => {
      const cell = element("td", tone);
      cell.append(element("span", "name", data.columns[place]), element("span", "", words), element("small", "", interval));
      if (verdict) cell.append(element("span", "verdict", verdict));
      return cell;
    }));
    return made;
  };
  const held = parentElement.querySelector("button:focus")?.dataset.id;
  parentElement.querySelector("caption").textContent = data.caption;
  parentElement.querySelector("thead tr").replaceChildren(...["Step: press to take it", ...data.columns].map((name) => {
    const head = element("th", "", name);
    head.scope = "col";
    return head;
  }));
  parentElement.querySelector("tbody").replaceChildren(...data.rows.map(row));
  if (held) parentElement.querySelector(`button[data-id="${CSS.escape(held)}"]`)?.focus();
}
