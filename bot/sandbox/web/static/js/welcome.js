/** How a place begins: what it is, and what a person who is new here can do. */

import { pathsIn } from "./command.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { channelIcon, DIRECT, FORUM, isThread } from "./town.js";
import { counted } from "./time.js";

const FIRST_STEPS = ["create", "encrypt_text", "quota", "help"];
const GOVERNING = ["moderate setup", "moderate settings", "moderate queue", "moderate usage", "moderate audit"];

/** The top of a conversation. */
export function welcome(channel, app) {
  return [
    h("span", { class: "welcome-icon" }, icon(channelIcon(channel), 36)),
    h("h2", { class: "welcome-title" }, title(channel)),
    h("p", { class: "welcome-about" }, about(channel, app)),
    channel.type === FORUM ? posts(channel, app) : hint(channel, app),
  ];
}

function title(channel) {
  if (channel.type === DIRECT) return `Your direct messages with ${channel.name}`;
  return isThread(channel) || channel.type === FORUM ? channel.name : `Welcome to #${channel.name}`;
}

function about(channel, app) {
  if (channel.topic) return channel.topic;
  if (channel.type === DIRECT) return "Here the bot sends what it could not post in a server.";
  if (channel.type === FORUM) return "Every post is a thread of its own.";
  if (!isThread(channel)) return "This is the beginning of the channel.";
  const owner = app.town.userName(channel.owner_id, channel.guild_id);
  const parent = app.town.channel(channel.parent_id)?.name;
  return `A thread${owner ? ` that ${owner} started` : ""}${parent ? ` in ${parent}` : ""}.`;
}

function hint(channel, app) {
  const offered = pathsIn(channel, app.town).map(({ path }) => path);
  const usual = FIRST_STEPS.filter((name) => offered.includes(name));
  const first = usual.length ? usual : offered.slice(0, FIRST_STEPS.length);
  if (!first.length) return h("p", { class: "hint" }, noCommands(channel));
  const governing = GOVERNING.filter((name) => offered.includes(name));
  const buttons = (names) => names.map((name) => {
    const click = () => app.startCommand(name);
    return h("button", { class: "mention mention-command", type: "button", on: { click } }, `/${name}`);
  });
  return h(
    "div",
    { class: "hint" },
    h("p", {}, "Type ", h("kbd", {}, "/"), ` to ask the bot for a video, for example /${first[0]}.`),
    h("div", { class: "hint-commands" }, buttons(first)),
    governing.length > 0 && h("p", {}, "You may govern this server:"),
    governing.length > 0 && h("div", { class: "hint-commands" }, buttons(governing)),
  );
}

function noCommands(channel) {
  if (channel.thread_metadata?.archived) return "Commands cannot be used in an archived thread.";
  if (channel.type === DIRECT) return "The bot takes no commands here. Choose a channel of a server to ask for a video.";
  return "The bot offers you no commands here.";
}

function posts(channel, app) {
  const threads = app.town.threadsOf(channel.id);
  const open = channel.can.create_posts && h(
    "button",
    { class: "button primary", type: "button", on: { click: () => app.newThread(channel) } },
    icon("plus", 16),
    "New post",
  );
  return h(
    "div",
    { class: "posts" },
    open,
    threads.length === 0 && h("p", { class: "hint" }, "There are no posts yet."),
    threads.map((thread) => post(thread, app)),
  );
}

function post(thread, app) {
  const author = app.town.userName(thread.owner_id, thread.guild_id) ?? "Somebody";
  const first = app.town.messagesOf(thread.id)[0];
  const { archived, locked } = thread.thread_metadata ?? {};
  return h(
    "button",
    { class: "post", type: "button", on: { click: () => app.openChannel(thread.id) } },
    h("span", { class: "post-title" }, thread.name),
    h("span", { class: "post-text" }, h("strong", {}, `${author}: `), first?.content ?? ""),
    h(
      "span",
      { class: "post-facts" },
      counted(thread.message_count ?? 0),
      archived && h("span", { class: "chip" }, "Archived"),
      locked && h("span", { class: "chip" }, "Locked"),
    ),
  );
}
