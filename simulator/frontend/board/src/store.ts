// The board of one tab: the server's board, this tab's operations on top of it until the server has them, and undo.

import type { Board, Operation, Reply, Value } from "./contract";
import { apply, boxOf, type Clip, inverse, noteOf, part, pasted, portOf, stands, type Step } from "./operations";
import { words } from "./words";

/** Shortest time between two messages (ms), time until an operation is sent again, and tries until another socket is opened. */
const APART_MS = 50;
const AGAIN_MS = 3000;
const TRIES = 3;
/** Most characters and operations of a message; the server takes 64 KiB, and looks at 50 operations. */
const MESSAGE = 30_000;
const OPERATIONS = 50;
/** Changes of one part within this time are one step of undo (ms). */
const ONE_STEP_MS = 1000;
/** An acknowledged operation whose reply names no place stays on the board until the next line, or this long (ms). */
const LINGERS_MS = 600;
const STEPS_KEPT = 200;
/** After this time without a word from the server it is asked whether it is there, and has this long to answer (ms). */
const QUIET_MS = 15_000;
const ANSWER_MS = 10_000;
/** A server that ends a socket this soon, without a word, does not know the token; the page is asked for another one (ms). */
const UNKNOWN_MS = 3000;
const RENEW_MS = 4000;

interface Pending extends Step {
  number: number;
}

interface Entry {
  back: Step[];
  done: Operation[];
  numbers: number[];
  at: number;
}

/** A move of a box or a note, and where it was before. */
export interface Move {
  op: Operation & { op: "move" | "note" };
  from: { x: number; y: number };
}

export interface View {
  board: Board | null;
  pending: number;
  open: boolean;
  ever: boolean;
  againAt: number;
  synchronised: Date | null;
  announcement: string;
  refusals: Record<string, string>;
  canUndo: boolean;
  canRedo: boolean;
}

export interface Line {
  say(data: unknown): boolean;
  again(): void;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Return random letters and digits; the first is a letter. */
export function random(length: number): string {
  const drawn = crypto.getRandomValues(new Uint32Array(length));
  return [...drawn].map((number, place) => LETTERS[number % (place ? 36 : 26)]).join("");
}

export class Store {
  private readonly tab = random(22);
  private server: Board | null = null;
  private pending: Pending[] = [];
  private lingering: (Step & { until: number | null; timer: number })[] = [];
  private number = 0;
  private sent = 0;
  private tries = 0;
  private lastSent = 0;
  private timer = 0;
  private watch = 0;
  private undoable: Entry[] = [];
  private redoable: Entry[] = [];
  private mine = new Map<string, Value>();
  private clip: Clip = { boxes: [], notes: [] };
  private below = 0;
  private pastes = 0;
  private listeners = new Set<() => void>();
  private view: View = {
    board: null, pending: 0, open: false, ever: false, againAt: 0, synchronised: null,
    announcement: "", refusals: {}, canUndo: false, canRedo: false,
  };
  line: Line | null = null;
  /** Longest time between two tries to connect (ms). */
  readonly longestMs = 5000;
  private heardAt = performance.now();
  private askedAt: number | null = null;
  private openedAt = 0;
  private renewedAt = -RENEW_MS;
  /** Has the page draw itself again, with a token that the server knows: after a restart it knows none. */
  renew: () => void = () => {};
  private readonly pulse = window.setInterval(() => this.beat(), 2500);

  constructor() {
    window.addEventListener("beforeunload", this.leaving);
  }

  /** The browser asks before it leaves a page whose changes the server does not have. */
  private leaving = (event: BeforeUnloadEvent) => {
    if (this.pending.length) event.preventDefault();
  };

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  snapshot = () => this.view;

  private show(more: Partial<View> = {}) {
    const steps: Step[] = [...this.lingering, ...this.pending];
    const board = this.server && steps.reduce(apply, this.server);
    const state = { pending: this.pending.length, canUndo: this.undoable.length > 0, canRedo: this.redoable.length > 0 };
    this.view = { ...this.view, ...state, board, ...more };
    this.listeners.forEach(listener => listener());
  }

  announce = (announcement: string) => this.show({ announcement });

  /** The value that this tab has set last, where the field has another one now. */
  overruled(box: string, field: string, now: Value): Value | undefined {
    const value = this.mine.get(`${box}/${field}`);
    return value === now ? undefined : value;
  }

  // ---- what the person does

  /** Do something of one's own; it can be undone. */
  perform(...steps: Step[]) {
    const entry = this.run(steps);
    if (!entry) return;
    const last = this.undoable.at(-1);
    if (last && joins(last, entry)) {
      last.done = entry.done;
      last.numbers.push(...entry.numbers);
      last.at = entry.at;
    } else {
      this.undoable = [...this.undoable, entry].slice(-STEPS_KEPT);
    }
    this.redoable = [];
    this.show();
  }

