import { Handle, type NodeProps, Position, useUpdateNodeInternals } from "@xyflow/react";
import { useEffect, useId, useRef } from "react";
import type { Box, Note, Port } from "./contract";
import { useShared } from "./context";
import { Draft, FieldEditor } from "./fields";
import { boxOf } from "./operations";
import { words } from "./words";

/** Words for a screen reader: the whole box in a line. */
export function boxLabel(box: Box): string {
  const parts = [box.label, box.kind_words, box.start ? words.start : "", ...box.words, box.load?.words, box.flow, ...box.faults];
  return parts.filter(Boolean).join(", ");
}

function LoadBar({ load }: { load: NonNullable<Box["load"]> }) {
  const share = Math.max(0, Math.min(1, load.share));
  return (
    <div className={`load ${load.tone}`}>
      <div className="bar" aria-hidden="true">
        <i style={{ width: `${100 * share}%` }} />
      </div>
      <span>
        {load.tone === "over" ? "▲ " : load.tone === "busy" ? "● " : ""}
        {load.words}
      </span>
    </div>
  );
}

function PortRow({ port, boxes, editable }: { port: Port; boxes: Box[]; editable: boolean }) {
  const to = port.to && (boxes.find(box => box.id === port.to)?.label ?? port.to);
  return (
    <div className={port.fallback ? "port fallback" : "port"}>
      <span>{port.label}</span>
      <span className={to || !port.needed ? "to" : "to missing"}>
        {to ? words.leads(to) : port.needed ? `⚠ ${words.needs}` : words.optional}
      </span>
      <Handle id={port.name} type="source" position={Position.Right} isConnectable={editable} tabIndex={-1} />
    </div>
  );
}

function ConnectTo({ box, port }: { box: Box; port: Port }) {
  const { store, boxes } = useShared();
  const id = useId();
  const choose = (target: string) => {
    const about = { box: box.id, port: port.name };
    store.perform({ op: target ? { op: "connect", ...about, target } : { op: "disconnect", ...about } });
  };
  return (
    <div className="field">
      <label htmlFor={id}>{words.connect(port.label)}</label>
      <select id={id} value={port.to ?? ""} onChange={event => choose(event.target.value)}>
        <option value="">{words.nowhere}</option>
        {boxes.map(one => (
          <option key={one.id} value={one.id}>
            {one.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The controls of an open box. */
function Details({ box }: { box: Box }) {
  const { store, editable, focus, show, remove } = useShared();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!focus) return;
    const controls = [...(place.current?.querySelectorAll<HTMLElement>("input, select, button") ?? [])];
    const wanted = focus === "name" ? controls[0] : (controls.find(one => !one.closest(".name")) ?? controls[0]);
    wanted?.focus({ preventScroll: true });
    if (wanted instanceof HTMLInputElement && focus === "name") wanted.select();
  }, [focus]);
  const rename = (label: string) => label.trim() && store.perform({ op: { op: "rename", box: box.id, label: label.trim() } });
  const id = useId();
  return (
    <div className="details nodrag nopan nowheel" ref={place}>
      {editable && (
        <div className="field name">
          <label htmlFor={id}>{words.name}</label>
          <Draft id={id} text={box.label} commit={rename} />
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
          <button type="button" onClick={() => remove(box.id)}>
            {words.remove}
          </button>
        )}
        <button type="button" onClick={() => show(null)}>
          {words.close}
        </button>
      </div>
    </div>
  );
}

/** A box of the drawing. */
export function BoxNode({ id }: NodeProps) {
  const shared = useShared();
  const { editable, open, refusals, show, boxes } = shared;
  const box = boxes.find(one => one.id === id);
  const update = useUpdateNodeInternals();
  const opened = open === id;
  const ports = box?.ports.map(port => port.name).join(" ");
  useEffect(() => update(id), [id, ports, opened, update]);
  if (!box) return null;
  const refused = refusals[id];
  return (
    <div className={box.end ? "box end" : "box"}>
      <Handle type="target" position={Position.Left} isConnectable={editable} tabIndex={-1} />
      {box.start && <div className="start">▶ {words.start}</div>}
      <div className="head" onDoubleClick={() => show(id, "name")}>
        <strong>{box.label}</strong>
        <span className="kind">{box.kind_words}</span>
      </div>
      {box.words.map((line, place) => (
        <div key={place}>{line}</div>
      ))}
      {box.load && <LoadBar load={box.load} />}
      {box.flow && <div className="flow">{box.flow}</div>}
      <div role="alert" aria-live="polite">
        {[...box.faults, ...(refused ? [words.refused(refused)] : [])].map((fault, place) => (
          <div className="fault" key={place}>
            ⚠ {fault}
          </div>
        ))}
      </div>
      {box.ports.map(port => (
        <PortRow key={port.name} port={port} boxes={boxes} editable={editable} />
      ))}
      {opened && <Details box={box} />}
    </div>
  );
}

/** A free text on the canvas. */
export function NoteNode({ data }: NodeProps) {
  const { store, editable, open, show, remove, refusals } = useShared();
  const note = data.note as Note;
  const opened = editable && open === `note:${note.id}`;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const area = opened ? place.current?.querySelector("textarea") : null;
    area?.focus({ preventScroll: true });
    area?.select();
  }, [opened]);
  const write = (text: string) =>
    text.trim() && store.perform({ op: { op: "note", note: note.id, text, x: note.x, y: note.y } });
  return (
    <div className="note" ref={place} onDoubleClick={() => editable && show(`note:${note.id}`)}>
      {opened ? (
        <div className="nodrag nopan nowheel">
          <Draft area label={words.noteText} text={note.text} commit={write} limit={2000} />
          <div className="row">
            <button type="button" onClick={() => remove(`note:${note.id}`)}>
              {words.remove}
            </button>
            <button type="button" onClick={() => show(null)}>
              {words.close}
            </button>
          </div>
        </div>
      ) : (
        <p>{note.text}</p>
      )}
      {refusals[note.id] && (
        <div className="fault" role="alert">
          ⚠ {words.refused(refusals[note.id])}
        </div>
      )}
    </div>
  );
}

export { boxOf };
