// The case browser: search, filters, sorting and pages.  Only the rows of one page exist.

const EMPTY = { query: "", outcome: "", of: null, metric: null, low: null, high: null, open: false, label: null, tag: null, value: null, reason: null, place: null, stage: null };
const SLICE_MS = 12;

class Browser {
  constructor(overview, cells) {
    this.overview = overview;
    this.cells = cells;
    this.filter = { ...EMPTY };
    this.sort = { by: "place", down: false };
    this.page = 0;
    this.size = 50;
    this.found = Uint32Array.from({ length: cells.n }, (_, cell) => cell);
    this.turn = 0;
    this.detail = new Detail(this);
    this.element = this.draw();
  }

  draw() {
    const { overview } = this;
    this.search = h("input", { type: "search", placeholder: "Search every text", "aria-label": "Search cases", autocomplete: "off", spellcheck: "false", oninput: () => this.later({ query: this.search.value }) });
    this.outcome = select("Outcome", [["", "any outcome"], ...OUTCOMES.map((word) => [word, word])], (outcome) => this.apply({ outcome, reason: null, place: null, stage: null }));
    this.order = select("Sort by", [["place", "in order"], ...this.cells.telling.map((i) => [overview.metrics[i], i]).flatMap(([metric, i]) => (metric.direction === "none"
      ? [[`${i} up`, `${metric.key}, low first`], [`${i} down`, `${metric.key}, high first`]]
      : [[`${i} ${metric.direction === "higher" ? "up" : "down"}`, `${metric.key}, worst first`], [`${i} ${metric.direction === "higher" ? "down" : "up"}`, `${metric.key}, best first`]]))], (value) => {
      const [by, way] = value.split(" ");
      this.sorted({ by: by === "place" ? by : Number(by), down: way === "down" });
    });
    this.state = h("p", { class: "muted state", role: "status", "aria-live": "polite" });
    this.chips = h("div", { class: "chips" });
    this.head = h("tr");
    this.body = h("tbody");
    this.pager = h("nav", { class: "pager", "aria-label": "Pages of cases" });
    const beyond = overview.n - overview.shown;
    const made = section("cases", "Cases",
      beyond > 0 && h("p", { class: "banner", text: `${count(overview.shown, "case")} of ${overview.n.toLocaleString("en")} are in this file: those that failed, the worst, and the first. Export to Parquet for all of them.` }),
      h("div", { class: "bar-of-controls" }, this.search, this.outcome, this.order), this.more(), this.chips, this.state,
      h("div", { class: "scroll" }, h("table", { class: "cases" }, h("caption", { class: "unseen", text: "Cases" }), h("thead", {}, this.head), this.body)), this.pager);
    made.tabIndex = -1;
    return made;
  }

  /** Filters that are needed less often: a metric's range and outcome, and tags. */
  more() {
    const { metrics } = this.overview;
    if (!this.cells.telling.length) return null;
    const names = this.cells.telling.map((place) => [String(place), metrics[place].key]);
    this.of = select("Metric of the outcome", [["", "of any metric"], ...names], (value) => this.apply({ of: value === "" ? null : Number(value) }));
    this.ranged = select("Metric of the range", names, () => range());
    const end = (label) => h("input", { type: "number", step: "any", placeholder: label, "aria-label": label, onchange: () => range() });
    this.low = end("from");
    this.high = end("to");
    const range = () => {
      const none = this.low.value === "" && this.high.value === "";
      this.apply({ metric: Number(this.ranged.value), label: null, open: false,
        low: none ? null : this.low.value === "" ? -Infinity : Number(this.low.value),
        high: none ? null : this.high.value === "" ? Infinity : Number(this.high.value) });
    };
    this.tagged = new Map(Object.entries(this.cells.tags).map(([tag, { names: values }]) => [tag,
      select(tag, [["", `any ${tag}`], ...values.map((value, i) => [String(i), value])], (place) => this.apply(place === "" ? { tag: null, value: null } : { tag, value: values[Number(place)] }))]));
    return h("details", { class: "more" }, h("summary", { class: "muted", text: "More filters" }),
      h("div", { class: "bar-of-controls" }, h("span", {}, h("span", { class: "muted", text: "Outcome " }), this.of),
        h("span", { class: "range" }, this.ranged, this.low, this.high), [...this.tagged.values()]));
  }

  /** Make the controls say what the filter is, however it came to be. */
  reflect() {
    const { filter } = this;
    if (document.activeElement !== this.search) this.search.value = filter.query;
    this.outcome.value = filter.outcome;
    if (!this.of) return;
    this.of.value = filter.of === null ? "" : String(filter.of);
    if (filter.metric !== null) this.ranged.value = String(filter.metric);
    const shownEnd = (end) => (end === null || !Number.isFinite(end) ? "" : String(end));
    this.low.value = shownEnd(filter.low);
    this.high.value = shownEnd(filter.high);
    for (const [tag, control] of this.tagged) control.value = filter.tag === tag ? String(this.cells.tags[tag].names.indexOf(filter.value)) : "";
  }

