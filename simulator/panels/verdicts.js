const paint = ({ data, parentElement, setTriggerValue }) => {
  const root = parentElement.querySelector("#verdicts");
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text ?? "";
    return made;
  };
  const line = (svg, tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    svg.append(made);
  };
  const mark = ({ low, high, value, bound, calm }) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("aria-hidden", "true");
    const at = (place) => `${100 * place}%`;
    line(svg, "line", { x1: "0", x2: "100%", y1: 6, y2: 6, stroke: "var(--st-border-color)" });
    if (bound != null) {
      line(svg, "line", { x1: at(bound), x2: at(bound), y1: 0, y2: 12, stroke: "var(--st-text-color)", "stroke-width": 2,
                          "stroke-dasharray": "3 2" });
    }
    if (value != null) {
      line(svg, "line", { x1: at(low), x2: at(high), y1: 6, y2: 6, stroke: "var(--tone)", "stroke-width": 4, opacity: .6 });
      line(svg, "circle", { cx: at(value), cy: 6, r: 4, fill: "var(--tone)" });
    }
    if (calm != null) {
      line(svg, "circle", { cx: at(calm), cy: 6, r: 4, fill: "none", stroke: "var(--st-text-color)", "stroke-width": 1.5 });
    }
    return svg;
  };
  root.className = data.stale ? "stale" : data.early ? "early" : "";
  if (data.chips) root.replaceChildren(...data.chips.map((chip) => {
    const item = element("li", chip.words.replace(" ", "-"));
    item.title = chip.details;
    item.style.setProperty("--tone", chip.tone);
    const found = element("div", "found");
    found.append(element("span", "value", chip.value), element("span", "words", chip.words));
    item.append(element("div", "label", chip.label), found, element("div", "asked", chip.asked), mark(chip.mark));
    return item;
  }));
  const state = parentElement.querySelector("#state");
  if (state.textContent !== data.state) state.textContent = data.state;
  const run = parentElement.querySelector("#run"), [bar, words, button] = run.children;
  run.hidden = !data.words;
  words.textContent = data.words;
  words.className = data.failed ? "failed" : "";
  bar.hidden = data.share == null;
  bar.value = data.share ?? 0;
  button.hidden = !data.action;
  button.textContent = data.action;
  button.onclick = () => setTriggerValue("pressed", [data.action, data.run]);
  fade(data.run);
};
// Reasons and panels of another run than the one whose figures are shown here are pale until their own run has come to its end.
const fade = (run) => {
  const id = "casesim-fade", sheet = document.getElementById(id) ?? document.head.appendChild(document.createElement("style"));
  sheet.id = id;
  const rule = run ? `[class*="st-key-of_run_"]:not([class*="st-key-of_run_${run}"]) { opacity: .45; }` : "";
  if (sheet.textContent !== rule) sheet.textContent = rule;
};
export default function (component) {
  const { data, parentElement, setTriggerValue } = component, drawn = JSON.stringify(data);
  if (parentElement.drawnData !== drawn) {
    paint(component);
    parentElement.ended = data.ended;
  }
  parentElement.drawnData = drawn;
  const heard = (_, content) => {
    paint({ ...component, data: content });
    if (content.ended === parentElement.ended) return;
    parentElement.ended = content.ended;
    clearTimeout(parentElement.ending);  // a run of the script that begins right after another loses what that one has drawn
    if (content.ended) parentElement.ending = setTimeout(() => setTriggerValue("ended", content.ended), 80);
  };
  const end = data.token && follow(parentElement, data.token, data.seen, heard);
  return () => { clearTimeout(parentElement.ending); end?.(); fade(""); };
}
