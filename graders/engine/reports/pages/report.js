// Filters and sorts the criteria. Without it the page shows all of them in the rubric's order.
"use strict";
const rows = [...document.querySelectorAll("#criteria tbody tr")];
const tools = document.querySelector(".tools");
const said = document.querySelector("#shown");
function show(kind) {
  for (const button of tools.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  }
  let count = 0;
  for (const row of rows) {
    row.hidden = kind !== "all" && row.dataset.kind !== kind;
    count += row.hidden ? 0 : 1;
  }
  said.textContent = `${count} of ${rows.length} shown`;
}
function sort(button) {
  const header = button.closest("th");
  const down = header.getAttribute("aria-sort") !== "descending";
  for (const each of document.querySelectorAll("#criteria th[aria-sort]")) each.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = (row) => Number(row.dataset[button.dataset.by]);
  const sorted = [...rows].sort((a, b) => (down ? value(b) - value(a) : value(a) - value(b)));
  document.querySelector("#criteria tbody").append(...sorted);
}
tools.hidden = false;
for (const button of tools.querySelectorAll("button")) button.addEventListener("click", () => show(button.dataset.kind));
for (const cell of document.querySelectorAll("#criteria th[data-by]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.by = cell.dataset.by;
  button.textContent = cell.textContent;
  button.addEventListener("click", () => sort(button));
  cell.replaceChildren(button);
}
window.addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
