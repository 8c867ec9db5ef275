/** The two drawers: Pika (the embedded API) and Faults (what can go wrong). */

import { byId, fill, h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { timestamp } from "./timestamps.js";
import { toolForm } from "./tools.js";

const BOT_STATES = { starting: "Starting…", online: "Online", offline: "Not connected", stopped: "Stopped", failed: "Ended by itself" };
const BOT_ACTIONS = { start: "Start", stop: "Stop", kill: "Kill", restart: "Restart" };
const RUNNING = new Set(["created", "started", "progress"]);
const ORDERED = { slow: "slow", moderated: "moderated", failed: "failed", stuck: "stuck" };

export class Drawers {
  constructor(app) {
    this.app = app;
    this.panel = byId("drawer");
    app.store.watch(["tool:", "fault:", "job:", "pika", "bot", "channel:", "guild:"], () => this.draw());
  }

  draw() {
    const { drawer } = this.app;
    if (drawer !== "pika" && drawer !== "faults") return;
    const { store } = this.app;
    fill(byId("drawer-title"), drawer === "pika" ? "Pika" : "Faults");
    fill(
      byId("drawer-about"),
      drawer === "pika"
        ? "The embedded Pika API: what it makes of the bot's requests, and what it shall do next."
        : "Let things go wrong and watch the promises hold: nothing lost, nothing posted or charged twice.",
    );
    keyed(byId("drawer-head"), [this.#head(drawer)].filter(Boolean), { key: ({ id }) => id, draw: (item) => item.draw() });
    const faults = store.all("fault:").filter((fault) => fault.drawer === drawer).sort((a, b) => a.since_at - b.since_at);
    byId("in-force").hidden = faults.length === 0;
    keyed(byId("faults"), faults, { key: ({ id }) => id, draw: (fault) => this.#fault(fault) });
    const tools = store.all("tool:").filter((tool) => tool.drawer === drawer).sort((a, b) => a.order - b.order);
    keyed(byId("tools"), this.#grouped(tools), {
      key: (item) => `${drawer}-${item.group ? `group-${item.group}` : item.tool.name}`,
      draw: (item, old) => (item.group ? h("h3", { class: "tool-group" }, item.group) : toolForm(item, this.app, old)),
    });
    const jobs = drawer === "pika" ? store.all("job:").sort((a, b) => b.number - a.number) : [];
    byId("jobs-section").hidden = drawer !== "pika";
    byId("no-jobs").hidden = jobs.length > 0;
    keyed(byId("jobs"), jobs, { key: ({ id }) => id, draw: (job, old) => this.#job(job, old) });
  }

  #grouped(tools) {
    const items = [];
    let group = null;
    for (const tool of tools) {
      // The bot's own buttons stand in the card above.
      if (tool.name.startsWith("bot_") && tool.name.slice(4) in BOT_ACTIONS) continue;
      if (tool.group !== group) items.push({ group: tool.group });
      group = tool.group;
      items.push({ tool, places: tool.fields.some(isPlace) ? this.#places() : null });
    }
    return items;
  }

  /** The places that a tool may take, the open one first. */
  #places() {
    const { app } = this;
    const here = { guild: app.guildId, channel: app.channelId };
    const guilds = app.town.guilds().map(({ id, name }) => ({ id, name }));
    const channels = app.store.all("channel:").map(({ id, name, type, guild_id, parent_id }) => ({ id, name, type, guild_id, parent_id }));
    return { here, guilds, channels };
  }

  #head(drawer) {
    const { store } = this.app;
    if (drawer === "pika") {
      const pika = store.get("pika");
      return pika && { id: "pika", pika, draw: () => pikaCard(pika) };
    }
    const bot = store.get("bot");
    return bot && { id: "bot", bot, draw: () => this.#botCard(bot) };
  }

  #botCard(bot) {
    const run = (action) => () => this.app.useTool(`bot_${action}`, {});
    const buttons = bot.can.map((action) => {
      const danger = action === "kill";
      const attributes = { class: ["button", danger ? "danger" : "secondary"], type: "button", data: { focus: `bot-${action}` }, on: { click: run(action) } };
      return h("button", attributes, BOT_ACTIONS[action]);
    });
    return h(
      "section",
      { class: "state-card", data: { state: bot.state } },
      h("h3", {}, h("span", { class: "state-dot", "aria-hidden": "true" }), `The bot: ${BOT_STATES[bot.state]}`),
      h(
        "p",
        { class: "quiet" },
        bot.pid ? `Process ${bot.pid}, since ` : bot.exit_code === null ? "No process, since " : `Ended with code ${bot.exit_code}, `,
        timestamp(bot.since_at / 1000, "R"),
        bot.starts > 1 ? ` · started ${bot.starts} times` : "",
      ),
      h("div", { class: "row" }, buttons),
      bot.can.includes("kill") && h("p", { class: "quiet" }, "Kill is SIGKILL: the bot gets no chance to do anything. Restart starts it on the same database."),
      bot.log.length > 0 && h("pre", { class: "md-block", tabindex: "0" }, h("code", {}, bot.log.join("\n"))),
    );
  }

  #fault({ id, title, left, used }) {
    const counts = [left !== null && `${left} to go`, used > 0 && `happened ${used} ×`].filter(Boolean).join(" · ");
    const undo = async () => this.app.tell(await this.app.ask("undo", { fault: id }));
    return h(
      "li",
      { class: "fault" },
      icon("bolt", 18),
      h("span", { class: "fault-words" }, title, counts && h("span", { class: "quiet" }, counts)),
      h("button", { class: "button secondary small", type: "button", data: { focus: `undo-${id}` }, on: { click: undo } }, "Undo"),
    );
  }

  #job(job, old) {
    // A job that only made progress keeps its entry, so that its bar moves and its buttons stay.
    const node = old ?? h("li", { class: "job", data: { job: job.id } });
    node.dataset.status = job.status;
    keyed(node, jobParts(job), {
      key: ([name]) => name,
      signature: ([, data]) => JSON.stringify(data),
      draw: ([name], before) => this.#jobPart(name, job, before),
    });
    return node;
  }

  #jobPart(name, job, before) {
    const { app } = this;
    switch (name) {
      case "head":
        return h("div", { class: "job-head" }, h("strong", {}, `#${job.number} /${job.verb}`), h("span", { class: "chip", data: { status: job.status } }, job.status));
      case "prompt":
        return h("p", { class: "job-prompt" }, job.prompt);
      case "bar": {
        const bar = before ?? h("progress", { max: "100", "aria-label": "Progress" });
        bar.value = job.percent;
        return bar;
      }
      case "error":
        return h("p", { class: "warning" }, icon("warn", 16), job.error);
      case "callbacks":
        return h("p", { class: "quiet" }, `Callback: ${job.callbacks.map(({ status, error }) => status ?? error).join(", ")}`);
      case "posted":
        return h("p", { class: "job-posted" }, ...postedWords(job, app));
      default: {
        const run = (what) => () => app.ask(what === "finish" ? "finish_job" : "fail_job", { job: job.id });
        const label = { finish: "Finish now", fail: "Let it fail" };
        const button = (what) => h("button", { class: "button secondary small", type: "button", data: { focus: what }, on: { click: run(what) } }, label[what]);
        return h("div", { class: "row" }, job.can.map(button));
      }
    }
  }
}

function jobParts(job) {
  const running = RUNNING.has(job.status);
  return [
    ["head", [job.number, job.verb, job.status]],
    job.prompt && ["prompt", job.prompt],
    running && ["bar", job.percent],
    job.error && ["error", job.error],
    job.callbacks.length > 0 && ["callbacks", job.callbacks],
    job.status === "completed" && ["posted", job.posted],
    job.can.length > 0 && ["buttons", job.can],
  ].filter(Boolean);
}

function postedWords(job, app) {
  if (!job.posted.length) return ["Not posted yet, or not as it was."];
  const times = job.posted.length === 1 ? "once" : `${job.posted.length} times`;
  const links = job.posted.map(({ channel, message }) => {
    const name = app.town.channel(channel)?.name ?? "a place you cannot see";
    return h("button", { class: "mention", type: "button", on: { click: () => app.jump(channel, message) } }, name);
  });
  return [icon("check", 16), `Posted ${times}: `, ...links];
}

function pikaCard(pika) {
  const state = !pika.up ? "Down" : pika.paused ? "Paused" : "Up";
  const orders = pika.next.map((name) => ORDERED[name] ?? name);
  return h(
    "section",
    { class: "state-card", data: { state: pika.up && !pika.paused ? "online" : "stopped" } },
    h("h3", {}, h("span", { class: "state-dot", "aria-hidden": "true" }), `The API: ${state}`),
    h(
      "p",
      { class: "quiet" },
      `${pika.running} of ${pika.slots} jobs at work · a video takes ${pika.render_seconds} s · the bot ${pika.callbacks ? "asks to be called back, and polls" : "polls"}`,
    ),
    orders.length > 0 && h("p", { class: "quiet" }, `Ordered for the next jobs: ${orders.join(", ")}`),
  );
}

function isPlace(field) {
  return field.kind === "guild" || field.kind === "channel" || field.kind === "thread";
}