  /** Filter to some cases and go there, as bars, slices and failures do. */
  show(filter) {
    this.apply({ ...EMPTY, ...filter });
    this.element.scrollIntoView();
    this.element.focus({ preventScroll: true });
  }

  later(change) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply(change), 90);
  }

  sorted(sort) {
    this.sort = sort;
    this.order.value = sort.by === "place" ? "place" : `${sort.by} ${sort.down ? "down" : "up"}`;
    this.apply({});
  }

  async apply(change) {
    Object.assign(this.filter, change);
    this.turn += 1;
    const turn = this.turn, isStale = () => turn !== this.turn;
    const began = performance.now();
    const words = terms(this.filter.query);
    if (words.length) {
      await this.cells.openAll((share) => { this.state.textContent = `Reading the texts: ${percent(share)}`; }, isStale);
    }
    if (isStale()) return;
    const found = await this.matching(words, isStale);
    if (found === null) return;
    this.found = this.ordered(found);
    this.page = 0;
    await this.refresh();
    performance.measure("evalkit-search", { start: began });
  }

  async matching(words, isStale) {
    const { cells } = this, test = this.test(), found = [];
    let until = performance.now() + SLICE_MS;
    for (let cell = 0; cell < cells.n; cell += 1) {
      if (test(cell) && words.every((word) => cells.haystacks[cell].includes(word))) found.push(cell);
      if (cell % 512 === 511 && performance.now() > until) {
        await breathe();
        if (isStale()) return null;
        until = performance.now() + SLICE_MS;
      }
    }
    return found;
  }

  test() {
    const { cells, filter } = this, tests = [];
    if (filter.outcome) {
      const wanted = OUTCOMES.indexOf(filter.outcome);
      const outcomes = filter.of === null ? cells.outcomes : cells.metrics[filter.of].status;
      tests.push((cell) => outcomes[cell] === wanted);
    }
    if (filter.reason !== null) {
      const metric = cells.metrics.find(({ key }) => key === filter.place);
      tests.push(filter.stage === "target" ? (cell) => cells.stopped.has(cell) : (cell) => !cells.stopped.has(cell) && metric.status[cell] === FAILED && (metric.reasons[cell] ?? "scorer_error") === filter.reason);
    }
    if (filter.tag !== null) {
      const { names, codes } = cells.tags[filter.tag], code = names.indexOf(filter.value);
      tests.push((cell) => codes[Math.floor(cell / cells.repeats)] === code);
    }
    if (filter.label !== null) tests.push((cell) => cells.metrics[filter.metric].labels[cell] === filter.label);
    if (filter.low !== null) {
      const { values } = cells.metrics[filter.metric];
      const near = (end) => 1e-8 * Math.abs(end); // values are embedded with nine digits
      const low = filter.low - near(filter.low), high = filter.high + (filter.open ? -1 : 1) * near(filter.high);
      tests.push((cell) => values[cell] >= low && (filter.open ? values[cell] < high : values[cell] <= high));
    }
    return (cell) => tests.every((one) => one(cell));
  }

  ordered(found) {
    if (this.sort.by === "place") return Uint32Array.from(found);
    const { values } = this.cells.metrics[this.sort.by], way = this.sort.down ? -1 : 1;
    const rank = (cell) => (Number.isNaN(values[cell]) ? Infinity : way * values[cell]); // no value comes last
    return Uint32Array.from(found).sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) - rank(b)));
  }

  async refresh() {
    const start = this.page * this.size, stop = Math.min(start + this.size, this.found.length);
    const turn = this.turn, page = this.page;
    const rows = await Promise.all(Array.from(this.found.subarray(start, stop), (cell) => this.cells.read(cell)));
    if (turn !== this.turn || page !== this.page) return;
    this.head.replaceChildren(...this.columns());
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
    this.reflect();
    this.drawChips();
    this.drawPager(start, stop);
  }

  columns() {
    const keys = this.overview.metrics.map(({ key }) => key), last = (key) => key.split(".").at(-1);
    const short = (key) => (keys.filter((other) => last(other) === last(key)).length === 1 ? last(key) : key);
    const sortable = (metric, place) => {
      const active = this.sort.by === place;
      const first = metric.direction === "lower";
      return h("th", { scope: "col", class: "number", "aria-sort": active ? (this.sort.down ? "descending" : "ascending") : "none" },
        h("button", { class: "link", type: "button", title: `Sort by ${metric.key}`, onclick: () => this.sorted({ by: place, down: active ? !this.sort.down : first }) },
          metricName(short(metric.key), metric.direction), active && h("span", { class: "arrow", "aria-hidden": "true", text: this.sort.down ? " ▾" : " ▴" })));
    };
    return [h("th", { scope: "col", text: "Input" }), h("th", { scope: "col", text: "Output" }), ...this.cells.telling.map((place) => sortable(this.overview.metrics[place], place))];
  }

  row(row) {
    const open = () => this.detail.open(row.cell, this.found);
    return h("tr", { onclick: open },
      h("th", { scope: "row" }, h("button", { class: "open", type: "button", "aria-label": `Open case ${row.id}` },
        h("span", { class: "clip", text: gist(row.inputs) || row.id }), h("span", { class: "muted clip id", text: row.id }))),
      h("td", { class: "output" }, row.stopped ? h("span", { class: "failed clip", text: `${row.stopped[0]}: ${row.stopped[1]}` }) : h("span", { class: "clip two", text: gist(row.outputs) })),
      this.cells.telling.map((place) => this.cells.metrics[place]).map((metric) => h("td", { class: "number score", "data-name": metric.key }, row.stopped ? h("span", { class: "muted", text: "–" }) : scoreOf(metric, row.cell))));
  }

  drawChips() {
    const { filter, overview } = this, chips = [];
    const chip = (text, change) => chips.push(h("button", { class: "chip", type: "button", title: "Remove this filter", onclick: () => this.apply(change) }, text, h("span", { "aria-hidden": "true", text: " ×" })));
    if (filter.reason !== null) chip(`${filter.reason} in ${filter.place}`, { reason: null, place: null, stage: null });
    if (filter.tag !== null) chip(`${filter.tag} = ${filter.value}`, { tag: null, value: null });
    if (filter.label !== null) chip(`${overview.metrics[filter.metric].key} = ${filter.label}`, { label: null, metric: null });
    if (filter.low !== null) {
      const metric = overview.metrics[filter.metric];
      const ends = [Number.isFinite(filter.low) && `from ${number(filter.low)}`, Number.isFinite(filter.high) && `to ${number(filter.high)}`].filter(Boolean).join(" ");
      chip(filter.low === filter.high ? `${metric.key} = ${cellNumber(filter.low, metric)}` : `${metric.key} ${ends}`, { low: null, high: null, metric: null });
    }
    this.chips.replaceChildren(...chips);
  }

  drawPager(start, stop) {
    const pages = Math.max(1, Math.ceil(this.found.length / this.size)), all = this.found.length === this.cells.n;
    const noun = this.cells.repeats > 1 ? "cell" : "case";
    this.state.textContent = all ? count(this.cells.n, noun) : `${this.found.length.toLocaleString("en")} of ${count(this.cells.n, noun)}`;
    const go = (page, text, label) => h("button", { type: "button", text, "aria-label": label, disabled: page < 0 || page >= pages || page === this.page, onclick: () => { this.page = page; this.refresh(); this.element.scrollIntoView(); } });
    const size = select("Rows on a page", [25, 50, 100, 250].map((n) => [String(n), `${n} a page`]), (value) => { this.size = Number(value); this.page = 0; this.refresh(); });
    size.value = String(this.size);
    this.pager.replaceChildren(
      go(0, "«", "First page"), go(this.page - 1, "‹", "Page before"),
      h("span", { class: "muted", text: this.found.length ? `${(start + 1).toLocaleString("en")}–${stop.toLocaleString("en")}` : "nothing found" }),
      go(this.page + 1, "›", "Next page"), go(pages - 1, "»", "Last page"), size);
  }
}

/** Words that must all be found; words in double quotes belong together. */
function terms(query) {
  return [...query.toLowerCase().matchAll(/"([^"]+)"?|(\S+)/g)].map((match) => match[1] ?? match[2]).filter((word) => word !== '"');
}

function scoreOf(metric, cell) {
  const status = metric.status[cell];
  if (status === FAILED) return h("span", { class: "failed", text: metric.reasons[cell] ?? "failed" });
  if (status !== OK) return h("span", { class: "muted", text: OUTCOMES[status] });
  const value = metric.values[cell], label = metric.labels[cell];
  if (Number.isNaN(value)) return h("span", { text: label ?? "–" });
  const level = metric.bounds && metric.direction !== "none" ? (value - metric.bounds[0]) / (metric.bounds[1] - metric.bounds[0]) : null;
  return [h("span", { text: label ?? cellNumber(value, metric) }),
    level !== null && h("span", { class: "meter", "aria-hidden": "true" }, h("span", { "--level": level }))];
}
