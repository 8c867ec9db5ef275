/** A list to choose from with mouse or arrows; whoever owns the focus passes the keys on. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

let lists = 0;

export class Listbox {
  /**
   * `onChoose(item)` hears of a choice. Items: `{value, label, hint, note, lead, group}`; `lead` is a
   * function that makes a node to stand before the label. `chosen(value)` says which are ticked.
   */
  constructor({ label, onChoose, empty = "Nothing fits", chosen = null, multi = false }) {
    this.onChoose = onChoose;
    this.empty = empty;
    this.chosen = chosen;
    this.items = [];
    this.active = -1;
    this.id = `list-${(lists += 1)}`;
    this.element = h("ul", {
      id: this.id,
      class: "listbox",
      role: "listbox",
      tabindex: "-1",
      "aria-label": label,
      "aria-multiselectable": multi && "true",
    });
  }

  /** Shows these items; the first is active unless `active` says otherwise. */
  show(items, { active = 0 } = {}) {
    this.items = items;
    this.active = items.length ? Math.min(active, items.length - 1) : -1;
    this.#draw();
  }

  #draw() {
    const nodes = [];
    this.items.forEach((item, at) => {
      if (item.group && item.group !== this.items[at - 1]?.group) {
        nodes.push(h("li", { class: "listbox-group", role: "presentation" }, item.group));
      }
      nodes.push(this.#option(item, at));
    });
    fill(this.element, nodes.length ? nodes : h("li", { class: "listbox-empty", role: "presentation" }, this.empty));
    this.#mark();
  }

  #option(item, at) {
    const ticked = this.chosen?.(item.value) ?? false;
    const choose = (event) => {
      event.preventDefault();
      this.onChoose(item);
    };
    return h(
      "li",
      {
        id: `${this.id}-${at}`,
        class: "option",
        role: "option",
        "aria-selected": String(ticked),
        on: { pointerdown: (event) => event.preventDefault(), click: choose, pointermove: () => this.#activate(at, false) },
      },
      item.lead?.(),
      h(
        "span",
        { class: "option-words" },
        h("span", { class: "option-label" }, item.label),
        item.hint && h("span", { class: "option-hint" }, item.hint),
      ),
      item.note && h("span", { class: "option-note" }, item.note),
      this.chosen && h("span", { class: ["option-tick", ticked && "ticked"] }, ticked && icon("check", 16)),
    );
  }

  /** Draws the ticks again. */
  refresh() {
    this.#draw();
  }

  #activate(at, scroll = true) {
    if (at === this.active) return;
    this.active = at;
    this.#mark(scroll);
  }

  #mark(scroll = true) {
    for (const node of this.element.querySelectorAll(".option.active")) node.classList.remove("active");
    const node = this.activeNode;
    node?.classList.add("active");
    if (scroll) node?.scrollIntoView({ block: "nearest" });
    this.onActive?.(node?.id ?? null);
  }

  get activeNode() {
    return this.element.querySelector(`#${this.id}-${this.active}`);
  }

  get activeItem() {
    return this.items[this.active] ?? null;
  }

  /** Handles a key; whether it was one of the list's. Enter is left to the owner. */
  key(event) {
    const last = this.items.length - 1;
    if (last < 0) return false;
    const steps = { ArrowDown: this.active >= last ? 0 : this.active + 1, ArrowUp: this.active <= 0 ? last : this.active - 1 };
    const to = steps[event.key];
    if (to === undefined) return false;
    event.preventDefault();
    this.#activate(to);
    return true;
  }
}

/** The items that fit what was typed: those that begin with it first. */
export function fitting(items, typed, texts = (item) => [item.label, item.hint ?? ""]) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return items;
  const rank = (item) => {
    const [label, ...more] = texts(item).map((text) => text.toLowerCase());
    if (label.startsWith(wanted)) return 0;
    if (label.includes(wanted)) return 1;
    return more.some((text) => text.includes(wanted)) ? 2 : 3;
  };
  return items.map((item) => [rank(item), item]).filter(([r]) => r < 3).sort((a, b) => a[0] - b[0]).map(([, item]) => item);
}
