import { words } from "./words";

type Act = "undo" | "redo" | "unfold" | "addNote" | "remove" | "zoomOut" | "zoomIn" | "fit";

interface Props {
  editable: boolean;
  canUndo: boolean;
  canRedo: boolean;
  canRemove: boolean;
  /** Whether the palette is shown. */
  unfolded: boolean;
  act: Record<Act, () => void> & { save: (kind: "svg" | "png") => void };
}

/** The buttons above the board. */
export function Tools({ editable, canUndo, canRedo, canRemove, unfolded, act }: Props) {
  return (
    <div className="tools" role="toolbar" aria-label={words.toolbar}>
      {editable && (
        <>
          <button type="button" onClick={act.undo} disabled={!canUndo} title="Ctrl+Z">
            ↶ {words.undo}
          </button>
          <button type="button" onClick={act.redo} disabled={!canRedo} title="Ctrl+Shift+Z">
            ↷ {words.redo}
          </button>
          <button type="button" aria-expanded={unfolded} aria-controls="palette" onClick={act.unfold}>
            {words.boxes} {unfolded ? "▴" : "▾"}
          </button>
          <button type="button" onClick={act.addNote}>
            {words.note}
          </button>
          <button type="button" disabled={!canRemove} onClick={act.remove}>
            {words.remove}
          </button>
        </>
      )}
      <span className="zoom">
        <button type="button" aria-label={words.zoomOut} onClick={act.zoomOut}>
          −
        </button>
        <button type="button" aria-label={words.zoomIn} onClick={act.zoomIn}>
          +
        </button>
        <button type="button" aria-label={words.fitAll} onClick={act.fit}>
          {words.fit}
        </button>
        {(["svg", "png"] as const).map(kind => (
          <button type="button" key={kind} aria-label={words.saveAs(words[kind])} title={words.saveAs(words[kind])} onClick={() => act.save(kind)}>
            ↓ {words[kind]}
          </button>
        ))}
      </span>
    </div>
  );
}
