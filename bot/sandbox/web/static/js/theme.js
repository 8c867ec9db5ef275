/** Light or dark: as the system says, until somebody chooses. */

import { byId, fill } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Applies what was chosen before, and lets the button change it. */
export function startTheme() {
  let chosen = localStorage.getItem(KEY);
  const draw = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const button = byId("theme");
    fill(button, icon(dark ? "sun" : "moon"));
    button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
    button.title = button.getAttribute("aria-label");
  };
  byId("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, chosen);
    draw();
  });
  system.addEventListener("change", draw);
  draw();
}
