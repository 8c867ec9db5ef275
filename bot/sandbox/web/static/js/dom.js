/** Building and patching DOM. Text from outside only ever becomes a text node. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `props`: `class`, `data` (dataset), `on` (listeners), `text`, booleans, and
 * attributes by name; what is null, undefined or false is left out.
 * Children are nodes, strings, arrays of both; empty ones are left out.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
  append(node, children);
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  else if (name === "data") Object.assign(node.dataset, value);
  else if (name === "text") node.textContent = value;
  else if (name === "on") {
    for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  } else if (name === "value") node.value = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

function append(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (child instanceof Node) node.append(child);
    else if (child !== null && child !== undefined && child !== false && child !== "") node.append(String(child));
  }
}

/** Sets a custom property: `style` attributes are refused by the page's own policy. */
export function tint(node, name, value) {
  if (value !== null && value !== undefined) node.style.setProperty(name, value);
  return node;
}

/** One of the page's icons (see `icons.js`), hidden from screen readers. */
export function svg(paths, { size = 20, box = 24 } = {}) {
  const node = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: `0 0 ${box} ${box}`, width: size, height: size, "aria-hidden": "true", class: "icon" };
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const d of [paths].flat()) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    node.append(path);
  }
  return node;
}

/** Only a web address may become a link: no scripts, no data, no files. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

const drawn = new WeakMap();

/**
 * Makes the children of `parent` be what `items` say. A node stays while its key does, and is
 * drawn again only when its signature changed, so that videos play on and menus stay open.
 * `draw(item, old)` returns the node; returning `old` after changing it keeps it.
 */
export function keyed(parent, items, { key, signature = JSON.stringify, draw }) {
  const before = drawn.get(parent) ?? new Map();
  const after = new Map();
  keepFocus(parent, () => {
    for (const item of items) {
      const name = String(key(item));
      const mark = signature(item);
      const known = before.get(name);
      const node = known && known.mark === mark ? known.node : draw(item, known?.node ?? null);
      if (known && known.node !== node) known.node.replaceWith(node);
      after.set(name, { node, mark });
    }
    for (const [name, { node }] of before) if (!after.has(name)) node.remove();
    // Only what is out of place is moved: a moved video would stop.
    let place = firstOf(parent, after);
    for (const { node } of after.values()) {
      if (node === place) place = place.nextSibling;
      else parent.insertBefore(node, place);
    }
  });
  drawn.set(parent, after);
}

function firstOf(parent, after) {
  const ours = new Set([...after.values()].map(({ node }) => node));
  for (const child of parent.children) if (ours.has(child)) return child;
  return null;
}

/** Runs `change`, then gives the focus back to the element with the same `data-focus`. */
export function keepFocus(root, change) {
  const active = document.activeElement;
  const mark = active && root.contains(active) ? active.dataset.focus : null;
  change();
  if (!mark || active.isConnected) return;
  root.querySelector(`[data-focus="${CSS.escape(mark)}"]`)?.focus({ preventScroll: true });
}

/** Replaces all children. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** The element with this id; it stands in index.html. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}
