// Questions to the server over the socket of news: the text goes along whole, and a question of faults waits for the last reply.
import type { Ask, Content, Line, Reply } from "./contract";

/** The check begins this long after a key (ms). */
const TYPING_MS = 40;
/** A reply that takes longer than this does not come any more (ms). */
const PATIENCE_MS = 8000;

interface Waiting {
  resolve: (reply: Reply | null) => void;
  timer: number;
}

export class Questions {
  line: Line | null = null;
  readonly longestMs = 5000;
  /** Number of the text of now, and of the one that the server checked last. */
  number = 0;
  private checked = -1;
  private pending = false;
  private timer = 0;
  private ids = 0;
  private waiting = new Map<number, Waiting>();

  constructor(
    private readonly text: () => string,
    private readonly sent: (number: number) => void,
    private readonly faults: (reply: Reply) => void,
    private readonly connected: (open: boolean) => void,
  ) {}

  /** The text has changed. */
  changed() {
    this.number += 1;
    this.soon(TYPING_MS);
  }

  private soon(ms: number) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.check(), ms);
  }

  private async check() {
    if (this.pending || this.checked >= this.number) return;
    this.pending = true;
    const reply = await this.ask("faults");
    this.pending = false;
    if (!reply) return;
    this.checked = reply.number;
    if (reply.number === this.number) this.faults(reply);
    else this.soon(0);
  }

  /** Ask the server; null where no reply comes. */
  ask(ask: Ask, more: Record<string, number> = {}): Promise<Reply | null> {
    const id = (this.ids += 1);
    const text = this.text();
    this.sent(this.number);
    if (!this.line?.say({ ask, id, number: this.number, text, ...more })) return Promise.resolve(null);
    return new Promise(resolve => {
      const timer = window.setTimeout(() => this.end(id, null), PATIENCE_MS);
      this.waiting.set(id, { resolve, timer });
    });
  }

  private end(id: number, reply: Reply | null) {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.waiting.delete(id);
    waiting.resolve(reply);
  }

  // ---- what the line calls

  opened = () => {
    this.connected(true);
    this.checked = -1;
    if (this.number) this.soon(0);
  };
  closed = () => {
    this.connected(false);
    for (const id of [...this.waiting.keys()]) this.end(id, null);
  };
  replied = (reply: Reply | null) => {
    if (reply && reply.id !== null) this.end(reply.id, reply);
  };

  stop() {
    clearTimeout(this.timer);
    this.closed();
  }
}

export type Heard = (revision: string, content: Content) => void;
