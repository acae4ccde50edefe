import { useId, useRef, useState } from "react";
import type { Field, Value } from "./contract";
import { useShared } from "./context";
import { words } from "./words";

type Committed = { text: string; commit: (text: string) => void; area?: boolean; label?: string; id?: string; by?: string };

/** A text that keeps what is typed until Enter or until it loses the focus, whatever the server sends meanwhile. */
export function Draft(props: Committed & Partial<Record<"type" | "unit", string>> & { field?: Field; limit?: number }) {
  const { text, commit, area, label, id, by, field, limit = 200 } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const base = useRef(text);
  const begin = () => {
    if (draft !== null) return;
    base.current = text;
    setDraft(text);
  };
  const finish = (typed: string) => {
    if (typed !== base.current) commit(typed);
    base.current = typed;
  };
  const onKeyDown = (event: React.KeyboardEvent<HTMLInputElement | HTMLTextAreaElement>) => {
    if (event.key === "Enter" && (!area || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      finish(event.currentTarget.value);
    } else if (event.key === "Escape" && area) {
      finish(event.currentTarget.value); // a longer text is not thrown away by one key
    } else if (event.key === "Escape" && draft !== null && draft !== base.current) {
      event.stopPropagation();
      setDraft(base.current);
    }
  };
  const onChange = (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
    setDraft(event.target.value);
    // The arrows of a number are no typing: each is a value of its own.
    if (field?.type === "number" && !(event.nativeEvent as InputEvent).inputType) finish(event.target.value);
  };
  const onBlur = () => {
    if (draft !== null) finish(draft);
    setDraft(null);
  };
  const shared = { id, value: draft ?? text, onFocus: begin, onBlur, onKeyDown, onChange, "aria-label": label, maxLength: limit };
  const meanwhile = !!by && draft !== null && text !== base.current && text !== draft;
  return (
    <>
      {area ? (
        <textarea rows={4} {...shared} />
      ) : field?.type === "number" ? (
        <input type="number" min={field.min ?? undefined} max={field.max ?? undefined} step={field.step ?? "any"} {...shared} />
      ) : (
        <input type="text" {...shared} />
      )}
      {meanwhile && <small className="by">{words.meanwhile(by, text)}</small>}
    </>
  );
}

const shown = (field: Field, value: Value): string => {
  if (field.type === "switch") return value ? words.on : words.off;
  const option = field.options?.find(([name]) => name === value);
  return option ? option[1] : String(value ?? "");
};

/** A field of a box, with the words that say who has set it. */
export function FieldEditor({ box, field }: { box: string; field: Field }) {
  const { store, editable, you } = useShared();
  const id = useId();
  const set = (value: Value) => store.perform({ op: { op: "set", box, field: field.name, value } });
  const number = (text: string) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) set(value);
  };
  const others = field.by !== "" && field.by !== you;
  const mine = others ? store.overruled(box, field.name, field.value) : undefined;
  const by = !others ? "" : mine === undefined ? words.by(field.by) : words.overruled(field.by, shown(field, mine));
  const label = field.unit ? `${field.label} (${field.unit})` : field.label;
  const commit = field.type === "number" ? number : set;
  return (
    <div className={field.type === "number" || field.type === "switch" ? "field short" : "field"}>
      <label htmlFor={editable ? id : undefined}>{label}</label>
      {!editable ? (
        <span>{shown(field, field.value)}</span>
      ) : field.type === "choice" ? (
        <select id={id} value={String(field.value ?? "")} onChange={event => set(event.target.value)}>
          {!field.options?.some(([name]) => name === field.value) && <option value={String(field.value ?? "")} />}
          {field.options?.map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      ) : field.type === "switch" ? (
        <input id={id} type="checkbox" role="switch" checked={!!field.value} onChange={event => set(event.target.checked)} />
      ) : (
        <Draft id={id} text={String(field.value ?? "")} commit={commit} field={field} by={others ? field.by : ""} />
      )}
      {by && <small className="by">{by}</small>}
    </div>
  );
}
