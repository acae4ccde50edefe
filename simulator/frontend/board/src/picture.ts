// The drawing as a picture: every text, line and shape as it stands on the canvas, at a zoom of one, whatever part is in view.

const SPACE = "http://www.w3.org/2000/svg";
/** Around the drawing, in units of the board. */
const MARGIN = 24;
/** Points of a PNG for a unit of the board, and the most of them on a side. */
const SHARP = 2;
const MOST_POINTS = 8000;
/** Parts of boxes that are drawn as rectangles. */
const SHAPES = ".box, .note, .fault, .bar, .bar i";

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

function element(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Return the lines of a text as the browser broke them, each with its place on the screen. */
function linesOf(text: Text): { words: string; at: DOMRect }[] {
  const lines: { words: string; at: DOMRect }[] = [];
  const range = document.createRange();
  for (let place = 0; place < text.data.length; place++) {
    range.setStart(text, place);
    range.setEnd(text, place + 1);
    const at = range.getClientRects()[0];
    if (!at || !at.width) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.at.top - at.top) < at.height / 2) {
      last.words += text.data[place];
      last.at = new DOMRect(last.at.x, last.at.y, at.right - last.at.x, last.at.height);
    } else lines.push({ words: text.data[place], at });
  }
  return lines;
}

/** Return the drawing of a canvas as SVG. */
export function pictureOf(area: HTMLElement, bounds: Bounds): SVGElement {
  const pane = area.querySelector(".react-flow__viewport") as HTMLElement;
  const matrix = new DOMMatrix(getComputedStyle(pane).transform);
  const origin = (area.querySelector(".react-flow") as HTMLElement).getBoundingClientRect();
  const place = (at: DOMRect) => ({
    x: (at.x - origin.x - matrix.e) / matrix.a,
    y: (at.y - origin.y - matrix.f) / matrix.a,
    width: at.width / matrix.a,
    height: at.height / matrix.a,
  });
  const look = getComputedStyle(area.closest(".whiteboard") as HTMLElement);
  const ground = look.getPropertyValue("--ground");
  const frame = { x: bounds.x - MARGIN, y: bounds.y - MARGIN, width: bounds.width + 2 * MARGIN, height: bounds.height + 2 * MARGIN };
  const root = element("svg", {
    width: frame.width, height: frame.height, viewBox: Object.values(frame).join(" "), "font-family": look.fontFamily,
  });
  root.append(element("rect", { ...frame, fill: ground }));
  for (const path of area.querySelectorAll<SVGPathElement>(".react-flow__edge-path")) {
    const style = getComputedStyle(path);
    const line = { stroke: look.color, "stroke-width": 1.25, "stroke-dasharray": style.strokeDasharray };
    root.append(element("path", { d: path.getAttribute("d") ?? "", fill: "none", ...line }));
    const end = path.getPointAtLength(path.getTotalLength());
    root.append(element("path", { d: `M${end.x} ${end.y}l-9 -4.5v9z`, fill: look.color }));
  }
  for (const shape of area.querySelectorAll<HTMLElement>(SHAPES)) {
    const style = getComputedStyle(shape);
    const fill = style.backgroundImage === "none" ? style.backgroundColor : look.getPropertyValue("--st-red-color") || "red";
    const dashes = style.borderTopStyle === "dashed" ? "4 3" : "none";
    const line = { stroke: style.borderTopColor, "stroke-width": parseFloat(style.borderTopWidth) || 0, "stroke-dasharray": dashes };
    root.append(element("rect", { ...place(shape.getBoundingClientRect()), rx: parseFloat(style.borderTopLeftRadius) || 0, fill, ...line }));
  }
  for (const ring of area.querySelectorAll<HTMLElement>(".react-flow__handle")) {
    const { x, y, width } = place(ring.getBoundingClientRect());
    root.append(element("circle", { cx: x + width / 2, cy: y + width / 2, r: width / 2 - 1, fill: ground, stroke: look.color, "stroke-width": 2 }));
  }
  const written = document.createTreeWalker(pane, NodeFilter.SHOW_TEXT);
  for (let text = written.nextNode() as Text | null; text; text = written.nextNode() as Text | null) {
    const holder = text.parentElement as Element;
    if (holder.closest("textarea, button, label, .row")) continue;
    const style = getComputedStyle(holder);
    for (const { words, at } of linesOf(text)) {
      const { x, y, width, height } = place(at);
      const size = parseFloat(style.fontSize);
      if (holder.closest("svg")) root.append(element("rect", { x: x - 2, y, width: width + 4, height, fill: ground }));
      root.append(
        element("text", {
          x, y: y + height / 2 + size * 0.35, "font-size": size, "font-weight": style.fontWeight, fill: look.color,
          textLength: width, lengthAdjust: "spacingAndGlyphs",
        }, words.trim()),
      );
    }
  }
  return root;
}

/** Save the drawing as a file; nothing leaves this machine. */
export async function savePicture(area: HTMLElement, bounds: Bounds, kind: "svg" | "png", name: string) {
  const picture = pictureOf(area, bounds);
  let file = new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
  if (kind === "png") file = await asPng(file, Number(picture.getAttribute("width")), Number(picture.getAttribute("height")));
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60)}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function asPng(file: Blob, width: number, height: number): Promise<Blob> {
  const address = URL.createObjectURL(file);
  const image = new Image();
  image.src = address;
  await image.decode();
  const scale = Math.min(SHARP, MOST_POINTS / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  return new Promise((done, fail) => canvas.toBlob(made => (made ? done(made) : fail(new Error("no picture was made"))), "image/png"));
}
