export default function ({ data, parentElement }) {
  parentElement.querySelector("dl").replaceChildren(...data.cells.map(([name, value]) => {
    const cell = document.createElement("div"), term = document.createElement("dt"), content = document.createElement("dd");
    term.textContent = name;
    content.textContent = value;
    cell.append(term, content);
    return cell;
  }));
  const state = parentElement.querySelector(".state");
  if (state.textContent !== data.state) state.textContent = data.state;
}
