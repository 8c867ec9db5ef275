/** What floats above the page beside something: lists and menus. One at a time. */

import { h } from "./dom.js";

const GAP = 6;
const MARGIN = 8;

let current = null;

/**
 * Shows `content` beside `anchor()`; a function, as what it returns may be drawn again meanwhile.
 * `above`: where it is wanted; `edge()`: another
 * element that must not be covered, instead of the anchor; `at`: a point `{x, y}` to be beside instead. `onClose` is told once. Returns a function that closes it.
 */
export function openPopup(anchor, content, { above = false, wide = false, edge = anchor, at = null, onClose = () => {} } = {}) {
  closePopup();
  const box = h("div", { class: "popup" }, content);
  // What is outside of an open dialog can be neither clicked nor read.
  (anchor().closest("dialog") ?? document.body).append(box);
  const popup = { anchor, box, above, wide, edge, at, onClose };
  current = popup;
  place(popup);
  popup.observer = new ResizeObserver(() => place(popup));
  popup.observer.observe(box);
  return () => current === popup && closePopup();
}

/** Closes whatever is open. */
export function closePopup() {
  if (!current) return;
  const { box, observer, onClose } = current;
  current = null;
  observer.disconnect();
  box.remove();
  onClose();
}

/** Whether this element's popup is open. */
export function isOpenFor(anchor) {
  return current?.anchor() === anchor;
}

/** Closes what is open if the thing that it stands beside is gone. */
export function closeLost() {
  if (current && !current.anchor()?.isConnected) closePopup();
}

function place({ anchor, box, above, wide, edge, at: point }) {
  const spot = point && new DOMRect(point.x, point.y, 1, 1);
  const at = spot ?? anchor()?.getBoundingClientRect();
  const rim = spot ?? edge()?.getBoundingClientRect();
  if (!at || !rim || (at.width === 0 && at.height === 0)) return;
  if (wide) box.style.width = `${at.width}px`;
  else box.style.minWidth = `${Math.min(at.width, 320)}px`;
  const roomBelow = innerHeight - rim.bottom - GAP - MARGIN;
  const roomAbove = rim.top - GAP - MARGIN;
  const up = above ? roomAbove > 160 || roomAbove > roomBelow : roomBelow < Math.min(box.scrollHeight, 240) && roomAbove > roomBelow;
  box.style.maxHeight = `${Math.max(120, Math.min(up ? roomAbove : roomBelow, 420))}px`;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))}px`;
  box.style.top = `${up ? Math.max(MARGIN, rim.top - GAP - height) : rim.bottom + GAP}px`;
}

addEventListener("resize", () => current && place(current));
document.addEventListener("scroll", () => current && place(current), { capture: true, passive: true });
document.addEventListener("pointerdown", ({ target }) => {
  if (current && !current.box.contains(target) && !current.anchor()?.contains(target)) closePopup();
}, { capture: true });
