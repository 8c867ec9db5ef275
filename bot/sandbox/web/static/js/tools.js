/** A drawer's tool as a small form: what it does, its fields, one button. */

import { h } from "./dom.js";
import { sentence } from "./say.js";
import { isThread, TEXT } from "./town.js";

/**
 * `item`: the `tool`, and the `places` that it may take if it takes any. What stands in `old`, the
 * same form drawn before, is kept.
 */
export function toolForm({ tool, places }, app, old = null) {
  const said = h("p", { class: "tool-said", role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(tool.fields.map((field) => [field.name, valueOf(form.elements[field.name], field)]));
    const answer = await app.ask("tool", { tool: tool.name, fields });
    // What it did may have had this form drawn again meanwhile.
    const here = form.isConnected ? form : document.querySelector(`form.tool[data-tool="${CSS.escape(tool.name)}"]`);
    if (answer?.said && here) here.querySelector(".tool-said").textContent = answer.said;
  };
  const about = `about-${tool.name}`;
  const form = h(
    "form",
    { class: "tool", data: { tool: tool.name }, on: { submit } },
    h(
      "div",
      { class: "tool-head" },
      h("div", {}, h("strong", {}, tool.title), h("p", { id: about, class: "quiet" }, tool.why_not ? sentence(tool.why_not) : tool.about)),
      h(
        "button",
        {
          class: ["button", tool.danger ? "danger" : "secondary", "small"],
          type: "submit",
          disabled: tool.why_not !== null,
          "aria-label": `Do it: ${tool.title}`,
          "aria-describedby": about,
          data: { focus: `tool-${tool.name}` },
        },
        "Do it",
      ),
    ),
    tool.fields.length > 0 && h("div", { class: "tool-fields" }, tool.fields.map((field) => input(field, tool, places))),
    said,
  );
  for (const { name } of tool.fields) keep(form.elements[name], old?.elements[name]);
  said.textContent = old?.querySelector(".tool-said").textContent ?? "";
  return form;
}

function input(field, tool, places) {
  const data = { focus: `${tool.name}-${field.name}` };
  if (field.kind === "number") {
    const attributes = { type: "number", name: field.name, value: field.value, min: field.min, max: field.max, step: field.step ?? "any", required: true, data };
    return h("label", { class: "tool-field" }, h("input", attributes), h("span", {}, field.label));
  }
  const choices = field.choices ?? placesFor(field, places);
  const chosen = field.value ?? choices[0]?.value;
  const options = choices.map(({ value, label }) => h("option", { value, selected: value === chosen }, label));
  return h("label", { class: "tool-field" }, h("span", {}, field.label), h("select", { name: field.name, data }, options));
}

function keep(input, before) {
  if (!before) return;
  const offered = input.tagName !== "SELECT" || [...input.options].some(({ value }) => value === before.value);
  if (offered) input.value = before.value;
}

function valueOf(element, field) {
  return field.kind === "number" ? Number(element.value) : element.value;
}

function placesFor({ kind }, { here, guilds, channels }) {
  if (kind === "guild") return currentFirst(guilds.map(({ id, name }) => ({ value: id, label: name })), here.guild);
  const names = new Map(guilds.map(({ id, name }) => [id, name]));
  const fitting = channels.filter((c) => (kind === "thread" ? isThread(c) : c.type === TEXT));
  const open = channels.find((c) => c.id === here.channel);
  const wanted = kind === "channel" && isThread(open) ? open.parent_id : here.channel;
  return currentFirst(fitting.map((c) => ({ value: c.id, label: `${c.name} (${names.get(c.guild_id) ?? "?"})` })), wanted);
}

function currentFirst(choices, id) {
  return [...choices.filter(({ value }) => value === id), ...choices.filter(({ value }) => value !== id)];
}
