/** Which parts beside the conversation are open: channels, me, Pika, faults. */

import { byId } from "./dom.js";

/** Wide enough for the panel of persons and a drawer at once, and for one beside the channels. */
const BOTH = matchMedia("(min-width: 1560px)");
const BESIDE = matchMedia("(min-width: 1024px)");
const DRAWERS = ["pika", "faults"];

export class Panels {
  #returns = null;

  constructor(onChange) {
    this.onChange = onChange;
    this.nav = false;
    this.me = BESIDE.matches;
    this.drawer = null;
    for (const name of ["me", ...DRAWERS]) byId(`open-${name}`).addEventListener("click", () => this.toggle(name));
    byId("open-nav").addEventListener("click", () => this.toggle("nav"));
    for (const name of ["nav", "drawer"]) byId(`close-${name}`).addEventListener("click", () => this.close());
    byId("close-me").addEventListener("click", () => this.toggle("me"));
    byId("backdrop").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && this.covers) this.close();
    });
    BESIDE.addEventListener("change", () => this.close());
    BOTH.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** Whether something lies over the conversation. */
  get covers() {
    return !BESIDE.matches && (this.nav || this.me || this.drawer !== null);
  }

  /** Opens or closes a panel; what there is no room for beside it is closed. */
  toggle(name) {
    const open = this.#isOpen(name);
    const wanted = open ? null : name;
    if (!BESIDE.matches) this.nav = wanted === "nav";
    if (name === "me") this.me = !open;
    else if (!BOTH.matches && wanted) this.me = false;
    if (DRAWERS.includes(name)) this.drawer = wanted;
    else if (!BOTH.matches && wanted) this.drawer = null;
    this.#returns = open ? null : byId(`open-${name}`);
    this.draw();
    if (DRAWERS.includes(wanted)) byId("drawer").querySelector(".panel-body").scrollTop = 0;
    if (wanted) this.#node(name).querySelector("button, input, a")?.focus();
  }

  /** Closes what lies over the conversation, or the drawer beside it. */
  close() {
    const before = this.#returns;
    this.#returns = null;
    this.nav = false;
    this.drawer = null;
    this.me = BESIDE.matches;
    this.draw();
    if (before?.offsetParent) before.focus();
  }

  #isOpen(name) {
    return name === "nav" ? this.nav : name === "me" ? this.me : this.drawer === name;
  }

  #node(name) {
    return byId(name === "nav" ? "nav" : name === "me" ? "me" : "drawer");
  }

  draw() {
    byId("nav").classList.toggle("shown", this.nav);
    byId("me").hidden = !this.me;
    byId("drawer").hidden = this.drawer === null;
    byId("backdrop").hidden = !this.covers;
    // What lies under an open panel is out of reach for the keyboard, too.
    for (const name of ["conversation", "top"]) byId(name).inert = this.covers;
    for (const name of ["nav", "me", ...DRAWERS]) byId(`open-${name}`).setAttribute("aria-expanded", String(this.#isOpen(name)));
    this.onChange();
  }
}
