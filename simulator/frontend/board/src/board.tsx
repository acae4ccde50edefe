import { type Node, ReactFlow, ReactFlowProvider, useNodesInitialized, useReactFlow, useStore } from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { BoxNode, NoteNode } from "./box";
import type { Box, Operation, PaletteEntry } from "./contract";
import { type Shared, SharedContext } from "./context";
import { BOX, edgesOf, FAR, freePlace, GAP, isThere, isWay, nodesOf, noteId, type Place, placeOf, wholeView } from "./graph";
import { useMoves } from "./moves";
import { boxOf, type Step } from "./operations";
import { Palette } from "./palette";
import { Panel } from "./panel";
import { NewBox } from "./picker";
import { savePicture } from "./picture";
import { Status } from "./status";
import { random, type Store } from "./store";
import { Tools } from "./tools";
import { words } from "./words";

const TYPES = { box: BoxNode, note: NoteNode };
/** A node is drawn and measured after this time (ms). */
const AFTER_MS = 60;
/** A step of an arrow key, and with Shift (units of the board). */
const STEP = 10;
const LEAP = 50;
/** Where the ring of a way in stands at a box (units of the board). */
const RING = 22;
/** On a page that is narrower (px), the palette is folded until it is asked for. */
const NARROW = 700;
/** The height of the line that names the keys of a box (px). */
const KEYS_PX = 40;
/** The list of new boxes, with its margin (px). */
const OFFER = { width: 268, height: 300 };
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};
const typing = (target: EventTarget) => (target as Element).matches?.("input, textarea, select");
/** Whether a click on a part of a box is meant for that part alone. */
const busy = (target: EventTarget) => (target as Element).closest("input, textarea, select, button, .react-flow__handle") !== null;
const several = (event: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => event.ctrlKey || event.metaKey || event.shiftKey;
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const duration = () => (calm() ? 0 : 200);

/** A way that is to lead to a new box: the corner of the list in the canvas, and the place of the box. */
interface Offer {
  box: string;
  port: string;
  at: { left: number; top: number };
  place: Place;
}

/** Has the canvas know its zoom, which the names of boxes from afar are sized by. */
function Zoomed({ area }: { area: React.RefObject<HTMLDivElement | null> }) {
  const zoom = useStore(state => state.transform[2]);
  useLayoutEffect(() => {
    area.current?.style.setProperty("--zoom", String(zoom));
    area.current?.classList.toggle("far", zoom < FAR);
  }, [area, zoom]);
  return null;
}

function Canvas({ store, name }: { store: Store; name: string }) {
  const view = useSyncExternalStore(store.subscribe, store.snapshot);
  const board = view.board;
  const flow = useReactFlow();
  const area = useRef<HTMLDivElement>(null);
  const [nodes, setNodes] = useState<Node[]>([]);
  const [marked, setMarked] = useState<string[]>([]);
  const [offered, setOffered] = useState<Offer | null>(null);
  const [unfolded, setUnfolded] = useState(() => window.innerWidth >= NARROW);
  const [opened, setOpened] = useState<{ id: string | null; focus: Shared["focus"] }>({ id: null, focus: null });
  const { held, send, rest, nudge, onNodesChange } = useMoves(store, setNodes);
  /** Whether a press with Ctrl or Shift is under way, which adds to what is marked. */
  const adding = useRef(false);
  /** Whether a person has moved the view: until then it shows the whole drawing. */
  const moved = useRef(false);
  const editable = board?.editable ?? false;

  useEffect(() => {
    if (board) setNodes(before => nodesOf(board, before, held, marked, opened.id));
  }, [board, held, marked, opened.id]);
  // What is marked may have been removed by another person.
  const there = useMemo(() => (board ? marked.filter(id => isThere(board, id)) : []), [board, marked]);
  const edges = useMemo(() => (board ? edgesOf(board, marked) : []), [board, marked]);

  const fit = useCallback(
    (options: { duration?: number } = {}) => {
      const room = area.current?.getBoundingClientRect();
      const drawn = flow.getNodes();
      if (!room || !drawn.length) return;
      const start = store.snapshot().board?.boxes.find(box => box.start) ?? drawn[0].position;
      void flow.setViewport(wholeView(flow.getNodesBounds(drawn), room, { x: start.x, y: start.y + BOX.height / 2 }), options);
    },
    [flow, store],
  );

  // The first drawing is fitted into the view once its boxes are measured, and again while the page around it settles.
  const measured = useNodesInitialized();
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current || !board) return;
    const blank = board.boxes.length + board.notes.length === 0;
    if (!blank && !measured) return;
    begun.current = true;
    if (blank) moved.current = true;
    fit();
  }, [measured, board, fit]);
  useEffect(() => {
    const watch = new ResizeObserver(() => begun.current && !moved.current && fit());
    if (area.current) watch.observe(area.current);
    return () => watch.disconnect();
  }, [fit]);

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
      if (id !== null) {
        moved.current = true;
        setMarked([id]);
      }
    },
    [focusOn],
  );

  // An open box is brought into view.
  useEffect(() => {
    if (opened.id === null) return undefined;
    const timer = setTimeout(() => bringIntoView(flow, area.current, opened.id as string), AFTER_MS);
    return () => clearTimeout(timer);
  }, [opened.id, flow]);

  const remove = useCallback(
    (ids: string[]) => {
      const now = store.snapshot().board;
      if (!now?.editable || !ids.length) return;
      const step = (id: string): Step => {
        const [box, port] = id.split("/");
        const note = noteId(id);
        if (note !== null) return { op: { op: "erase", note } };
        return { op: isWay(id) ? { op: "disconnect", box, port } : { op: "remove", box } };
      };
      const label = boxOf(now, ids[0])?.label;
      if (ids.length > 1) store.announce(words.removedMany(ids.length));
      else if (label) store.announce(words.removed(label));
      store.perform(...ids.map(step));
      ids.forEach(id => held.delete(id));
      setMarked([]);
      setOpened({ id: null, focus: null });
      focusOn(null);
    },
    [store, held, focusOn],
  );

  /** Moves by keys that still rest count as done before anything is taken back. */
  const back = (act: () => void) => () => {
    rest();
    act();
  };
  const undo = back(store.undo);
  const redo = back(store.redo);

  const connect = (box: string, port: string, target: string) => store.perform({ op: { op: "connect", box, port, target } });

  /** Offer the boxes of the palette for a way; `at`: a point of the screen where a wire was dropped, or none. */
  const offer = (box: string, port: string, at: Place | null) => {
    const rect = area.current?.getBoundingClientRect();
    const from = board && placeOf(board, box);
    if (!rect || !from) return;
    const dropped = at && flow.screenToFlowPosition(at);
    const place = dropped
      ? { x: Math.round(dropped.x), y: Math.round(dropped.y - RING) }
      : freePlace(flow.getNodes(), { x: from.x + 2 * BOX.width, y: from.y + BOX.height / 2 });
    const wanted = at ? { x: at.x - rect.left, y: at.y - rect.top } : { x: rect.width, y: 0 };
    const within = (place: number, size: number, room: number) => Math.max(8, Math.min(place, room - size));
    const corner = { left: within(wanted.x, OFFER.width, rect.width), top: within(wanted.y, OFFER.height, rect.height) };
    setOffered({ box, port, place, at: corner });
  };

  const onConnectEnd = (event: MouseEvent | TouchEvent, state: { isValid: boolean | null; fromNode: { id: string } | null; fromHandle: { id?: string | null; type: string } | null }) => {
    if (state.isValid || state.fromHandle?.type !== "source" || !state.fromNode || !state.fromHandle.id) return;
    const { clientX: x, clientY: y } = "changedTouches" in event ? event.changedTouches[0] : event;
    const root = area.current?.getRootNode() as ShadowRoot | Document;
    const under = root.elementFromPoint(x, y);
    const target = under?.closest<HTMLElement>(".react-flow__node")?.dataset.id;
    if (target === undefined && under?.closest(".canvas")) offer(state.fromNode.id, state.fromHandle.id, { x, y });
    else if (target && target !== state.fromNode.id && noteId(target) === null) connect(state.fromNode.id, state.fromHandle.id, target);
  };

  /** Put a box of the palette at a place, with more that belongs to the same step. */
  const put = (entry: PaletteEntry, place: Place, more: (id: string) => Operation[] = () => []) => {
    const stem = (entry.name.split(":").pop() ?? "").toLowerCase().replace(/[^a-z0-9_]/g, "_").replace(/^[^a-z]+/, "") || "box";
    const id = `${stem.slice(0, 50)}_${random(4)}`;
    store.announce(words.added(entry.label));
    const add: Step = { op: { op: "add", box: id, preset: entry.name, ...place }, ghost: ghost(id, entry, place) };
    store.perform(add, ...more(id).map(op => ({ op })));
    setMarked([id]);
    return id;
  };

  const middle = (): Place => {
    const rect = area.current?.getBoundingClientRect();
    return rect ? flow.screenToFlowPosition({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 }) : { x: 0, y: 0 };
  };

  const add = (entry: PaletteEntry, at: Place | null) => {
    const rect = area.current?.getBoundingClientRect();
    if (at && rect && (at.x < rect.left || at.x > rect.right || at.y < rect.top || at.y > rect.bottom)) return;
    const point = at && flow.screenToFlowPosition(at);
    put(entry, point ? { x: Math.round(point.x - BOX.width / 2), y: Math.round(point.y - BOX.height / 2) } : freePlace(flow.getNodes(), middle()));
  };

  const accept = (entry: PaletteEntry) => {
    if (!offered) return;
    const { box, port, place } = offered;
    const id = put(entry, place, target => [{ op: "connect", box, port, target }]);
    setOffered(null);
    setOpened({ id: null, focus: null });
    setTimeout(() => {
      focusOn(id);
      bringIntoView(flow, area.current, id);
    }, AFTER_MS);
  };

  const refuse = () => {
    const from = offered?.box ?? null;
    setOffered(null);
    if (opened.id === null) focusOn(from);
  };

  const nodeIds = (ids: string[]) => ids.filter(id => !isWay(id));
  const copy = () => {
    const ids = nodeIds(there);
    const height = flow.getNodesBounds(ids).height + GAP;
    store.copy(ids.filter(id => noteId(id) === null), ids.flatMap(id => noteId(id) ?? []), height);
  };
  const paste = () => {
    const { boxes, notes } = store.paste();
    if (!boxes.length && !notes.length) return;
    setMarked([...boxes, ...notes.map(note => `note:${note}`)]);
    setTimeout(() => fit({ duration: duration() }), AFTER_MS);
  };
  const cut = () => {
    copy();
    remove(there);
  };
  const markAll = () => {
    const ids = flow.getNodes().map(node => node.id);
    setMarked(ids);
    store.announce(words.marked(ids.length));
    if (!area.current?.contains((area.current.getRootNode() as ShadowRoot | Document).activeElement)) focusOn(null);
  };

  const addNote = () => {
    const id = `n${random(8)}`;
    store.perform({ op: { op: "note", note: id, text: words.newNote, ...freePlace(flow.getNodes(), middle()) } });
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
    const key = event.key.toLowerCase();
    const act = (event.ctrlKey || event.metaKey) && !event.altKey && {
      z: event.shiftKey ? redo : undo, y: redo, a: markAll, c: there.length > 0 && copy, x: there.length > 0 && cut, v: paste,
    }[key];
    if (act && !(key === "c" && getSelection()?.toString())) {
      done();
      return act();
    }
    if ((event.key === "Delete" || event.key === "Backspace") && there.length && !target.closest("button")) {
      done();
      return remove(there);
    }
    if (event.key === "Escape" && there.length > 1) {
      done();
      return setMarked(target.dataset.id ? [target.dataset.id] : []);
    }
    const arrow = ARROWS[event.key];
    if (arrow && editable && target.closest(".canvas") && there.length > 1) {
      done();
      const step = event.shiftKey ? LEAP : STEP;
      return nudge(nodeIds(there), { x: step * arrow[0], y: step * arrow[1] });
    }
    if (!target.matches(".react-flow__node")) return undefined;
    const id = target.dataset.id as string;
    if (arrow && editable) {
      done();
      const step = event.shiftKey ? LEAP : STEP;
      return nudge([id], { x: step * arrow[0], y: step * arrow[1] });
    }
    if (event.key === "Enter" || event.key === "F2") {
      done();
      show(id, event.key === "F2" ? "name" : "first");
    }
    return undefined;
  };

  const onFocus = (event: React.FocusEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node");
    const id = node?.dataset.id as string;
    if (node && !adding.current && !marked.includes(id)) setMarked([id]);
  };

  const shared = useMemo<Shared>(
    () => ({
      store, editable, you: board?.you ?? "", boxes: board?.boxes ?? [], open: opened.id, focus: opened.focus,
      refusals: view.refusals, show, remove, offer: (box, port) => offer(box, port, null),
    }),
    [store, editable, board, opened, view.refusals, show, remove],
  );
  const zoom = (act: (options: { duration: number }) => unknown) => () => {
    moved.current = true;
    void act({ duration: duration() });
  };
  const open = board?.boxes.find(box => box.id === opened.id);
  const save = (kind: "svg" | "png") => area.current && void savePicture(area.current, flow.getNodesBounds(flow.getNodes()), kind, name);

  return (
    <SharedContext.Provider value={shared}>
      <div className="whiteboard" role="region" aria-label={name} onKeyDown={onKeyDown}>
        <Tools
          editable={editable} canUndo={view.canUndo} canRedo={view.canRedo} canRemove={there.length > 0} unfolded={unfolded}
          act={{
            undo, redo, addNote, save, remove: () => remove(there), unfold: () => setUnfolded(!unfolded),
            zoomOut: zoom(flow.zoomOut), zoomIn: zoom(flow.zoomIn), fit: zoom(fit),
          }}
        />
        {editable && board && unfolded && <Palette entries={board.palette} add={add} />}
        <div className="middle">
          <div
            className="canvas" ref={area} tabIndex={-1} onFocus={onFocus} role="group" aria-label={words.canvas}
            onPointerDownCapture={event => (adding.current = several(event))}
            onPointerUpCapture={() => (adding.current = false)}
          >
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
                onMoveStart={event => event && (moved.current = true)}
                onNodeDragStop={(_event, _node, dragged) => send(dragged.map(node => node.id), true)}
                onNodeClick={(event, node) => {
                  if (busy(event.target)) return;
                  if (several(event)) setMarked(there.includes(node.id) ? there.filter(id => id !== node.id) : [...there, node.id]);
                  else if (opened.id !== node.id) show(node.id);
                }}
                onEdgeClick={(_event, edge) => {
                  setMarked([edge.id]);
                  focusOn(null);
                }}
                onPaneClick={() => {
                  setMarked([]);
                  setOffered(null);
                  if (opened.id === null) focusOn(null);
                  else show(null);
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
                minZoom={0.1}
                maxZoom={2}
                defaultMarkerColor="var(--ink)"
                proOptions={{ hideAttribution: true }}
              >
                <Zoomed area={area} />
              </ReactFlow>
            )}
            {offered && board && <NewBox entries={board.palette} at={offered.at} choose={accept} close={refuse} />}
          </div>
          {open && <Panel key={open.id} box={open} />}
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
  faults: [], fields: [], settings: {}, ports: [],
});

/** Move the view so that a box is seen, as far as it fits, above the line that names its keys. */
function bringIntoView(flow: ReturnType<typeof useReactFlow>, area: HTMLElement | null, id: string) {
  const node = flow.getInternalNode(id);
  if (!area || !node) return;
  const { width, height } = area.getBoundingClientRect();
  const { x, y, zoom } = flow.getViewport();
  const at = node.internals.positionAbsolute;
  const shift = (place: number, offset: number, size: number, room: number) => {
    const [low, high] = [place * zoom + offset, (place + size) * zoom + offset];
    return high > room - 8 ? offset - Math.min(high - room + 8, low - 8) : low < 8 ? offset + 8 - low : offset;
  };
  const size = { width: node.measured.width ?? BOX.width, height: node.measured.height ?? BOX.height };
  const to = { x: shift(at.x, x, size.width, width), y: shift(at.y, y, size.height, height - KEYS_PX), zoom };
  if (to.x !== x || to.y !== y) void flow.setViewport(to, { duration: duration() });
}

/** The whole component: tools, palette, canvas and status. */
export function Board(props: { store: Store; name: string }) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
