// CodeMirror for YAML, with completion, hints and diagnostics from the server.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction, type Text } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, hoverTooltip, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Fault } from "./contract";
import type { Questions } from "./line";
import { words } from "./words";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--ink)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.brace, tags.squareBracket], color: "var(--faint)" },
  { tag: [tags.keyword, tags.typeName, tags.meta], color: "var(--accent-ink)" },
]);

interface Wishes {
  parent: HTMLElement;
  root: ShadowRoot | Document;
  file: string;
  questions: Questions;
  save: () => void;
  changed: (view: EditorView, transactions: readonly Transaction[]) => void;
}

export function codeEditor({ parent, root, file, questions, save, changed }: Wishes): EditorView {
  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[\w.-]+/);
    const before = context.state.doc.lineAt(context.pos).text.slice(0, context.pos - context.state.doc.lineAt(context.pos).from);
    if (!word && !context.explicit && !/(^\s*|: ?|[{,[] ?)$/.test(before)) return null;
    if (!word && !context.explicit && !before.trim()) return null;
    const line = context.state.doc.lineAt(context.pos);
    const reply = await questions.ask("complete", { line: line.number, column: context.pos - line.from });
    if (!reply?.offers?.length) return null;
    const options = reply.offers.map(({ label, detail, info, apply }) => ({
      label, detail, info: info || undefined, apply: apply || undefined, type: apply ? "property" : "constant",
    }));
    return { from: line.from + reply.start!, options, validFor: /^[\w.-]*$/ };
  };
  const hints = hoverTooltip(async (view, pos) => {
    const line = view.state.doc.lineAt(pos);
    const reply = await questions.ask("hint", { line: line.number, column: pos - line.from });
    if (!reply?.hint) return null;
    const create = () => {
      const dom = document.createElement("div");
      dom.className = "hint";
      dom.textContent = reply.hint!;
      return { dom };
    };
    return { pos, create };
  }, { hoverTime: 350 });
  const state = EditorState.create({
    extensions: [
      lineNumbers(), highlightActiveLineGutter(), foldGutter(), lintGutter(), highlightSpecialChars(), history(), drawSelection(),
      indentUnit.of("  "), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(),
      yaml(), syntaxHighlighting(colours), search({ top: true }), hints, EditorView.lineWrapping,
      autocompletion({ override: [complete], icons: false, activateOnTypingDelay: 150 }),
      EditorView.contentAttributes.of({ "aria-label": words.editor(file), "aria-describedby": "keys", spellcheck: "false", tabindex: "0" }),
      keymap.of([
        { key: "Mod-s", preventDefault: true, run: () => (save(), true) },
        { key: "Tab", run: acceptCompletion },
        ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap,
      ]),
      EditorView.updateListener.of(update => {
        if (update.docChanged) changed(update.view, update.transactions);
      }),
    ],
  });
  return new EditorView({ state, parent, root });
}

interface Placed extends Diagnostic {
  fault: Fault;
}

/** Show faults at their places, and return those that are shown now; whole: in place of the cautions of before too. */
export function showFaults(view: EditorView, faults: Fault[], whole: boolean): Fault[] {
  const { doc } = view.state;
  const placed = faults.map((fault): Placed => {
    const message = `${fault.field}: ${fault.message}`;
    return { ...range(doc, fault), severity: fault.severity, message, source: fault.code, fault };
  });
  if (!whole) {
    forEachDiagnostic(view.state, (one, from, to) => {
      const { fault } = one as Placed;
      if (fault.severity === "error") return;
      placed.push({ ...(one as Placed), from, to, fault: { ...fault, line: doc.lineAt(from).number } });
    });
  }
  placed.sort((one, other) => one.from - other.from);
  view.dispatch(setDiagnostics(view.state, placed));
  return placed.map(one => one.fault);
}

/** The place of a fault: the key or the value that begins there; lines and columns count from 1, in whole characters. */
export function range(doc: Text, fault: Fault): { from: number; to: number } {
  const line = doc.line(Math.min(Math.max(fault.line, 1), doc.lines));
  const from = Math.min(line.from + [...line.text].slice(0, fault.column - 1).join("").length, line.to);
  const rest = line.text.slice(from - line.from);
  const word = /^(?:"[^"]*"|'[^']*'|[\w.-]+|\S+)/.exec(rest)?.[0] ?? "";
  return { from, to: from + word.length };
}
