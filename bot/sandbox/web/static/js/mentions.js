/** People, roles, places and commands within texts, as chips. */

import { h, tint } from "./dom.js";
import { icon } from "./icons.js";
import { channelIcon, roleLabel } from "./town.js";

const MESSAGE_LINK = /^https?:\/\/(?:\w+\.)?discord\.com\/channels\/(\d+|@me)\/(\d+)(?:\/(\d+))?$/i;

/** Where a link into Discord leads: `{channel, message}`; null for any other link. */
export function placeOf(address) {
  const found = MESSAGE_LINK.exec(address);
  return found && { channel: found[2], message: found[3] ?? null };
}

/** The chip for `<@1>`, `<@&1>`, `<#1>`, `</name:1>`, an emoji, or @everyone; null if it is none. */
export function mention(found, { app, guildId, everyone }) {
  const [, kind, id, all] = found;
  if (all) return everyone ? chip(`@${all}`) : null;
  if (kind === "@" || kind === "@!") return chip(`@${app.town.userName(id, guildId) ?? "unknown-user"}`);
  if (kind === "@&") return role(app.town.role(id, guildId));
  if (kind === "#") return channel(app, id);
  if (kind.startsWith("/")) return command(app, kind.slice(1, -1), id);
  // Custom emojis are pictures of Discord's; their name says what is meant.
  return h("span", { class: "emoji-name", title: "custom emoji" }, kind.replace(/^a/, ""));
}

function chip(text) {
  return h("span", { class: "mention" }, text);
}

function role(known) {
  if (!known) return chip("@deleted-role");
  const node = chip(roleLabel(known));
  if (known.color) tint(node, "--chip", `#${known.color.toString(16).padStart(6, "0")}`);
  return node;
}

function channel(app, id, suffix = null) {
  const known = app.town.channel(id);
  if (!known) return h("span", { class: "mention" }, icon("lock", 14), "No access");
  const click = () => app.openChannel(id);
  return h("button", { class: "mention", type: "button", on: { click } }, icon(channelIcon(known), 14), known.name, suffix);
}

function command(app, name, id) {
  const known = app.store.get(`command:${id}`);
  const click = () => app.startCommand(name);
  const attributes = { class: "mention mention-command", type: "button", title: known?.description, on: { click } };
  return h("button", attributes, `/${name}`);
}

/** A link to a message of this Discord as a chip that leads there; null for other links. */
export function messageLink(address, { app }) {
  const place = placeOf(address);
  const known = place && app.town.channel(place.channel);
  if (!known) return null;
  if (!place.message) return channel(app, place.channel);
  const click = () => app.jump(place.channel, place.message);
  const words = [icon(channelIcon(known), 14), `${known.name} › message`];
  return h("button", { class: "mention", type: "button", on: { click } }, words);
}
