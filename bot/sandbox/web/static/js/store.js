/** The documents that the server sent, by key, and who wants to hear of changes. */

export class Store {
  #docs = new Map();
  #watchers = [];
  #changed = new Set();

  /** The document of this key; undefined when there is none. */
  get(key) {
    return this.#docs.get(key);
  }

  /** All documents whose keys begin with `prefix`. */
  all(prefix) {
    const found = [];
    for (const [key, doc] of this.#docs) if (key.startsWith(prefix)) found.push(doc);
    return found;
  }

  /** Calls `listener(changedKeys)` after changes of keys that begin with one of `prefixes`. */
  watch(prefixes, listener) {
    this.#watchers.push({ prefixes, listener });
  }

  /** Takes over a difference from the server. */
  apply({ set = {}, del = [], all = false }) {
    if (all) {
      for (const key of this.#docs.keys()) this.#changed.add(key);
      this.#docs.clear();
    }
    for (const [key, doc] of Object.entries(set)) {
      this.#docs.set(key, doc);
      this.#changed.add(key);
    }
    for (const key of del) {
      this.#docs.delete(key);
      this.#changed.add(key);
    }
    this.#tell();
  }

  #tell() {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const { prefixes, listener } of this.#watchers) {
      const heard = [...changed].filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
      if (heard.length) listener(heard);
    }
  }
}

/** Orders ids as the numbers they are; they are too long for JavaScript's own. */
export function byNumber(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** The moment (milliseconds) in which an id was made: Discord writes it into the upper bits. */
export function madeAt(id) {
  return Number(BigInt(id) >> 22n) + 1_420_070_400_000;
}
