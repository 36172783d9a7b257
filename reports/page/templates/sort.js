// Columns of tables marked data-sort sort their rows, the best first, the other way round, then back as they were.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length < 2) continue;
  heads.forEach((head, column) => {
    const value = ({ cells: { [column]: cell } }) => column ? Number(cell.dataset.value ?? NaN) : cell.textContent.trim();
    const compare = (a, b) => column ? a - b : a.localeCompare(b);
    const turns = column && !("low" in head.dataset) ? ["descending", "ascending"] : ["ascending", "descending"];
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const turn = turns[turns.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (turn) head.setAttribute("aria-sort", turn);
      const known = turn ? rows.filter((row) => !Number.isNaN(value(row))) : rows;
      if (turn) known.sort((a, b) => (turn === "ascending" ? 1 : -1) * compare(value(a), value(b)));
      body.append(...known, ...rows.filter((row) => !known.includes(row)));
    });
  });
}
