// The editor of Studio: tools, the text, and the list of its faults.
import { redo, undo } from "@codemirror/commands";
import { openSearchPanel } from "@codemirror/search";
import { Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { Bases, difference } from "./changes";
import type { Content, Fault, Line } from "./contract";
import { codeEditor, range, showFaults } from "./editor";
import { type Heard, Questions } from "./line";
import style from "./style.css";
import { words } from "./words";

interface Place extends HTMLElement {
  newsLine: Line;
  studio?: Studio;
}

interface Mounting {
  parentElement: Place;
  data: { token: string; file: string; height: number };
  command: (name: "save", value: unknown) => void;
  follow: (parentElement: Place, token: string, seen: string, heard: Heard, more: Questions) => () => void;
}

/** Draw the editor, or go on with other data; return the function that takes it away. */
export function mount({ parentElement, data, follow, command }: Mounting): () => void {
  const studio = (parentElement.studio ??= new Studio(parentElement, data.file));
  studio.command = command;
  studio.element.style.setProperty("--editor-height", `${data.height}px`);
  const stop = follow(parentElement, data.token, "", studio.heard, studio.questions);
  studio.questions.line = parentElement.newsLine;
  return () => {
    stop();
    studio.end();
    delete parentElement.studio;
  };
}

function made<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className = "", text = ""): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

class Studio {
  readonly element = made("section", "studio");
  readonly questions: Questions;
  command: Mounting["command"] = () => {};
  private readonly view: EditorView;
  private readonly bases = new Bases();
  private readonly status = made("p", "status");
  private readonly state = made("p", "state");
  private readonly list = made("ol", "faults");
  private readonly buttons: Record<"save" | "undo" | "redo" | "find", HTMLButtonElement>;
  private saved = "";
  private edits = 0;
  private begun = false;

  constructor(parent: Place, file: string) {
    const sheet = made("style", "", style);
    const tools = made("div", "tools");
    const holder = made("div", "text");
    const keys = made("p", "keys", words.keys);
    keys.id = "keys";
    this.status.setAttribute("role", "status");
    this.list.setAttribute("aria-label", words.list);
    this.list.tabIndex = 0;
    this.buttons = {
      save: this.button(words.save, () => this.save()),
      undo: this.button(words.undo, () => undo(this.view)),
      redo: this.button(words.redo, () => redo(this.view)),
      find: this.button(words.find, () => openSearchPanel(this.view)),
    };
    this.buttons.save.title = words.saveKeys;
    this.buttons.save.classList.add("primary");
    tools.append(...Object.values(this.buttons), this.state);
    this.element.append(tools, holder, keys, this.status, this.list);
    parent.append(sheet, this.element);
    this.questions = new Questions(
      () => this.text,
      number => this.bases.note(`n${number}`, this.view.state.doc),
      reply => this.show(reply.faults ?? [], !!reply.whole),
      open => this.connected(open),
    );
    this.view = codeEditor({
      parent: holder,
      root: parent.getRootNode() as ShadowRoot,
      file,
      questions: this.questions,
      save: () => this.save(),
      changed: (_, transactions) => this.changed(transactions),
    });
    // Keys that are typed into the editor are no shortcuts of the page around it.
    this.element.addEventListener("keydown", event => event.stopPropagation());
    window.addEventListener("beforeunload", this.leaving);
  }

  private button(text: string, act: () => void): HTMLButtonElement {
    const button = made("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => {
      act();
      if (text !== words.save) this.view.focus();
    });
    return button;
  }

  private get text(): string {
    return this.view.state.doc.toString();
  }

  private leaving = (event: BeforeUnloadEvent) => {
    if (this.text !== this.saved) event.preventDefault();
  };

  private save() {
    this.command("save", { number: this.questions.number, text: this.text });
  }

  /** Take a line of the server: the text at first, and then its edits. */
  heard = (_: string, { edit, now, number, saved, faults }: Content) => {
    this.saved = saved;
    if (!this.begun) {
      this.begun = true;
      this.questions.number = number;
      const begin = { changes: difference(this.view.state.doc, now), annotations: Transaction.addToHistory.of(false) };
      this.view.dispatch(begin);
    } else if (edit.number > this.edits) {
      const changes = this.bases.edit(edit.base, this.view.state.doc, edit.text);
      this.view.dispatch({ changes, userEvent: "input.server", scrollIntoView: false });
    }
    if (edit.number > this.edits) this.bases.note(`e${edit.number}`, this.view.state.doc);
    this.edits = edit.number;
    this.tell();
    if (faults && number === this.questions.number) this.show(faults, true);
  };

  private changed(transactions: readonly Transaction[]) {
    for (const one of transactions) if (one.docChanged) this.bases.changed(one.changes);
    this.questions.changed();
    this.tell();
  }

  private tell() {
    const clean = this.text === this.saved;
    this.state.textContent = clean ? words.saved : words.unsaved;
    this.element.classList.toggle("unsaved", !clean);
  }

  private connected(open: boolean) {
    this.element.classList.toggle("lost", !open);
    if (!open) this.status.textContent = words.lost;
    else if (this.status.textContent === words.lost) this.status.textContent = words.checking;
  }

  private show(found: Fault[], whole: boolean) {
    const faults = showFaults(this.view, found, whole);
    const errors = faults.filter(one => one.severity === "error").length;
    const cautions = faults.length - errors;
    const counts = [errors ? words.faults(errors) : "", cautions ? words.cautions(cautions) : ""].filter(Boolean);
    const said = counts.join(", ") || (whole ? words.none : words.checking);
    if (this.status.textContent !== said) this.status.textContent = said;
    this.list.replaceChildren(...faults.map(one => this.entry(one)));
    this.list.hidden = !faults.length;
  }

  private entry(fault: Fault): HTMLLIElement {
    const entry = made("li", fault.severity);
    const button = made("button", "go", words.place(words.severity[fault.severity], fault.line, fault.field));
    button.type = "button";
    button.addEventListener("click", () => {
      const { from } = range(this.view.state.doc, fault);
      this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      this.view.focus();
    });
    entry.append(button, ` ${fault.message}`);
    return entry;
  }

  end() {
    window.removeEventListener("beforeunload", this.leaving);
    this.questions.stop();
    this.view.destroy();
    this.element.previousElementSibling?.remove();
    this.element.remove();
  }
}
