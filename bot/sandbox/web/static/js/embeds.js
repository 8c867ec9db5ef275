/** Embeds: the cards beside a coloured bar. */

import { h, tint, webAddress } from "./dom.js";
import { mediaNode } from "./attachments.js";
import { markdown } from "./markdown.js";
import { stamp } from "./time.js";

/** The embeds of a message. */
export function embeds(list, context) {
  return h("div", { class: "embeds" }, list.map((one) => embed(one, context)));
}

function embed(data, context) {
  const line = { ...context, blocks: false };
  const node = h(
    "article",
    { class: ["embed", data.thumbnail?.url && "with-thumbnail"] },
    data.author?.name && h("div", { class: "embed-author" }, named(data.author.name, data.author.url)),
    data.title && h("h3", { class: "embed-title" }, linked(markdown(data.title, line), data.url)),
    data.description && h("div", { class: "embed-description text" }, markdown(data.description, context)),
    data.fields?.length > 0 && fields(data.fields, context),
    data.image?.url && h("div", { class: "embed-image" }, mediaNode(asPicture(data.image), "Picture of this card")),
    data.thumbnail?.url && h("div", { class: "embed-thumbnail" }, mediaNode(asPicture(data.thumbnail), "Small picture of this card")),
    footer(data),
  );
  return tint(node, "--bar", colour(data.color));
}

/** A colour number as CSS; null for none. */
export function colour(number) {
  return Number.isInteger(number) ? `#${number.toString(16).padStart(6, "0")}` : null;
}

function asPicture(media) {
  return { ...media, content_type: "image/*", width: media.width || null, height: media.height || null };
}

function named(text, url) {
  return linked([text], url);
}

function linked(content, url) {
  const href = url && webAddress(url);
  return href ? h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer" }, content) : h("span", {}, content);
}

function fields(list, context) {
  return h(
    "dl",
    { class: "embed-fields" },
    list.map((field) =>
      h(
        "div",
        { class: ["embed-field", field.inline && "inline"] },
        h("dt", {}, markdown(field.name, { ...context, blocks: false })),
        h("dd", { class: "text" }, markdown(field.value, context)),
      ),
    ),
  );
}

function footer({ footer: text, timestamp }) {
  const at = timestamp ? Date.parse(timestamp) : Number.NaN;
  const parts = [text?.text, Number.isNaN(at) ? null : stamp(at)].filter(Boolean);
  return parts.length > 0 && h("footer", { class: "embed-footer" }, parts.join(" • "));
}
