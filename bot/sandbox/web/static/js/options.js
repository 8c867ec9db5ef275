/** The options of a command as fields, each with its own checks. */

import { fill, h } from "./dom.js";
import { FileZone } from "./files.js";
import { icon } from "./icons.js";
import { fitting, Listbox } from "./listbox.js";
import { closePopup, openPopup } from "./popup.js";
import { leadOf } from "./select.js";
import { CHANNELS, ROLES, USERS } from "./town.js";

export const SUBCOMMAND = 1;
export const GROUP = 2;
const TEXT = 3;
const INTEGER = 4;
const BOOLEAN = 5;
const NUMBER = 10;
const FILE = 11;
const REFERENCES = { 6: [USERS], 7: [CHANNELS], 8: [ROLES], 9: [USERS, ROLES] };
const YES_NO = [{ value: true, label: "True" }, { value: false, label: "False" }];
const MOST_CHARACTERS = 6000;
const LARGEST_INTEGER = 2 ** 53 - 1;
const TYPING_PAUSE_MS = 250;
const SHOWN_CHOICES = 25;

let fields = 0;

/** One option of a command. */
export class OptionField {
  #pause = null;
  #asked = 0;

  /** `form` offers `app`, `channel()`, `suggest(name)`, `remove(field)` and `changed()`. */
  constructor(option, form) {
    this.option = option;
    this.form = form;
    this.id = `option-${(fields += 1)}`;
    this.chosen = null;
    this.isFile = option.type === FILE;
    this.isList = Boolean(option.choices || option.autocomplete || option.type === BOOLEAN || REFERENCES[option.type]);
    this.error = null;
    this.about = h("span", { id: `${this.id}-about`, class: "visually-hidden" }, this.hint());
    this.element = h(
      "div",
      { class: ["option-field", this.isFile && "file"], data: { option: option.name } },
      h("label", { class: "option-name", for: this.id }, option.name),
      this.isFile ? this.#zone() : this.#box(),
      !option.required && this.#removeButton(),
      this.about,
    );
  }

  get name() {
    return this.option.name;
  }

  /** What the field takes, in words. */
  hint() {
    const { option } = this;
    const parts = [option.description];
    const low = option.min_value ?? null;
    const high = option.max_value ?? null;
    if (low !== null && high !== null) parts.push(`${low} to ${high}`);
    else if (low !== null) parts.push(`at least ${low}`);
    else if (high !== null) parts.push(`at most ${high}`);
    if (option.max_length && option.type === TEXT) parts.push(`up to ${option.max_length} characters`);
    return parts.join(" · ");
  }

