// Filters, searches and sorts the students. Without it the page shows all of them.
"use strict";
const rows = [...document.querySelectorAll("#class tbody tr")];
const tools = document.querySelector(".tools");
const [search, failed, low, high, said] = ["search", "failed", "low", "high", "shown"].map((id) => document.getElementById(id));
let both = "";
function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const ids = (both || failed.value).split(" ").filter(Boolean);
  const [from, to] = [Number(low.value), Number(high.value)];
  const all = from <= 0 && to >= 100;
  let count = 0;
  for (const row of rows) {
    const lost = row.dataset.failed.split(" ");
    const percent = Number(row.dataset.percent);
    row.hidden = !(words.every((word) => row.dataset.name.toLowerCase().includes(word))
      && ids.every((id) => lost.includes(id))
      && (all || (percent >= from && percent <= to)));
    count += row.hidden ? 0 : 1;
  }
  said.textContent = `${count} of ${rows.length} shown${both ? `; failed both ${both.replace(" ", " and ")}` : ""}`;
}
function set(values) {
  search.value = "";
  const wanted = values.failed || "";
  both = wanted.includes(" ") ? wanted : "";
  failed.value = both ? "" : wanted;
  low.value = values.low || 0;
  high.value = values.high || 100;
  show();
}
function sort(header, button) {
  const down = header.getAttribute("aria-sort") !== "descending";
  for (const each of document.querySelectorAll("#class th[aria-sort]")) each.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const by = header.dataset.by;
  const compare = by === "score" ? (a, b) => Number(a.dataset.score) - Number(b.dataset.score) : (a, b) => a.dataset.name.localeCompare(b.dataset.name);
  const sorted = [...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  document.querySelector("#class tbody").append(...sorted);
}
tools.hidden = false;
for (const each of [search, failed, low, high]) each.addEventListener("input", () => { both = ""; show(); });
document.getElementById("all").addEventListener("click", () => set({}));
for (const link of document.querySelectorAll("a[data-failed], a[data-low]")) link.addEventListener("click", () => set(link.dataset));
for (const header of document.querySelectorAll("#class th[data-by]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.textContent;
  button.addEventListener("click", () => sort(header, button));
  header.replaceChildren(button);
}
show();
