import {
  applyNodeChanges, type Edge, MarkerType, type Node, type NodeChange, ReactFlow, ReactFlowProvider, useNodesInitialized,
  useReactFlow,
} from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { BoxNode, boxLabel, NoteNode } from "./box";
import type { Board as Content, Box, PaletteEntry } from "./contract";
import { type Shared, SharedContext } from "./context";
import { boxOf, noteOf, portOf } from "./operations";
import { Palette } from "./palette";
import { Status } from "./status";
import { random, type Store } from "./store";
import { words } from "./words";

const TYPES = { box: BoxNode, note: NoteNode };
/** A drag is sent this often, and a move by keys once they rest this long (ms). */
const DRAG_MS = 300;
const KEYS_MS = 250;
/** A step of an arrow key, and with Shift (units of the board). */
const STEP = 10;
const LEAP = 50;
/** On a canvas that is narrower (px), a drawing begins at its left end, at a size that can be read. */
const LEGIBLE = 0.75;
const BOX = { width: 220, height: 130 };
/** Between a box that is added and those that are there already. */
const GAP = 24;
/** Places around a middle, the nearest first: what is added by a click covers nothing. */
const RINGS = 8;
const spots = ({ x, y }: Place): Place[] => {
  const steps = Array.from({ length: 2 * RINGS + 1 }, (_, at) => at - RINGS);
  const around = steps.flatMap(right => steps.map(down => ({ x: x + right * (BOX.width + GAP), y: y + down * (BOX.height / 2) })));
  const away = (spot: Place) => Math.hypot(spot.x - x, spot.y - y);
  return around.sort((one, other) => away(one) - away(other) || other.x - one.x);
};
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};
const typing = (target: EventTarget) => (target as Element).matches?.("input, textarea, select");
/** Whether a click on a part of a box is meant for that part alone. */
const busy = (target: EventTarget) => (target as Element).closest("input, textarea, select, button, .react-flow__handle") !== null;
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const duration = () => (calm() ? 0 : 200);

interface Place {
  x: number;
  y: number;
}

/** A box or note that this tab moves: where it was, where it is, and when that was sent. */
interface Held {
  from: Place;
  at: Place;
  sent: number;
  keys: number;
}

const noteId = (id: string) => (id.startsWith("note:") ? id.slice(5) : null);

function placeOf(board: Content, id: string): Place | undefined {
  const note = noteId(id);
  return note === null ? boxOf(board, id) : noteOf(board, note);
}

/** Return the nodes of a board. Nodes that stay keep their measure, and a node that is held keeps its place. */
function nodesOf(board: Content, before: Node[], held: Map<string, Held>, marked: string | null, open: string | null): Node[] {
  const known = new Map(before.map(node => [node.id, node]));
  const made = (id: string, type: string, place: Place, more: Pick<Node, "data" | "ariaLabel">): Node => ({
    ...known.get(id),
    ...more,
    id,
    type,
    position: held.get(id)?.at ?? { x: place.x, y: place.y },
    selected: id === marked,
    zIndex: id === open ? 1000 : 0,
    ariaRole: "group",
    domAttributes: { "aria-describedby": `keys-${type}` },
  });
  return [
    ...board.boxes.map(box => made(box.id, "box", box, { data: {}, ariaLabel: boxLabel(box) })),
    ...board.notes.map(note =>
      made(`note:${note.id}`, "note", note, { data: { note }, ariaLabel: words.noteLabel(note.text) }),
    ),
  ];
}

function edgeThere(board: Content, id: string): boolean {
  const [box, port] = id.split("/");
  return !!portOf(board, box, port)?.to;
}

