/** `<t:…>` in texts: elements that count by themselves. */

import { h } from "./dom.js";
import { isStyle, moment } from "./time.js";

const EVERY_MS = 1000;

/** The element for a moment in seconds; null when nobody could show it. */
export function timestamp(seconds, style = "f") {
  const at = Number(seconds) * 1000;
  const date = new Date(at);
  if (!isStyle(style) || Number.isNaN(date.getTime())) return null;
  const data = style === "R" ? { counts: String(at) } : {};
  const attributes = { class: "timestamp", datetime: date.toISOString(), title: moment(at, "F"), data };
  return h("time", attributes, moment(at, style));
}

/** Lets every "in 5 minutes" of the page go on. */
export function startCounting() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-counts]")) {
      const text = moment(Number(node.dataset.counts), "R");
      if (node.textContent !== text) node.textContent = text;
    }
  }, EVERY_MS);
}
