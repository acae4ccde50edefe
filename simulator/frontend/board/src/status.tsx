import { useEffect, useState } from "react";
import type { View } from "./store";
import { words } from "./words";

const time = (date: Date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** The state of the connection and of one's own changes. Changes of state are announced, seconds are not. */
export function Status({ view }: { view: View }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (view.open) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [view.open]);
  const state = view.open ? words.connected : view.ever ? words.lost : words.connecting;
  const seconds = Math.max(0, Math.ceil((view.againAt - now) / 1000));
  return (
    <div className="status">
      <div role="status" aria-live="polite">
        <span className={view.open ? "state" : "state lost"}>
          {view.open ? "● " : "○ "}
          {state}
          {view.open ? "." : ""}
        </span>{" "}
        {view.board && !view.board.editable && <span>{words.readOnly} </span>}
        <span className="announcement">{view.announcement}</span>
      </div>
      <div className="times">
        {!view.open && view.ever && <span>{words.nextTry(seconds)} </span>}
        {view.pending > 0 && <span>{words.pending(view.pending)} </span>}
        {view.synchronised && <span>{words.synchronised(time(view.synchronised))}</span>}
      </div>
    </div>
  );
}
