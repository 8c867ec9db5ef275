/** The right of the page: who I am, what this server thinks of me, and who else I may be. */

import { avatar } from "./avatar.js";
import { byId, h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { roleDot } from "./select.js";
import { moment, relative } from "./time.js";
import { timestamp } from "./timestamps.js";

const USER_COMMAND = 2;

export class People {
  constructor(app) {
    this.app = app;
    app.store.watch(["me", "person:", "standing:", "guild:", "member:", "channel:", "command:"], () => this.draw());
  }

  draw() {
    const { store } = this.app;
    const me = store.get("me");
    if (!me) return;
    const guild = this.app.town.guild(this.app.guildId);
    const standing = store.get(`standing:${this.app.guildId}`);
    const person = store.get(`person:${me.id}`);
    const here = { id: "me", me, person, guild: guild && { id: guild.id, name: guild.name, upload_limit: guild.upload_limit }, standing };
    keyed(byId("myself"), [here], { key: ({ id }) => id, draw: (item) => this.#myself(item) });
    const people = store.all("person:").sort((a, b) => a.order - b.order);
    keyed(byId("people"), people.map((one) => ({ ...one, mine: one.id === me.id })), {
      key: ({ id }) => id,
      draw: (item) => this.#person(item),
    });
    keyed(byId("me-bar"), [{ me, title: person?.title ?? "" }], { key: () => "me", draw: (item) => this.#bar(item) });
    this.#members(me);
  }

  #bar({ me, title }) {
    const click = () => this.app.panels.toggle("me");
    const name = me.user.global_name || me.user.username;
    return h(
      "button",
      { class: "me-button", type: "button", "aria-label": `You are ${name}, ${title}: show more`, on: { click } },
      avatar(me.user, 32),
      h("span", { class: "person-words" }, h("span", { class: "person-name" }, name), h("span", { class: "person-title" }, title)),
    );
  }

  #myself({ me, person, guild, standing }) {
    const { town } = this.app;
    return h(
      "div",
      { class: "myself" },
      h(
        "div",
        { class: "myself-head" },
        avatar(me.user, 48),
        h("div", {}, h("strong", { class: "myself-name" }, town.nameOf(me.user, guild?.id)), h("span", { class: "myself-title" }, person?.title ?? me.user.username)),
      ),
      person?.about && h("p", { class: "myself-about" }, person.about),
      guild && standing ? this.#standing(guild, standing) : h("p", { class: "myself-about" }, "Open a server to see what it thinks of you."),
      this.#dms(me),
    );
  }

  #standing(guild, standing) {
    const limit = Math.round(guild.upload_limit / 1024 / 1024);
    const facts = [
      ["Standing", standing.owner ? "Owner" : standing.moderator ? "Moderator" : "Member"],
      ["Joined", relative(standing.joined_at)],
      ["Account made", moment(standing.account_created_at, "d")],
      ["Boosting", standing.boosting ? "Yes" : "No"],
      ["Files up to", `${limit} MiB`],
    ];
    return h(
      "section",
      { class: "standing" },
      h("h3", {}, `In ${guild.name}`),
      h("div", { class: "roles" }, standing.roles.length ? standing.roles.map(roleChip) : h("span", { class: "quiet" }, "No roles")),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      standing.timed_out_until_at && h("p", { class: "warning" }, icon("warn", 16), "In time-out until ", timestamp(standing.timed_out_until_at / 1000, "R")),
      h(
        "details",
        { class: "permissions" },
        h("summary", {}, `${standing.permissions.length} permissions server-wide`),
        h("ul", {}, standing.permissions.map((name) => h("li", {}, name))),
      ),
    );
  }

  #dms(me) {
    const change = ({ target }) => this.app.ask("dms", { open: target.checked });
    return h(
      "label",
      { class: "switch" },
      h("input", { type: "checkbox", role: "switch", checked: me.dms_open, data: { focus: "dms" }, on: { change } }),
      h("span", { class: "switch-track", "aria-hidden": "true" }),
      h("span", {}, "Open to direct messages"),
    );
  }

  #person({ id, user, title, mine }) {
    const click = () => this.app.be(id);
    return h(
      "li",
      {},
      h(
        "button",
        {
          class: ["person", mine && "mine"],
          type: "button",
          "aria-pressed": String(mine),
          data: { focus: `person-${id}`, person: user.username },
          on: { click },
        },
        avatar(user, 32),
        h("span", { class: "person-words" }, h("span", { class: "person-name" }, user.global_name || user.username), h("span", { class: "person-title" }, title)),
        mine && icon("check", 18),
      ),
    );
  }

  /** The members are shown where a command for members exists; else the list says nothing. */
  #members(me) {
    const { app } = this;
    const channel = app.town.channel(app.channelId);
    const commands = app.town.commandsIn(channel, USER_COMMAND);
    const members = commands.length && channel?.guild_id ? app.store.all(`member:${channel.guild_id}:`) : [];
    byId("members-section").hidden = members.length === 0;
    const items = members.map(({ user, nick }) => ({ user, nick, mine: user.id === me.id, commands: commands.map((c) => c.name) }));
    keyed(byId("members"), items, { key: ({ user }) => user.id, draw: (item) => this.#member(item, channel.id) });
  }

  #member({ user, nick, commands }, channel) {
    const run = (command) => () => this.app.ask("user_menu", { channel: this.app.channelId ?? channel, user: user.id, command });
    const open = ({ currentTarget }) => openMenu(currentTarget, commands.map((label) => ({ label, icon: "person", run: run(label) })), "Member");
    const name = nick || user.global_name || user.username;
    const attributes = { class: "person", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", on: { click: open } };
    return h("li", {}, h("button", attributes, avatar(user, 28), h("span", { class: "person-name" }, name), icon("more", 18)));
  }
}

function roleChip(role) {
  return h("span", { class: "role-chip" }, roleDot(role), role.name);
}
