/** The dialog in which a thread or a post begins. */

import { byId, fill } from "./dom.js";
import { summary } from "./message.js";
import { Refused } from "./socket.js";
import { FORUM } from "./town.js";

export class NewThread {
  constructor(app) {
    this.app = app;
    this.dialog = byId("new-thread");
    this.form = byId("new-thread-form");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create();
    });
    byId("new-thread-cancel").addEventListener("click", () => this.dialog.close());
  }

  /** Opens it for a channel, or for a message from which the thread shall start. */
  open(channel, message = null) {
    this.channel = channel;
    this.message = message;
    const forum = channel.type === FORUM;
    this.form.reset();
    fill(byId("new-thread-title"), forum ? "New post" : "New thread");
    fill(byId("new-thread-about"), message ? `From the message: ${summary(message)}` : `In ${channel.name}`);
    fill(byId("new-thread-content-label"), forum ? "First message" : "First message (optional)");
    this.form.elements.content.required = forum;
    byId("new-thread-content").hidden = Boolean(message);
    const choice = !forum && !message && channel.can.create_private_threads;
    byId("new-thread-private").hidden = !choice;
    this.form.elements.private.checked = choice && !channel.can.create_threads;
    fill(byId("new-thread-error"), "");
    this.dialog.showModal();
    this.form.elements.name.focus();
  }

  async #create() {
    const { name, content, private: hidden } = this.form.elements;
    const request = { channel: this.channel.id, name: name.value.trim() };
    if (this.message) request.message = this.message.id;
    else if (content.value.trim()) request.content = content.value.trim();
    if (hidden.checked) request.private = true;
    try {
      const made = await this.app.socket.ask("thread", request);
      this.dialog.close();
      this.app.openChannel(made.channel);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fill(byId("new-thread-error"), error.message);
    }
  }
}
