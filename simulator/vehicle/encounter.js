// Draws the panes of an encounter at the width that there is, and moves what moves to an instant.

const SVG = "http://www.w3.org/2000/svg";

// Heights in pixels: the road with the words over it, its axis, a lane of the timeline with its name, the axis of time.
const ROAD = 96, AXIS = 24, NAME = 18, FRAMES = 34, BAR = 20, APART = 8;
const EDGE = 8;

const html = (tag, fields, ...inside) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...inside);
  return made;
};

const svg = (tag, fields, ...inside) => {
  const made = document.createElementNS(SVG, tag);
  Object.entries(fields).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...inside);
  return made;
};

const between = (times, values, at) => {
  const next = times.findIndex((time) => time > at);
  if (next < 0) return values.at(-1);
  if (next === 0) return values[0];
  const [before, after] = [values[next - 1], values[next]];
  if (before === null || after === null) return after === null ? before : null;
  return before + (after - before) * (at - times[next - 1]) / (times[next] - times[next - 1]);
};

// The newest answer holds until the next one: a belief jumps.
const held = (times, values, at) => values[Math.max(times.findLastIndex((time) => time <= at + 1e-9), 0)];

const ticks = (low, high, most) => {
  const steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
  const step = steps.find((one) => (high - low) / one <= most) ?? 500;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, place) => +((first + place) * step).toFixed(2));
};

const mark = (x, y, result, colour, size = 4) => {
  if (result === "unanswered") {
    const d = `M${x - size} ${y - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`;
    return svg("path", { d, stroke: colour, "stroke-width": 2, fill: "none" });
  }
  const fill = result === "found" ? colour : "none";
  return svg("circle", { cx: x, cy: y, r: size - 0.5, fill, stroke: colour, "stroke-width": 1.5 });
};

const diamond = (x, y) => svg("path", {
  d: `M${x} ${y - 7}l7 7l-7 7l-7 -7z`, fill: "none", stroke: "var(--st-primary-color)", "stroke-width": 2.5, class: "believed",
});

const legend = (scene) => {
  const entry = (words, ...drawn) => html("li", {}, svg("svg", { viewBox: "0 0 24 14", "aria-hidden": "true" }, ...drawn), words);
  const used = new Set(scene.panes.flatMap((pane) => pane.spans.map(([phase]) => phase)));
  const results = new Set(scene.panes.flatMap((pane) => pane.sensors.flatMap((one) => one.frames.map((frame) => frame[2]))));
  const phases = Object.entries(scene.phases).filter(([name]) => used.has(name));
  const frames = Object.entries(scene.results).filter(([name]) => results.has(name));
  return html("ul", {},
    ...phases.map(([, [words, fill]]) => entry(words, svg("rect", { x: 1, y: 3, width: 22, height: 8, fill }))),
    entry("where the planner believes it", diamond(12, 7)),
    ...frames.map(([name, [words, colour]]) => entry(`frame: ${words}`, mark(12, 7, name, colour))));
};

