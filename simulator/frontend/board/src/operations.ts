// Operations on a board: their effect, their inverse, and whether their effect still stands. Pure functions.

import type { Board, Box, Field, Note, Operation, Port } from "./contract";

/** An operation with the box that it brings into being, as far as this browser knows it. */
export interface Step {
  op: Operation;
  ghost?: Box;
  /** A connection that undo makes again, but only where the port leads nowhere now. */
  gentle?: boolean;
}

export const boxOf = (board: Board, id: string) => board.boxes.find(box => box.id === id);
export const noteOf = (board: Board, id: string) => board.notes.find(note => note.id === id);
export const fieldOf = (board: Board, box: string, name: string) => boxOf(board, box)?.fields.find(field => field.name === name);
export const portOf = (board: Board, box: string, name: string) => boxOf(board, box)?.ports.find(port => port.name === name);

const changed = (board: Board, id: string, change: (box: Box) => Partial<Box>): Board => ({
  ...board,
  boxes: board.boxes.map(box => (box.id === id ? { ...box, ...change(box) } : box)),
});

const led = (board: Board, id: string, name: string, to: string | null) =>
  changed(board, id, box => ({ ports: box.ports.map(port => (port.name === name ? { ...port, to } : port)) }));

/** Return the board after a step. A step about something that is not there changes nothing. */
export function apply(board: Board, { op, ghost }: Step): Board {
  switch (op.op) {
    case "add":
    case "restore":
      return !ghost || boxOf(board, op.box) ? board : { ...board, boxes: [...board.boxes, ghost] };
    case "remove": {
      const without = (port: Port) => (port.to === op.box ? { ...port, to: null } : port);
      const others = board.boxes.filter(box => box.id !== op.box);
      return { ...board, boxes: others.map(box => ({ ...box, ports: box.ports.map(without) })) };
    }
    case "rename":
      return changed(board, op.box, () => ({ label: op.label }));
    case "move":
      return changed(board, op.box, () => ({ x: op.x, y: op.y }));
    case "set":
      return changed(board, op.box, box => ({
        fields: box.fields.map(field => (field.name === op.field ? { ...field, value: op.value, by: "" } : field)),
      }));
    case "connect":
      return led(board, op.box, op.port, op.target);
    case "disconnect":
      return led(board, op.box, op.port, null);
    case "enter":
      return { ...board, boxes: board.boxes.map(box => ({ ...box, start: box.id === op.box })) };
    case "note": {
      const note = { id: op.note, text: op.text, x: op.x, y: op.y };
      const others = board.notes.some(one => one.id === op.note);
      return { ...board, notes: others ? board.notes.map(one => (one.id === op.note ? note : one)) : [...board.notes, note] };
    }
    case "erase":
      return { ...board, notes: board.notes.filter(note => note.id !== op.note) };
  }
}

/** Return the steps that take an operation back, from the board before it. */
export function inverse(board: Board, op: Operation): Step[] {
  switch (op.op) {
    case "add":
    case "restore":
      return [{ op: { op: "remove", box: op.box } }];
    case "remove": {
      const box = boxOf(board, op.box);
      if (!box) return [];
      const steps: Step[] = [{ op: { op: "restore", box: op.box }, ghost: box }];
      for (const other of board.boxes)
        for (const port of other.ports)
          if (port.to === op.box && other.id !== op.box)
            steps.push({ op: { op: "connect", box: other.id, port: port.name, target: op.box }, gentle: true });
      if (box.start) steps.push({ op: { op: "enter", box: op.box } });
      return steps;
    }
    case "rename":
      return boxed(board, op.box, box => ({ op: "rename", box: op.box, label: box.label }));
    case "move":
      return boxed(board, op.box, box => ({ op: "move", box: op.box, x: box.x, y: box.y }));
    case "set": {
      const field = fieldOf(board, op.box, op.field);
      return field ? [{ op: { ...op, value: field.value } }] : [];
    }
    case "connect":
    case "disconnect": {
      const port = portOf(board, op.box, op.port);
      if (!port) return [];
      const { box, port: name } = op;
      return [{ op: port.to ? { op: "connect", box, port: name, target: port.to } : { op: "disconnect", box, port: name } }];
    }
    case "enter": {
      const before = board.boxes.find(box => box.start);
      return before ? [{ op: { op: "enter", box: before.id } }] : [];
    }
    case "note":
    case "erase": {
      const note = noteOf(board, op.note);
      if (note) return [{ op: { op: "note", note: note.id, text: note.text, x: note.x, y: note.y } }];
      return op.op === "note" ? [{ op: { op: "erase", note: op.note } }] : [];
    }
  }
}

