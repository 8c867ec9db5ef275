/** One message: drawn in parts, so that what did not change stays as it is (a video plays on). */

import { attachments } from "./attachments.js";
import { avatar } from "./avatar.js";
import { components, markBusy } from "./components.js";
import { h, keyed } from "./dom.js";
import { embeds } from "./embeds.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { openMenu } from "./menu.js";
import { counted, moment, stamp } from "./time.js";

const THREAD_CREATED = 18;
const REPLY = 19;
const STARTER = 21;
const HIDE_EMBEDS = 1 << 2;
const LAYOUT = 1 << 15;
const MESSAGE_COMMAND = 3;
const MENU = "Message";
// Pictures with their colours and joins, flags of two letters, and keys such as 1️⃣.
const ONLY_EMOJI = /^(?:(?:\p{Extended_Pictographic}[\u{1F3FB}-\u{1F3FF}\u{E0020}-\u{E007F}\uFE0F\u200D]*|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3)\s*)+$/u;

/**
 * The list entry of a message. `item`: `doc`, `compact` (same author as before), and the
 * invocations on it: `busy` (custom ids) and `failed`.
 */
export class MessageView {
  constructor(app) {
    this.app = app;
    this.body = h("div", { class: "message-body" });
    this.above = h("div", { class: "message-above" });
    this.gutter = h("div", { class: "message-gutter" });
    this.tools = h("div", { class: "message-tools" });
    this.element = h("li", { class: "message", tabindex: "-1" }, this.above, this.gutter, this.body, this.tools);
    this.element.view = this;
    this.element.addEventListener("contextmenu", (event) => this.#context(event));
  }

  /** Draws what changed; the entry. */
  update(item) {
    const { doc, compact } = item;
    this.item = item;
    const { element } = this;
    element.dataset.message = doc.id;
    element.classList.toggle("compact", compact);
    element.classList.toggle("mentions-me", doc.client.mentions_me);
    element.classList.toggle("ephemeral", doc.client.ephemeral);
    const context = { app: this.app, guildId: doc.client.guild_id, everyone: doc.mention_everyone, message: doc };
    this.#parts(this.above, this.#aboveParts(doc));
    this.#parts(this.gutter, [["gutter", [compact, doc.author.id], () => gutter(doc, compact)]]);
    this.#parts(this.body, this.#bodyParts(item, context));
    markBusy(this.body, item.busy);
    this.#parts(this.tools, this.#toolParts(doc));
    return element;
  }

  #parts(parent, parts) {
    keyed(parent, parts.filter(Boolean), {
      key: ([name]) => name,
      signature: ([, data]) => JSON.stringify(data),
      draw: ([, , draw]) => draw(),
    });
  }

  #aboveParts(doc) {
    const { invoked } = doc.client;
    if (invoked) return [["invoked", invoked, () => this.#invoked(invoked, doc)]];
    if (doc.type !== REPLY && !doc.message_reference) return [];
    if (doc.type === STARTER || doc.type === THREAD_CREATED) return [];
    const original = doc.referenced_message;
    // All that is shown of it: a card's words stand in an embed, and change.
    return [["reply", original && [original.id, original.author.id, summary(original)], () => this.#reply(doc)]];
  }

  #invoked({ user, name }, doc) {
    const who = this.app.town.userName(user, doc.client.guild_id) ?? "Somebody";
    return h("div", { class: "above-line" }, h("span", { class: "above-name" }, who), " used ", h("span", { class: "above-command" }, name));
  }

  #reply(doc) {
    const original = doc.referenced_message;
    if (!original) return h("div", { class: "above-line" }, icon("reply", 14), h("em", {}, "Original message was deleted"));
    const jump = () => this.app.jump(original.channel_id, original.id);
    const name = this.app.town.nameOf(original.author, doc.client.guild_id);
    const words = summary(original);
    const inner = [avatar(original.author, 16), h("span", { class: "above-name" }, name), h("span", { class: "above-text" }, words)];
    return h("button", { class: "above-line above-reply", type: "button", "aria-label": `Reply to ${name}: ${words}`, on: { click: jump } }, inner);
  }

  #bodyParts({ doc, compact, failed }, context) {
    const layout = Boolean(doc.flags & LAYOUT);
    const edited = doc.edited_timestamp && !doc.client.thinking ? doc.edited_timestamp : null;
    // Where there is no text to stand behind, the mark stands in the heading.
    const beside = layout || doc.content === "" ? edited : null;
    return [
      !compact && ["header", [doc.author, doc.timestamp, beside], () => this.#header(doc, beside)],
      doc.client.thinking && ["thinking", 0, () => thinking(this.app.town.nameOf(doc.author))],
      doc.type === THREAD_CREATED && ["started", doc.content, () => started(doc)],
      doc.type === STARTER && ["starter", doc.referenced_message && [doc.referenced_message.content, summary(doc.referenced_message)], () => starter(doc.referenced_message, context)],
      !layout && doc.type !== THREAD_CREATED && doc.content !== "" && ["text", [doc.content, edited], () => text(doc, edited, context)],
      doc.attachments.length > 0 && !layout && ["files", doc.attachments, () => attachments(doc.attachments)],
      !layout && doc.embeds.length > 0 && !(doc.flags & HIDE_EMBEDS) && ["embeds", doc.embeds, () => embeds(doc.embeds, context)],
      doc.components.length > 0 && ["components", doc.components, () => components(doc.components, context)],
      doc.thread && ["thread", doc.thread, () => this.#thread(doc.thread)],
      failed && ["failed", failed, () => this.#failed(failed)],
      doc.client.ephemeral && ["private", 0, () => this.#private(doc)],
    ];
  }

  #header(doc, edited) {
    const at = Date.parse(doc.timestamp);
    return h(
      "div",
      { class: "message-header" },
      h("span", { class: "author" }, this.app.town.nameOf(doc.author, doc.client.guild_id)),
      doc.author.bot && h("span", { class: "tag" }, "APP"),
      h("time", { class: "sent", datetime: doc.timestamp, title: moment(at, "F") }, stamp(at)),
      edited && editedMark(edited),
    );
  }

  #thread(thread) {
    const open = () => this.app.openChannel(thread.id);
    const words = [icon("thread", 16), h("strong", {}, thread.name), h("span", {}, counted(thread.message_count ?? 0)), icon("right", 14)];
    return h("button", { class: "thread-chip", type: "button", on: { click: open } }, words);
  }

  #failed(failed) {
    const forget = () => this.app.ask("forget", { invocation: failed.id });
    return h(
      "div",
      { class: "failed-line", role: "alert" },
      icon("warn", 16),
      h("span", {}, failed.text),
      h("button", { class: "text-button", type: "button", on: { click: forget } }, "Dismiss"),
    );
  }

  #private(doc) {
    const dismiss = () => this.app.ask("dismiss", { message: doc.id });
    return h(
      "div",
      { class: "private-line" },
      icon("eye", 16),
      "Only you can see this • ",
      h("button", { class: "text-button", type: "button", data: { focus: "dismiss" }, on: { click: dismiss } }, "Dismiss message"),
    );
  }

