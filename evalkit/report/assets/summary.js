// The head of the page, the estimates and the verdict.

const VERDICTS = {
  PASS: "Every condition holds.",
  FAIL: "At least one condition does not hold.",
  INCONCLUSIVE: "The data cannot decide at least one condition.",
  INFRA: "Calls failed on the way, so the numbers cannot decide.",
  BUDGET: "The budget was spent before every case was run.",
};

function drawHead(overview) {
  document.getElementById("head").append(h("div", { class: "wide" },
    h("div", { class: "title" },
      h("p", { class: "brand", text: "evalkit report" }),
      h("h1", { text: overview.name }),
      h("p", { class: "muted", text: overview.subtitle })),
    overview.conditions.length
      ? h("div", { class: "stamp" }, pill(overview.verdict), h("p", { class: "muted", text: VERDICTS[overview.verdict] }))
      : h("p", { class: "muted stamp", text: "No gates were set." })));
}

function drawNav(sections) {
  const links = sections.map((found) => h("a", {
    href: `#${found.id}`, text: found.querySelector("h2").firstChild.textContent,
  }));
  document.getElementById("nav").append(h("div", { class: "wide" }, h("div", { class: "links" }, links), themeButton()));
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) {
        links.forEach((link) => {
          if (link.hash === `#${target.id}`) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        });
      }
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  sections.forEach((found) => seen.observe(found));
}

function themeButton() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = h("button", { class: "quiet theme", type: "button", onclick: () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("evalkit-theme", root.dataset.theme); } catch { /* a file may have no storage */ }
    label();
  } });
  const label = () => {
    button.textContent = dark() ? "☀" : "☾";
    button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    button.title = button.getAttribute("aria-label");
  };
  try { const kept = localStorage.getItem("evalkit-theme"); if (kept) root.dataset.theme = kept; } catch { /* likewise */ }
  label();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  return button;
}

function tile(label, value, more, name = "") {
  return h("div", { class: `tile ${name}` }, h("dt", { text: label }), h("dd", { text: value }),
    more && h("dd", { class: "muted", text: more }));
}

function tiles(overview) {
  const failed = overview.failures.reduce((sum, group) => sum + group.count, 0);
  const seconds = Object.values(overview.usage).reduce((sum, usage) => sum + usage.seconds, 0);
  const tokens = Object.values(overview.usage).flatMap((usage) => Object.values(usage.tokens)).reduce((a, b) => a + b, 0);
  const thin = overview.coverage !== null && overview.coverage < 0.98;
  return h("dl", { class: "tiles" },
    tile("Cases", overview.n.toLocaleString("en"), overview.repeats > 1 ? `${overview.repeats} repeats each` : ""),
    tile("Coverage", overview.coverage === null ? "none" : percent(overview.coverage), "of the thinnest metric", thin ? "bad" : ""),
    tile("Failures", failed.toLocaleString("en"), failed ? count(overview.failures.length, "reason") : "", failed ? "bad" : ""),
    overview.cost > 0 && tile("Cost", `$${overview.cost.toPrecision(3)}`, tokens ? `${tokens.toLocaleString("en")} tokens` : ""),
    overview.cost === null && tokens > 0 && tile("Cost", "unknown", "some calls have no price"),
    seconds > 0 && tile("Time", seconds < 90 ? `${number(seconds)} s` : `${number(seconds / 60)} min`, ""));
}

/** The range of a metric: declared, or from 0 to 1 where its cells look like shares. */
function boundsOf(overview, key) {
  const metric = overview.metrics.find((one) => one.key === key) ?? overview.metrics.find((one) => key.startsWith(`${one.key}.`) || key.startsWith(`${one.key}=`));
  if (!metric || key.startsWith(`${metric.key}=`)) return metric ? [0, 1] : null;
  const { min, max } = metric.distribution ?? {};
  return metric.bounds ?? (metric.unit === null && min >= 0 && max > 0.5 && max <= 1 ? [0, 1] : null);
}

function estimateRow(overview, estimate) {
  const range = domain([estimate], boundsOf(overview, estimate.key));
  const remark = [...shortfalls(estimate), estimate.note ?? ""].filter(Boolean).join(" · ");
  return h("tr", { class: isThin(estimate) ? "thin" : "" },
    h("th", { scope: "row" }, metricName(estimate.key, estimate.direction),
      estimate.unit && h("span", { class: "muted unit", text: estimate.unit }),
      remark && h("span", { class: "remark", text: remark })),
    h("td", { class: "number value", text: number(estimate.value) }),
    h("td", { class: "number ends", text: interval(estimate) }),
    h("td", { class: "scale" }, whisker(estimate, range, { thresholds: overview.thresholds[estimate.key] }),
      h("div", { class: "ticks", "aria-hidden": "true" }, h("span", { text: String(+range[0].toPrecision(3)) }), h("span", { text: String(+range[1].toPrecision(3)) }))),
    h("td", { class: "number n", text: `${estimate.n_scored.toLocaleString("en")}/${estimate.n_total.toLocaleString("en")}` }));
}

function drawSummary(overview) {
  const level = percent(overview.level);
  const marked = Object.values(overview.thresholds).some((found) => found.length);
  return section("summary", "Summary",
    overview.remarks.map((remark) => h("p", { class: remark.alarming ? "banner alarming" : "banner", role: remark.alarming ? "alert" : null, text: remark.text })),
    tiles(overview),
    overview.estimates.length === 0 ? h("p", { class: "muted", text: "No metrics." })
      : h("div", { class: "scroll" }, h("table", { class: "estimates" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "Metric" }), h("th", { scope: "col", class: "number", text: "Value" }),
          h("th", { scope: "col", class: "number", text: `${level} interval` }), h("th", { scope: "col" }, h("span", { class: "unseen", text: "Drawn" })),
          h("th", { scope: "col", class: "number", text: "Scored" }))),
        h("tbody", {}, overview.estimates.map((estimate) => estimateRow(overview, estimate))))),
    marked && h("p", { class: "legend muted" }, h("span", { class: "dash" }), "a gate's threshold"),
    overview.conditions.length > 0 && h("div", { class: "gates" }, h("h3", { text: "Gates" }),
      h("ul", {}, overview.conditions.map(gate))));
}

function gate(condition) {
  const why = condition.why.startsWith(`${condition.condition}: `) ? condition.why.slice(condition.condition.length + 2) : condition.why;
  return h("li", {}, pill(condition.verdict), h("code", { text: condition.condition }), h("span", { class: "muted", text: why }));
}
