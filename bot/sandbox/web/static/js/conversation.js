/** The middle of the page: what was said in the open channel, live. */

import { byId, fill, h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { MessageView, summary } from "./message.js";
import { closeLost } from "./popup.js";
import { announce } from "./say.js";
import { byNumber, madeAt } from "./store.js";
import { dayNumber, moment } from "./time.js";
import { welcome } from "./welcome.js";

const SAME_BREATH_MS = 7 * 60_000;
const NEAR_BOTTOM_PX = 80;
const FLASH_MS = 2000;

export class Conversation {
  #places = new Map();
  #said = new Set();
  #missed = 0;
  #top = 0;

  constructor(app) {
    this.app = app;
    this.channelId = null;
    this.scroller = byId("scroller");
    this.list = byId("messages");
    this.latest = byId("latest");
    this.atBottom = true;
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.latest.addEventListener("click", () => this.toBottom());
    // Pictures and videos grow after they were drawn, and so may the composer.
    this.settle = new ResizeObserver(() => this.atBottom && this.#stick());
    this.settle.observe(this.scroller);
    app.store.watch(["message:", "invocation:", "channel:", "guild:", "command:", "member:", "town"], (keys) => this.#changed(keys));
  }

  /** Shows another channel, where it was left. */
  open(channelId) {
    if (this.channelId) this.#places.set(this.channelId, this.atBottom ? null : this.scroller.scrollTop);
    this.channelId = channelId;
    this.#freshList();
    this.#said = new Set(this.app.town.messagesOf(channelId).map((doc) => doc.id));
    this.#missed = 0;
    this.draw();
    const place = this.#places.get(channelId) ?? null;
    this.atBottom = place === null;
    if (this.atBottom) this.#stick();
    else this.scroller.scrollTop = place;
    this.#offerLatest();
  }

  #freshList() {
    this.settle.unobserve(this.list);
    const fresh = this.list.cloneNode(false);
    this.list.replaceWith(fresh);
    this.list = fresh;
    this.settle.observe(fresh);
  }

  #changed(keys) {
    const here = `message:${this.channelId}:`;
    const others = (key) => key.startsWith("message:") && !key.startsWith(here);
    if (this.channelId && !keys.every(others)) this.draw();
  }

  /** Draws what changed. */
  draw() {
    const channel = this.app.town.channel(this.channelId);
    keyed(byId("welcome"), channel ? [beginning(channel, this.app)] : [], {
      key: (item) => item.channel.id,
      draw: (item) => h("div", { class: "welcome" }, welcome(item.channel, this.app)),
    });
    const items = channel ? this.#items() : [];
    const place = this.#focusedPlace();
    keyed(this.list, items, { key: (item) => item.key, draw: (item, old) => this.#entry(item, old) });
    if (place !== null && document.activeElement === document.body) this.#focusAt(place);
    closeLost();
    this.#listen(items);
    if (this.atBottom) this.#stick();
    this.#offerLatest();
  }

  /** Where in the list the focus is; null when it is elsewhere. */
  #focusedPlace() {
    const at = [...this.list.children].findIndex((entry) => entry.contains(document.activeElement));
    return at < 0 ? null : at;
  }

  /** What had the focus is gone: the message before it takes it, else the one after. */
  #focusAt(place) {
    const entries = [...this.list.children];
    const near = entries.slice(0, place).findLast((entry) => entry.view) ?? entries.find((entry) => entry.view);
    (near ?? this.scroller).focus({ preventScroll: true });
  }

  #items() {
    const invocations = this.app.store.all("invocation:").filter((one) => one.channel === this.channelId);
    const messages = this.app.town.messagesOf(this.channelId);
    const known = new Set(messages.map((doc) => doc.id));
    const loose = invocations.filter((one) => !one.message || !known.has(one.message));
    const all = [...messages.map((doc) => ({ id: doc.id, doc })), ...loose.map((one) => ({ id: one.id, invocation: one }))];
    all.sort((a, b) => byNumber(a.id, b.id));
    const items = [];
    let before = null;
    let day = null;
    for (const { id, doc, invocation } of all) {
      const at = madeAt(id);
      if (dayNumber(at) !== day) {
        items.push({ key: `day-${dayNumber(at)}`, day: moment(at, "D") });
        day = dayNumber(at);
        before = null;
      }
      if (invocation) {
        if (invocation.kind !== "component" || invocation.state === "failed") items.push({ key: `did-${id}`, invocation });
        before = null;
      } else {
        const mine = invocations.filter((one) => one.message === id);
        const busy = mine.filter((one) => one.state === "pending").map((one) => one.custom_id);
        const failed = mine.find((one) => one.state === "failed");
        items.push({ key: id, doc, compact: follows(before, doc), busy, failed: failed && { id: failed.id, text: failed.text } });
        before = doc;
      }
    }
    return items;
  }

  #entry(item, old) {
    if (item.day) return h("li", { class: "day" }, h("span", {}, item.day));
    if (item.invocation) return this.#invocation(item.invocation);
    const view = old?.view ?? new MessageView(this.app);
    return view.update(item);
  }

  #invocation({ id, name, state, text }) {
    const failed = state === "failed";
    const forget = () => this.app.ask("forget", { invocation: id });
    return h(
      "li",
      { class: ["doing", failed && "failed"] },
      failed ? icon("warn", 18) : h("span", { class: "spinner", "aria-hidden": "true" }),
      h("span", { role: failed ? "alert" : "status" }, h("span", { class: "doing-name" }, name), " ", text),
      failed && h("button", { class: "text-button", type: "button", on: { click: forget } }, "Dismiss"),
    );
  }

  /** Tells of new messages, and of answers that were only thinking before. */
  #listen(items) {
    for (const { doc } of items) {
      if (!doc || doc.client.thinking || this.#said.has(doc.id)) continue;
      this.#said.add(doc.id);
      announce(`${this.app.town.nameOf(doc.author, doc.client.guild_id)}: ${summary(doc)}`);
      if (!this.atBottom) this.#missed += 1;
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const up = scrollTop < this.#top;
    this.#top = scrollTop;
    // What grows moves the end away: only who scrolls up leaves it.
    if (scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX) this.atBottom = true;
    else if (up) this.atBottom = false;
    this.#offerLatest();
  }

  #stick() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Goes to the newest message. */
  toBottom() {
    this.atBottom = true;
    this.#stick();
    this.#offerLatest();
  }

  #offerLatest() {
    if (this.atBottom) this.#missed = 0;
    this.latest.hidden = this.atBottom;
    const words = this.#missed ? `${this.#missed} new message${this.#missed === 1 ? "" : "s"}` : "Jump to the newest";
    fill(this.latest, words, icon("down", 16));
  }

  /** Shows one message of the open channel; whether it is there. */
  reveal(messageId) {
    const node = this.list.querySelector(`[data-message="${CSS.escape(messageId)}"]`);
    if (!node) return false;
    this.atBottom = false;
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), FLASH_MS);
    return true;
  }
}

/** What the top of a conversation is made of, to see whether it changed. */
function beginning({ last_message_id: _, ...channel }, { town }) {
  return { channel, offered: town.commandsIn(channel, 1).map((command) => command.name), threads: town.threadsOf(channel.id) };
}

/** Whether a message goes on where the one before stopped, without a heading of its own. */
function follows(before, doc) {
  if (!before || before.author.id !== doc.author.id) return false;
  if (doc.client.invoked || doc.message_reference || doc.client.ephemeral !== before.client.ephemeral) return false;
  if (doc.type !== 0 || before.type === 18) return false;
  return Date.parse(doc.timestamp) - Date.parse(before.timestamp) < SAME_BREATH_MS;
}
