/** A command that is being filled in, in the place of the text field. */

import { fill, h } from "./dom.js";
import { filesOf } from "./files.js";
import { icon } from "./icons.js";
import { GROUP, OptionField, SUBCOMMAND } from "./options.js";
import { Refused } from "./socket.js";

const CHAT_COMMAND = 1;
const TEXT = 3;
const FILE = 11;

/** All that may be typed after the slash in a channel: `{path, description, options, id}`. */
export function pathsIn(channel, town) {
  return town.commandsIn(channel, CHAT_COMMAND).flatMap((command) => branches(command, command.name, command.id));
}

function branches(node, path, id) {
  const inner = (node.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
  if (inner.length) return inner.flatMap((option) => branches(option, `${path} ${option.name}`, id));
  return [{ path, id, description: node.description, options: node.options ?? [] }];
}

/** What `/name words` begins: `{path, words}`; null when it names no command, or one without room for the words. */
export function splitCommand(text, offered) {
  const named = offered.filter(({ path }) => text.startsWith(`/${path} `)).sort((a, b) => b.path.length - a.path.length)[0];
  if (!named) return null;
  const words = text.slice(named.path.length + 2).trim();
  return words && !roomForWords(named) ? null : { path: named.path, words };
}

function roomForWords({ options }) {
  return options.find(({ type, required, choices }) => type === TEXT && required && !choices);
}

export class CommandForm {
  #sending = false;

  /** `onDone(sent)` hears when it was sent, or left. */
  constructor(entry, { app, channelId, onDone }) {
    this.app = app;
    this.channelId = channelId;
    this.onDone = onDone;
    this.path = entry.path;
    this.fields = new Map();
    this.about = h("p", { class: "command-about", role: "status" });
    this.row = h("div", { class: "command-fields" });
    this.more = h("div", { class: "command-more", role: "group", "aria-label": "Options to add" });
    this.sendButton = h("button", { class: "send", type: "submit", "aria-label": `Send /${entry.path}` }, icon("send"));
    const leave = h("button", { class: "icon-button", type: "button", "aria-label": "Leave the command", on: { click: () => this.onDone(false) } }, icon("close", 18));
    this.element = h(
      "form",
      { class: "command", novalidate: true, autocomplete: "off", "aria-label": `/${entry.path}`, data: { command: entry.path } },
      h("div", { class: "command-head" }, h("strong", { class: "command-name" }, `/${entry.path}`), this.about, leave),
      h("div", { class: "command-body" }, this.row, this.sendButton),
      this.more,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.define(entry);
  }

  /** Takes over the command as it is registered now; what was filled in is kept. */
  define(entry) {
    const mark = JSON.stringify(entry);
    if (mark === this.mark) return;
    this.mark = mark;
    this.entry = entry;
    const before = this.fields;
    this.fields = new Map();
    for (const option of entry.options) {
      const known = before.get(option.name);
      const same = known && JSON.stringify(known.option) === JSON.stringify(option);
      if (known || option.required) this.fields.set(option.name, same ? known : new OptionField(option, this));
    }
    this.#draw();
    this.focused(null);
  }

  #draw() {
    // Nodes that stay are not moved, so the focus stays in them.
    const wanted = [...this.fields.values()].map((field) => field.element);
    for (const node of [...this.row.children]) if (!wanted.includes(node)) node.remove();
    wanted.forEach((node, at) => this.row.children[at] !== node && this.row.insertBefore(node, this.row.children[at] ?? null));
    const missing = this.entry.options.filter((option) => !this.fields.has(option.name));
    const chips = missing.map((option) => {
      const click = () => this.add(option.name).input.focus();
      return h("button", { class: "add-option", type: "button", title: option.description, on: { click } }, icon("plus", 12), option.name);
    });
    fill(this.more, chips);
    this.more.hidden = chips.length === 0;
  }

  /** Adds an optional option; its field. */
  add(name) {
    const known = this.fields.get(name);
    if (known) return known;
    const field = new OptionField(this.entry.options.find((option) => option.name === name), this);
    this.fields.set(name, field);
    this.#draw();
    return field;
  }

  /** Takes an optional option out again. */
  remove(field) {
    this.fields.delete(field.name);
    this.#draw();
    [...this.fields.values()].at(-1)?.input.focus();
    if (!this.fields.size) this.sendButton.focus();
  }

  // what the fields ask of their form

  channel() {
    return this.app.town.channel(this.channelId);
  }

  /** Says what the focused field takes, or what is wrong with it. */
  focused(field) {
    this.current = field;
    this.about.classList.toggle("wrong", Boolean(field?.error));
    fill(this.about, field ? [h("strong", {}, field.name), " ", field.error ?? field.hint()] : this.entry.description);
  }

  changed(field) {
    if (this.current === field) this.focused(field);
  }

  complain(field, error) {
    field.mark(error);
    this.focused(field);
  }

  /** Asks the bot for suggestions: `{choices}` or `{error}`. */
  async suggest(focused) {
    const options = {};
    for (const [name, field] of this.fields) if (!field.isFile && (!field.isEmpty || name === focused)) options[name] = field.typed;
    try {
      return await this.app.socket.ask("autocomplete", { channel: this.channelId, command: this.path, focused, options });
    } catch (error) {
      if (error instanceof Refused) return { error: error.message };
      throw error;
    }
  }

  #key(event) {
    const field = [...this.fields.values()].find((one) => one.element.contains(event.target));
    if (field && event.target === field.input && field.key(event)) return;
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      this.onDone(false);
    } else if (event.key === "Enter" && field && event.target === field.input && !field.isFile && !event.isComposing) {
      event.preventDefault();
      this.send();
    }
  }

  /** Files that were dropped or pasted beside the fields go where one is missing. */
  take(files) {
    const option = this.entry.options.find(({ type, name }) => type === FILE && (this.fields.get(name)?.isEmpty ?? true));
    if (!option) {
      this.app.say(`/${this.path} takes no (further) file.`, { bad: true });
      return;
    }
    this.add(option.name).zone.add(files.slice(0, 1));
  }

  /** Pasted files are caught wherever the focus is. */
  paste(event) {
    const files = filesOf(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    this.take(files);
  }

  /** Puts words where the command takes some. */
  put(words) {
    this.fields.get(roomForWords(this.entry).name).fill(words);
    this.focus();
  }

  /** The first field to fill in, else the last that was filled in. */
  focus() {
    const fields = [...this.fields.values()];
    (fields.find((field) => field.isEmpty) ?? fields.at(-1))?.input.focus();
    if (!fields.length) this.sendButton.focus();
  }

  /** Sends the command if every field can be sent; else the first that cannot has the focus. */
  async send() {
    if (this.#sending) return;
    const fields = [...this.fields.values()];
    for (const field of fields) field.mark(field.problem());
    const wrong = fields.find((field) => field.error);
    if (wrong) {
      wrong.input.focus();
      this.focused(wrong);
      return;
    }
    this.#busy(true);
    try {
      const filled = fields.filter((field) => !field.isEmpty);
      const values = await Promise.all(filled.map(async (field) => [field.name, await field.value()]));
      await this.app.socket.ask("invoke", { channel: this.channelId, command: this.path, options: Object.fromEntries(values) });
      this.onDone(true);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.about.classList.add("wrong");
      fill(this.about, error.message);
    } finally {
      this.#busy(false);
    }
  }

  #busy(busy) {
    this.#sending = busy;
    this.sendButton.classList.toggle("busy", busy);
    this.sendButton.setAttribute("aria-busy", String(busy));
  }
}
