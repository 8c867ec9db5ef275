/** Files that a person picked, dropped or pasted: shown at once, handed over when they are sent. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { upload } from "./socket.js";
import { bytes } from "./time.js";

/** Why a file cannot be sent; null when it can. `limit` in bytes. */
export function problemWith(file, limit) {
  if (limit && file.size > limit) return `${file.name} has ${bytes(file.size)}; at most ${bytes(limit)} are allowed here.`;
  return file.size === 0 ? `${file.name} is empty.` : null;
}

/** The files of a drop or a paste. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** One file with its preview. */
export class Picked {
  #token = null;

  constructor(file) {
    this.file = file;
    this.preview = file.type.startsWith("image/") || file.type.startsWith("video/") ? URL.createObjectURL(file) : null;
  }

  /** Its token at the server. Rejects with `Refused`. */
  async token() {
    this.#token ??= upload(this.file);
    try {
      return await this.#token;
    } catch (error) {
      this.#token = null;
      throw error;
    }
  }

  /** A card with a small picture, its name, and a button that removes it. */
  card(onRemove) {
    const { name, size, type } = this.file;
    const picture = this.preview && type.startsWith("image/") && h("img", { src: this.preview, alt: "" });
    const moving = this.preview && type.startsWith("video/") && h("video", { src: this.preview, muted: true, preload: "metadata" });
    return h(
      "span",
      { class: "picked" },
      picture || moving || icon("file", 24),
      h("span", { class: "picked-words" }, h("span", { class: "picked-name", title: name }, name), h("span", { class: "quiet" }, bytes(size))),
      h("button", { class: "icon-button", type: "button", "aria-label": `Remove ${name}`, on: { click: onRemove } }, icon("close", 16)),
    );
  }

  /** Frees the preview. */
  release() {
    if (this.preview) URL.revokeObjectURL(this.preview);
  }
}

/** A place to pick, drop or paste files into: at most `most`. */
export class FileZone {
  constructor({ label, most = 1, limit = null, accept = null, onChange = () => {}, onProblem, describedBy = null }) {
    this.most = most;
    this.limit = limit;
    this.onChange = onChange;
    this.onProblem = onProblem;
    this.picked = [];
    this.input = h("input", { type: "file", class: "visually-hidden", tabindex: "-1", "aria-hidden": "true", multiple: most > 1, accept, on: { change: () => this.#chosen() } });
    this.button = h(
      "button",
      { class: "zone-button", type: "button", "aria-label": `${label}: choose a file`, "aria-describedby": describedBy, on: { click: () => this.input.click() } },
      icon("image", 18),
      h("span", {}, "Choose, drop or paste"),
    );
    this.cards = h("span", { class: "zone-cards" });
    this.element = h("span", { class: "zone" }, this.input, this.cards, this.button);
    this.element.addEventListener("dragover", (event) => this.#over(event));
    this.element.addEventListener("dragleave", () => this.element.classList.remove("over"));
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.element.classList.remove("over");
      this.add(filesOf(event.dataTransfer));
    });
    this.element.addEventListener("paste", (event) => this.#pasted(event));
  }

  #over(event) {
    event.preventDefault();
    this.element.classList.add("over");
  }

  #pasted(event) {
    const files = filesOf(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.add(files);
  }

  #chosen() {
    this.add([...this.input.files]);
    this.input.value = "";
  }

  /** Takes these files as far as there is room; a single one replaces the one before. */
  add(files) {
    for (const file of files) {
      const problem = problemWith(file, this.limit);
      if (problem) {
        this.onProblem(problem);
      } else if (this.most === 1) {
        this.clear();
        this.picked = [new Picked(file)];
      } else if (this.picked.length < this.most) {
        this.picked.push(new Picked(file));
      }
    }
    this.#draw();
    if (this.picked.length) (this.button.hidden ? this.cards.querySelector("button") : this.button).focus();
    this.onChange();
  }

  /** Forgets all files. */
  clear() {
    for (const one of this.picked) one.release();
    this.picked = [];
    this.#draw();
  }

  #remove(one) {
    one.release();
    this.picked = this.picked.filter((other) => other !== one);
    this.#draw();
    this.button.focus();
    this.onChange();
  }

  #draw() {
    fill(this.cards, this.picked.map((one) => one.card(() => this.#remove(one))));
    this.button.hidden = this.picked.length >= this.most;
  }

  /** The tokens of all files. Rejects with `Refused`. */
  tokens() {
    return Promise.all(this.picked.map((one) => one.token()));
  }
}
