/** Menus of things to do with something; an entry may lead to a menu of its own. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { closePopup, isOpenFor, openPopup } from "./popup.js";

/**
 * Opens a menu beside a button, or closes it. Items: `{label, icon, danger, run}`, or `{label, icon,
 * items}` for more of them. `at` (`{x, y}`): where it was asked for, if not with the button.
 */
export function openMenu(button, items, label, at = null) {
  if (!at && isOpenFor(button)) {
    closePopup();
    return;
  }
  const menu = new Menu(items, label);
  openPopup(() => button, menu.element, {
    at,
    onClose: () => {
      button.setAttribute("aria-expanded", "false");
      if (document.activeElement === document.body) button.focus();
    },
  });
  button.setAttribute("aria-expanded", "true");
  menu.focus();
}

class Menu {
  constructor(items, label) {
    this.top = { label, items };
    this.element = h("div", { class: "menu", role: "menu", on: { keydown: (event) => this.#key(event) } });
    this.#show(this.top);
  }

  /** The first entry has the focus. */
  focus() {
    this.element.querySelector("[role=menuitem]").focus();
  }

  #show(menu) {
    this.shown = menu;
    this.element.setAttribute("aria-label", menu.label);
    const nested = menu !== this.top;
    fill(this.element, nested && this.#entry({ label: menu.label, icon: "left" }, () => this.#back()), menu.items.map((item) => this.#item(item)));
  }

  #item(item) {
    if (item.items) return this.#entry(item, () => this.#into(item));
    return this.#entry(item, () => {
      closePopup();
      item.run();
    });
  }

  #entry(item, click) {
    const leads = Boolean(item.items);
    const attributes = { class: ["menu-item", item.danger && "danger"], type: "button", role: "menuitem", tabindex: "-1", on: { click } };
    const more = leads && { "aria-haspopup": "menu", data: { leads: item.label } };
    return h("button", { ...attributes, ...more }, icon(item.icon, 18), h("span", {}, item.label), leads && icon("right", 16));
  }

  #into(item) {
    this.#show(item);
    // Past the entry that leads back.
    this.element.querySelectorAll("[role=menuitem]")[1].focus();
  }

  #back() {
    const { label } = this.shown;
    this.#show(this.top);
    this.element.querySelector(`[data-leads="${CSS.escape(label)}"]`).focus();
  }

  #key(event) {
    const items = [...this.element.querySelectorAll("[role=menuitem]")];
    const at = items.indexOf(document.activeElement);
    const steps = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 };
    const nested = this.shown !== this.top;
    if (event.key in steps) items[steps[event.key]].focus();
    else if (event.key === "ArrowRight" && items[at]?.dataset.leads) items[at].click();
    else if ((event.key === "ArrowLeft" || event.key === "Escape") && nested) this.#back();
    else if (event.key === "Escape" || event.key === "Tab") closePopup();
    else return;
    event.preventDefault();
  }
}
