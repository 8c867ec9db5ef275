/** Components of messages: buttons, selects, and the layouts of Components V2. */

import { h, tint, webAddress } from "./dom.js";
import { fileCard, mediaNode } from "./attachments.js";
import { emoji } from "./emoji.js";
import { colour } from "./embeds.js";
import { icon } from "./icons.js";
import { markdown, spoiler } from "./markdown.js";
import { placeOf } from "./mentions.js";
import { Select } from "./select.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "secondary" };
const LINK = 5;
const PREMIUM = 6;

/** A draw function for each type of component that a message may hold. */
const DRAW = {
  1: (row, context) => h("div", { class: "row" }, each(row.components, context)),
  2: button,
  3: select,
  5: select,
  6: select,
  7: select,
  8: select,
  9: section,
  10: (text, context) => h("div", { class: "text-display text" }, markdown(text.content, context)),
  11: thumbnail,
  12: gallery,
  13: file,
  14: separator,
  17: container,
};

/** The components of a message. `context`: the app, `guildId`, the `message`. */
export function components(list, context) {
  return h("div", { class: "components" }, each(list, context));
}

/**
 * Shows which buttons and menus wait for the bot, by their custom ids. They are not drawn again
 * for it: a press on one must not be lost because another was answered.
 */
export function markBusy(root, customIds) {
  for (const node of root.querySelectorAll("[data-custom]")) {
    const busy = customIds.includes(node.dataset.custom);
    node.classList.toggle("busy", busy);
    if (busy) node.setAttribute("aria-busy", "true");
    else node.removeAttribute("aria-busy");
  }
}

function each(list, context) {
  return (list ?? []).map((one) => DRAW[one.type]?.(one, context) ?? unknown(one));
}

function unknown(one) {
  return h("p", { class: "unknown-component" }, `A component of type ${one.type}, which this page does not know.`);
}

function button(data, context) {
  const words = [data.emoji && emoji(data.emoji), data.label && h("span", {}, data.label)];
  const name = data.label || data.emoji?.name || "Button";
  if (data.style === LINK) return linkButton(data, words, context);
  const press = ({ currentTarget }) => {
    if (currentTarget.ariaBusy) return;
    const { channel_id: channel, id: message } = context.message;
    context.app.ask("press", { channel, message, custom_id: data.custom_id });
  };
  const premium = data.style === PREMIUM;
  return h(
    "button",
    {
      class: ["button", STYLES[data.style]],
      type: "button",
      disabled: data.disabled || premium,
      "aria-label": data.label ? null : name,
      title: premium && "Something to buy: not sold here",
      data: { focus: data.custom_id ?? `sku-${data.sku_id}`, custom: data.custom_id ?? "" },
      on: { click: press },
    },
    premium ? [icon("bolt", 16), "Get it"] : words,
  );
}

function linkButton(data, words, { app }) {
  const place = placeOf(data.url);
  if (place && app.town.channel(place.channel)) {
    const click = () => app.jump(place.channel, place.message);
    const attributes = { class: "button link", type: "button", disabled: data.disabled, data: { focus: data.url }, on: { click } };
    return h("button", attributes, words, icon("right", 14));
  }
  const href = webAddress(data.url);
  if (!href || data.disabled) return h("button", { class: "button link", type: "button", disabled: true }, words, icon("external", 14));
  return h("a", { class: "button link", href, target: "_blank", rel: "noopener noreferrer", title: href, data: { focus: data.url } }, words, icon("external", 14));
}

function select(menu, context) {
  const { app, message } = context;
  const { channel_id: channel, id } = message;
  const onDone = (values) => app.ask("select", { channel, message: id, custom_id: menu.custom_id, values });
  const made = new Select({ menu, channel: app.town.channel(channel), app, onDone });
  return made.element;
}

function section(data, context) {
  return h(
    "div",
    { class: "section" },
    h("div", { class: "section-texts" }, each(data.components, context)),
    h("div", { class: "section-accessory" }, each([data.accessory], context)),
  );
}

function hidden(node, isSpoiler) {
  return isSpoiler ? spoiler(node, { block: true }) : node;
}

function thumbnail(data) {
  const shown = mediaNode(asMedia(data.media, "image/*"), data.description ?? "") ?? broken();
  return hidden(h("div", { class: "thumbnail" }, shown), data.spoiler);
}

function gallery(data) {
  const items = data.items.map((item) => {
    const shown = mediaNode(asMedia(item.media), item.description) ?? mediaNode(asMedia(item.media, "image/*"), item.description);
    return h("div", { class: "gallery-item" }, hidden(shown ?? broken(), item.spoiler));
  });
  return h("div", { class: "gallery", data: { count: String(items.length) } }, items);
}

function asMedia(media, type = null) {
  return { ...media, content_type: media.content_type || type };
}

function broken() {
  return h("p", { class: "media-failed" }, "This address cannot be shown.");
}

function file(data) {
  return hidden(fileCard({ url: data.file.url, name: data.name ?? "file", size: data.size }), data.spoiler);
}

function separator(data) {
  const kind = data.divider === false ? "gap" : "divider";
  return h("div", { class: ["separator", kind, data.spacing === 2 && "wide"], role: kind === "divider" ? "separator" : null });
}

function container(data, context) {
  const node = h("div", { class: ["container", data.accent_color !== null && "accented"] }, each(data.components, context));
  tint(node, "--bar", colour(data.accent_color));
  return hidden(node, data.spoiler);
}
