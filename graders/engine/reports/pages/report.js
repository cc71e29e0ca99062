// Filters and sorts the criteria. Without it the page shows all of them in the rubric's order.
"use strict";
const table = document.querySelector("#criteria");
const groups = [...table.tBodies];
const headings = [...table.querySelectorAll("tr.group")];
const rows = [...table.querySelectorAll("tr[data-kind]")];
const homes = new Map(rows.map((row) => [row, row.parentElement]));
const tools = document.querySelector(".tools");
const said = document.querySelector("#shown");
const next = { none: "descending", descending: "ascending", ascending: "none" };
let kind = "all";
let sorted = false;

function show() {
  for (const button of tools.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  }
  for (const row of rows) row.hidden = kind !== "all" && row.dataset.kind !== kind;
  for (const heading of headings) {
    const members = rows.filter((row) => homes.get(row) === heading.parentElement);
    heading.hidden = sorted || members.every((row) => row.hidden);
  }
  said.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
}

// From the most to the least, then from the least to the most, then as the rubric has it.
function sort(button) {
  const header = button.closest("th");
  const order = next[header.getAttribute("aria-sort")];
  for (const each of table.querySelectorAll("th[aria-sort]")) each.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", order);
  sorted = order !== "none";
  const value = (row) => Number(row.dataset[button.dataset.by]) * (order === "descending" ? -1 : 1);
  if (sorted) groups[0].append(...[...rows].sort((a, b) => value(a) - value(b)));
  else for (const row of rows) homes.get(row).append(row);
  show();
}

tools.hidden = false;
for (const button of tools.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    kind = button.dataset.kind;
    show();
  });
}
for (const cell of table.querySelectorAll("th[data-by]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.by = cell.dataset.by;
  button.textContent = cell.textContent;
  button.addEventListener("click", () => sort(button));
  cell.replaceChildren(button);
}

// Paper shows everything; what was chosen on the screen comes back.
let closed = [];
let chosen = kind;
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
  [chosen, kind] = [kind, "all"];
  show();
});
window.addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
  kind = chosen;
  show();
});
