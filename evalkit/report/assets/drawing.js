// Whiskers and histograms, drawn with lines and boxes.

/** The range that a metric is drawn on: its own where it has one, else what holds the values. */
function domain(estimates, bounds) {
  if (bounds) return bounds;
  const ends = estimates.flatMap((e) => [e.value, e.low, e.high]).filter((v) => v !== null);
  if (!ends.length) return [0, 1];
  let low = Math.min(0, ...ends), high = Math.max(0, ...ends);
  if (low === high) high = low + 1;
  const step = 10 ** Math.floor(Math.log10(high - low)) / 2;
  low = Math.floor(low / step) * step;
  high = Math.ceil(high / step) * step;
  return [low, high];
}

function at(value, [low, high]) {
  return `${(100 * Math.min(Math.max((value - low) / (high - low), 0), 1)).toFixed(2)}%`;
}

function line(x, y1, y2, name) {
  return svg("line", { class: name, x1: x, x2: x, y1, y2 });
}

/** Draw value and interval on a scale, with marks such as a gate's threshold or the overall value. */
function whisker(estimate, range, { thresholds = [], overall = null } = {}) {
  const told = estimate.value === null ? "no value" : `${number(estimate.value)} ${interval(estimate)}`;
  const drawn = svg("svg", { class: "whisker", role: "img", "aria-label": told.trim(), height: 22 },
    svg("line", { class: "axis", x1: "0%", x2: "100%", y1: 11, y2: 11 }),
    line("0%", 8, 14, "axis"), line("100%", 8, 14, "axis"));
  if (overall !== null) drawn.append(line(at(overall, range), 1, 21, "overall"));
  for (const threshold of thresholds) drawn.append(line(at(threshold, range), 2, 20, "threshold"));
  if (estimate.value === null) return drawn;
  if (estimate.low !== null && estimate.high !== null) {
    const low = at(estimate.low, range), high = at(estimate.high, range);
    drawn.append(svg("line", { class: "reach", x1: low, x2: high, y1: 11, y2: 11 }),
      line(low, 6, 16, "end"), line(high, 6, 16, "end"));
  }
  drawn.append(svg("circle", { class: "point", cx: at(estimate.value, range), cy: 11, r: 4.5 }));
  return drawn;
}

/** Draw bars that can be pressed; each tells its range and count. */
function histogram(found, metric, onpress) {
  const bars = found.bars, most = Math.max(...bars.map((bar) => bar.count));
  const wide = 100 / bars.length, gap = bars.length < 5 ? wide * 0.4 : Math.min(wide * 0.12, 3);
  const drawn = svg("svg", { class: `histogram ${found.kind}`, role: "group", "aria-label": "Distribution" });
  bars.forEach((bar, place) => {
    const tall = bar.count ? Math.max(1.5, 94 * bar.count / most) : 0;
    const told = `${barName(bar, found, metric)}: ${count(bar.count, "cell")}`;
    const x = `${place * wide + gap / 2}%`, width = `${wide - gap}%`;
    drawn.append(svg("g", {
      class: "bar", role: "button", tabindex: bar.count ? 0 : -1, "aria-label": `${told}; show them`,
      onclick: () => bar.count && onpress(bar),
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onpress(bar); }
      },
    }, svg("title", { text: told }),
    svg("rect", { class: "whole", x, width, y: "0%", height: "100%" }),
    svg("rect", { class: "part", x, width, y: `${100 - tall}%`, height: `${tall}%`, rx: 1.5 })));
  });
  return drawn;
}

function barName(bar, found, metric) {
  if (found.kind === "labels") return bar.label;
  if (found.kind === "values") return cellNumber(bar.low, metric);
  return `${number(bar.low)} to ${number(bar.high)}`;
}
