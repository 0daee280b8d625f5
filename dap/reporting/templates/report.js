"use strict";

// Tables that are sorted by a click on a heading: up, down, and as they were.
(() => {
  const ORDERS = ["none", "ascending", "descending"];

  function value(row, column) {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return cell.dataset.value;
    return cell.textContent.trim();
  }

  function compare(a, b) {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing comes last
    return Number.isNaN(Number(a) + Number(b)) ? a.localeCompare(b) : Number(a) - Number(b);
  }

  function sort(table, column, order, original) {
    const down = order === "descending" ? -1 : 1;
    const rows = original.map((row) => [row, value(row, column)]);
    if (order !== "none") {
      rows.sort(([, a], [, b]) => (a === "" || b === "" ? compare(a, b) : down * compare(a, b)));
    }
    table.tBodies[0].append(...rows.map(([row]) => row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const original = [...table.tBodies[0].rows];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const now = ORDERS.indexOf(heading.getAttribute("aria-sort") ?? "none");
        const order = ORDERS[(now + 1) % ORDERS.length];
        for (const other of headings) other.removeAttribute("aria-sort");
        if (order !== "none") heading.setAttribute("aria-sort", order);
        sort(table, column, order, original);
      });
    });
  }
})();
