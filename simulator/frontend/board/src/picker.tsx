import { useEffect, useRef, useState } from "react";
import type { PaletteEntry } from "./contract";
import { words } from "./words";

/** From this number of entries on, a text finds them. */
const MANY = 9;

/** Return a name for each entry that no other has: two groups may offer boxes of one label. */
function distinct(entries: PaletteEntry[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const shared = (label: string) => entries.filter(entry => entry.label === label).length > 1;
  for (const { name, label, group } of entries) {
    const stem = shared(label) ? `${label}, ${group}` : label;
    let full = stem;
    for (let number = 2; taken.has(full); number++) full = `${stem} ${number}`;
    taken.add(full);
    names.set(name, full);
  }
  return names;
}

interface Props {
  entries: PaletteEntry[];
  /** Takes the entry that Enter in the field of the search chooses. */
  choose: (entry: PaletteEntry) => void;
  button: (entry: PaletteEntry) => React.ButtonHTMLAttributes<HTMLButtonElement>;
  /** The name of a button for a screen reader. */
  named?: (name: string) => string;
  focused?: boolean;
}

/** The entries of the palette in their groups: a text finds some, arrow keys go from one to the next. */
export function Entries({ entries, choose, button, named = name => name, focused }: Props) {
  const [wanted, setWanted] = useState("");
  const place = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focused) (search.current ?? place.current?.querySelector("button"))?.focus({ preventScroll: true });
  }, [focused]);
  const names = distinct(entries);
  const parts = wanted.trim().toLowerCase().split(/\s+/);
  const hits = entries.filter(({ label, group }) => parts.every(part => `${label} ${group}`.toLowerCase().includes(part)));
  const groups = [...new Set(hits.map(entry => entry.group))];
  const step = (event: React.KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const typing = event.target === search.current;
    if (!by || (typing && event.key !== "ArrowDown")) return;
    const buttons = [...(place.current?.querySelectorAll("button") ?? [])];
    const next = buttons[buttons.indexOf(event.target as HTMLButtonElement) + by] ?? (by < 0 ? search.current : null);
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  const onSearchKey = (event: React.KeyboardEvent) => {
    if (event.key === "Enter" && hits[0]) choose(hits[0]);
    if (event.key === "Escape" && wanted) {
      setWanted("");
      event.stopPropagation();
    }
  };
  return (
    <div className="entries" ref={place} onKeyDown={step}>
      {entries.length >= MANY && (
        <input
          ref={search} className="search" type="search" aria-label={words.find} placeholder={words.find} maxLength={60}
          value={wanted} onChange={event => setWanted(event.target.value)} onKeyDown={onSearchKey}
        />
      )}
      {groups.map(group => (
        <div className="group" role="group" aria-label={group} key={group}>
          <span className="title" aria-hidden="true">
            {group}
          </span>
          {hits
            .filter(entry => entry.group === group)
            .map(entry => (
              <button type="button" key={entry.name} aria-label={named(names.get(entry.name) as string)} {...button(entry)}>
                {entry.label}
              </button>
            ))}
        </div>
      ))}
      {!hits.length && <p role="status">{words.noEntry}</p>}
    </div>
  );
}

interface Offer {
  entries: PaletteEntry[];
  /** The corner of the list in the canvas (px). */
  at: { left: number; top: number };
  choose: (entry: PaletteEntry) => void;
  close: () => void;
}

/** The boxes to which a wire may lead that ended on empty ground. */
export function NewBox({ entries, at, choose, close }: Offer) {
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return (
    <div className="offer" role="dialog" aria-label={words.offer} style={at} onKeyDown={onKeyDown}>
      <Entries entries={entries} choose={choose} button={entry => ({ onClick: () => choose(entry) })} named={words.offered} focused />
      <button type="button" onClick={close}>
        {words.cancel}
      </button>
    </div>
  );
}