// A pane at a width: what stands still is drawn, what moves is returned as a function of the instant.
const draw = (scene, pane, width) => {
  const height = ROAD + AXIS + pane.sensors.length * (NAME + FRAMES) + NAME + BAR + APART + AXIS;
  const [low, high] = scene.road, inner = width - 2 * EDGE;
  const metres = (value) => EDGE + inner * (value - low) / (high - low);
  const seconds = (value) => EDGE + inner * value / scene.ends;
  const middle = ROAD - 38, across = (value) => middle - value * 34 / scene.side;
  const { t, vehicle } = pane.steps, end = pane.spans.at(-1)[2];
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": scene.alt });
  const put = (tag, fields, ...inside) => drawn.appendChild(svg(tag, fields, ...inside));
  const word = (x, y, words, anchor = "start", more = {}) => put("text", { x, y, "text-anchor": anchor, ...more }, words);
  const faint = { stroke: "currentColor", "stroke-opacity": 0.25 }, line = { stroke: "currentColor", "stroke-opacity": 0.65 };

  const lane = 2 * (middle - across(scene.lane));
  put("rect", { x: 0, y: middle - lane / 2, width, height: lane, fill: "currentColor", "fill-opacity": 0.09 });
  pane.spans.forEach(([phase, start, stop]) => put("line", {
    x1: metres(between(t, vehicle, start)), x2: metres(between(t, vehicle, stop)), y1: middle, y2: middle,
    stroke: scene.phases[phase][1], "stroke-width": 6,
  }));
  pane.moments.slice(1, -1).forEach(([what, at], place) => {
    const x = metres(between(t, vehicle, at)), words = what.replace(/^(is|vehicle) /, "");
    const left = place === 0 && x > 65, over = place === 0 && !left ? 14 : 0; // beside the line, or over the words of the next one
    put("line", { x1: x, x2: x, y1: middle - lane / 2 - 8 - over, y2: middle + lane / 2, ...line });
    word(left ? x - 3 : x + 3, middle - lane / 2 - 12 - over, words, left ? "end" : "start");
  });
  if (pane.steps.lateral[0]) {
    const x = metres(pane.steps.object[0]);
    put("line", { x1: x, x2: x, y1: across(pane.steps.lateral[0]), y2: middle, ...line, "stroke-dasharray": "3 3" });
  }
  let y = ROAD;
  const axis = (from, to, place, unit) => {
    put("line", { x1: 0, x2: width, y1: y, y2: y, ...faint });
    ticks(from, to, width / 70).forEach((value) => {
      put("line", { x1: place(value), x2: place(value), y1: y, y2: y + 4, ...faint });
      const words = `${value} ${unit}`.replace("-", "−"), half = 3.4 * words.length;
      word(Math.min(Math.max(place(value), half), width - half), y + 16, words, "middle");
    });
    y += AXIS;
  };
  axis(Math.max(low, 0), high, metres, "m");

  const top = y;
  pane.sensors.forEach(({ name, frames }) => {
    word(0, y + 12, `${name}: captured above, answered below`);
    const captured = y + NAME + 4, known = y + NAME + FRAMES - 6, size = Math.min(4, Math.max(2, 0.4 * inner / frames.length));
    frames.forEach(([at, answered, result, words]) => {
      const colour = scene.results[result][1], group = put("g", { class: result }, svg("title", {}, words));
      const x = seconds(at);
      if (answered !== null) {
        const shown = Math.min(answered, scene.ends), part = answered > at ? (shown - at) / (answered - at) : 1;
        group.append(svg("line", { x1: x, x2: seconds(shown), y1: captured, y2: captured + part * (known - captured), stroke: colour,
                                   "stroke-width": 1.5 }));
        if (answered <= scene.ends) group.append(svg("circle", { cx: seconds(answered), cy: known, r: 2, fill: colour }));
      }
      group.append(mark(x, captured, result, colour, size));
    });
    y += NAME + FRAMES;
  });
  word(0, y + 12, "Vehicle");
  y += NAME;
  pane.spans.forEach(([phase, start, stop]) => {
    const [words, fill, ink] = scene.phases[phase], x = seconds(start), long = seconds(stop) - x;
    put("rect", { x, y, width: long, height: BAR, fill }, svg("title", {}, `${words} from ${start.toFixed(2)} s to ${stop.toFixed(2)} s`));
    if (long > 7 * words.length + 8) word(x + long / 2, y + 14, words, "middle", { style: `fill: ${ink}` });
  });
  const last = scene.phases[pane.spans.at(-1)[0]];
  put("rect", { x: Math.min(seconds(end), width - 6) - 6, y: y - 2, width: 12, height: BAR + 4, fill: last[1], stroke: "var(--st-background-color)" });
  y += BAR;
  const bottom = y + 2;
  y += APART;
  axis(0, scene.ends, seconds, "s");

  const car = (fields) => {
    const wide = 2 * (middle - across(scene.car[1] / 2));
    return svg("rect", { height: wide, width: metres(scene.car[0]) - metres(0), rx: 3, stroke: "currentColor", ...fields });
  };
  const isCar = scene.object === "car", side = middle - across(scene.car[1] / 2);
  const thing = drawn.appendChild(isCar ? car({ fill: "currentColor", "fill-opacity": 0.3, class: "object" })
    : svg("ellipse", { rx: scene.object === "cyclist" ? 9 : 6, ry: 6, fill: "currentColor", class: "object" }));
  const named = word(0, 0, scene.object, "middle");
  const body = drawn.appendChild(car({ class: "vehicle" }));
  const belief = drawn.appendChild(svg("g", {}, diamond(0, 0)));
  const cursor = put("line", { y1: top, y2: bottom, stroke: "currentColor", "stroke-width": 3, "stroke-opacity": 0.6, class: "cursor" });
  return {
    drawn,
    move: (instant) => {
      const at = Math.min(instant, end), phase = pane.spans.findLast(([, start]) => start <= at + 1e-9)[0];
      const place = between(t, pane.steps.object, at), aside = across(between(t, pane.steps.lateral, at));
      body.setAttribute("x", metres(between(t, vehicle, at) - scene.car[0]));
      body.setAttribute("y", middle - side);
      body.setAttribute("fill", scene.phases[phase][1]);
      const [x, y] = isCar ? [metres(place), aside - side] : [metres(place), aside];
      thing.setAttribute(isCar ? "x" : "cx", x);
      thing.setAttribute(isCar ? "y" : "cy", y);
      named.setAttribute("x", isCar ? metres(place + scene.car[0] / 2) : x);
      named.setAttribute("y", aside < middle - 12 ? aside - 10 : aside + (isCar ? side + 13 : 20));
      const hidden = at < scene.hidden;
      thing.setAttribute("opacity", hidden ? 0.45 : 1);
      named.textContent = hidden ? `${scene.object}, hidden` : scene.object;
      const believed = held(t, pane.steps.believed, at);
      belief.setAttribute("visibility", believed === null ? "hidden" : "visible");
      belief.setAttribute("transform", `translate(${metres(believed ?? 0)} ${middle})`);
      cursor.setAttribute("x1", seconds(instant));
      cursor.setAttribute("x2", seconds(instant));
      const gap = between(t, pane.steps.gap, at), left = gap > 0 && gap < 0.05 ? "less than 0.1 m" : `${gap.toFixed(1)} m`;
      return `${at.toFixed(2)} s: ${left} to the ${scene.object}, ${between(t, pane.steps.kmh, at).toFixed(0)} km/h, ${scene.phases[phase][0]}`;
    },
  };
};

