// The nodes and edges of a board, free places on it, and the view that shows all of it.

import { type Edge, MarkerType, type Node } from "@xyflow/react";
import { boxLabel } from "./box";
import type { Board as Content } from "./contract";
import { boxOf, noteOf, portOf } from "./operations";
import { words } from "./words";

export interface Place {
  x: number;
  y: number;
}

interface Size {
  width: number;
  height: number;
}

/** A box or note that this tab moves: where it was, where it is, and when that was sent. */
export interface Held {
  from: Place;
  at: Place;
  sent: number;
}

export const BOX = { width: 220, height: 130 };
/** Below this zoom a box shows its name alone, at a size that can be read. */
export const FAR = 0.75;
/** The smallest zoom of a view that shows all: names of boxes still fit beside each other. */
const SMALLEST = 0.2;
/** Between the drawing and the edge of the canvas (px). */
const MARGIN = 14;
/** Between a box that is added and those that are there already. */
export const GAP = 24;
/** Places around a middle, the nearest first: what is added by a click covers nothing. */
const RINGS = 8;

const spots = ({ x, y }: Place): Place[] => {
  const steps = Array.from({ length: 2 * RINGS + 1 }, (_, at) => at - RINGS);
  const around = steps.flatMap(right => steps.map(down => ({ x: x + right * (BOX.width + GAP), y: y + down * (BOX.height / 2) })));
  const away = (spot: Place) => Math.hypot(spot.x - x, spot.y - y);
  return around.sort((one, other) => away(one) - away(other) || other.x - one.x);
};

/** Return the place nearest to a wanted one where a box covers no node. */
export function freePlace(nodes: Node[], wanted: Place): Place {
  const place = { x: Math.round(wanted.x - BOX.width / 2), y: Math.round(wanted.y - BOX.height / 2) };
  const size = (node: Node, side: keyof Size) => node.measured?.[side] ?? BOX[side];
  const taken = (spot: Place) =>
    nodes.some(
      node =>
        node.position.x < spot.x + BOX.width + GAP && spot.x < node.position.x + size(node, "width") + GAP &&
        node.position.y < spot.y + BOX.height + GAP && spot.y < node.position.y + size(node, "height") + GAP,
    );
  return spots(place).find(spot => !taken(spot)) ?? place;
}

/** Return the view of a whole drawing; one that is too large to be read as a whole begins at its left, at the height of `start`. */
export function wholeView(bounds: Place & Size, room: Size, start: Place): Place & { zoom: number } {
  const fits = Math.min((room.width - 2 * MARGIN) / bounds.width, (room.height - 2 * MARGIN) / bounds.height);
  const zoom = Math.min(1, Math.max(SMALLEST, fits));
  const shift = (low: number, size: number, space: number, wanted: number) =>
    size * zoom <= space - 2 * MARGIN ? (space - size * zoom) / 2 - low * zoom : wanted;
  const down = Math.min(MARGIN - bounds.y * zoom, room.height / 2 - start.y * zoom);
  return {
    x: shift(bounds.x, bounds.width, room.width, MARGIN - bounds.x * zoom),
    y: shift(bounds.y, bounds.height, room.height, down),
    zoom,
  };
}

export const noteId = (id: string) => (id.startsWith("note:") ? id.slice(5) : null);
export const isWay = (id: string) => id.includes("/");

export function placeOf(board: Content, id: string): Place | undefined {
  const note = noteId(id);
  return note === null ? boxOf(board, id) : noteOf(board, note);
}

/** Return whether a box, a note or a way is on the board. */
export function isThere(board: Content, id: string): boolean {
  const [box, port] = id.split("/");
  return isWay(id) ? !!portOf(board, box, port)?.to : placeOf(board, id) !== undefined;
}

/** Return the nodes of a board. Nodes that stay keep their measure, and a node that is held keeps its place. */
export function nodesOf(board: Content, before: Node[], held: Map<string, Held>, marked: string[], open: string | null): Node[] {
  const known = new Map(before.map(node => [node.id, node]));
  const made = (id: string, type: string, place: Place, more: Pick<Node, "data" | "ariaLabel">): Node => ({
    ...known.get(id),
    ...more,
    id,
    type,
    position: held.get(id)?.at ?? { x: place.x, y: place.y },
    selected: marked.includes(id),
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

export function edgesOf(board: Content, marked: string[]): Edge[] {
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
          selected: marked.includes(id),
          className: port.fallback ? "fallback" : "",
          markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 },
        };
      }),
  );
}
