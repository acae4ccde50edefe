// Texts that edits of the server may be based on, each with all that has changed since: so that an edit moves past typed text.
import { ChangeSet, Text } from "@codemirror/state";

const KEPT = 8;

interface Base {
  key: string;
  text: Text;
  since: ChangeSet;
}

export class Bases {
  private bases: Base[] = [];

  /** Remember the text of now under a key. */
  note(key: string, text: Text) {
    if (this.bases.some(one => one.key === key)) return;
    this.bases = [...this.bases.slice(1 - KEPT), { key, text, since: ChangeSet.empty(text.length) }];
  }

  changed(changes: ChangeSet) {
    this.bases = this.bases.map(one => ({ ...one, since: one.since.compose(changes) }));
  }

  /** The changes of the text of now that an edit of the text under a key asks for. */
  edit(key: string, now: Text, wanted: string): ChangeSet {
    const base = this.bases.find(one => one.key === key);
    if (!base) return difference(now, wanted);
    return difference(base.text, wanted).map(base.since, true);
  }
}

/** The one change from a text to another: what is equal at both ends stays. */
export function difference(from: Text, wanted: string): ChangeSet {
  const before = from.toString();
  let start = 0;
  while (start < before.length && before[start] === wanted[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, wanted.length) - start;
  while (end < most && before[before.length - 1 - end] === wanted[wanted.length - 1 - end]) end += 1;
  const insert = Text.of(wanted.slice(start, wanted.length - end).split("\n"));
  return ChangeSet.of({ from: start, to: before.length - end, insert }, before.length);
}