const boxed = (board: Board, id: string, make: (box: Box) => Operation): Step[] => {
  const box = boxOf(board, id);
  return box ? [{ op: make(box) }] : [];
};

/** Return whether the effect of an operation still stands: nobody has changed it since. */
export function stands(board: Board, op: Operation): boolean {
  const box = "box" in op ? boxOf(board, op.box) : undefined;
  switch (op.op) {
    case "add":
    case "restore":
      return !!box;
    case "remove":
      return !box;
    case "rename":
      return box?.label === op.label;
    case "move":
      return box?.x === op.x && box?.y === op.y;
    case "set":
      return fieldOf(board, op.box, op.field)?.value === op.value;
    case "connect":
      return portOf(board, op.box, op.port)?.to === op.target;
    case "disconnect":
      return portOf(board, op.box, op.port)?.to === null;
    case "enter":
      return !!box?.start;
    case "note": {
      const note = noteOf(board, op.note);
      return !!note && note.text === op.text && note.x === op.x && note.y === op.y;
    }
    case "erase":
      return !noteOf(board, op.note);
  }
}

/** Boxes and notes as they were when they were copied. */
export interface Clip {
  boxes: Box[];
  notes: Note[];
}

/** A way of a list of ways: the last part of its name is its place, and the places are filled from 0 on. */
const LISTED = /^(.+)\.(\d+)$/;

const alone = (ports: Port[]) =>
  ports.filter(port => (LISTED.exec(port.name)?.[2] ?? "0") === "0").map(port => ({ ...port, to: null }));

/** Return a label that no box has: "Classifier (2)". */
function free(label: string, taken: Set<string>): string {
  const stem = label.replace(/ \(\d+\)$/, "").slice(0, 110);
  let name = label;
  for (let number = 2; taken.has(name); number++) name = `${stem} (${number})`;
  taken.add(name);
  return name;
}

/** Return the steps that put copies below on the board, with the wires between them; `named` gives the name of the copy of a name. */
export function pasted(board: Board, { boxes, notes }: Clip, below: number, named: (name: string) => string): Step[] {
  const names = new Map(boxes.map(box => [box.id, named(box.id)]));
  const labels = new Set(board.boxes.map(box => box.label));
  const copies = boxes.flatMap((source): Step[] => {
    const box = names.get(source.id) as string;
    const place = { x: source.x, y: Math.round(source.y + below) };
    const ruled = Object.entries(source.settings);
    const own = ruled.map(([name]): Field => ({ name, label: name, type: "text", value: null, by: "" }));
    const fields = [...source.fields.filter(field => !field.name.includes(":")), ...own];
    const ghost = { ...source, ...place, id: box, start: false, load: null, flow: "", faults: [], fields, ports: alone(source.ports) };
    return [
      { op: { op: "add", box, preset: `box:${source.id}`, ...place }, ghost },
      { op: { op: "rename", box, label: free(source.label, labels) } },
      ...ruled.map(([field, value]): Step => ({ op: { op: "set", box, field, value } })),
    ];
  });
  const wires = boxes.flatMap(source => {
    const filled = new Map<string, number>();
    return source.ports.flatMap((port): Step[] => {
      const target = port.to && names.get(port.to);
      if (!target) return [];
      const list = LISTED.exec(port.name)?.[1];
      const place = filled.get(list ?? "") ?? 0;
      if (list) filled.set(list, place + 1);
      return [{ op: { op: "connect", box: names.get(source.id) as string, port: list ? `${list}.${place}` : port.name, target } }];
    });
  });
  const written = notes.map((note): Step => ({
    op: { op: "note", note: named(note.id), text: note.text, x: note.x, y: Math.round(note.y + below) },
  }));
  return [...copies, ...wires, ...written];
}

/** Return the part of a board that an operation is about; operations about one part may become one step of undo. */
export function part(op: Operation): string {
  const about = "note" in op ? op.note : op.box;
  return [op.op === "disconnect" ? "connect" : op.op, about, "field" in op ? op.field : "port" in op ? op.port : ""].join("/");
}
