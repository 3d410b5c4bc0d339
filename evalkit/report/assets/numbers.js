// Writing numbers as the other reports do: see evalkit.gates.verdict.number.

function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "no value";
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  if (size >= 1 || size === 0) return (value + 0).toFixed(2);
  return size >= 0.01 ? value.toFixed(3) : String(Number(value.toPrecision(3)));
}

/** A cell's own value: whole numbers without decimals, yes and no by name. */
function cellNumber(value, metric) {
  if (metric.binary && (value === 0 || value === 1)) return value ? "yes" : "no";
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : number(value);
}

function interval(estimate) {
  if (estimate.low === null || estimate.high === null) return "";
  return `[${number(estimate.low)}, ${number(estimate.high)}]`;
}

function percent(share) {
  if (share === 0 || share === 1) return `${share * 100} %`;
  const tenths = Math.min(Math.floor(share * 1000 + 0.5 + 1e-9), 999);
  return tenths ? `${tenths / 10} %` : "< 0.1 %";
}

function count(value, noun) {
  return `${value.toLocaleString("en")} ${noun}${value === 1 ? "" : "s"}`;
}

function shortfalls(estimate) {
  const found = [];
  if (estimate.coverage !== null && estimate.coverage < 1) found.push(`coverage ${percent(estimate.coverage)}`);
  for (const [name, word] of [["n_failed", "failed"], ["n_skipped", "skipped"], ["n_not_run", "not run"]]) {
    if (estimate[name] > 0) found.push(`${estimate[name].toLocaleString("en")} ${word}`);
  }
  return found;
}

function isThin(estimate) {
  return estimate.value === null || (estimate.coverage !== null && estimate.coverage < 0.98);
}