function edgesOf(board: Content, marked: string | null): Edge[] {
  const there = new Set(board.boxes.map(box => box.id));
  return board.boxes.flatMap(box =>
    box.ports
      .filter(port => port.to !== null && there.has(port.to))
      .map(port => {
        const id = `${box.id}/${port.name}`;
        return {
          id,
          source: box.id,
          sourceHandle: port.name,
          target: port.to as string,
          label: board.edge_words[id],
          selected: id === marked,
          className: port.fallback ? "fallback" : "",
          markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 },
        };
      }),
  );
}

function Canvas({ store, name }: { store: Store; name: string }) {
  const view = useSyncExternalStore(store.subscribe, store.snapshot);
  const board = view.board;
  const flow = useReactFlow();
  const area = useRef<HTMLDivElement>(null);
  const [nodes, setNodes] = useState<Node[]>([]);
  const [marked, setMarked] = useState<string | null>(null);
  const [opened, setOpened] = useState<{ id: string | null; focus: Shared["focus"] }>({ id: null, focus: null });
  const held = useRef(new Map<string, Held>());
  const editable = board?.editable ?? false;

  useEffect(() => {
    if (board) setNodes(before => nodesOf(board, before, held.current, marked, opened.id));
  }, [board, marked, opened.id]);
  // What is marked may have been removed by another person.
  const there = !!board && marked !== null && (marked.includes("/") ? edgeThere(board, marked) : placeOf(board, marked) !== undefined);
  const edges = useMemo(() => (board ? edgesOf(board, marked) : []), [board, marked]);

  // The first drawing is fitted into the view, once its boxes are measured.
  const measured = useNodesInitialized();
  const fitted = useRef(false);
  useEffect(() => {
    if (fitted.current || !board) return;
    const blank = board.boxes.length + board.notes.length === 0;
    if (!blank && !measured) return;
    fitted.current = true;
    if (blank) return;
    const room = area.current?.getBoundingClientRect();
    const bounds = flow.getNodesBounds(flow.getNodes());
    if (room && bounds.width > room.width / LEGIBLE) {
      // The boxes at its left end stand in the middle, wherever the rest of the drawing reaches.
      const ends = bounds.x + room.width / LEGIBLE - BOX.width;
      const first = flow.getNodesBounds(flow.getNodes().filter(node => node.position.x <= ends));
      const y = Math.max(8, (room.height - first.height * LEGIBLE) / 2) - first.y * LEGIBLE;
      void flow.setViewport({ x: 12 - bounds.x * LEGIBLE, y, zoom: LEGIBLE });
    } else void flow.fitView({ padding: 0.08, maxZoom: 1 });
  }, [measured, flow, board]);

  const focusOn = useCallback(
    (id: string | null) => {
      const nodes = [...(area.current?.querySelectorAll<HTMLElement>(".react-flow__node") ?? [])];
      (nodes.find(node => node.dataset.id === id) ?? area.current)?.focus({ preventScroll: true });
    },
    [],
  );

  /** Open a box or a note; close with null, which puts the focus back. */
  const show = useCallback<Shared["show"]>(
    (id, focus = null) => {
      setOpened(before => {
        if (id === null && before.id !== null) queueMicrotask(() => focusOn(before.id));
        return { id, focus };
      });
      if (id !== null) setMarked(id);
    },
    [focusOn],
  );

  // An open box is brought into view at a size that can be read.
  useEffect(() => {
    if (opened.id === null) return undefined;
    const timer = setTimeout(() => bringIntoView(flow, area.current, opened.id as string), 60);
    return () => clearTimeout(timer);
  }, [opened.id, flow]);

  const remove = useCallback(
    (id: string) => {
      const now = store.snapshot().board;
      if (!now?.editable) return;
      const [box, port] = id.split("/");
      const note = noteId(id);
      if (note !== null) store.perform({ op: { op: "erase", note } });
      else if (port !== undefined) store.perform({ op: { op: "disconnect", box, port } });
      else {
        store.announce(words.removed(boxOf(now, id)?.label ?? id));
        store.perform({ op: { op: "remove", box: id } });
      }
      held.current.delete(id);
      setMarked(null);
      setOpened({ id: null, focus: null });
      focusOn(null);
    },
    [store, focusOn],
  );

  /** Send where a held box or note is; the last time it is let go. */
  const send = useCallback(
    (id: string, ended: boolean) => {
      const one = held.current.get(id);
      const now = store.snapshot().board;
      if (!one || !now) return;
      one.sent = performance.now();
      const place = { x: Math.round(one.at.x), y: Math.round(one.at.y) };
      const note = noteId(id);
      if (ended) held.current.delete(id);
      const text = note === null ? "" : noteOf(now, note)?.text;
      if (note === null ? !boxOf(now, id) : text === undefined) return;
      const op = note === null ? { op: "move" as const, box: id, ...place } : { op: "note" as const, note, text: text as string, ...place };
      store.drag(op, one.from, ended);
    },
    [store],
  );

  const hold = useCallback(
    (id: string, at: Place): Held | null => {
      const now = store.snapshot().board;
      const from = now && placeOf(now, id);
      if (!from) return null;
      const one = held.current.get(id) ?? { from: { x: from.x, y: from.y }, at, sent: performance.now(), keys: 0 };
      one.at = at;
      held.current.set(id, one);
      return one;
    },
    [store],
  );

  const onNodesChange = useCallback(
    (changes: NodeChange[]) => {
      for (const change of changes) {
        if (change.type !== "position" || !change.position) continue;
        if (change.dragging) {
          const one = hold(change.id, change.position);
          if (one && performance.now() - one.sent >= DRAG_MS) send(change.id, false);
        }
      }
      setNodes(before => applyNodeChanges(changes.filter(change => change.type !== "select" && change.type !== "remove"), before));
    },
    [hold, send],
  );

  const nudge = (id: string, by: Place) => {
    const now = store.snapshot().board;
    const from = held.current.get(id)?.at ?? (now && placeOf(now, id));
    const one = from && hold(id, { x: from.x + by.x, y: from.y + by.y });
    if (!one) return;
    clearTimeout(one.keys);
    one.keys = window.setTimeout(() => send(id, true), KEYS_MS);
    const at = one.at;
    setNodes(before => before.map(node => (node.id === id ? { ...node, position: at } : node)));
  };

  /** Moves by keys that still rest count as done before anything is taken back. */
  const back = (act: () => void) => () => {
    for (const [id, one] of [...held.current])
      if (one.keys) {
        clearTimeout(one.keys);
        send(id, true);
      }
    act();
  };
  const undo = back(store.undo);
  const redo = back(store.redo);

  const connect = (box: string, port: string, target: string) => store.perform({ op: { op: "connect", box, port, target } });

  const onConnectEnd = (event: MouseEvent | TouchEvent, state: { isValid: boolean | null; fromNode: { id: string } | null; fromHandle: { id?: string | null; type: string } | null }) => {
    if (state.isValid || state.fromHandle?.type !== "source" || !state.fromNode || !state.fromHandle.id) return;
    const { clientX, clientY } = "changedTouches" in event ? event.changedTouches[0] : event;
    const root = area.current?.getRootNode() as ShadowRoot | Document;
    const target = root.elementFromPoint(clientX, clientY)?.closest<HTMLElement>(".react-flow__node")?.dataset.id;
    if (target && noteId(target) === null) connect(state.fromNode.id, state.fromHandle.id, target);
  };

  /** Return a free place near a point of the screen, or near the centre of the view. */
  const free = (at: Place | null): Place => {
    const rect = area.current?.getBoundingClientRect();
    if (!rect) return { x: 0, y: 0 };
    const middle = at ?? { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
    const point = flow.screenToFlowPosition(middle);
    const place = { x: Math.round(point.x - BOX.width / 2), y: Math.round(point.y - BOX.height / 2) };
    const size = (node: Node, side: "width" | "height") => node.measured?.[side] ?? BOX[side];
    const taken = (spot: Place) => flow.getNodes().some(({ position: { x, y }, ...node }) =>
      x < spot.x + BOX.width + GAP && spot.x < x + size(node as Node, "width") + GAP &&
      y < spot.y + BOX.height + GAP && spot.y < y + size(node as Node, "height") + GAP);
    return at ? place : spots(place).find(spot => !taken(spot)) ?? place;
  };

  const add = (entry: PaletteEntry, at: Place | null) => {
    const rect = area.current?.getBoundingClientRect();
    if (at && rect && (at.x < rect.left || at.x > rect.right || at.y < rect.top || at.y > rect.bottom)) return;
    const stem = (entry.name.split(":").pop() ?? "").toLowerCase().replace(/[^a-z0-9_]/g, "_").replace(/^[^a-z]+/, "") || "box";
    const id = `${stem.slice(0, 50)}_${random(4)}`;
    const place = free(at);
    store.announce(words.added(entry.label));
    store.perform({ op: { op: "add", box: id, preset: entry.name, ...place }, ghost: ghost(id, entry, place) });
    setMarked(id);
  };

  const addNote = () => {
    const id = `n${random(8)}`;
    store.perform({ op: { op: "note", note: id, text: words.newNote, ...free(null) } });
    setTimeout(() => show(`note:${id}`, "first"), 0);
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const done = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.key === "Escape" && opened.id !== null) {
      done();
      return show(null);
    }
    if (typing(target)) return undefined;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      done();
      return event.shiftKey ? redo() : undo();
    }
    if ((event.key === "Delete" || event.key === "Backspace") && there && !target.closest("button")) {
      done();
      return remove(marked);
    }
    if (!target.matches(".react-flow__node")) return undefined;
    const id = target.dataset.id as string;
    const arrow = ARROWS[event.key];
    if (arrow && editable) {
      done();
      const step = event.shiftKey ? LEAP : STEP;
      return nudge(id, { x: step * arrow[0], y: step * arrow[1] });
    }
    if (event.key === "Enter" || event.key === "F2") {
      done();
      show(id, event.key === "F2" ? "name" : "first");
    }
    return undefined;
  };

  const onFocus = (event: React.FocusEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node");
    if (node) setMarked(node.dataset.id as string);
  };

  const shared = useMemo<Shared>(
    () => ({
      store, editable, you: board?.you ?? "", boxes: board?.boxes ?? [], open: opened.id, focus: opened.focus,
      refusals: view.refusals, show, remove,
    }),
    [store, editable, board, opened, view.refusals, show, remove],
  );
  const zoom = (act: (options: { duration: number }) => unknown) => () => void act({ duration: duration() });

  return (
    <SharedContext.Provider value={shared}>
      <div className="whiteboard" role="region" aria-label={name} onKeyDown={onKeyDown}>
        <div className="tools" role="toolbar" aria-label={words.toolbar}>
          {editable && (
            <>
              <button type="button" onClick={undo} disabled={!view.canUndo} title="Ctrl+Z">
                ↶ {words.undo}
              </button>
              <button type="button" onClick={redo} disabled={!view.canRedo} title="Ctrl+Shift+Z">
                ↷ {words.redo}
              </button>
              <button type="button" onClick={addNote}>
                {words.note}
              </button>
              <button type="button" disabled={!there} onClick={() => there && remove(marked)}>
                {words.remove}
              </button>
            </>
          )}
          <span className="zoom">
            <button type="button" aria-label={words.zoomOut} onClick={zoom(flow.zoomOut)}>
              −
            </button>
            <button type="button" aria-label={words.zoomIn} onClick={zoom(flow.zoomIn)}>
              +
            </button>
            <button type="button" aria-label={words.fitAll} onClick={zoom(options => flow.fitView({ ...options, padding: 0.08, maxZoom: 1 }))}>
              {words.fit}
            </button>
          </span>
        </div>
        <div className="middle">
          {editable && board && <Palette entries={board.palette} add={add} />}
          <div className="canvas" ref={area} tabIndex={-1} onFocus={onFocus} role="group" aria-label={words.canvas}>
            {!board && <p className="loading">{words.loading}</p>}
            <p className="keys" id="keys-box">
              {editable ? words.boxHint : words.readHint}
            </p>
            <p className="keys" id="keys-note">
              {editable ? words.noteHint : ""}
            </p>
            {board && (
              <ReactFlow
                nodes={nodes}
                edges={edges}
                nodeTypes={TYPES}
                onNodesChange={onNodesChange}
                onNodeDragStop={(_event, node) => held.current.has(node.id) && send(node.id, true)}
                onNodeClick={(event, node) => !busy(event.target) && opened.id !== node.id && show(node.id)}
                onEdgeClick={(_event, edge) => {
                  setMarked(edge.id);
                  focusOn(null);
                }}
                onPaneClick={() => {
                  setMarked(null);
                  show(null);
                }}
                onConnect={made => made.sourceHandle && connect(made.source, made.sourceHandle, made.target)}
                onConnectEnd={onConnectEnd}
                nodesDraggable={editable}
                nodesConnectable={editable}
                elementsSelectable={false}
                edgesFocusable={false}
                disableKeyboardA11y
                deleteKeyCode={null}
                selectionKeyCode={null}
                multiSelectionKeyCode={null}
                panActivationKeyCode={null}
                zoomOnScroll={false}
                zoomOnDoubleClick={false}
                preventScrolling={false}
                autoPanOnNodeFocus={false}
                nodeDragThreshold={3}
                connectionRadius={30}
                minZoom={0.2}
                maxZoom={2}
                defaultMarkerColor="var(--ink)"
                proOptions={{ hideAttribution: true }}
              />
            )}
          </div>
        </div>
        {board?.message && (
          <div className="fault message" role="alert">
            ⚠ {board.message}
          </div>
        )}
        {board && (board.verdict || board.running) && (
          <div className="verdict">
            {board.verdict} {board.running && words.running}
          </div>
        )}
        <Status view={view} />
      </div>
    </SharedContext.Provider>
  );
}

