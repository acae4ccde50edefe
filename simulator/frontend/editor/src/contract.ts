// The data that the editor exchanges with the server: lines of the feed, questions, and replies.

/** A fault, a caution or a note at a place, both from 1; code: `casesim explain` explains it. */
export interface Fault {
  severity: "error" | "warning" | "info";
  message: string;
  code: string;
  field: string;
  line: number;
  column: number;
}

/** A text of the server's in place of text `base`: nN is the one that the editor sent under number N, eN the edit number N. */
export interface ServerEdit {
  number: number;
  base: string;
  text: string;
}

/** A line of the feed: now is the server's text, saved that of the file; faults: all findings on text `number`, once there. */
export interface Content {
  edit: ServerEdit;
  now: string;
  number: number;
  saved: string;
  faults: Fault[] | null;
}

export interface Offer {
  label: string;
  detail: string;
  info: string;
  apply: string;
}

export type Ask = "faults" | "complete" | "hint";

export interface Reply {
  ask: Ask;
  number: number;
  id: number | null;
  faults?: Fault[];
  whole?: boolean;
  start?: number;
  offers?: Offer[];
  hint?: string;
}

export interface Line {
  say(data: unknown): boolean;
  again(): void;
}
