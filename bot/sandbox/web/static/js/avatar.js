/** People and servers as coloured initials: nobody here has a picture. */

import { h, tint } from "./dom.js";

const HUES = [12, 38, 96, 152, 190, 220, 262, 290, 330];

/** A person's round initial. */
export function avatar(user, size = 40) {
  const node = h("span", { class: ["avatar", user.bot && "avatar-bot"], "aria-hidden": "true" });
  node.append(initials(user.global_name || user.username));
  return tint(tint(node, "--size", `${size}px`), "--hue", String(hueOf(user.username)));
}

/** Up to two first letters. */
export function initials(name) {
  const words = name.split(/[\s_-]+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** A colour that belongs to a name. */
function hueOf(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.charCodeAt(0)) % 9973;
  return HUES[sum % HUES.length];
}
