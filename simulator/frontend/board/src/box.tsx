import { Handle, type NodeProps, Position, useUpdateNodeInternals } from "@xyflow/react";
import { useEffect, useRef } from "react";
import type { Box, Note, Port } from "./contract";
import { useShared } from "./context";
import { Draft } from "./fields";
import { words } from "./words";

/** Words for a screen reader: the whole box in a line. */
export function boxLabel(box: Box): string {
  const parts = [box.label, box.kind_words, box.start ? words.start : "", ...box.words, box.load?.words, box.flow, ...box.faults];
  return parts.filter(Boolean).join(", ");
}

/** The name of a box from afar, with signs for its start, its load and its faults. */
function farName(box: Box): string {
  const signs = [box.start && "▶", box.faults.length > 0 && "⚠", box.load?.tone === "over" && "▲", box.load?.tone === "busy" && "●"];
  return [...signs, box.label].filter(Boolean).join(" ");
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

/** A box of the drawing. */
export function BoxNode({ id }: NodeProps) {
  const shared = useShared();
  const { editable, refusals, show, boxes } = shared;
  const box = boxes.find(one => one.id === id);
  const update = useUpdateNodeInternals();
  const ports = box?.ports.map(port => port.name).join(" ");
  useEffect(() => update(id), [id, ports, update]);
  if (!box) return null;
  const refused = refusals[id];
  return (
    <div className={box.end ? "box end" : "box"}>
      <Handle type="target" position={Position.Left} isConnectable={editable} tabIndex={-1} />
      <div className="far-name" aria-hidden="true" data-name={farName(box)} />
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
          <Draft area label={words.noteText} text={note.text} commit={write} limit={1000} />
          <div className="row">
            <button type="button" onClick={() => remove([`note:${note.id}`])}>
              {words.removeNote}
            </button>
            <button type="button" onClick={() => show(null)}>
              {words.closeNote}
            </button>
          </div>
        </div>
      ) : (
        <>
          <div className="far-name" aria-hidden="true" data-name={note.text} />
          <p>{note.text}</p>
        </>
      )}
      {refusals[note.id] && (
        <div className="fault" role="alert">
          ⚠ {words.refused(refusals[note.id])}
        </div>
      )}
    </div>
  );
}