  #toolParts(doc) {
    const actions = this.#actions(doc);
    if (!actions.length) return [];
    const open = ({ currentTarget }) => openMenu(currentTarget, this.#actions(this.item.doc), MENU);
    const more = () =>
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-haspopup": "menu",
          "aria-expanded": "false",
          "aria-label": "More for this message",
          data: { focus: "more" },
          on: { click: open },
        },
        icon("more"),
      );
    return [["more", 0, more]];
  }

  /** The same menu where the pointer is, or under a finger that stays; links and marked words keep the browser's own. */
  #context(event) {
    const marked = getSelection();
    const own = event.target.closest("a:not(.media-picture), input") || (!marked.isCollapsed && marked.containsNode(event.target, true));
    const actions = this.#actions(this.item.doc);
    if (own || !actions.length) return;
    event.preventDefault();
    openMenu(this.tools.querySelector("button"), actions, MENU, { x: event.clientX, y: event.clientY });
  }

  #actions(doc) {
    const { app } = this;
    const channel = app.town.channel(doc.channel_id);
    const place = { channel: doc.channel_id, message: doc.id };
    const real = !doc.client.ephemeral && !doc.client.thinking;
    const commands = real ? app.town.commandsIn(channel, MESSAGE_COMMAND) : [];
    return [
      real && channel?.can.send && { label: "Reply", icon: "reply", run: () => app.replyTo(doc) },
      real && channel?.can.create_threads && channel.type === 0 && !doc.thread && {
        label: "Start a thread here",
        icon: "thread",
        run: () => app.newThread(channel, doc),
      },
      commands.length > 0 && {
        label: "Apps",
        icon: "apps",
        items: commands.map(({ name }) => ({ label: name, icon: "clapper", run: () => app.ask("message_menu", { ...place, command: name }) })),
      },
      doc.client.can_delete && { label: "Delete message", icon: "trash", danger: true, run: () => app.ask("delete", place) },
    ].filter(Boolean);
  }
}

function gutter(doc, compact) {
  if (!compact) return avatar(doc.author, 40);
  const at = Date.parse(doc.timestamp);
  return h("time", { class: "sent-compact", datetime: doc.timestamp, title: moment(at, "F") }, moment(at, "t"));
}

function text(doc, edited, context) {
  const nodes = markdown(doc.content, context);
  const class_ = ["content", "text", onlyEmoji(doc.content) && "jumbo"];
  return h("div", { class: class_ }, nodes, edited && [" ", editedMark(edited)]);
}

function onlyEmoji(content) {
  return content.length <= 60 && ONLY_EMOJI.test(content);
}

function editedMark(at) {
  return h("span", { class: "edited", title: moment(Date.parse(at), "F") }, "(edited)");
}

function thinking(name) {
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  return h("div", { class: "thinking" }, dots, `${name} is thinking…`);
}

function started(doc) {
  return h("div", { class: "system-line" }, icon("thread", 16), "started a thread: ", h("strong", {}, doc.content));
}

function starter(original, context) {
  if (!original) return h("div", { class: "system-line" }, "The message that this thread began with was deleted.");
  return h("div", { class: "content text" }, markdown(original.content || summary(original), context));
}

/** What a message says, in one line of plain text. */
export function summary(doc) {
  const texts = [doc.content, doc.embeds[0]?.title, doc.embeds[0]?.description, ...textsIn(doc.components)];
  const words = texts.filter(Boolean).join(" · ").replace(/<t:\d+(?::\w)?>/g, "").replace(/\*+|`+|~~|\|\||^#+ |^-# /gm, "").replace(/\s+/g, " ");
  if (words) return words.replace(/<@[!&]?\d+>/g, "@someone").slice(0, 160);
  return doc.attachments.length ? doc.attachments[0].filename : doc.client?.thinking ? "is thinking…" : "a message without text";
}

function textsIn(list) {
  return (list ?? []).flatMap((one) => [one.content, ...textsIn(one.components)]).filter(Boolean);
}
