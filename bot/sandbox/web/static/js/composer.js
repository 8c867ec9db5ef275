/** The bottom of the page: text, files, and `/` for the bot's commands; a draft for each channel. */

import { byId, fill, h } from "./dom.js";
import { CommandForm, pathsIn, splitCommand } from "./command.js";
import { filesOf, Picked, problemWith } from "./files.js";
import { icon } from "./icons.js";
import { fitting, Listbox } from "./listbox.js";
import { closePopup, openPopup } from "./popup.js";
import { summary } from "./message.js";
import { sentence } from "./say.js";
import { Refused } from "./socket.js";
import { FORUM, isThread } from "./town.js";

const MOST_FILES = 10;

/** Where there is no room for more than a few words. */
const NARROW = matchMedia("(max-width: 600px)");

/** Where fingers type, a focus that nobody asked for would open the keyboard over the page. */
const FINGERS = matchMedia("(hover: none) and (pointer: coarse)");

export class Composer {
  #drafts = new Map();
  #list = null;
  #sending = false;

  constructor(app) {
    this.app = app;
    this.box = byId("composer");
    this.text = byId("text");
    this.fileInput = byId("file-input");
    this.text.addEventListener("input", () => this.#typed());
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("blur", () => this.#list && closePopup());
    byId("text-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    byId("attach").addEventListener("click", () => this.fileInput.click());
    this.fileInput.addEventListener("change", () => {
      this.#take([...this.fileInput.files]);
      this.fileInput.value = "";
    });
    // Wherever the focus is: a dialog has fields of its own.
    document.addEventListener("paste", (event) => event.target.closest?.("dialog") || this.#pasted(event));
    this.#dropInto(byId("conversation"));
    app.store.watch(["channel:", "command:", "me"], () => this.draw());
    NARROW.addEventListener("change", () => this.draw());
    app.store.watch(["message:"], () => this.#followReply());
  }

  get draft() {
    const { channelId } = this.app;
    if (!this.#drafts.has(channelId)) this.#drafts.set(channelId, { text: "", files: [], reply: null, command: null });
    return this.#drafts.get(channelId);
  }

  get channel() {
    return this.app.town.channel(this.app.channelId);
  }

  /** Shows the draft of the channel that is open now. */
  open() {
    closePopup();
    this.text.value = this.draft.text;
    this.draw();
    if (!FINGERS.matches) this.focus();
  }

  /** A draft belongs to the person who began it. */
  forgetDrafts() {
    this.#drafts.clear();
  }

  focus() {
    if (this.draft.command) this.draft.command.focus();
    else this.text.focus({ preventScroll: true });
  }

  draw() {
    const { channel, draft } = this;
    const forum = channel?.type === FORUM;
    const closed = !channel || forum || (!channel.can.send && !draft.command);
    this.box.hidden = !channel || forum;
    const offered = channel ? pathsIn(channel, this.app.town) : [];
    // Who may not write may still use commands.
    const mute = closed && offered.length === 0;
    byId("text-form").hidden = Boolean(draft.command);
    this.text.readOnly = mute;
    byId("attach").hidden = !channel?.can.attach;
    this.text.placeholder = placeholder(channel, offered, closed);
    this.text.setAttribute("aria-label", channel ? `Message ${nameOf(channel)}` : "Message");
    fill(byId("why-not"), channel?.why_not && !channel.can.send ? sentence(channel.why_not) : "");
    byId("why-not").hidden = !channel || channel.can.send || forum;
    const entry = draft.command && offered.find(({ path }) => path === draft.command.path);
    if (entry) draft.command.define(entry);
    const slot = byId("command-slot");
    if (slot.firstChild !== (draft.command?.element ?? null)) fill(slot, draft.command?.element);
    this.#drawReply();
    this.#drawFiles();
    if (this.#list) this.#show();
  }

  #drawReply() {
    const { reply } = this.draft;
    byId("reply-bar").hidden = !reply;
    if (!reply) return;
    const stop = () => this.replyTo(null);
    const name = this.app.town.nameOf(reply.author, reply.client.guild_id);
    fill(
      byId("reply-bar"),
      h("span", { class: "reply-words" }, "Replying to ", h("strong", {}, name), h("span", { class: "quiet" }, ` ${summary(reply)}`)),
      h("button", { class: "icon-button", type: "button", "aria-label": "Do not reply", on: { click: stop } }, icon("close", 16)),
    );
  }

  /** What is replied to may change, or be deleted. */
  #followReply() {
    const { reply } = this.draft;
    if (!reply) return;
    const now = this.app.store.get(`message:${reply.channel_id}:${reply.id}`) ?? null;
    if (now === reply) return;
    this.draft.reply = now;
    this.#drawReply();
  }

  #drawFiles() {
    const { files } = this.draft;
    byId("tray").hidden = files.length === 0;
    const remove = (one) => () => {
      one.release();
      this.draft.files = this.draft.files.filter((other) => other !== one);
      this.#drawFiles();
      this.text.focus();
    };
    fill(byId("tray"), files.map((one) => one.card(remove(one))));
  }

  /** Replies to a message with what is written next; null to nothing. */
  replyTo(doc) {
    this.draft.reply = doc;
    this.#drawReply();
    this.focus();
  }

  /** Begins to fill in a command; whether it is offered here. */
  start(path) {
    const entry = pathsIn(this.channel, this.app.town).find((one) => one.path === path);
    if (!entry) {
      this.app.say(`/${path} is not offered here.`, { bad: true });
      return false;
    }
    closePopup();
    const { app } = this;
    const onDone = (sent) => this.#left(form, sent);
    const form = new CommandForm(entry, { app, channelId: app.channelId, onDone });
    const { draft } = this;
    draft.text = this.text.value = "";
    const { files } = draft;
    draft.files = [];
    draft.command = form;
    this.draw();
    form.focus();
    if (files.length) form.take(files.map((one) => one.file));
    return true;
  }

  #left(form, sent) {
    closePopup();
    for (const draft of this.#drafts.values()) if (draft.command === form) draft.command = null;
    this.draw();
    this.focus();
    if (sent) this.app.conversation.toBottom();
  }

  // the list of commands

  #typed() {
    this.draft.text = this.text.value;
    this.#grow();
    const { value } = this.text;
    if (this.#begin(value)) return;
    if (value.startsWith("/") && !value.includes("\n")) {
      this.#open();
    } else if (this.#list) {
      closePopup();
    }
  }

  /** Begins the command that a text names, typed or pasted with its words; whether it names one. */
  #begin(text) {
    const found = splitCommand(text, pathsIn(this.channel, this.app.town));
    if (!found || !this.start(found.path)) return false;
    if (found.words) this.draft.command.put(found.words);
    return true;
  }

  #grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }

  #open() {
    if (!this.#list) {
      const list = (this.#list = new Listbox({ label: "Commands", empty: "No command begins like this", onChoose: (item) => this.start(item.value) }));
      list.onActive = (id) => (id ? this.text.setAttribute("aria-activedescendant", id) : this.text.removeAttribute("aria-activedescendant"));
      this.text.setAttribute("aria-controls", list.id);
      const content = h("div", { class: "commands" }, h("p", { class: "commands-title" }, "Commands of the bot"), list.element);
      openPopup(() => this.box, content, {
        above: true,
        wide: true,
        onClose: () => {
          this.#list = null;
          this.text.removeAttribute("aria-activedescendant");
          this.text.removeAttribute("aria-controls");
        },
      });
    }
    this.#show();
  }

  #show() {
    const entries = pathsIn(this.channel, this.app.town);
    const items = entries.map((entry) => ({
      value: entry.path,
      label: `/${entry.path}`,
      hint: entry.description,
      note: entry.options.filter(({ required }) => required).map(({ name }) => name).join(" "),
    }));
    this.#list.empty = entries.length ? "No command begins like this" : "The bot offers no commands here";
    this.#list.show(fitting(items, this.text.value, (item) => [item.label, item.hint]));
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.#list) {
      if (this.#list.key(event)) return;
      const item = this.#list.activeItem;
      if ((event.key === "Enter" || event.key === "Tab") && item) {
        event.preventDefault();
        this.start(item.value);
        return;
      }
      if (event.key === "Escape") {
        event.preventDefault();
        closePopup();
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && this.draft.reply) {
      this.replyTo(null);
    }
  }

  // text and files

  async #send() {
    const { draft, channel } = this;
    const content = this.text.value.trim();
    if (this.#sending || !channel || (!content && !draft.files.length)) return;
    // The name of a command alone, sent with the button.
    if (this.#begin(`${content} `)) return;
    if (!channel.can.send) {
      this.app.say(sentence(channel.why_not ?? "you cannot write here"), { bad: true });
      return;
    }
    if (this.#list) closePopup();
    this.#sending = true;
    this.box.classList.add("sending");
    try {
      const files = await Promise.all(draft.files.map((one) => one.token()));
      const reply = draft.reply ? { reply_to: draft.reply.id } : {};
      await this.app.socket.ask("post", { channel: channel.id, content, files, ...reply });
      for (const one of draft.files) one.release();
      Object.assign(draft, { text: "", files: [], reply: null });
      this.text.value = this.draft.text;
      this.#grow();
      this.draw();
      this.app.conversation.toBottom();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.app.say(error.message, { bad: true });
    } finally {
      this.#sending = false;
      this.box.classList.remove("sending");
    }
  }

  #take(files) {
    const { draft, channel } = this;
    if (!channel || !files.length) return;
    if (draft.command) {
      draft.command.take(files);
      return;
    }
    if (!channel.can.attach) {
      this.app.say("You cannot send files here. Type / to give one to the bot.", { bad: true });
      return;
    }
    const room = MOST_FILES - draft.files.length;
    if (files.length > room) this.app.say(`A message takes at most ${MOST_FILES} files.`, { bad: true });
    for (const file of files.slice(0, room)) {
      const problem = problemWith(file, channel.upload_limit);
      if (problem) this.app.say(problem, { bad: true });
      else draft.files.push(new Picked(file));
    }
    this.#drawFiles();
    this.text.focus();
  }

  #pasted(event) {
    if (this.box.hidden) return;
    if (this.draft.command) {
      this.draft.command.paste(event);
      return;
    }
    const files = filesOf(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    this.#take(files);
  }

  #dropInto(place) {
    let depth = 0;
    const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const mark = (change) => {
      depth = Math.max(0, depth + change);
      place.classList.toggle("dropping", depth > 0);
    };
    // A file that misses its place would replace the whole page.
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => isFile(event) && event.preventDefault());
    place.addEventListener("dragenter", (event) => isFile(event) && mark(1));
    place.addEventListener("dragleave", (event) => isFile(event) && mark(-1));
    // A field that takes the file itself keeps the drop from coming here: the mark goes first.
    place.addEventListener("drop", () => mark(-depth), { capture: true });
    place.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      this.#take(filesOf(event.dataTransfer));
    });
  }
}

function nameOf(channel) {
  return isThread(channel) || channel.type === 1 ? channel.name : `#${channel.name}`;
}

function placeholder(channel, offered, closed) {
  if (!channel) return "";
  if (!offered.length) return closed ? "" : `Message ${nameOf(channel)}`;
  if (NARROW.matches) return "Type / for commands";
  return closed ? "Type / for the bot's commands" : `Type / for the bot's commands, or message ${nameOf(channel)}`;
}
