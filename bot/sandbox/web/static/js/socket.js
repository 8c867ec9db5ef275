/** The one connection to the server: state comes in, requests go out and are answered. */

import { sentence } from "./say.js";

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5000;

/** The server's refusal, in words for people. */
export class Refused extends Error {}

export class Socket {
  #socket = null;
  #waiting = new Map();
  #last = 0;
  #retry = FIRST_RETRY_MS;

  /** `onState(change)` gets every difference, `onLink(up)` whether there is a connection;
   * `person()` says whom to play after a reconnect. */
  constructor({ onState, onLink, person }) {
    this.onState = onState;
    this.onLink = onLink;
    this.person = person;
  }

  /** Connects, and again whenever the connection is lost. */
  open() {
    const url = new URL("/socket", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const person = this.person();
    if (person) url.searchParams.set("person", person);
    const socket = new WebSocket(url);
    socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener("open", () => {
      this.#retry = FIRST_RETRY_MS;
      this.onLink(true);
    });
    socket.addEventListener("close", () => this.#lost());
    this.#socket = socket;
  }

  #receive(said) {
    if (!("id" in said)) {
      this.onState(said);
      return;
    }
    const waiting = this.#waiting.get(said.id);
    this.#waiting.delete(said.id);
    if ("error" in said) waiting?.reject(new Refused(sentence(said.error)));
    else waiting?.resolve(said.ok);
  }

  #lost() {
    this.onLink(false);
    for (const { reject } of this.#waiting.values()) reject(new Refused("The connection was lost."));
    this.#waiting.clear();
    setTimeout(() => this.open(), this.#retry);
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
  }

  /** Asks the server to do something; rejects with `Refused` when it does not. */
  ask(what, body = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject(new Refused("There is no connection to the server."));
        return;
      }
      const id = (this.#last += 1);
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...body, id, do: what }));
    });
  }
}

/** Hands a file to the server; its token. Rejects with `Refused`. */
export async function upload(file) {
  const answer = await fetch(`/files?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  }).catch(() => null);
  if (!answer) throw new Refused("The file could not be sent: no connection.");
  const said = await answer.json().catch(() => ({ error: `The server answered ${answer.status}.` }));
  if (!answer.ok) throw new Refused(sentence(said.error));
  return said.file;
}
