// Columns of tables marked data-sort sort their rows, the best first, the other way round, then back as they were. A
// column without a number is sorted as text, one that is the same in all rows is not.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length < 2) continue;
  heads.forEach((head, column) => {
    const cell = (row) => row.cells[column];
    const text = !rows.some((row) => "value" in cell(row).dataset);
    const read = (row) => text ? cell(row).textContent.trim() : Number(cell(row).dataset.value ?? NaN);
    const values = new Map(rows.map((row) => [row, read(row)])), value = (row) => values.get(row);
    if (new Set(rows.map((row) => cell(row).textContent)).size < 2) return;
    const compare = (a, b) => text ? a.localeCompare(b) : a - b;
    const turns = text || "low" in head.dataset ? ["ascending", "descending"] : ["descending", "ascending"];
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
      body.append(...known, ...rows.filter((row) => turn && Number.isNaN(value(row))));
      table.dispatchEvent(new Event("sort"));
    });
  });
}
