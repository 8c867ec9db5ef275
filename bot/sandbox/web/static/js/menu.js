/** Menus of things to do with something. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { closePopup, isOpenFor, openPopup } from "./popup.js";

/** Opens a menu beside a button, or closes it. Items: `{label, icon, danger, run}`. */
export function openMenu(button, items, label) {
  if (isOpenFor(button)) {
    closePopup();
    return;
  }
  const list = h("div", { class: "menu", role: "menu", "aria-label": label }, items.map(entry));
  list.addEventListener("keydown", (event) => move(event, list));
  button.setAttribute("aria-expanded", "true");
  openPopup(() => button, list, {
    onClose: () => {
      button.setAttribute("aria-expanded", "false");
      if (document.activeElement === document.body) button.focus();
    },
  });
  list.querySelector("[role=menuitem]").focus();
}

function entry(item) {
  const click = () => {
    closePopup();
    item.run();
  };
  const attributes = { class: ["menu-item", item.danger && "danger"], type: "button", role: "menuitem", tabindex: "-1", on: { click } };
  return h("button", attributes, icon(item.icon, 18), h("span", {}, item.label));
}

function move(event, list) {
  const items = [...list.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 };
  if (event.key in steps) {
    event.preventDefault();
    items[steps[event.key]].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closePopup();
  }
}
