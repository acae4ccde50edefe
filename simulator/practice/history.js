export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const tip = find("#tip");
  const make = (tag, fields, ...inside) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...inside);
    return made;
  };
  const hide = () => { tip.hidden = true; };
  const show = (at, lines) => {
    if (!lines.length) return;
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const box = at.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const below = box.bottom + 4 + own.height < innerHeight;
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 4))}px`;
    tip.style.top = `${below ? box.bottom + 4 : Math.max(4, box.top - own.height - 4)}px`;
  };
  const chosen = new Set(data.chosen);
  const row = (run) => {
    const back = make("button", { type: "button", className: "back", textContent: run.changed });
    back.setAttribute("aria-label", `Run ${run.number}: ${run.changed}. Bring it back.`);
    back.setAttribute("aria-description", run.details.join("; "));
    back.onclick = () => { hide(); setTriggerValue("restore", run.run); };
    back.onmouseenter = back.onfocus = () => show(back, run.details);
    back.onmouseleave = back.onblur = hide;
    back.onkeydown = (event) => { if (event.key === "Escape") hide(); };
    const star = make("button", { type: "button", className: "star", textContent: run.starred ? "★" : "☆",
                                  title: run.starred ? "Baseline: comparisons are with this run" : "Make it the baseline" });
    star.setAttribute("aria-label", `Baseline: run ${run.number}`);
    star.setAttribute("aria-pressed", String(run.starred));
    star.onclick = () => setTriggerValue("star", run.run);
    const tick = make("input", { type: "checkbox", checked: chosen.has(run.run),
                                 disabled: !chosen.has(run.run) && chosen.size >= data.most });
    tick.setAttribute("aria-label", `Compare run ${run.number}`);
    tick.onchange = () => {
      tick.checked ? chosen.add(run.run) : chosen.delete(run.run);
      setStateValue("chosen", [...chosen]);
    };
    const cells = run.reached.map((one) => make("td", { className: one.standing.replace(" ", "-") },
                                                one.words, make("small", { textContent: one.standing })));
    const made = make("tr", {}, make("td", { className: "number", textContent: run.number }), make("td", {}, back),
                      make("td", {}, star), make("td", {}, tick), ...cells,
                      make("td", {}, make("code", { textContent: run.hash }), make("small", { textContent: run.time })));
    if (run.shown) made.setAttribute("aria-current", "true");
    return made;
  };
  const focused = parentElement.activeElement?.getAttribute?.("aria-label");
  const heads = ["Run", "What changed", "Base", "Compare", ...data.labels, "Hash and time"];
  find("thead tr").replaceChildren(...heads.map((text) => make("th", { scope: "col", textContent: text })));
  find("tbody").replaceChildren(...data.rows.map(row));
  hide();
  if (focused) [...parentElement.querySelectorAll("button, input")].find((one) => one.ariaLabel === focused)?.focus();
}
