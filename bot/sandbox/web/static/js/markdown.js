/**
 * Discord's markdown as DOM nodes.
 *
 * Rules are tried in order at each place of the text, as Discord's own parser does; what no rule
 * takes is text. Nothing is ever parsed as HTML.
 */

import { h, webAddress } from "./dom.js";
import { mention, messageLink } from "./mentions.js";
import { timestamp } from "./timestamps.js";

const CODE_BLOCK = /```(?:([a-z0-9_+\-.#]+)\n)?\n*([^\n](?:[\s\S]*?[^\n])?)\n*```\n?/iy;
const BARE_LINK = /https?:\/\/[^\s<]+[^<.,:;"'\]\s]/iy;
const MASKED_LINK =
  /\[((?:\\.|[^[\]\\\n])+)\]\(\s*<?(https?:\/\/[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"\n]*")?\s*\)/iy;

/** Rules for whole lines; each returns nodes or null. */
const LINES = [
  [/(#{1,3}) +([^\n]+?) *(?:\n|$)/y, (m, state) => h(`h${m[1].length + 2}`, { class: `md-h${m[1].length}` }, inline(m[2], state))],
  [/-# +([^\n]+?) *(?:\n|$)/y, (m, state) => h("small", { class: "md-subtext" }, inline(m[1], state))],
  [/>>> ([\s\S]+)/y, (m, state) => quote(m[1], state)],
  [/(?:> [^\n]*(?:\n|$))+/y, (m, state) => quote(m[0].replace(/^> /gm, "").replace(/\n$/, ""), state)],
  [/(?: *(?:[-*]|\d{1,10}\.) +[^\n]+(?:\n|$))+/y, (m, state) => list(m[0].replace(/\n$/, "").split("\n"), state)],
];

/** Rules for anything within a line; each returns a node, text, or null when it does not apply. */
const SPANS = [
  [CODE_BLOCK, (m) => h("pre", { class: "md-block", tabindex: "0" }, h("code", { data: { language: m[1] ?? "" } }, m[2]))],
  [/\\([^0-9A-Za-z\s])/y, (m) => m[1]],
  [/<(https?:\/\/[^ >\n]+)>/iy, (m) => link(m[1], [m[1]])],
  [MASKED_LINK, (m, state) => (state.link ? null : link(m[2], inline(m[1], { ...state, link: true })))],
  [BARE_LINK, (m, state) => (state.link ? null : bareLink(m[0], state))],
  [/<t:(-?\d{1,15})(?::([a-zA-Z]))?>/y, (m) => timestamp(m[1], m[2])],
  [/<(@[!&]?|#|\/[^:>\n]{1,100}:|a?:\w{2,32}:)(\d{1,20})>|@(everyone|here)/y, (m, state) => mention(m, state)],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (m) => h("code", { class: "md-code" }, m[2].replace(/^ (?=\s*`)|(?<=`\s*) $/g, ""))],
  [/\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y, (m, state) => h("strong", {}, inline(m[1], state))],
  [/__((?:\\[\s\S]|[^\\])+?)__(?!_)/y, (m, state) => h("u", {}, inline(m[1], state))],
  [/\b_((?:__|\\[\s\S]|[^\\_])+?)_\b|\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^*\s\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y, (m, state) => h("em", {}, inline(m[1] ?? m[2], state))],
  [/~~([\s\S]+?)~~(?!~)/y, (m, state) => h("s", {}, inline(m[1], state))],
  [/\|\|([\s\S]+?)\|\|/y, (m, state) => spoiler(inline(m[1], state))],
  [/(?:(?!https?:\/\/)[^\\`*_~|<[\n@])+|[\s\S]/iy, (m) => m[0]],
];

/** `**`, `_` and so on can be nested only so deep; what is deeper is text. */
const DEEPEST = 12;

/**
 * The nodes of a text. `context`: the app (for names and clicks), `guildId`, `everyone` (whether
 * @everyone was allowed), `blocks: false` for places that take single lines only.
 */
export function markdown(text, context) {
  return parse(String(text ?? ""), { blocks: true, ...context, depth: 0 });
}

function inline(text, state) {
  return parse(text, { ...state, blocks: false });
}

function parse(text, outer) {
  const state = { ...outer, depth: outer.depth + 1 };
  if (state.depth > DEEPEST) return [text];
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const lineStart = state.blocks && (at === 0 || text[at - 1] === "\n");
    const [taken, node] = next(text, at, lineStart ? [...LINES, ...SPANS] : SPANS, state);
    at += taken;
    if (typeof node === "string") {
      plain += node;
    } else {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(...[node].flat());
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function next(text, at, rules, state) {
  for (const [pattern, make] of rules) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) continue;
    // A rule may use its pattern again for what is inside, so the length is taken first.
    const taken = found[0].length;
    const node = make(found, state);
    if (node !== null) return [node.taken ?? taken, node.node ?? node];
  }
  return [1, text[at]];
}

function quote(text, state) {
  if (state.quoted) return null;
  return h("blockquote", { class: "md-quote" }, parse(text, { ...state, quoted: true }));
}

const ITEM = /^( *)([-*]|\d{1,10}\.) +(.+)$/;

function list(lines, state) {
  const items = lines.map((line) => ITEM.exec(line)).map(([, indent, mark, text]) => ({
    indent: indent.length,
    number: /\d/.test(mark) ? Number.parseInt(mark, 10) : null,
    text,
  }));
  return branch(items, state);
}

/** The lists of one level: bullets and numbers do not mix. */
function branch(items, state) {
  const lists = [];
  for (let at = 0; at < items.length; ) {
    let end = at + 1;
    while (end < items.length && items[end].indent > items[at].indent) end += 1;
    const inner = items.slice(at + 1, end);
    const entry = h("li", {}, inline(items[at].text, state), inner.length > 0 && branch(inner, state));
    const tag = items[at].number === null ? "UL" : "OL";
    if (lists.at(-1)?.tagName !== tag) lists.push(emptyList(tag, items[at].number));
    lists.at(-1).append(entry);
    at = end;
  }
  return lists;
}

function emptyList(tag, first) {
  return h(tag, { class: "md-list", start: tag === "OL" && first !== 1 && first });
}

function link(address, content) {
  const href = webAddress(address);
  if (!href) return null;
  return h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer", title: href }, content);
}

/** An address in the text; a closing bracket that was opened before it is not part of it. */
function bareLink(text, state) {
  let address = text;
  const count = (char) => address.split(char).length - 1;
  while (address.endsWith(")") && count(")") > count("(")) address = address.slice(0, -1);
  const node = messageLink(address, state) ?? link(address, [address]);
  return node && { node, taken: address.length };
}

/** Hidden until pressed. */
export function spoiler(content, { block = false } = {}) {
  const inside = h(block ? "div" : "span", { class: "spoiler-inside", inert: true }, content);
  const node = h(block ? "div" : "span", {
    class: ["spoiler", block && "spoiler-block"],
    role: "button",
    tabindex: "0",
    "aria-label": "Spoiler: press to show it",
  }, inside);
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    inside.inert = false;
    node.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
    node.removeEventListener("click", show);
    node.removeEventListener("keydown", show);
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", show);
  return node;
}