  #removeButton() {
    const remove = () => this.form.remove(this);
    return h("button", { class: "option-remove", type: "button", "aria-label": `Remove ${this.name}`, on: { click: remove } }, icon("close", 14));
  }

  #zone() {
    this.zone = new FileZone({
      label: this.name,
      limit: this.form.channel()?.upload_limit,
      describedBy: `${this.id}-about`,
      onChange: () => this.#typed(),
      onProblem: (text) => this.form.complain(this, text),
    });
    this.zone.button.id = this.id;
    this.input = this.zone.button;
    this.input.addEventListener("focus", () => this.form.focused(this));
    return this.zone.element;
  }

  #box() {
    const { option } = this;
    const long = option.type === TEXT && !this.isList;
    this.input = h(long ? "textarea" : "input", {
      id: this.id,
      class: "option-input",
      rows: long && "1",
      dir: "auto",
      type: long ? null : "text",
      role: this.isList && "combobox",
      "aria-autocomplete": this.isList && "list",
      "aria-expanded": this.isList && "false",
      "aria-describedby": `${this.id}-about`,
      "aria-required": option.required && "true",
      inputmode: option.type === INTEGER ? "numeric" : option.type === NUMBER ? "decimal" : null,
      autocomplete: "off",
      spellcheck: long ? "true" : "false",
      placeholder: this.isList ? "Choose" : " ",
      on: {
        focus: () => this.#focused(),
        blur: () => this.#left(),
        input: () => this.#typed(),
        click: () => this.isList && !this.list && this.#openList(),
      },
    });
    return this.input;
  }

  #focused() {
    this.form.focused(this);
    if (this.isList) this.#openList();
  }

  #left() {
    if (this.list) closePopup();
    this.#settle();
    this.mark();
  }

  #typed() {
    this.error = null;
    if (!this.isFile) this.chosen = this.items?.find((item) => item.label === this.input.value) ?? null;
    if (this.isList) this.#openList();
    this.mark();
    this.form.changed(this);
  }

  /** What was typed may be the beginning of the only thing that is meant. */
  #settle() {
    if (this.isFile || !this.isList || this.chosen || !this.input.value || this.option.autocomplete) return;
    const typed = this.input.value.trim().toLowerCase();
    const found = this.#known().filter((item) => item.label.toLowerCase() === typed || item.hint?.toLowerCase() === typed);
    if (found.length === 1) this.#choose(found[0], { close: false });
  }

  #known() {
    const { option, form } = this;
    if (option.type === BOOLEAN) return YES_NO;
    if (option.choices) return option.choices.map(({ name, value }) => ({ label: name, value }));
    const kinds = REFERENCES[option.type];
    if (kinds) {
      const offered = form.app.town.offered(kinds, form.channel(), option.channel_types);
      return offered.map((item) => ({ ...item, lead: () => leadOf(item) }));
    }
    return [];
  }

  #openList() {
    if (!this.list) {
      this.list = new Listbox({ label: this.name, empty: this.option.autocomplete ? "Loading options…" : "Nothing fits", onChoose: (item) => this.#choose(item) });
      this.list.onActive = (id) => (id ? this.input.setAttribute("aria-activedescendant", id) : this.input.removeAttribute("aria-activedescendant"));
      this.input.setAttribute("aria-controls", this.list.id);
      this.input.setAttribute("aria-expanded", "true");
      openPopup(() => this.element, this.list.element, {
        above: true,
        edge: () => this.form.element,
        onClose: () => {
          this.list = null;
          this.input.setAttribute("aria-expanded", "false");
          this.input.removeAttribute("aria-activedescendant");
        },
      });
    }
    if (this.option.autocomplete) this.#suggest();
    else this.#show(fitting(this.#known(), this.chosen ? "" : this.input.value).slice(0, 100));
  }

  #show(items) {
    this.items = items;
    const at = items.findIndex((item) => item.value === this.chosen?.value);
    this.list?.show(items, { active: Math.max(0, at) });
  }

  #suggest() {
    clearTimeout(this.#pause);
    const asked = (this.#asked += 1);
    this.#pause = setTimeout(async () => {
      const { choices, error } = await this.form.suggest(this.name);
      if (asked !== this.#asked || !this.list) return;
      this.list.empty = error ?? "Nothing fits";
      this.#show((choices ?? []).slice(0, SHOWN_CHOICES).map(({ name, value }) => ({ label: name, value })));
    }, TYPING_PAUSE_MS);
    if (!this.items) this.list.show([]);
  }

  /** Takes a text as if it had been typed. */
  fill(text) {
    this.input.value = text;
    this.#typed();
  }

  #choose(item, { close = true } = {}) {
    this.chosen = item;
    this.input.value = item.label;
    this.error = null;
    if (close) closePopup();
    this.mark();
    this.form.changed(this);
  }

  /** Handles a key in the field; whether nothing is left to be done with it. */
  key(event) {
    if (this.list?.key(event)) return true;
    if (this.list && event.key === "Enter" && this.list.activeItem && !this.chosen) {
      event.preventDefault();
      this.#choose(this.list.activeItem);
      return true;
    }
    if (this.list && event.key === "Tab" && !event.shiftKey && this.input.value && !this.chosen && this.list.activeItem) {
      this.#choose(this.list.activeItem);
      return true;
    }
    if (this.list && event.key === "Escape") {
      event.preventDefault();
      closePopup();
      return true;
    }
    if (event.key === "Backspace" && !this.option.required && this.isEmpty && !this.isFile) {
      event.preventDefault();
      this.form.remove(this);
      return true;
    }
    return false;
  }

  get isEmpty() {
    return this.isFile ? this.zone.picked.length === 0 : this.input.value === "";
  }

  /** What is typed so far, unchecked; for suggestions. */
  get typed() {
    return this.chosen ? this.chosen.value : this.input.value;
  }

  /** Why the value cannot be sent; null when it can, or when an optional one is left out. */
  problem() {
    const { option } = this;
    this.#settle();
    if (this.isEmpty) return option.required ? "This option is required. Give it a value." : null;
    if (this.isFile || this.chosen) return null;
    if (this.isList && !option.autocomplete) return "Choose one of the values in the list.";
    const text = this.input.value;
    if (option.type === TEXT) return lengthProblem(text, option);
    return option.type === INTEGER || option.type === NUMBER ? numberProblem(text, option) : null;
  }

  /** The value as the server takes it: a promise. */
  async value() {
    if (this.isFile) return (await this.zone.tokens())[0];
    if (this.chosen) return this.chosen.value;
    const text = this.input.value;
    return this.option.type === INTEGER || this.option.type === NUMBER ? Number(text) : text;
  }

  /** Shows whether the field is filled in, and what is wrong with it. */
  mark(error = this.error) {
    this.error = error;
    this.element.classList.toggle("filled", !this.isEmpty);
    this.element.classList.toggle("wrong", Boolean(error));
    if (error) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
    fill(this.about, [error, this.hint()].filter(Boolean).join(" "));
  }
}

function lengthProblem(text, { min_length: low = 0, max_length: high = MOST_CHARACTERS }) {
  const count = text.length;
  if (count < low) return `At least ${low} characters, not ${count}.`;
  return count > high ? `At most ${high} characters, not ${count}.` : null;
}

function numberProblem(text, { type, min_value: low, max_value: high }) {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) return "This takes a number.";
  if (type === INTEGER && !Number.isInteger(number)) return "This takes a whole number.";
  if (low !== undefined && number < low) return `At least ${low}.`;
  if (high !== undefined && number > high) return `At most ${high}.`;
  return Math.abs(number) > LARGEST_INTEGER ? "This number is too large." : null;
}
