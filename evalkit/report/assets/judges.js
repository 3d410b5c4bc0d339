// Judges: what their cards say, and their means with the judge's error taken out.

function judgeFigures(judge) {
  return h("dl", { class: "figures" }, judge.figures.map((figure) => h("div", {},
    h("dt", { class: "muted", text: figure.name }), h("dd", { class: "number", text: figure.shown }))));
}

function judgeBiases(judge) {
  if (!judge.biases.length) return null;
  return h("p", { class: "muted" }, "Bias: ", judge.biases.map((bias, place) => h("span", {
    class: bias.marked ? "failed" : "", title: bias.explanation,
    text: `${place ? " · " : ""}${bias.name} ${bias.shown}`,
  })));
}

function judgeMean(judge) {
  const mean = judge.corrected;
  return mean && h("p", {}, h("span", { class: "muted", text: "Mean " }), h("span", { class: "struck", text: mean.raw }),
    h("span", { class: "muted", text: ` → corrected by ${mean.method}: ` }), h("strong", { text: mean.shown }));
}

function judgePanel(judge) {
  const known = judge.headline !== undefined;
  return h("article", { class: known ? "card judge" : "card judge unknown" },
    h("h3", {}, h("span", { class: "metric", text: judge.metric }),
      h("span", { class: "muted", text: known ? ` ${judge.labels.toLocaleString("en")} held-out labels` : ` ${judge.why}` })),
    known && h("p", { text: judge.headline }),
    known && h("p", { class: "muted", text: judge.replacing }),
    known && judgeFigures(judge), judgeMean(judge), known && judgeBiases(judge),
    known && judge.remarks.map((remark) => h("p", { class: "muted", text: remark })));
}

function drawJudges(overview) {
  return overview.judges.length ? section("judges", "Judges", overview.judges.map(judgePanel)) : null;
}