export default function ({ data, parentElement }) {
  const drawn = JSON.stringify(data);
  if (parentElement.drawnData === drawn) return;
  parentElement.drawnData = drawn;
  parentElement.endEncounter?.();

  const { scene, controls } = data, root = parentElement.querySelector("#encounter"), parts = Math.ceil(scene.ends / 0.05);
  let at = scene.ends, playing = 0, width = 0, views = [];
  const slider = html("input", { type: "range", min: 0, max: parts, step: 1, value: parts });
  slider.setAttribute("aria-label", "Seconds since it came into view");
  const clock = html("span", { className: "now" });
  const play = html("button", { type: "button", className: "play" }), next = html("button", { type: "button", textContent: "Next moment" });
  const spoken = html("div", { className: "spoken" });
  spoken.setAttribute("role", "status");
  const panes = scene.panes.map((pane) => ({ pane, place: html("div", { className: "pane" }), now: html("p", { className: "now" }) }));

  const show = () => {
    const words = views.map(({ move, now }) => now.textContent = move(at));
    clock.textContent = `${at.toFixed(2)} s`;
    slider.value = Math.round(parts * at / scene.ends);
    slider.setAttribute("aria-valuetext", words.map((one, place) => `${scene.panes[place].name}, ${one}`).join(". "));
    play.textContent = playing ? "Pause" : "Play at half speed";
  };
  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
  };
  const to = (instant, spoke) => {
    stop();
    at = Math.min(Math.max(instant, 0), scene.ends);
    show();
    if (spoke) spoken.textContent = slider.getAttribute("aria-valuetext");
  };
  const run = (before) => (now) => {
    const passed = Math.max(now - before, 0); // a frame may have begun before the button was pressed
    at = Math.min(at + passed / 1000 / scene.slowed, scene.ends);
    playing = at < scene.ends ? requestAnimationFrame(run(now)) : 0;
    show();
  };
  play.onclick = () => {
    if (playing) return to(at, true);
    if (at >= scene.ends) at = 0;
    playing = requestAnimationFrame(run(performance.now()));
    show();
  };
  const instants = [...new Set(scene.panes.flatMap((pane) => pane.moments.map(([, time]) => time)))].sort((one, other) => one - other);
  next.onclick = () => to(instants.find((one) => one > at + 1e-6) ?? 0, true);
  slider.oninput = () => to(scene.ends * slider.value / parts, false);

  const layOut = () => {
    if (!root.clientWidth || root.clientWidth === width) return;
    width = root.clientWidth;
    views = panes.map(({ pane, place, now }) => {
      const view = draw(scene, pane, width);
      place.replaceChildren(
        html("p", {}, html("strong", { textContent: `${pane.name}: ${pane.outcome}` }), html("br", {}), pane.way), view.drawn, now);
      return { ...view, now };
    });
    show();
  };
  const row = html("div", { className: "controls" }, play, next, html("label", {}, slider, clock));
  root.replaceChildren(...(controls ? [row] : []), legend(scene), ...panes.map(({ place }) => place), spoken);
  const sized = new ResizeObserver(() => requestAnimationFrame(layOut));
  sized.observe(root);
  layOut();
  parentElement.endEncounter = () => {
    stop();
    sized.disconnect();
  };
  return parentElement.endEncounter;
}
