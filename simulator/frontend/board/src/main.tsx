import { createRoot, type Root } from "react-dom/client";
import flowStyle from "@xyflow/react/dist/base.css";
import { Board } from "./board";
import type { Board as Content, Reply } from "./contract";
import { type Line, Store } from "./store";
import style from "./style.css";

interface Place extends HTMLElement {
  newsLine: Line;
  whiteboard?: { root: Root; store: Store; element: HTMLElement };
}

interface Mounting {
  parentElement: Place;
  renew: () => void;
  data: { token: string; height: number; name: string };
  follow: (
    parentElement: Place,
    token: string,
    seen: string,
    heard: (revision: string, content: Content) => void,
    more: { longestMs: number; opened(): void; closed(waitMs: number): void; replied(reply: Reply): void },
  ) => () => void;
}

/** Draw the board, or draw it again with other data; return the function that takes it away. */
export function mount({ parentElement, data, follow, renew }: Mounting): () => void {
  const { root, store, element } = (parentElement.whiteboard ??= begin(parentElement));
  element.style.setProperty("--board-height", `${data.height}px`);
  store.renew = renew;
  root.render(<Board store={store} name={data.name} />);
  const stop = follow(parentElement, data.token, "", store.heard, store);
  store.line = parentElement.newsLine;
  return () => {
    stop();
    store.end();
    root.unmount();
    element.remove();
    delete parentElement.whiteboard;
  };
}

function begin(parentElement: Place) {
  const element = document.createElement("div");
  const sheet = document.createElement("style");
  sheet.textContent = `${flowStyle}\n${style}`;
  const inside = document.createElement("div");
  element.append(sheet, inside);
  // Keys that are typed into the board are no shortcuts of the page around it.
  element.addEventListener("keydown", event => {
    if ((event.target as Element | null)?.matches?.("input, textarea, select")) event.stopPropagation();
  });
  parentElement.append(element);
  return { root: createRoot(inside), store: new Store(), element };
}
