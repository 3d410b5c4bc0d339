// The embedded cells: an index for sorting and filtering, and chunks of texts that are unpacked
// when they are needed, or when the page has nothing else to do.

const OUTCOMES = ["ok", "skipped", "failed", "not run"];
const OK = 0, SKIPPED = 1, FAILED = 2, NOT_RUN = 3;

async function unpack(text) {
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
}

/** Let the page breathe: paint, scroll and take keys before going on. */
function breathe() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}

function shown(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** One line for a list: a mapping of one entry is read as that entry, a classifier's answer as its label. */
function gist(value) {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(" / ");
  if (value === null || typeof value !== "object" || Array.isArray(value)) return shown(value);
  if (value.label !== undefined && value.probabilities !== null && typeof value.probabilities === "object") {
    const share = value.probabilities[Array.isArray(value.classes) ? value.classes.indexOf(value.label) : value.label];
    return share === undefined ? shown(value.label) : `${shown(value.label)} (${percent(share)})`;
  }
  const entries = Object.entries(value);
  if (entries.length === 1) return gist(entries[0][1]);
  return entries.map(([name, item]) => `${name}: ${gist(item)}`).join("  ·  ");
}

class Cells {
  static async load(metrics) {
    const element = document.getElementById("index");
    const index = await unpack(element.textContent);
    element.remove();
    return new Cells(index, metrics, [...document.querySelectorAll("script.chunk")]);
  }

  constructor(index, metrics, elements) {
    this.ids = index.ids;
    this.repeats = index.repeats;
    this.n = index.ids.length * index.repeats;
    this.tags = index.tags;
    this.stopped = new Set(index.stopped);
    this.metrics = index.metrics.map((found, place) => ({
      ...metrics[place],
      ...found,
      values: Float64Array.from(found.values, (value) => (value === null ? NaN : value)),
      status: Uint8Array.from(found.status, Number),
    }));
    // A corpus metric may have nothing to say of single cells.
    this.telling = this.metrics.map((_, place) => place).filter((place) => {
      const { values, status, labels } = this.metrics[place];
      return values.some((value) => !Number.isNaN(value)) || status.some((found) => found !== OK) || Object.keys(labels).length;
    });
    this.outcomes = this.judged();
    this.elements = elements;
    this.perChunk = index.chunk * this.repeats;
    this.chunks = elements.map(() => null);
    this.haystacks = new Array(this.n);
    this.unpacked = 0;
  }

  /** The outcome of a whole cell: failed if anything failed, else not run, else skipped by all. */
  judged() {
    const outcomes = new Uint8Array(this.n);
    for (let cell = 0; cell < this.n; cell += 1) {
      let skipped = this.metrics.length > 0, worst = OK;
      for (const { status } of this.metrics) {
        const found = status[cell];
        if (found === FAILED) worst = FAILED;
        else if (found === NOT_RUN && worst === OK) worst = NOT_RUN;
        if (found !== SKIPPED) skipped = false;
      }
      outcomes[cell] = this.stopped.has(cell) ? FAILED : skipped ? SKIPPED : worst;
    }
    return outcomes;
  }

  id(cell) {
    const name = this.ids[Math.floor(cell / this.repeats)];
    return this.repeats === 1 ? name : `${name} · repeat ${cell % this.repeats + 1}`;
  }

  /** Everything that is known of one cell; unpacks its chunk first. */
  async read(cell) {
    const place = Math.floor(cell / this.perChunk);
    const chunk = this.chunks[place] ?? (await this.open(place));
    return this.peek(chunk, cell - place * this.perChunk, cell);
  }

  peek(chunk, inside, cell) {
    const row = Math.floor(inside / this.repeats);
    const found = { cell, id: this.id(cell), stopped: chunk.stopped[inside] };
    for (const [name, column] of Object.entries(chunk.cases)) found[name] = column[row];
    for (const [name, column] of Object.entries(chunk.answers)) found[name] = column[inside];
    found.explanations = chunk.explanations.map((texts) => texts[inside]);
    return found;
  }

  open(place) {
    this.opening ??= new Map();
    if (!this.opening.has(place)) {
      this.opening.set(place, unpack(this.elements[place].textContent).then((chunk) => {
        this.elements[place].remove();
        this.chunks[place] = chunk;
        this.unpacked += 1;
        this.gather(chunk, place * this.perChunk);
        return chunk;
      }));
    }
    return this.opening.get(place);
  }

  /** Keep the lower-case text of each cell of a chunk, which is what searching reads. */
  gather(chunk, start) {
    const stop = Math.min(start + this.perChunk, this.n);
    for (let cell = start; cell < stop; cell += 1) {
      const found = this.peek(chunk, cell - start, cell);
      const parts = [found.id];
      for (const name of ["inputs", "outputs", "expectations", "tags", "retrieved_context", "stopped"]) {
        const value = found[name];
        if (value && typeof value === "object") for (const item of Object.values(value)) parts.push(shown(item));
        else if (value) parts.push(shown(value));
      }
      for (const text of found.explanations) if (text) parts.push(text);
      for (const metric of this.metrics) {
        if (metric.reasons[cell]) parts.push(metric.reasons[cell]);
        if (metric.labels[cell]) parts.push(metric.labels[cell]);
      }
      this.haystacks[cell] = parts.join("\n").toLowerCase();
    }
  }

  async openAll(onProgress, isStale = () => false) {
    for (let place = 0; place < this.elements.length; place += 1) {
      if (this.chunks[place] === null) {
        await this.open(place);
        await breathe();
        if (isStale()) return;
        onProgress?.(this.unpacked / this.elements.length);
      }
    }
  }
}
