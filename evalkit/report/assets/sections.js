// Distributions, slices, failures, worst cases, and what made the numbers.

function drawDistributions(overview, browser) {
  const found = overview.metrics.filter((metric) => metric.distribution);
  if (!found.length) return null;
  return section("distributions", "Distributions",
    h("p", { class: "muted hint", text: "Values of single cells. Press a bar to see its cases." }),
    h("div", { class: "grid" }, found.map((metric) => distributionCard(overview, metric, browser))));
}

function distributionCard(overview, metric, browser) {
  const found = metric.distribution, bars = found.bars;
  const place = overview.metrics.indexOf(metric);
  const press = (bar) => browser.show(found.kind === "labels"
    ? { metric: place, label: bar.label }
    : { metric: place, low: bar.low, high: bar.high, open: bar !== bars.at(-1) && found.kind === "bins" });
  const facts = found.kind === "labels" ? count(found.n, "label")
    : found.binary ? `${percent(found.mean)} yes of ${found.n.toLocaleString("en")}`
      : `median ${number(found.median)} · mean ${number(found.mean)}${metric.unit ? ` ${metric.unit}` : ""}`;
  const names = found.kind === "bins" ? [number(bars[0].low), number(bars.at(-1).high)]
    : bars.map((bar) => (found.kind === "labels" ? bar.label : cellNumber(bar.low, metric)));
  return h("figure", { class: "card" },
    h("figcaption", {}, metricName(metric.key, metric.direction), h("span", { class: "muted", text: facts })),
    histogram(found, metric, press),
    h("div", { class: `names ${found.kind}`, "aria-hidden": "true" }, names.map((name) => h("span", { text: name }))));
}

function drawSlices(overview, browser) {
  if (!overview.slices.length) return null;
  const keys = overview.estimates.map((estimate) => estimate.key);
  const room = h("div", { class: "grid slices" });
  const printed = h("span", { class: "printed" });
  const draw = (key) => {
    printed.textContent = key;
    room.replaceChildren(...overview.slices.map((slice) => sliceCard(overview, slice, key, browser)));
  };
  draw(keys[0]);
  return section("slices", "Slices",
    h("div", { class: "bar-of-controls" }, keys.length > 1
      ? h("label", {}, h("span", { class: "muted", text: "Metric " }), select("Metric of the slices", keys.map((key) => [key, key]), draw), printed)
      : metricName(keys[0], overview.estimates[0].direction),
    h("p", { class: "legend muted" }, h("span", { class: "dash overall" }), "all cases")), room);
}

function sliceCard(overview, slice, key, browser) {
  if (slice.problem) return h("div", { class: "card" }, h("h3", { text: slice.tag }), h("p", { class: "muted", text: slice.problem }));
  const whole = overview.estimates.find((estimate) => estimate.key === key);
  const parts = slice.parts.map((part) => [part, part.estimates.find((estimate) => estimate.key === key)]).filter(([, e]) => e);
  const range = domain([whole, ...parts.map(([, estimate]) => estimate)], boundsOf(overview, key));
  return h("div", { class: "card" }, h("h3", { text: slice.tag }),
    h("table", { class: "slice" },
      h("colgroup", {}, ["name", "value", "scale", "n"].map((name) => h("col", { class: `col-${name}` }))),
      h("thead", { class: "unseen" }, h("tr", {}, ["Value", "Estimate", "Drawn", "Cases"].map((text) => h("th", { scope: "col", text })))),
      h("tbody", {}, parts.map(([part, estimate]) => h("tr", { class: isThin(estimate) ? "thin" : "" },
        h("th", { scope: "row" }, h("button", { class: "link clip two", type: "button", text: part.value, title: `Show the cases of ${part.value}`, onclick: () => browser.show({ tag: slice.tag, value: part.value }) })),
        h("td", { class: "number value", text: number(estimate.value), title: interval(estimate) }),
        h("td", { class: "scale" }, whisker(estimate, range, { overall: whole.value })),
        h("td", { class: "number muted n", text: estimate.n_scored === part.n ? `n=${part.n}` : `n=${estimate.n_scored}/${part.n}` }))))));
}

