/* Long tables can be searched: rows without every word that is written are hidden. Without this script all rows are there. */
"use strict";
(() => {
  const LONG = 40;

  /** What a row says, under which heading it stands included. */
  function texts(rows) {
    let heading = "";
    return rows.map((row) => {
      if (row.classList.contains("heading")) heading = row.textContent;
      return `${heading} ${row.textContent}`.toLocaleLowerCase();
    });
  }

  for (const scroll of document.querySelectorAll(".scroll")) {
    const rows = [...scroll.querySelectorAll("tbody tr")];
    if (rows.length < LONG) continue;
    const said = texts(rows);
    const field = document.createElement("input");
    field.type = "search";
    field.setAttribute("aria-label", "Search this table");
    field.placeholder = "Search this table";
    const found = document.createElement("output");
    const box = document.createElement("p");
    box.className = "search";
    box.append(field, " ", found);
    scroll.before(box);
    field.addEventListener("input", () => {
      const words = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => said[i].includes(word));
        if (!row.hidden) shown += 1;
      });
      found.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }
})();