/** A box as it stands until the server has added it. */
const ghost = (id: string, entry: PaletteEntry, place: Place): Box => ({
  id, kind: "", kind_words: entry.group, label: entry.label, ...place, end: false, start: false, words: [], load: null, flow: "",
  faults: [], fields: [], ports: [],
});

/** Move and enlarge the view so that a box can be read, and as much of it as fits is seen. */
function bringIntoView(flow: ReturnType<typeof useReactFlow>, area: HTMLElement | null, id: string) {
  const node = flow.getInternalNode(id);
  if (!area || !node) return;
  const { width, height } = area.getBoundingClientRect();
  const { x, y, zoom } = flow.getViewport();
  const scale = Math.max(zoom, 0.85);
  const at = node.internals.positionAbsolute;
  const size = { width: (node.measured.width ?? BOX.width) * scale, height: (node.measured.height ?? BOX.height) * scale };
  const shift = (place: number, offset: number, size: number, room: number) => {
    const now = place * scale + offset;
    const most = room - size - 8;
    return offset + (now > most ? Math.max(most, 8) - now : now < 8 ? 8 - now : 0);
  };
  // The corner of the box stays where it is on the screen while the scale grows.
  const kept = { x: x + at.x * (zoom - scale), y: y + at.y * (zoom - scale) };
  const to = { x: shift(at.x, kept.x, size.width, width), y: shift(at.y, kept.y, size.height, height), zoom: scale };
  if (to.x !== x || to.y !== y || to.zoom !== zoom) void flow.setViewport(to, { duration: duration() });
}

/** The whole component: tools, palette, canvas and status. */
export function Board(props: { store: Store; name: string }) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