function drawFailures(overview, browser) {
  if (!overview.failures.length) return null;
  return section("failures", "Failures", h("div", { class: "scroll" }, h("table", { class: "failures" },
    h("thead", {}, h("tr", {}, ["Cells", "Reason", "Where", "First explanation"].map((text, i) => h("th", { scope: "col", class: i ? "" : "number", text })))),
    h("tbody", {}, overview.failures.map((group) => h("tr", {},
      h("td", { class: "number", text: group.count.toLocaleString("en") }),
      h("td", {}, h("button", { class: "link", type: "button", text: group.reason, title: "Show these cases", onclick: () => browser.show({ outcome: "failed", reason: group.reason, place: group.place, stage: group.stage }) })),
      h("td", {}, breakable(group.place)),
      h("td", { class: "muted prose", text: group.explanation })))))));
}

function drawWorst(overview, browser) {
  const found = overview.metrics.filter((metric) => metric.worst.length);
  if (!found.length) return null;
  const room = h("ol", { class: "worst" }), printed = h("span", { class: "printed" });
  const draw = async (key) => {
    const metric = found.find((one) => one.key === key);
    const rows = await Promise.all(metric.worst.map((cell) => browser.cells.read(cell)));
    const place = overview.metrics.indexOf(metric);
    printed.textContent = key;
    room.replaceChildren(...rows.map((row) => worstRow(row, place, metric.worst, browser)));
  };
  const made = section("worst", "Worst cases",
    h("div", { class: "bar-of-controls" }, found.length > 1
      ? h("label", {}, h("span", { class: "muted", text: "By " }), select("Metric of the worst cases", found.map(({ key }) => [key, key]), draw), printed)
      : h("p", {}, h("span", { class: "muted", text: "By " }), metricName(found[0].key, found[0].direction))), room);
  draw(found[0].key);
  return made;
}

function worstRow(row, place, cells, browser) {
  const metric = browser.cells.metrics[place];
  return h("li", {}, h("button", { class: "row", type: "button", onclick: () => browser.detail.open(row.cell, cells) },
    h("span", { class: "number value", text: cellNumber(metric.values[row.cell], metric) }),
    h("span", { class: "texts" },
      h("span", { class: "clip", text: gist(row.inputs) || row.id }),
      h("span", { class: "clip answer" }, h("span", { class: "muted", text: "got " }), gist(row.outputs) || "nothing"),
      row.expectations && h("span", { class: "clip answer" }, h("span", { class: "muted", text: "wanted " }), gist(row.expectations)))));
}

function drawIdentity(overview) {
  const { signatures, run, packages, machine } = overview.identity;
  const made = overview.created ? new Date(overview.created).toISOString().replace("T", " ").slice(0, 16) + " UTC" : null;
  return section("identity", "Reproduce",
    h("p", { class: "muted hint", text: "What made these numbers. Numbers with other signatures, data or reducers do not compare." }),
    h("h3", { text: "Signatures" }), facts(signatures),
    h("h3", { text: "Run" }), facts({ started: made, ...run }),
    h("div", { class: "grid" }, h("div", {}, h("h3", { text: "Machine" }), facts(machine)), h("div", {}, h("h3", { text: "Packages" }), facts(packages))));
}

function facts(found) {
  const flat = Object.entries(found).flatMap(([name, value]) => (value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).map(([inner, item]) => [`${name} · ${inner}`, item]) : [[name, value]]));
  return h("dl", { class: "facts" }, flat
    .filter(([, value]) => value !== null && value !== "" && shown(value) !== "{}" && shown(value) !== "[]")
    .map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: shown(value) }))));
}
