// The leaderboard: rows are filtered, and with them the marks of figures, which say their numbers; all of what is
// chosen is kept in the address, behind its #, so that a view can be shared.
{
  const form = document.querySelector(".filters"), output = form.querySelector("output");
  const table = document.querySelector("table.leaderboard"), heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows], tip = document.querySelector(".tip");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const marks = new Map(rows.map((row) => [row.id, []]));
  for (const mark of document.querySelectorAll(".mark")) marks.get(mark.dataset.row).push(mark);
  const empty = document.createElement("p");
  empty.textContent = "No method fits; clear the filters.";
  table.parentElement.after(empty);

  const fits = (row, name, value) => {
    if (name === "q") return value.toLowerCase().split(/\s+/).every((word) => words.get(row).includes(word));
    const times = form.elements[name].dataset.times;
    return times ? Number(row.dataset[name]) <= Number(value) * Number(times) : row.dataset[name] === value;
  };
  const chosen = () => [...new FormData(form)].filter(([, value]) => value.trim());
  const filter = () => {
    const by = chosen();
    let count = 0;
    for (const row of rows) {
      row.hidden = !by.every(([name, value]) => fits(row, name, value));
      count += !row.hidden;
      for (const mark of marks.get(row.id)) mark.classList.toggle("gone", row.hidden);
    }
    output.value = `${count} of ${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
    empty.hidden = count > 0;
    for (const section of document.querySelectorAll("section[data-suite]")) {
      const own = rows.filter((row) => row.dataset.suite === section.dataset.suite);
      section.hidden = own.every((row) => row.hidden);
      for (const drawing of section.querySelectorAll(".drawing")) {
        drawing.classList.toggle("filtered", own.some((row) => row.hidden));
        rove(drawing, [...drawing.querySelectorAll(".mark:not(.gone)")].at(-1));
      }
    }
  };

  // The address has the filters by their names, and the column that rows are sorted by.
  const keep = () => {
    const state = new URLSearchParams(chosen()), by = heads.find((head) => head.hasAttribute("aria-sort"));
    if (by) state.set("sort", `${by.dataset.key}.${by.getAttribute("aria-sort")}`);
    history.replaceState(null, "", `#${state}`);
  };
  const restore = () => {
    if (!location.hash.includes("=")) return;
    const state = new URLSearchParams(location.hash.slice(1)), [key, turn] = (state.get("sort") ?? "").split(".");
    for (const field of form.elements) if (field.name) field.value = state.get(field.name) ?? "";
    for (const head of heads) {
      const wanted = head.dataset.key === key ? turn : null, button = head.querySelector("button");
      for (let turns = 0; button && wanted && head.getAttribute("aria-sort") !== wanted && turns < 2; turns++) button.click();
    }
  };

  // Of a figure's marks one is in the order of the Tab key; arrows go on from there.
  const rove = (drawing, mark) => {
    for (const one of drawing.querySelectorAll(".mark")) one.setAttribute("tabindex", one === mark ? 0 : -1);
  };
  const say = (mark, x, y) => {
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const most = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(x + 12, most)) + scrollX}px`;
    tip.style.top = `${Math.max(y - tip.offsetHeight - 10, 8) + scrollY}px`;
  };
  for (const drawing of document.querySelectorAll(".drawing")) {
    const of = ({ target }) => target.closest(".mark");
    for (const title of drawing.querySelectorAll("title")) title.remove();  // or there were two of them
    drawing.addEventListener("pointermove", (event) => of(event) ? say(of(event), event.clientX, event.clientY) : (tip.hidden = true));
    drawing.addEventListener("pointerleave", () => { tip.hidden = true; });
    drawing.addEventListener("focusin", (event) => {
      rove(drawing, of(event));
      if (!of(event).matches(":focus-visible")) return;
      const box = (of(event).querySelector(".point") ?? of(event)).getBoundingClientRect();
      say(of(event), box.x + box.width / 2, box.y);
    });
    drawing.addEventListener("focusout", () => { tip.hidden = true; });
    drawing.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") tip.hidden = true;
      if (!step || !of(event)) return;
      const there = [...drawing.querySelectorAll(".mark:not(.gone)")];
      there.at((there.indexOf(of(event)) + step) % there.length).focus();
      event.preventDefault();
    });
    drawing.addEventListener("click", (event) => {
      if (!of(event)) return;
      const row = document.getElementById(of(event).dataset.row);
      row.tabIndex = -1;
      row.focus();
      event.preventDefault();  // the address has the filters
    });
  }
  const light = (lit) => ({ target }) => {
    const row = target.closest("tbody tr");
    if (row) for (const mark of marks.get(row.id)) mark.classList.toggle("lit", lit);
  };
  table.addEventListener("pointerover", light(true));
  table.addEventListener("pointerout", light(false));
  table.addEventListener("focusin", light(true));
  table.addEventListener("focusout", light(false));

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(); keep(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); keep(); }));
  addEventListener("hashchange", () => { restore(); filter(); });
  form.hidden = false;
  restore();
  filter();
  table.addEventListener("sort", keep);
}
