/** The line above the conversation: where I am, and what can be done with the place. */

import { byId, fill, h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { channelIcon, FORUM, isThread } from "./town.js";

const BOT_STATES = {
  starting: "The bot is starting",
  online: "The bot is online",
  offline: "The bot lost its connection",
  stopped: "The bot is stopped",
  failed: "The bot ended by itself",
};

export class Header {
  constructor(app) {
    this.app = app;
    app.store.watch(["channel:", "bot", "fault:"], () => this.draw());
  }

  draw() {
    const { app } = this;
    const channel = app.town.channel(app.channelId);
    keyed(byId("place"), channel ? [pick(channel, app)] : [], { key: ({ id }) => id, draw: (item) => this.#place(item) });
    const bot = app.store.get("bot");
    const state = bot?.state ?? "starting";
    const node = byId("bot-state");
    node.dataset.state = state;
    if (node.textContent !== BOT_STATES[state]) fill(node, BOT_STATES[state]);
    for (const drawer of ["pika", "faults"]) {
      const count = app.store.all("fault:").filter((fault) => fault.drawer === drawer).length;
      fill(byId(`${drawer}-count`), count ? String(count) : "");
      byId(`${drawer}-count`).hidden = count === 0;
    }
  }

  #place(item) {
    const { app } = this;
    const actions = this.#actions(app.town.channel(item.id));
    const open = ({ currentTarget }) => openMenu(currentTarget, this.#actions(app.town.channel(item.id)), item.name);
    return h(
      "div",
      { class: "place" },
      icon(item.icon, 22),
      item.parent && h("button", { class: "place-parent", type: "button", on: { click: () => app.openChannel(item.parent.id) } }, item.parent.name, icon("right", 14)),
      h("h1", { class: "place-name" }, item.name),
      item.archived && h("span", { class: "chip" }, icon("archive", 14), "Archived"),
      item.locked && h("span", { class: "chip" }, icon("lock", 14), "Locked"),
      item.topic && h("span", { class: "place-topic", title: item.topic }, item.topic),
      actions.length > 0 && h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-haspopup": "menu",
          "aria-expanded": "false",
          "aria-label": isThread(item) ? "What can be done with this thread" : "What can be done here",
          data: { focus: "place-menu" },
          on: { click: open },
        },
        icon("more"),
      ),
    );
  }

  #actions(channel) {
    const { app } = this;
    const { can } = channel;
    const { archived, locked } = channel.thread_metadata ?? {};
    const state = (change) => () => app.ask("thread_state", { channel: channel.id, ...change });
    const actions = [];
    if (isThread(channel)) {
      if (can.archive) actions.push({ label: archived ? "Open again" : "Archive", icon: "archive", run: state({ archived: !archived }) });
      if (can.lock) actions.push({ label: locked ? "Unlock" : "Lock", icon: "lock", run: state({ locked: !locked }) });
      if (can.delete) {
        const run = () => app.ask("delete_thread", { channel: channel.id });
        actions.push({ label: "Delete thread", icon: "trash", danger: true, run });
      }
    } else if (channel.type === FORUM) {
      if (can.create_posts) actions.push({ label: "New post", icon: "plus", run: () => app.newThread(channel) });
    } else if (can.create_threads || can.create_private_threads) {
      actions.push({ label: "New thread", icon: "thread", run: () => app.newThread(channel) });
    }
    return actions;
  }
}

function pick(channel, app) {
  const parent = isThread(channel) ? app.town.channel(channel.parent_id) : null;
  const { archived, locked } = channel.thread_metadata ?? {};
  const { id, name, topic, type, can } = channel;
  return { id, name, topic, type, can, archived, locked, icon: channelIcon(channel), parent: parent && { id: parent.id, name: parent.name } };
}
