/** Select menus of messages and forms: of options, people, roles and places. */

import { fill, h, tint } from "./dom.js";
import { colour } from "./embeds.js";
import { icon } from "./icons.js";
import { fitting, Listbox } from "./listbox.js";
import { emoji } from "./emoji.js";
import { avatar } from "./avatar.js";
import { closePopup, openPopup } from "./popup.js";
import { channelIcon, CHANNELS, isThread, ROLES, USERS } from "./town.js";

const STRING = 3;
const KINDS = { 5: [USERS], 6: [ROLES], 7: [USERS, ROLES], 8: [CHANNELS] };
const SEARCH_FROM = 8;

/** What a menu offers: its options, or people, roles and places of the channel. */
export function choicesOf(menu, channel, app) {
  if (menu.type !== STRING) {
    return app.town.offered(KINDS[menu.type] ?? [], channel, menu.channel_types).map((item) => ({ ...item, lead: () => leadOf(item) }));
  }
  return (menu.options ?? []).map((option) => ({
    value: option.value,
    label: option.label,
    hint: option.description,
    lead: option.emoji ? () => emoji(option.emoji) : null,
  }));
}

/** What stands before a person, role or place in a list. */
export function leadOf(item) {
  if (item.user) return avatar(item.user, 24);
  if (item.place) return icon(channelIcon(item.place), 18);
  return roleDot(item.role);
}

/** A role's colour. */
export function roleDot(role) {
  return tint(h("span", { class: "role-dot", "aria-hidden": "true" }), "--chip", role?.color ? colour(role.color) : null);
}

/** The values that the bot preset. */
export function presetOf(menu) {
  if (menu.type === STRING) return (menu.options ?? []).filter((o) => o.default).map((o) => o.value);
  return (menu.default_values ?? []).map((value) => value.id);
}

/**
 * A select menu. `onDone(values)` hears of a complete choice; `values` is what is chosen now.
 * One value is done at once, several when the list is closed.
 */
export class Select {
  constructor({ menu, channel, app, onDone, values = presetOf(menu), labelledBy = null, focus = null }) {
    this.menu = menu;
    this.app = app;
    this.channel = channel;
    this.onDone = onDone;
    this.values = values;
    this.least = menu.min_values ?? 1;
    this.most = menu.max_values ?? 1;
    this.known = choicesOf(menu, channel, app);
    this.text = h("span", { class: "select-text" });
    this.element = h(
      "button",
      {
        class: "select",
        type: "button",
        role: "combobox",
        "aria-haspopup": "listbox",
        "aria-expanded": "false",
        "aria-label": labelledBy ? null : menu.placeholder || "Make a selection",
        "aria-labelledby": labelledBy,
        disabled: menu.disabled,
        data: { focus: focus ?? menu.custom_id, custom: menu.custom_id },
        on: { click: () => this.#toggle(), keydown: (event) => this.#open(event) },
      },
      this.text,
      icon("down", 18),
    );
    this.#caption();
  }

  #caption() {
    const labels = this.values.map((value) => written(this.known.find((item) => item.value === value)));
    const placeholder = this.menu.placeholder || "Make a selection";
    fill(this.text, labels.length ? labels.join(", ") : placeholder);
    this.text.classList.toggle("placeholder", labels.length === 0);
  }

  #open(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    if (!this.list) this.#toggle();
  }

  #toggle() {
    if (this.element.ariaBusy) return;
    if (this.list) {
      closePopup();
      return;
    }
    this.known = choicesOf(this.menu, this.channel, this.app);
    this.before = [...this.values];
    const multi = this.most > 1;
    const list = (this.list = new Listbox({
      label: this.menu.placeholder || "Choices",
      multi,
      chosen: (value) => this.values.includes(value),
      onChoose: (item) => this.#choose(item),
    }));
    const search = (this.menu.type !== STRING || this.known.length >= SEARCH_FROM) && this.#search(list);
    const content = h("div", { class: "select-popup" }, search, list.element);
    if (multi) content.append(h("p", { class: "select-limits" }, limits(this.least, this.most)));
    content.addEventListener("keydown", (event) => this.#key(event));
    // The button may be drawn again while its list is open: it is found by what it is.
    this.#popup(content, this.element.closest("[data-message]")?.dataset.message);
    list.show(this.known, { active: Math.max(0, this.known.findIndex((item) => this.values.includes(item.value))) });
    (search ? search.querySelector("input") : list.element).focus();
  }

  #popup(content, message) {
    const again = () => {
      if (this.element.isConnected) return this.element;
      const root = message && document.querySelector(`[data-message="${CSS.escape(message)}"]`);
      return root?.querySelector(`[data-custom="${CSS.escape(this.menu.custom_id)}"]`) ?? this.element;
    };
    this.element.setAttribute("aria-expanded", "true");
    openPopup(again, content, {
      onClose: () => {
        this.list = null;
        this.element.setAttribute("aria-expanded", "false");
        // What it belongs to was deleted meanwhile: nothing is chosen.
        if (!again().isConnected) this.values = this.before;
        if (content.contains(document.activeElement) || document.activeElement === document.body) again().focus();
        this.#closed();
      },
    });
  }

  #search(list) {
    const input = h("input", {
      type: "text",
      role: "combobox",
      "aria-controls": list.id,
      "aria-expanded": "true",
      "aria-autocomplete": "list",
      "aria-label": "Search",
      placeholder: "Search",
      autocomplete: "off",
      on: { input: () => list.show(fitting(this.known, input.value)) },
    });
    list.onActive = (id) => (id ? input.setAttribute("aria-activedescendant", id) : input.removeAttribute("aria-activedescendant"));
    return h("div", { class: "select-search" }, input);
  }

  #key(event) {
    if (this.list.key(event)) return;
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Escape") this.values = this.before;
      closePopup();
    } else if (event.key === "Enter" || (event.key === " " && event.target.tagName !== "INPUT")) {
      event.preventDefault();
      const item = this.list.activeItem;
      if (item) this.#choose(item);
    }
  }

  #choose(item) {
    if (this.most === 1) {
      const off = this.values.includes(item.value) && this.least === 0;
      this.values = off ? [] : [item.value];
      closePopup();
      return;
    }
    if (this.values.includes(item.value)) this.values = this.values.filter((value) => value !== item.value);
    else if (this.values.length < this.most) this.values = [...this.values, item.value];
    this.list.refresh();
  }

  #closed() {
    const same = this.values.length === this.before.length && this.values.every((value) => this.before.includes(value));
    if (this.values.length < this.least && !same) {
      this.app.say(`Choose ${limits(this.least, this.most).toLowerCase()}.`);
      this.values = this.before;
    }
    this.#caption();
    if (!same && this.values !== this.before) this.onDone(this.values);
  }
}

/** A choice as people write it. What was preset may be out of sight, or gone. */
function written(item) {
  if (!item) return "unknown";
  return item.place && !isThread(item.place) ? `#${item.label}` : item.label;
}

function limits(least, most) {
  if (least === most) return `Exactly ${most}`;
  return least > 0 ? `${least} to ${most}` : `Up to ${most}`;
}
