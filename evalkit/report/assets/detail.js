// One case in full, beside the list that it was opened from.

class Detail {
  constructor(browser) {
    this.browser = browser;
    this.element = document.getElementById("detail");
    this.element.addEventListener("click", (event) => { if (event.target === this.element) this.element.close(); });
    this.element.addEventListener("close", () => remember(""));
    this.element.addEventListener("keydown", (event) => {
      if (event.target.closest("select, input, textarea")) return;
      if (event.key === "ArrowRight" || event.key === "j") this.step(1);
      if (event.key === "ArrowLeft" || event.key === "k") this.step(-1);
    });
  }

  /** Open a cell; *list* is what the arrow keys walk through. */
  async open(cell, list) {
    this.list = list;
    this.cell = cell;
    const row = await this.browser.cells.read(cell);
    if (this.cell !== cell) return;
    this.element.replaceChildren(...this.parts(row));
    if (!this.element.open) this.element.showModal();
    this.element.scrollTop = 0;
    this.element.querySelector(".close").focus({ preventScroll: true });
    remember(`#case=${cell}`);
  }

  step(way) {
    const next = this.list[this.list.indexOf(this.cell) + way];
    if (next !== undefined) this.open(next, this.list);
  }

  parts(row) {
    const place = this.list.indexOf(this.cell);
    const button = (text, label, onclick, disabled = false) => h("button", { type: "button", text, "aria-label": label, title: label, onclick, disabled });
    const close = button("×", "Close", () => this.element.close());
    close.classList.add("close");
    const head = h("header", {}, h("h2", { id: "detail-title", text: row.id }),
      h("span", { class: "muted", text: `${(place + 1).toLocaleString("en")} of ${this.list.length.toLocaleString("en")}` }),
      button("‹", "Case before (left arrow)", () => this.step(-1), place <= 0),
      button("›", "Next case (right arrow)", () => this.step(1), place >= this.list.length - 1), close);
    const parts = [head];
    if (row.stopped) parts.push(h("p", { class: "banner alarming" }, h("strong", { text: row.stopped[0] }), ` in the target: ${row.stopped[1]}`));
    parts.push(part("Input", fields(row.inputs)));
    if (Object.keys(row.expectations ?? {}).length) parts.push(part("Expected", fields(row.expectations)));
    if (!row.stopped) parts.push(this.answer(row));
    parts.push(part("Scores", this.scores(row)));
    for (const [name, title] of [["retrieved_context", "Retrieved context"], ["tool_calls", "Tool calls"], ["must", "Must hold"], ["metadata", "Metadata"]]) {
      if (row[name]) parts.push(part(title, fields(row[name])));
    }
    parts.push(part("Facts", facts(Object.fromEntries([
      ...Object.entries(row.tags ?? {}), ["group", row.group], ["session", row.session], ["turn", row.turn < 1e9 ? row.turn : null], ["split", row.split],
      ["latency", row.latency_seconds === undefined || row.latency_seconds === null ? null : `${number(row.latency_seconds)} s`],
      ["cost", row.cost ? `$${row.cost.toPrecision(3)}` : null], ["usage", row.usage],
    ].filter(([, value]) => value !== undefined && value !== null)))));
    return parts.filter((found) => found && found.childElementCount !== 1 || found === head);
  }

  answer(row) {
    const got = shown(row.outputs);
    const pieces = typeof row.outputs === "string" ? closest(references(row.expectations), got) : null;
    if (!pieces) return part("Output", fields(row.outputs));
    const text = h("pre", {}, pieces.map(([kind, piece]) => (kind === 0 ? piece : h(kind < 0 ? "del" : "ins", { text: piece }))));
    const plain = h("pre", { text: got });
    text.hidden = true;
    const toggle = h("button", { class: "quiet", type: "button", "aria-pressed": "false", text: "Compare with expected", onclick: () => {
      text.hidden = !text.hidden;
      plain.hidden = !text.hidden;
      toggle.setAttribute("aria-pressed", String(!text.hidden));
    } });
    return part("Output", h("div", { class: "field" }, plain, text), toggle);
  }

  scores(row) {
    return h("dl", { class: "scores" }, this.browser.cells.telling.map((place) => [this.browser.cells.metrics[place], place]).map(([metric, place]) => h("div", {},
      h("dt", {}, metricName(metric.key, metric.direction)),
      h("dd", { class: "number score" }, scoreOf(metric, row.cell)),
      !row.stopped && row.explanations[place] && h("dd", { class: "prose", text: row.explanations[place] }))));
  }
}

function part(title, content, aside) {
  if (!content) return null;
  return h("section", {}, h("h3", { text: title }, aside), content);
}

/** Show a value: texts as they are, mappings by field, anything else as indented JSON. */
function fields(value) {
  if (value === null || value === undefined) return h("div", { class: "field" }, h("p", { class: "muted", text: "nothing" }));
  if (typeof value === "string") return h("div", { class: "field" }, h("pre", { text: value || "(an empty text)" }));
  const entries = Array.isArray(value) ? null : typeof value === "object" ? Object.entries(value) : null;
  if (!entries) return h("div", { class: "field" }, boxes(value));
  const brief = entries.every(([, item]) => shown(item).length < 60 && !shown(item).includes("\n"));
  if (brief && entries.length > 2) return facts(value);
  return h("div", {}, entries.map(([name, item]) => h("div", { class: "field" },
    entries.length > 1 && h("p", { class: "muted name", text: name }),
    boxes(item))));
}

/** One box, or one for each text of a list of texts. */
function boxes(value) {
  if (Array.isArray(value) && value.length && value.every((item) => typeof item === "string")) return value.map((text) => h("pre", { text }));
  return h("pre", { text: typeof value === "string" ? value : JSON.stringify(value, null, 2) });
}

/** The texts that an answer may be compared with: the sole expectation, or each of its list. */
function references(expectations) {
  const values = Object.values(expectations ?? {});
  const found = values.length === 1 && Array.isArray(values[0]) ? values[0] : values.slice(0, 1);
  return found.filter((text) => typeof text === "string" && text);
}

/** The difference from the reference that has most in common with the answer; none if it is equal. */
function closest(wanted, got) {
  if (!wanted.length || wanted.includes(got)) return null;
  const shared = (pieces) => pieces.reduce((sum, [kind, text]) => sum + (kind === 0 ? 2 : -1) * text.length, 0);
  return wanted.map((text) => difference(text, got)).filter(Boolean).sort((a, b) => shared(b) - shared(a))[0] ?? null;
}

/** Words removed (-1), kept (0) and added (1) on the way from one text to the other. */
function difference(from, to) {
  const a = from.split(/(\s+)/), b = to.split(/(\s+)/);
  if (a.length * b.length > 1e6) return null;
  const width = b.length + 1, longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const pieces = [];
  const add = (kind, text) => { if (pieces.at(-1)?.[0] === kind) pieces.at(-1)[1] += text; else if (text) pieces.push([kind, text]); };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add(0, a[i]); i += 1; j += 1; }
    else if (i < a.length && (j >= b.length || longest[(i + 1) * width + j] >= longest[i * width + j + 1])) { add(-1, a[i]); i += 1; }
    else { add(1, b[j]); j += 1; }
  }
  return pieces;
}

/** Keep the open case in the address, where the page has one that may change. */
function remember(hash) {
  try { history.replaceState(null, "", hash || location.pathname + location.search); } catch { /* a sandboxed frame */ }
}
