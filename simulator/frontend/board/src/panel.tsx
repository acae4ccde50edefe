import { useEffect, useId, useRef } from "react";
import type { Box, Port } from "./contract";
import { useShared } from "./context";
import { Draft, FieldEditor } from "./fields";
import { words } from "./words";

/** The choice of a new box in the place of one of the board; no box has this name. */
const ANOTHER = "+";

function ConnectTo({ box, port }: { box: Box; port: Port }) {
  const { store, boxes, offer } = useShared();
  const id = useId();
  const choose = (target: string) => {
    if (target === ANOTHER) return offer(box.id, port.name);
    const about = { box: box.id, port: port.name };
    return store.perform({ op: target ? { op: "connect", ...about, target } : { op: "disconnect", ...about } });
  };
  return (
    <div className="field">
      <label htmlFor={id}>{words.connect(port.label)}</label>
      <select id={id} value={port.to ?? ""} onChange={event => choose(event.target.value)}>
        <option value="">{words.nowhere}</option>
        {boxes.filter(one => one.id !== box.id).map(one => (
          <option key={one.id} value={one.id}>
            {one.label}
          </option>
        ))}
        <option value={ANOTHER}>{words.another}</option>
      </select>
    </div>
  );
}

/** The controls of an open box, beside the canvas, so that they cover no other box. */
export function Panel({ box }: { box: Box }) {
  const { store, editable, focus, refusals, show, remove } = useShared();
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!focus) return;
    const controls = [...(place.current?.querySelectorAll<HTMLElement>("input, select, button") ?? [])];
    const wanted = focus === "name" ? controls[0] : (controls.find(one => !one.closest(".name")) ?? controls[0]);
    wanted?.focus({ preventScroll: true });
    if (wanted instanceof HTMLInputElement && focus === "name") wanted.select();
  }, [focus]);
  const rename = (label: string) => label.trim() && store.perform({ op: { op: "rename", box: box.id, label: label.trim() } });
  const id = useId();
  const faults = [...box.faults, ...(refusals[box.id] ? [words.refused(refusals[box.id])] : [])];
  return (
    <aside className="panel" role="region" aria-label={words.panel(box.label)} ref={place}>
      <div className="head">
        <strong>{box.label}</strong>
        <span className="kind">{box.kind_words}</span>
      </div>
      {faults.map((fault, place) => (
        <div className="fault" key={place}>
          ⚠ {fault}
        </div>
      ))}
      {editable && (
        <div className="field name">
          <label htmlFor={id}>{words.name}</label>
          <Draft id={id} text={box.label} commit={rename} limit={120} />
        </div>
      )}
      {box.fields.map(field => (
        <FieldEditor key={field.name} box={box.id} field={field} />
      ))}
      {editable && box.ports.map(port => <ConnectTo key={port.name} box={box} port={port} />)}
      <div className="row">
        {editable && !box.start && !box.end && (
          <button type="button" onClick={() => store.perform({ op: { op: "enter", box: box.id } })}>
            {words.enter}
          </button>
        )}
        {editable && (
          <button type="button" onClick={() => remove([box.id])}>
            {words.removeBox}
          </button>
        )}
        <button type="button" onClick={() => show(null)}>
          {words.closeBox}
        </button>
      </div>
    </aside>
  );
}
