import { useRef, useState } from "react";
import type { PaletteEntry } from "./contract";
import { Entries } from "./picker";
import { words } from "./words";

/** Movement from which a press is a drag (px). */
const DRAG_PX = 6;

interface Props {
  entries: PaletteEntry[];
  add: (entry: PaletteEntry, at: { x: number; y: number } | null) => void;
}

/** The entries that can be added: by a drag onto the canvas, by a click, or by Enter. */
export function Palette({ entries, add }: Props) {
  const [ghost, setGhost] = useState<{ entry: PaletteEntry; x: number; y: number } | null>(null);
  const press = useRef<{ x: number; y: number; dragged: boolean } | null>(null);

  const handlers = (entry: PaletteEntry): React.ButtonHTMLAttributes<HTMLButtonElement> => ({
    onPointerDown: event => {
      press.current = { x: event.clientX, y: event.clientY, dragged: false };
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: event => {
      const from = press.current;
      if (!from || event.buttons === 0) return;
      from.dragged ||= Math.hypot(event.clientX - from.x, event.clientY - from.y) > DRAG_PX;
      if (from.dragged) setGhost({ entry, x: event.clientX, y: event.clientY });
    },
    onPointerUp: event => {
      if (press.current?.dragged) add(entry, { x: event.clientX, y: event.clientY });
      setGhost(null);
    },
    onPointerCancel: () => {
      press.current = null;
      setGhost(null);
    },
    onClick: () => {
      if (!press.current?.dragged) add(entry, null);
      press.current = null;
    },
  });

  return (
    <div className="palette" id="palette" role="group" aria-label={words.palette}>
      <Entries entries={entries} choose={entry => add(entry, null)} button={handlers} />
      {ghost && (
        <div className="ghost" style={{ left: ghost.x, top: ghost.y }} aria-hidden="true">
          {ghost.entry.label}
        </div>
      )}
    </div>
  );
}
