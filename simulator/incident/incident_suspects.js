export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const body = parentElement.querySelector("tbody"), [write, clear] = parentElement.querySelectorAll("button");
  const make = (tag, fields, ...inside) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...inside);
    return made;
  };
  const weights = () => Object.fromEntries([...body.querySelectorAll("input")].map((one) => [one.name, Number(one.value)]));
  const normalise = () => {
    const total = Object.values(weights()).reduce((sum, one) => sum + one, 0);
    body.querySelectorAll("input").forEach((one) => {
      const share = total ? 100 * one.value / total : 0, row = one.closest("tr");
      row.querySelector("i").style.width = `${share}%`;
      row.querySelector("span").textContent = `${Math.round(share)}%`;
      one.setAttribute("aria-valuetext", `${one.value}% suspicion, a share of ${Math.round(share)}%`);
    });
    write.disabled = !total;
  };
  if (body.dataset.shown !== data.token) {
    body.dataset.shown = data.token;
    body.replaceChildren(...data.causes.map(({ name, label, weight }) => {
      const slider = make("input", { type: "range", name, min: 0, max: 100, step: 1, value: weight, oninput: normalise });
      slider.setAttribute("aria-label", `Suspicion: ${label}`);
      slider.onchange = () => setStateValue("weights", weights());
      return make("tr", {}, make("td", { textContent: label }), make("td", {}, slider),
                  make("td", {}, make("span", {}), make("div", { className: "bar" }, make("i", {}))));
    }));
  }
  normalise();
  clear.onclick = () => {
    body.querySelectorAll("input").forEach((one) => { one.value = 0; });
    normalise();
    setStateValue("weights", weights());
  };
  write.onclick = () => setTriggerValue("written", weights());
}
