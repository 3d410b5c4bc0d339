// The text filter: rows and cases that hold all of its words stay, and what holds one is open.

const field = document.querySelector("#filter"), count = document.querySelector("#left");
const parts = [...document.querySelectorAll("tr[data-outcome], .case")].map((element) => [element, element.textContent.toLowerCase()]);
const folds = [...document.querySelectorAll("details")].map((fold) => [fold, fold.open, fold.getAttribute("name")]);

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const [element, text] of parts) {
    element.hidden = !words.every((word) => text.includes(word));
    left += !element.hidden;
  }
  count.textContent = words.length ? `${left.toLocaleString("en")} of ${parts.length.toLocaleString("en")} rows and cases` : "";
  for (const [fold, open, name] of folds) {
    // Of folds with one name a browser opens a single one.
    if (words.length) fold.removeAttribute("name"); else if (name !== null) fold.setAttribute("name", name);
    fold.open = words.length ? fold.querySelector("tr[data-outcome]:not([hidden]), .case:not([hidden])") !== null : open;
  }
}

field.addEventListener("input", filter);
performance.mark("evalkit-ready");
