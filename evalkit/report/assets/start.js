// Draw what the overview has at once; the cells follow when they are unpacked.

async function start() {
  const overview = JSON.parse(document.getElementById("overview").textContent);
  drawHead(overview);
  const main = document.getElementById("main");
  const summary = drawSummary(overview);
  main.replaceChildren(summary);
  let sections = [summary];
  if (typeof DecompressionStream === "undefined") {
    main.append(h("p", { class: "banner alarming", text: "This browser is too old to unpack the cases." }));
  } else {
    const cells = await Cells.load(overview.metrics);
    const browser = new Browser(overview, cells);
    sections = [summary, drawJudges(overview), drawDistributions(overview, browser), drawSlices(overview, browser), drawFailures(overview, browser), drawWorst(overview, browser), browser.element, drawIdentity(overview)].filter(Boolean);
    main.replaceChildren(...sections);
    await browser.refresh();
    const wanted = /^#case=(\d+)$/.exec(location.hash);
    if (wanted && Number(wanted[1]) < cells.n) browser.detail.open(Number(wanted[1]), browser.found);
    else if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    performance.mark("evalkit-ready");
    idle(cells);
  }
  drawNav(sections);
}

/** Unpack the texts while nothing else is to do, so that the first search is quick. */
function idle(cells) {
  const next = () => {
    const place = cells.chunks.indexOf(null);
    if (place >= 0) cells.open(place).then(() => later(next));
  };
  const later = (work) => ("requestIdleCallback" in window ? requestIdleCallback(work, { timeout: 2000 }) : setTimeout(work, 30));
  later(next);
}

start();
