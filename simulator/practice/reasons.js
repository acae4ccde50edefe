export default function ({ data, parentElement, setTriggerValue }) {
  const drawn = JSON.stringify(data);
  if (parentElement.drawnData === drawn) return;
  parentElement.drawnData = drawn;
  const make = (tag, fields, ...children) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...children);
    return made;
  };
  const press = (name, card, words, title) => {
    const button = make("button", { type: "button", textContent: words, title });
    button.setAttribute("aria-label", `${words} (${card.label})`);
    button.onclick = () => {
      if (name === "help") button.replaceWith(make("span", { className: "advice", textContent: "Trying steps …" }));
      if (name === "show") document.querySelector("[data-testid=stTabs]")?.scrollIntoView({ block: "start" });
      setTriggerValue(name, `${data.run} ${card.place}`);
    };
    return button;
  };
  const split = (parts) => {
    if (!parts.length) return [];
    const hued = (one, place) => { one.style.setProperty("--hue", data.hues[place % data.hues.length]); return one; };
    const bar = make("div", { className: "bar" }, ...parts.map(([size], place) => {
      const part = hued(make("i", {}), place);
      part.style.cssText += `flex: ${size}; background: var(--hue)`;
      return part;
    }));
    bar.setAttribute("aria-hidden", "true");
    return [bar, make("ul", {}, ...parts.map(([, words], place) => hued(make("li", { textContent: words }), place)))];
  };
  parentElement.querySelector("#cards").replaceChildren(...data.cards.map((card) => {
    const row = make("nav", {}, press("show", card, `Show: ${card.panel}`, ""));
    if (card.tries) row.append(press("help", card, "What would help?", card.tries));
    if (card.step) row.append(press("take", card, "Take this step", ""));
    const advice = card.advice ? [make("p", { className: "advice", textContent: card.advice })] : [];
    const said = [card.sentence, card.rest].map((words) => words ? [make("p", { textContent: words })] : []);
    const head = [make("h2", { textContent: card.label }), ...said[0], ...split(card.split), ...said[1]];
    return make("section", {}, ...head, ...advice, row);
  }));
}
