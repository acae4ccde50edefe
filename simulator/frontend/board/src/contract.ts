// The board as the server sends it, and the operations that a browser says. Both are plain data.

export type Value = number | string | boolean | null;

export interface Field {
  name: string;
  label: string;
  type: "number" | "choice" | "text" | "switch";
  value: Value;
  min?: number | null;
  max?: number | null;
  step?: number | null;
  unit?: string;
  options?: [string, string][];
  by: string;
}

export interface Port {
  name: string;
  label: string;
  to: string | null;
  needed: boolean;
  fallback: boolean;
}

export interface Load {
  share: number;
  words: string;
  tone: "plain" | "busy" | "over";
}

export interface Box {
  id: string;
  kind: string;
  kind_words: string;
  label: string;
  x: number;
  y: number;
  end: boolean;
  start: boolean;
  words: string[];
  load: Load | null;
  flow: string;
  faults: string[];
  fields: Field[];
  /** Values of fields that a choice rules here. A copy has them as its own. */
  settings: Record<string, Value>;
  ports: Port[];
}

export interface Note {
  id: string;
  x: number;
  y: number;
  text: string;
}

export interface PaletteEntry {
  name: string;
  label: string;
  group: string;
}

export interface Board {
  place: number;
  editable: boolean;
  you: string;
  boxes: Box[];
  /** The most boxes that it holds. */
  most: number;
  edge_words: Record<string, string>;
  notes: Note[];
  palette: PaletteEntry[];
  said: string;
  verdict: string;
  running: boolean;
  message: string;
}

export type Operation =
  | { op: "add"; box: string; preset: string; x: number; y: number }
  | { op: "remove"; box: string }
  | { op: "rename"; box: string; label: string }
  | { op: "move"; box: string; x: number; y: number }
  | { op: "set"; box: string; field: string; value: Value }
  | { op: "connect"; box: string; port: string; target: string }
  | { op: "disconnect"; box: string; port: string }
  | { op: "enter"; box: string }
  | { op: "note"; note: string; text: string; x: number; y: number }
  | { op: "erase"; note: string }
  | { op: "restore"; box: string };

/** The server's reply. `place`, where it is sent, is the place in the log behind the last operation that was taken. */
export interface Reply {
  acknowledged: number;
  refused?: Record<string, string>;
  place?: number;
}
