import { applyNodeChanges, type Node, type NodeChange } from "@xyflow/react";
import { useCallback, useRef, useState } from "react";
import { type Held, noteId, type Place, placeOf } from "./graph";
import { boxOf, noteOf } from "./operations";
import type { Move, Store } from "./store";

/** A drag is sent this often, and a move by keys once they rest this long (ms). */
const DRAG_MS = 300;
const KEYS_MS = 250;

/** What this tab moves, by a drag or by keys: it is shown at once, and sent while it moves and where it is let go. */
export function useMoves(store: Store, setNodes: (change: (before: Node[]) => Node[]) => void) {
  const [held] = useState(() => new Map<string, Held>());
  /** Boxes and notes that keys have moved, until the keys rest. */
  const resting = useRef<{ ids: string[]; timer: number } | null>(null);

  /** Send where held boxes and notes are; the last time they are let go. */
  const send = useCallback(
    (ids: string[], ended: boolean) => {
      const now = store.snapshot().board;
      if (!now) return;
      const moves = ids.flatMap((id): Move[] => {
        const one = held.get(id);
        if (!one) return [];
        one.sent = performance.now();
        if (ended) held.delete(id);
        const place = { x: Math.round(one.at.x), y: Math.round(one.at.y) };
        const note = noteId(id);
        const text = note === null ? undefined : noteOf(now, note)?.text;
        if (note === null) return boxOf(now, id) ? [{ op: { op: "move", box: id, ...place }, from: one.from }] : [];
        return text === undefined ? [] : [{ op: { op: "note", note, text, ...place }, from: one.from }];
      });
      store.drag(moves, ended);
    },
    [store, held],
  );

  const hold = useCallback(
    (id: string, at: Place): Held | null => {
      const now = store.snapshot().board;
      const from = now && placeOf(now, id);
      if (!from) return null;
      const one = held.get(id) ?? { from: { x: from.x, y: from.y }, at, sent: performance.now() };
      one.at = at;
      held.set(id, one);
      return one;
    },
    [store, held],
  );

  const onNodesChange = useCallback(
    (changes: NodeChange[]) => {
      const drags = changes.flatMap(change =>
        change.type === "position" && change.position && change.dragging ? (hold(change.id, change.position) ?? []) : [],
      );
      // Many boxes are sent once, where they are let go.
      const [one] = drags;
      if (drags.length === 1 && performance.now() - one.sent >= DRAG_MS)
        send(changes.flatMap(change => (change.type === "position" ? [change.id] : [])), false);
      setNodes(before => applyNodeChanges(changes.filter(change => change.type !== "select" && change.type !== "remove"), before));
    },
    [hold, send, setNodes],
  );

  /** Send what keys have moved. */
  const rest = useCallback(() => {
    if (!resting.current) return;
    clearTimeout(resting.current.timer);
    send(resting.current.ids, true);
    resting.current = null;
  }, [send]);

  const nudge = (ids: string[], by: Place) => {
    if (resting.current?.ids.join() !== ids.join()) rest();
    const now = store.snapshot().board;
    const places = new Map<string, Place>();
    for (const id of ids) {
      const from = held.get(id)?.at ?? (now && placeOf(now, id));
      const one = from && hold(id, { x: from.x + by.x, y: from.y + by.y });
      if (one) places.set(id, one.at);
    }
    if (resting.current) clearTimeout(resting.current.timer);
    resting.current = { ids, timer: window.setTimeout(rest, KEYS_MS) };
    setNodes(before => before.map(node => ({ ...node, position: places.get(node.id) ?? node.position })));
  };

  return { held, send, rest, nudge, onNodesChange };
}
