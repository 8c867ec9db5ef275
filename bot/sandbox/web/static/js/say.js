/** Short words to the person: a note that fades, and a voice for screen readers. */

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 7000;

/** The server's words, a clause, as a sentence; what begins as one stays as it is. */
export function sentence(words) {
  const first = words.charAt(0);
  return first === first.toUpperCase() ? words : `${first.toUpperCase()}${words.slice(1)}.`;
}

/** A note at the edge of the page; `bad` ones tell of a refusal. */
export function say(text, { bad = false } = {}) {
  const close = () => note.remove();
  const note = h(
    "div",
    { class: ["note", bad && "bad"] },
    icon(bad ? "warn" : "check", 18),
    h("span", {}, text),
    h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", on: { click: close } }, icon("close", 16)),
  );
  byId("notes").append(note);
  setTimeout(close, SHOWN_MS);
}

/** Read aloud what happened, if a screen reader listens. */
export function announce(text) {
  byId("voice").append(h("p", {}, text));
  while (byId("voice").children.length > 6) byId("voice").firstChild.remove();
}
