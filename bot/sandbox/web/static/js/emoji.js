/** Emojis of buttons and options. */

import { h } from "./dom.js";

/** A Unicode emoji as it is; of Discord's own pictures only the name. */
export function emoji(partial) {
  return h("span", { class: "emoji", "aria-hidden": "true" }, partial.id ? `:${partial.name}:` : partial.name);
}
