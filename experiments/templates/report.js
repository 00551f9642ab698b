// Sounds and pictures are set when the row that shows them is opened: each travels once, whoever shows it.
const media = JSON.parse(document.getElementById("media").textContent);
function fill(place) {
  if (!place.open) return;
  for (const element of place.querySelectorAll("[data-media]")) {
    const inside = element.closest("details");
    if (inside === place && !element.src) element.src = media[element.dataset.media];
  }
}
for (const place of document.querySelectorAll("details")) {
  place.addEventListener("toggle", () => fill(place));
  fill(place);
}
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", reveal);
reveal();
// A number's runs open beside it.
for (const panel of document.querySelectorAll("[popover]")) {
  panel.addEventListener("toggle", event => {
    if (event.newState !== "open") return;
    const at = document.querySelector(`[popovertarget="${panel.id}"]`).getBoundingClientRect();
    panel.style.margin = 0;
    panel.style.left = `${Math.max(8, Math.min(at.left, innerWidth - panel.offsetWidth - 8))}px`;
    panel.style.top = `${at.bottom + panel.offsetHeight + 8 > innerHeight ? Math.max(8, at.top - panel.offsetHeight - 4) : at.bottom + 4}px`;
  });
}
// A group of the table folds by its heading.
for (const button of document.querySelectorAll("tr.group button")) {
  button.addEventListener("click", () => {
    const folded = button.closest("tbody").classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!folded));
  });
}
// Sorting within a group: by data-sort where a cell has it, else by the number or the text that it shows; a cell without one goes last.
function key(cell, asText) {
  if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
  const text = cell.textContent.trim();
  return asText ? text : parseFloat(text.replace("−", "-").replace("+", ""));
}
for (const heading of document.querySelectorAll(".sortable thead th")) {
  heading.addEventListener("click", () => {
    const table = heading.closest("table"), column = heading.cellIndex, asText = "text" in heading.dataset;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const missing = value => typeof value === "number" && Number.isNaN(value);
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter(row => !row.matches(".group")).map(row => [key(row.cells[column], asText), row]);
      rows.sort(([a], [b]) => missing(a) - missing(b) || (missing(a) ? 0 : (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1)));
      body.append(...rows.map(([, row]) => row));
    }
  });
}
