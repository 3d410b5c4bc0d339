// Making elements.  Text always goes in as text: nothing here, or anywhere, parses markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function section(id, title, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title`, text: title }), ...children);
}

function select(label, options, onchange) {
  const element = h("select", { "aria-label": label, onchange: () => onchange(element.value) },
    options.map(([value, text]) => h("option", { value, text })));
  return element;
}

function pill(verdict) {
  return h("span", { class: `pill ${verdict.toLowerCase()}`, text: verdict });
}

const ARROWS = { higher: ["↑", "higher is better"], lower: ["↓", "lower is better"] };

function metricName(key, direction) {
  const arrow = ARROWS[direction];
  return h("span", { class: "metric" }, breakable(key),
    arrow && h("span", { class: "arrow", title: arrow[1], role: "img", "aria-label": arrow[1], text: ` ${arrow[0]}` }));
}

/** Let a long name break after its dots, underscores and the like. */
function breakable(text) {
  return text.split(/(?<=[._/=\-[\]])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}