  /** Move boxes and notes; `from` is where each move began, to which undo moves it back once all have ended. */
  drag(moves: Move[], ended: boolean) {
    const before = this.view.board;
    if (!before) return;
    const entry: Entry = { back: [], done: [], numbers: [], at: 0 };
    for (const { op, from } of moves) {
      entry.numbers.push(stands(before, op) ? this.number : this.enqueue({ op }));
      if (op.x === from.x && op.y === from.y) continue;
      entry.back.push({ op: { ...op, x: from.x, y: from.y } });
      entry.done.push(op);
    }
    if (ended && entry.done.length) {
      this.undoable = [...this.undoable, entry].slice(-STEPS_KEPT);
      this.redoable = [];
    }
    this.show();
  }

  /** Keep boxes and notes for `paste`, which puts the first copy `below` them, the next one twice as far. */
  copy(boxes: string[], notes: string[], below: number) {
    const board = this.view.board;
    if (!board) return;
    const all = { boxes: boxes.flatMap(id => boxOf(board, id) ?? []), notes: notes.flatMap(id => noteOf(board, id) ?? []) };
    this.clip = all;
    [this.below, this.pastes] = [below, 0];
    this.announce(words.copied(all.boxes.length + all.notes.length));
  }

  /** Put what was copied on the board; return the names of the new boxes and notes. */
  paste(): { boxes: string[]; notes: string[] } {
    const board = this.view.board;
    const full = !!board && board.boxes.length + this.clip.boxes.length > board.most;
    if (full) this.announce(words.full(board.most));
    if (full || !board?.editable) return { boxes: [], notes: [] };
    const named = (name: string) => `${name.replace(/_[a-z][a-z0-9]{3}$/, "").slice(0, 50)}_${random(4)}`;
    const steps = pasted(board, this.clip, this.below * ++this.pastes, named);
    this.perform(...steps);
    const boxes = steps.flatMap(({ op }) => (op.op === "add" ? [op.box] : []));
    const notes = steps.flatMap(({ op }) => (op.op === "note" ? [op.note] : []));
    this.announce(words.pasted(boxes.length + notes.length));
    return { boxes, notes };
  }

  undo = () => this.takeBack(this.undoable, this.redoable, words.nothingToUndo, words.undone);
  redo = () => this.takeBack(this.redoable, this.undoable, words.nothingToRedo, words.redone);

  private takeBack(from: Entry[], onto: Entry[], nothing: string, done: string) {
    const entry = from.at(-1);
    const board = this.view.board;
    if (!entry || !board) return this.announce(nothing);
    if (!entry.done.every(op => stands(board, op))) {
      from.pop();
      return this.announce(words.changedSince);
    }
    const steps: Step[] = [];
    for (const step of entry.back) {
      if (!step.gentle || !("port" in step.op) || portOf(board, step.op.box, step.op.port)?.to === null) {
        steps.push(step);
      }
    }
    from.pop();
    const made = this.run(steps);
    if (made) onto.push({ ...made, at: 0 });
    this.announce(done);
  }

  /** Apply steps in their order and send them; return the way back. */
  private run(steps: Step[]): Entry | null {
    let board = this.view.board;
    if (!board?.editable) return null;
    const entry: Entry = { back: [], done: [], numbers: [], at: performance.now() };
    const added = new Set<string>();
    for (const step of steps) {
      if (step.op.op !== "restore" && step.op.op !== "add" && stands(board, step.op)) continue;
      // A box that came with these steps goes as a whole.
      if (!("box" in step.op && added.has(step.op.box))) entry.back.unshift(...inverse(board, step.op));
      if (step.op.op === "add") added.add(step.op.box);
      entry.done.push(step.op);
      entry.numbers.push(this.enqueue(step));
      board = apply(board, step);
    }
    return entry.done.length ? entry : null;
  }

  private enqueue(step: Step): number {
    const { op } = step;
    if (op.op === "set") this.mine.set(`${op.box}/${op.field}`, op.value);
    const about = "note" in op ? op.note : op.box;
    if (about in this.view.refusals) {
      const { [about]: _, ...refusals } = this.view.refusals;
      this.view = { ...this.view, refusals };
    }
    this.pending.push({ ...step, number: ++this.number });
    this.flush();
    return this.number;
  }

  // ---- the way to the server

