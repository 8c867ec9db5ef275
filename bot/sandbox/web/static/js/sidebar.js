/** The left of the page: servers, and the channels of the open one. */

import { avatar, initials } from "./avatar.js";
import { byId, fill, h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { byNumber } from "./store.js";
import { channelIcon, FORUM, isThread } from "./town.js";

/** Stands for direct messages where others are servers. */
export const HOME = "@me";

export class Sidebar {
  #seen = new Map();
  #last = new Map();

  constructor(app) {
    this.app = app;
    this.guildId = null;
    app.store.watch(["guild:", "channel:", "message:", "me", "bot", "user:"], () => this.draw());
  }

  /** Shows the channels of a server (or the direct messages), and which one is open. */
  open(guildId, channelId) {
    this.guildId = guildId;
    this.channelId = channelId;
    if (guildId !== HOME || channelId) this.#last.set(guildId, channelId);
    this.draw();
  }

  /** Everything that there is now has been read: a person has just come. */
  readAll() {
    this.#seen.clear();
    for (const channel of this.app.store.all("channel:")) this.#read(channel);
  }

  #read(channel) {
    if (channel) this.#seen.set(channel.id, this.app.town.messagesOf(channel.id).at(-1)?.id ?? channel.last_message_id ?? "0");
  }

  #news(channel) {
    const seen = this.#seen.get(channel.id) ?? "0";
    const fresh = this.app.town.messagesOf(channel.id).filter((doc) => byNumber(doc.id, seen) > 0);
    return { unread: fresh.length > 0, mentions: fresh.filter((doc) => doc.client.mentions_me).length };
  }

  draw() {
    const { town } = this.app;
    this.#read(town.channel(this.channelId));
    const guilds = town.guilds().map((guild) => ({ ...this.#server(guild), id: guild.id, name: guild.name }));
    const directs = town.directs();
    const home = { id: HOME, name: "Direct messages", open: this.guildId === HOME, ...sum(directs.map((c) => this.#news(c))) };
    keyed(byId("servers"), [home, ...guilds], { key: ({ id }) => id, draw: (item) => this.#badge(item) });
    fill(byId("server-name"), this.guildId === HOME ? "Direct messages" : town.guild(this.guildId)?.name);
    fill(byId("server-about"), this.guildId === HOME ? "" : this.#about(town.guild(this.guildId)));
    const rows = this.guildId === HOME ? directs.map((c) => this.#row(c)) : this.#rows();
    keyed(byId("channels"), rows, { key: ({ id }) => id, draw: (row) => this.#link(row) });
  }

  #about(guild) {
    if (!guild) return "";
    return guild.installed ? guild.about : "The bot is not in this server.";
  }

  #server(guild) {
    const channels = this.app.store.all("channel:").filter((c) => c.guild_id === guild.id);
    return { open: guild.id === this.guildId, ...sum(channels.map((c) => this.#news(c))) };
  }

  #badge({ id, name, open, unread, mentions }) {
    const click = () => this.app.openChannel(this.#firstIn(id));
    const label = [name, mentions ? `${mentions} mentions` : unread && "unread"].filter(Boolean).join(", ");
    const button = h(
      "button",
      {
        class: ["server", open && "open", unread && "unread"],
        type: "button",
        title: name,
        "aria-label": label,
        "aria-current": open && "true",
        data: { focus: `server-${id}` },
        on: { click },
      },
      id === HOME ? icon("at", 24) : initials(name),
    );
    return h("li", {}, button, mentions > 0 && h("span", { class: "badge", "aria-hidden": "true" }, String(mentions)));
  }

  #firstIn(id) {
    const { town } = this.app;
    const last = this.#last.get(id);
    if (last && town.channel(last)) return last;
    return (id === HOME ? town.directs() : town.channelsOf(id))[0]?.id;
  }

  #rows() {
    const { town } = this.app;
    return town.channelsOf(this.guildId).flatMap((channel) => {
      // A closed thread is listed only while somebody looks at it, and in a forum.
      const threads = town.threadsOf(channel.id).filter((t) => !t.thread_metadata?.archived || t.id === this.channelId);
      return [channel, ...threads].map((one) => this.#row(one));
    });
  }

  #row(channel) {
    const { archived, locked } = channel.thread_metadata ?? {};
    return {
      id: channel.id,
      name: channel.name,
      icon: channelIcon(channel),
      thread: isThread(channel),
      forum: channel.type === FORUM,
      open: channel.id === this.channelId,
      muted: !channel.bot_sees,
      archived,
      locked,
      bot: channel.type === 1 ? this.app.store.get("bot")?.user : null,
      ...this.#news(channel),
    };
  }

  #link(row) {
    const click = () => this.app.openChannel(row.id);
    const state = [row.archived && "archived", row.locked && "locked", row.unread && "unread"].filter(Boolean);
    return h(
      "li",
      { class: row.thread && "channel-thread" },
      h(
        "button",
        {
          class: ["channel", row.open && "open", row.unread && "unread", row.archived && "archived"],
          type: "button",
          "aria-current": row.open && "page",
          "aria-label": [row.name, row.forum ? "forum" : row.thread ? "thread" : "", ...state].filter(Boolean).join(", "),
          data: { focus: `channel-${row.id}`, channel: row.id },
          on: { click },
        },
        row.bot ? avatar(row.bot, 24) : icon(row.icon, row.thread ? 16 : 20),
        h("span", { class: "channel-name" }, row.name),
        row.muted && h("span", { class: "channel-mark", title: "The bot cannot see this place" }, icon("eye", 14)),
        row.archived && icon("archive", 14),
        row.locked && icon("lock", 14),
        row.mentions > 0 && h("span", { class: "badge" }, String(row.mentions)),
      ),
    );
  }
}

function sum(news) {
  return { unread: news.some((one) => one.unread), mentions: news.reduce((total, one) => total + one.mentions, 0) };
}
