/** Puts the page together. */

import { byId } from "./dom.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Drawers } from "./drawers.js";
import { Header } from "./header.js";
import { icon } from "./icons.js";
import { Modal } from "./modal.js";
import { Panels } from "./panels.js";
import { People } from "./people.js";
import { say } from "./say.js";
import { HOME, Sidebar } from "./sidebar.js";
import { Refused, Socket } from "./socket.js";
import { Store } from "./store.js";
import { startTheme } from "./theme.js";
import { NewThread } from "./threads.js";
import { setClock } from "./time.js";
import { startCounting } from "./timestamps.js";
import { Town } from "./town.js";
import { startTyping } from "./typing.js";

const PERSON = "person";

/** What the parts of the page may know and do. */
class App {
  constructor() {
    this.store = new Store();
    this.town = new Town(this.store);
    this.channelId = null;
    this.guildId = null;
    this.person = sessionStorage.getItem(PERSON);
    this.socket = new Socket({
      onState: (change) => this.#receive(change),
      onLink: (up) => byId("offline").toggleAttribute("hidden", up),
      person: () => this.person,
    });
    this.conversation = new Conversation(this);
    this.composer = new Composer(this);
    this.sidebar = new Sidebar(this);
    this.header = new Header(this);
    this.people = new People(this);
    this.drawers = new Drawers(this);
    this.modal = new Modal(this);
    this.threads = new NewThread(this);
    this.panels = new Panels(() => this.drawers.draw());
    startTyping(() => this.panels.covers || this.composer.focus());
  }

  /** Which drawer is open: "pika", "faults" or null. */
  get drawer() {
    return this.panels?.drawer ?? null;
  }

  #receive(change) {
    if (change.all && change.set.town) setClock(change.set.town.now_at);
    const someoneElse = change.set?.me && change.set.me.id !== this.store.get("me")?.id;
    this.store.apply(change);
    if (someoneElse) this.#arrived();
    else if (!this.town.channel(this.channelId)) this.#lostPlace();
  }

  /** Somebody sits down before the page: everything there is counts as read. */
  #arrived() {
    const { id, home } = this.store.get("me");
    this.person = id;
    sessionStorage.setItem(PERSON, id);
    this.sidebar.readAll();
    this.composer.forgetDrafts();
    const wanted = this.channelId ?? location.hash.slice(2);
    this.openChannel(this.town.channel(wanted) ? wanted : home);
  }

  /** The open place was deleted, or is seen no more. */
  #lostPlace() {
    const parent = this.lastParent && this.town.channel(this.lastParent) ? this.lastParent : null;
    this.openChannel(parent ?? this.store.get("me")?.home ?? null);
  }

  /** Shows a channel, thread or direct message. */
  openChannel(id) {
    const channel = this.town.channel(id);
    this.channelId = channel ? id : null;
    this.guildId = channel?.guild_id ?? (channel ? HOME : this.guildId);
    this.lastParent = channel?.parent_id ?? null;
    document.title = channel ? `${channel.name} · pika-bot demo` : "pika-bot demo";
    history.replaceState(null, "", channel ? `#/${id}` : "#");
    this.sidebar.open(this.guildId, this.channelId);
    this.header.draw();
    this.conversation.open(this.channelId);
    this.people.draw();
    this.drawers.draw();
    if (this.panels?.nav) this.panels.close();
    this.composer.open();
  }

  /** Shows one message, wherever it is. */
  jump(channelId, messageId) {
    if (!this.town.channel(channelId)) {
      say("You cannot see the place that this leads to.", { bad: true });
      return;
    }
    if (channelId !== this.channelId) this.openChannel(channelId);
    if (this.panels.covers) this.panels.close();
    if (messageId && !this.conversation.reveal(messageId)) say("That message is not there any more.", { bad: true });
  }

  /** Begins a command in the open channel. */
  startCommand(path) {
    if (this.panels.covers) this.panels.close();
    this.composer.start(path);
  }

  replyTo(doc) {
    this.composer.replyTo(doc);
  }

  newThread(channel, message = null) {
    this.threads.open(channel, message);
  }

  /** Becomes somebody else. */
  async be(person) {
    await this.ask("be", { person });
  }

  say(text, options) {
    say(text, options);
  }

  /** Shows the sentence that a tool answered, if it did. */
  tell(answer) {
    if (answer?.said) say(answer.said);
  }

  /** Does what a drawer offers, and says what came of it. */
  async useTool(tool, fields) {
    this.tell(await this.ask("tool", { tool, fields }));
  }

  /** Asks the server; a refusal is shown, and the answer is then undefined. */
  async ask(what, body) {
    try {
      return await this.socket.ask(what, body);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(error.message, { bad: true });
      return undefined;
    }
  }
}

for (const node of document.querySelectorAll("[data-icon]")) node.prepend(icon(node.dataset.icon));
startTheme();
startCounting();
new App().socket.open();
