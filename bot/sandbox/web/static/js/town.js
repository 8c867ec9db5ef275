/** Questions about people and places, answered from the store. */

import { byNumber } from "./store.js";

export const TEXT = 0;
export const DIRECT = 1;
export const PRIVATE_THREAD = 12;
export const FORUM = 15;
const THREADS = new Set([10, 11, 12]);

/** Kinds of select menus and options that offer people, roles or places. */
export const USERS = "users";
export const ROLES = "roles";
export const CHANNELS = "channels";

export class Town {
  constructor(store) {
    this.store = store;
  }

  guild(id) {
    return this.store.get(`guild:${id}`);
  }

  /** The servers, in their order. */
  guilds() {
    return this.store.all("guild:").sort((a, b) => a.order - b.order);
  }

  channel(id) {
    return this.store.get(`channel:${id}`);
  }

  /** The channels of a server without threads, in their order. */
  channelsOf(guildId) {
    return this.store
      .all("channel:")
      .filter((c) => c.guild_id === guildId && !isThread(c))
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || byNumber(a.id, b.id));
  }

  /** The threads of a channel: open ones first, newest first. */
  threadsOf(channelId) {
    const closed = (thread) => Number(Boolean(thread.thread_metadata?.archived));
    return this.store
      .all("channel:")
      .filter((c) => isThread(c) && c.parent_id === channelId)
      .sort((a, b) => closed(a) - closed(b) || byNumber(b.id, a.id));
  }

  /** The direct messages. */
  directs() {
    return this.store.all("channel:").filter((c) => c.type === DIRECT);
  }

  /** What I see in a channel, oldest first. */
  messagesOf(channelId) {
    return this.store.all(`message:${channelId}:`).sort((a, b) => byNumber(a.id, b.id));
  }

  /** What is written above a person's messages. */
  nameOf(user, guildId = null) {
    const nick = guildId ? this.store.get(`member:${guildId}:${user.id}`)?.nick : null;
    return nick || user.global_name || user.username;
  }

  /** The name of an account by its id; null when it is unknown. */
  userName(id, guildId = null) {
    const known = this.store.get(`user:${id}`) ?? this.store.get(`member:${guildId}:${id}`)?.user;
    return known ? this.nameOf(known, guildId) : null;
  }

  role(id, guildId) {
    return this.guild(guildId)?.roles.find((role) => role.id === id);
  }

  /** The commands of one type that I may use in a channel. */
  commandsIn(channel, type) {
    const commands = (channel?.commands ?? []).map((id) => this.store.get(`command:${id}`));
    return commands.filter((c) => c?.type === type).sort((a, b) => a.name.localeCompare(b.name));
  }

  /** What a menu of people, roles or places offers in a channel: `{value, label, hint, kind}`. */
  offered(kinds, channel, channelTypes = null) {
    const guildId = channel?.guild_id;
    const found = [];
    if (kinds.includes(USERS)) {
      const people = guildId
        ? this.store.all(`member:${guildId}:`).map((member) => member.user)
        : [...(channel?.recipients ?? []), this.store.get("bot")?.user].filter(Boolean);
      for (const user of people) {
        found.push({ value: user.id, label: this.nameOf(user, guildId), hint: user.username, kind: USERS, user });
      }
    }
    if (kinds.includes(ROLES)) {
      for (const role of this.guild(guildId)?.roles ?? []) {
        found.push({ value: role.id, label: roleLabel(role), hint: "Role", kind: ROLES, role });
      }
    }
    if (kinds.includes(CHANNELS)) {
      const places = this.store.all("channel:").filter((c) => c.guild_id && c.guild_id === guildId);
      const fitting = places.filter((c) => !channelTypes?.length || channelTypes.includes(c.type));
      for (const place of fitting) {
        const parent = isThread(place) ? this.channel(place.parent_id)?.name : null;
        found.push({ value: place.id, label: place.name, hint: parent && `in #${parent}`, kind: CHANNELS, place });
      }
    }
    return found;
  }
}

/** Whether a channel is a thread. */
export function isThread(channel) {
  return THREADS.has(channel?.type);
}

/** A role's name as people write it. */
export function roleLabel(role) {
  return role.name.startsWith("@") ? role.name : `@${role.name}`;
}

/** The name of the icon that stands for a channel. */
export function channelIcon(channel) {
  if (channel.type === DIRECT) return "at";
  if (channel.type === FORUM) return "forum";
  if (channel.type === PRIVATE_THREAD) return "lock";
  return isThread(channel) ? "thread" : "hash";
}