  private flush = () => {
    clearTimeout(this.timer);
    if (!this.view.open || this.sent >= this.number) return;
    const wait = this.lastSent + APART_MS - performance.now();
    if (wait > 0) {
      this.timer = window.setTimeout(this.flush, wait);
      return;
    }
    const operations: { number: number; op: Operation }[] = [];
    let size = 0;
    for (const { number, op } of this.pending) {
      if (number <= this.sent) continue;
      size += JSON.stringify(op).length + 30;
      if (operations.length && (size > MESSAGE || operations.length === OPERATIONS)) break;
      operations.push({ number, op });
    }
    if (!operations.length || !this.line?.say({ tab: this.tab, operations })) return;
    this.sent = operations[operations.length - 1].number;
    this.lastSent = performance.now();
    clearTimeout(this.watch);
    this.watch = window.setTimeout(this.resend, AGAIN_MS);
    if (this.sent < this.number) this.timer = window.setTimeout(this.flush, APART_MS);
  };

  private resend = () => {
    if (!this.pending.length || !this.view.open) return;
    if (++this.tries > TRIES) {
      this.tries = 0;
      this.line?.again(); // a connection that takes everything and answers nothing is dead
      return;
    }
    this.sent = this.pending[0].number - 1;
    this.flush();
  };

  /** Ask a quiet server whether it is there, so that "last synchronised" is true; a silent one gets another socket. */
  private beat() {
    if (!this.view.open) return;
    const now = performance.now();
    if (this.askedAt !== null && now - this.askedAt > ANSWER_MS) {
      this.askedAt = null;
      this.line?.again();
    } else if (this.askedAt === null && now - this.heardAt > QUIET_MS && this.line?.say({ tab: this.tab, operations: [] })) {
      this.askedAt = now;
    }
  }

  private alive() {
    this.heardAt = performance.now();
    this.askedAt = null;
  }

  opened = () => {
    this.alive();
    this.openedAt = this.heardAt;
    this.tries = 0;
    this.sent = (this.pending[0]?.number ?? this.number + 1) - 1;
    this.show({ open: true, ever: true });
    this.flush();
  };

  closed = (waitMs: number) => {
    const now = performance.now();
    const unknown = this.view.open && this.heardAt === this.openedAt && now - this.openedAt < UNKNOWN_MS;
    this.show({ open: false, againAt: Date.now() + waitMs });
    if (unknown && now - this.renewedAt > RENEW_MS) {
      this.renewedAt = now;
      this.renew();
    }
  };

  replied = (reply: Reply) => {
    this.alive();
    this.tries = 0;
    const refusals = { ...this.view.refusals };
    let announcement = this.view.announcement;
    const done = this.pending.filter(one => one.number <= reply.acknowledged);
    this.pending = this.pending.filter(one => one.number > reply.acknowledged);
    this.sent = Math.max(this.sent, reply.acknowledged);
    for (const step of done) {
      const sentence = reply.refused?.[step.number];
      if (sentence === undefined) {
        this.linger(step, reply.place ?? null);
        continue;
      }
      const { op } = step;
      if (op.op === "set") this.mine.delete(`${op.box}/${op.field}`);
      refusals["note" in op ? op.note : op.box] = sentence;
      announcement = words.refused(sentence);
      const without = (entries: Entry[]) => entries.filter(entry => !entry.numbers.includes(step.number));
      this.undoable = without(this.undoable);
      this.redoable = without(this.redoable);
    }
    if (!this.pending.length) clearTimeout(this.watch);
    this.show({ refusals, announcement, synchronised: new Date() });
  };

  private linger(step: Step, until: number | null) {
    if (until !== null && this.server && this.server.place >= until) return;
    const timer = until === null ? window.setTimeout(() => this.settle(item), LINGERS_MS) : 0;
    const item = { ...step, until, timer };
    this.lingering.push(item);
  }

  private settle(item: Step) {
    this.lingering = this.lingering.filter(one => one !== item);
    this.show();
  }

  heard = (_revision: string, board: Board) => {
    this.alive();
    const moved = this.server?.said !== board.said && board.said;
    this.server = board;
    this.lingering = this.lingering.filter(one => {
      const stays = one.until !== null && one.until > board.place;
      if (!stays) clearTimeout(one.timer);
      return stays;
    });
    this.show({ synchronised: new Date(), ...(moved ? { announcement: board.said } : {}) });
  };

  end() {
    window.removeEventListener("beforeunload", this.leaving);
    clearInterval(this.pulse);
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.listeners.clear();
  }
}

const joins = (last: Entry, next: Entry) =>
  next.at - last.at < ONE_STEP_MS &&
  last.done.length === 1 &&
  next.done.length === 1 &&
  ["set", "rename", "connect", "disconnect", "move"].includes(next.done[0].op) &&
  part(last.done[0]) === part(next.done[0]);
