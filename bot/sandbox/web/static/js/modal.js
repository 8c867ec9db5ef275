/** The form that the bot opened. */

import { byId, fill, h } from "./dom.js";
import { FileZone } from "./files.js";
import { markdown } from "./markdown.js";
import { closePopup } from "./popup.js";
import { presetOf, Select } from "./select.js";
import { Refused } from "./socket.js";

const ROW = 1;
const TEXT_INPUT = 4;
const TEXT_DISPLAY = 10;
const LABEL = 18;
const FILE_UPLOAD = 19;
const RADIO_GROUP = 21;
const CHECKBOX_GROUP = 22;
const CHECKBOX = 23;
const PARAGRAPH = 2;
const MOST_CHARACTERS = 4000;

export class Modal {
  #fields = [];
  #waiting = false;

  constructor(app) {
    this.app = app;
    this.dialog = byId("modal");
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#cancel();
    });
    byId("modal-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("modal-cancel").addEventListener("click", () => this.#cancel());
    app.store.watch(["modal"], () => this.draw());
  }

  draw() {
    const form = this.app.store.get("modal");
    if (!form) {
      if (this.dialog.open) this.#close();
      return;
    }
    if (this.form?.id !== form.id) this.#build(form);
    this.form = form;
    this.#busy(form.sending);
    this.#complain(form.error ?? "");
    if (!this.dialog.open) {
      closePopup();
      this.opener = document.activeElement;
      this.dialog.showModal();
      this.#fields[0]?.focus();
    }
  }

  #close() {
    closePopup();
    this.form = null;
    this.dialog.close();
    if (this.opener?.isConnected) this.opener.focus();
    else this.app.composer.focus();
  }

  #cancel() {
    if (this.form) this.app.ask("close", { modal: this.form.id });
  }

  #build(form) {
    fill(byId("modal-title"), form.title);
    this.#fields = [];
    const context = { app: this.app, guildId: this.app.guildId };
    fill(byId("modal-fields"), form.components.map((one) => this.#part(one, form, context)));
  }

  #part(one, form, context) {
    if (one.type === TEXT_DISPLAY) return h("div", { class: "text" }, markdown(one.content, context));
    const inner = one.type === ROW ? one.components[0] : one.component;
    const label = one.type === LABEL ? one.label : inner.label;
    const field = makeField(inner, { app: this.app, channel: this.app.town.channel(form.channel), label, description: one.description });
    this.#fields.push(field);
    return field.element;
  }

  #busy(sending) {
    this.#waiting = sending;
    const button = byId("modal-submit");
    button.classList.toggle("busy", sending);
    button.setAttribute("aria-busy", String(sending));
  }

  #complain(text) {
    fill(byId("modal-error"), text);
    byId("modal-error").hidden = !text;
  }

  async #submit() {
    if (this.#waiting) return;
    for (const field of this.#fields) field.check();
    const wrong = this.#fields.find((field) => field.error);
    if (wrong) {
      wrong.focus();
      return;
    }
    this.#busy(true);
    this.#complain("");
    try {
      const values = await Promise.all(this.#fields.map(async (field) => [field.name, await field.value()]));
      const filled = values.filter(([, value]) => value !== undefined);
      await this.app.socket.ask("submit", { modal: this.form.id, values: Object.fromEntries(filled) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#busy(false);
      this.#complain(error.message);
    }
  }
}

let forms = 0;

/** A field of the form with its label, description and what is wrong with it. */
function makeField(data, { app, channel, label, description }) {
  const id = `field-${(forms += 1)}`;
  const required = data.required ?? data.type !== CHECKBOX;
  const problem = h("p", { id: `${id}-problem`, class: "field-problem", role: "alert", hidden: true });
  const make = INPUTS[data.type] ?? selectInput;
  const input = make(data, { id, app, channel, label, required });
  const grouped = input.grouped ? "group" : null;
  const caption = [label, required && h("span", { class: "required", title: "required" }, " *")];
  const element = h(
    "div",
    { class: "field", role: grouped, "aria-labelledby": grouped && `${id}-label`, data: { field: data.custom_id } },
    h(input.grouped ? "span" : "label", { id: `${id}-label`, class: "field-label", for: input.grouped ? null : id }, caption),
    description && h("p", { id: `${id}-about`, class: "field-about" }, description),
    input.element,
    problem,
  );
  input.target?.setAttribute("aria-describedby", [description && `${id}-about`, `${id}-problem`].filter(Boolean).join(" "));
  const field = {
    name: data.custom_id,
    element,
    error: null,
    focus: () => (input.target ?? input.element).focus(),
    value: input.value,
    check() {
      field.error = input.problem();
      fill(problem, field.error ?? "");
      problem.hidden = !field.error;
      element.classList.toggle("wrong", Boolean(field.error));
      if (field.error) input.target?.setAttribute("aria-invalid", "true");
      else input.target?.removeAttribute("aria-invalid");
    },
  };
  return field;
}

const REQUIRED = "This field is required.";

function textInput(data, { id, required }) {
  const high = data.max_length ?? MOST_CHARACTERS;
  const low = data.min_length ?? 0;
  const long = data.style === PARAGRAPH;
  const target = h(long ? "textarea" : "input", {
    id,
    class: "field-input",
    type: long ? null : "text",
    rows: long && "4",
    placeholder: data.placeholder,
    maxlength: high,
    autocomplete: "off",
    "aria-required": required && "true",
    value: data.value ?? "",
  });
  const count = h("span", { class: "field-count", "aria-hidden": "true" });
  const tell = () => fill(count, `${target.value.length} / ${high}`);
  target.addEventListener("input", tell);
  tell();
  return {
    element: h("div", { class: "field-box" }, target, count),
    target,
    value: () => target.value,
    problem() {
      if (!target.value) return required ? REQUIRED : null;
      return target.value.length < low ? `At least ${low} characters.` : null;
    },
  };
}

function selectInput(data, { id, app, channel, label, required }) {
  let values = presetOf(data);
  const menu = { ...data, min_values: required ? (data.min_values ?? 1) : 0, placeholder: data.placeholder ?? `Choose: ${label}` };
  const select = new Select({ menu, channel, app, labelledBy: `${id}-label`, onDone: (chosen) => (values = chosen) });
  select.element.id = id;
  return {
    element: select.element,
    target: select.element,
    value: () => values,
    problem() {
      const low = data.min_values ?? 1;
      if (!values.length) return required && low > 0 ? REQUIRED : null;
      return values.length < low ? `Choose at least ${low}.` : null;
    },
  };
}

function fileInput(data, { label, required }) {
  const low = data.min_values ?? 1;
  const zone = new FileZone({ label, most: data.max_values ?? 1, onProblem: (text) => fill(note, text) });
  const note = h("p", { class: "field-problem", role: "alert" });
  return {
    element: h("div", {}, zone.element, note),
    target: zone.button,
    grouped: true,
    value: () => (zone.picked.length ? zone.tokens() : undefined),
    problem() {
      const count = zone.picked.length;
      if (!count) return required ? REQUIRED : null;
      return count < low ? `At least ${low} files.` : null;
    },
  };
}

function groupInput(data, { id, required }) {
  const radio = data.type === RADIO_GROUP;
  const boxes = (data.options ?? []).map((option) => ({
    option,
    node: h("input", { type: radio ? "radio" : "checkbox", name: id, value: option.value, checked: option.default }),
  }));
  const chosen = () => boxes.filter(({ node }) => node.checked).map(({ option }) => option.value);
  const rows = boxes.map(({ option, node }) =>
    h("label", { class: "choice" }, node, h("span", {}, option.label, option.description && h("span", { class: "quiet" }, option.description))),
  );
  return {
    element: h("div", { class: "choices", role: radio ? "radiogroup" : null, "aria-labelledby": radio && `${id}-label` }, rows),
    target: boxes[0]?.node,
    grouped: true,
    value: () => (radio ? chosen()[0] : chosen()),
    problem() {
      const count = chosen().length;
      if (radio) return required && !count ? REQUIRED : null;
      const low = required ? (data.min_values ?? 1) : 0;
      const high = data.max_values ?? boxes.length;
      if (count < low) return low === 1 ? REQUIRED : `Tick at least ${low}.`;
      return count > high ? `Tick at most ${high}.` : null;
    },
  };
}

function checkboxInput(data, { id }) {
  const target = h("input", { type: "checkbox", id, checked: data.default });
  return { element: target, target, value: () => target.checked, problem: () => null };
}

const INPUTS = {
  [TEXT_INPUT]: textInput,
  [FILE_UPLOAD]: fileInput,
  [RADIO_GROUP]: groupInput,
  [CHECKBOX_GROUP]: groupInput,
  [CHECKBOX]: checkboxInput,
};
