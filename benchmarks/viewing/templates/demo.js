"use strict";
{
  const at = (id) => document.getElementById(id);
  const root = at("scene"), scene = scenePart(root), form = at("ask");
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  let asked = 0;

  const bar = ([name, share]) => {
    const filled = element("span", { className: "bar" });
    filled.style.inlineSize = `${100 * share}%`;
    return element("tr", {}, element("th", { scope: "row", textContent: name }),
      element("td", { className: "track" }, filled), element("td", { textContent: percent(share) }));
  };

  const answered = ({ scene: one, expression, probability, margin, probabilities, weights }) => {
    part("verdict").replaceChildren(element("strong", { textContent: expression }),
      `, probability ${percent(probability)}, ${(100 * margin).toFixed(1)} percentage points ahead of the next`);
    part("probabilities").replaceChildren(...probabilities.map(bar));
    part("weights").replaceChildren(...weights.map(bar));
    part("weighing").hidden = !weights.length;
    const looked = one.overlays.map(([name]) => name).find((name) => /^(Attention|Grad)/.test(name));
    scene.show(one, { overlay: looked });
    at("status").textContent = `${one.title}: ${expression}, ${percent(probability)}`;
    part("title").tabIndex = -1;
    part("title").focus();
  };

  const refused = (words) => {
    at("status").textContent = "";
    at("error").textContent = words;
    at("error").hidden = false;
  };

  const ask = async (files) => {
    const number = ++asked, body = new FormData();
    if (!files.length) return refused("Choose the files of a scan first.");
    body.append("unit", at("unit").value);
    for (const file of files) body.append("files", file);
    at("error").hidden = true;
    at("status").textContent = `Reading ${[...files].map((file) => file.name).join(", ")} …`;
    at("predict").disabled = true;
    try {
      const answer = await fetch("/predict", { method: "POST", body });
      const found = await answer.json();
      if (number !== asked) return;
      if (answer.ok) answered(found);
      else refused(found.error);
    } catch {
      refused("The server does not answer, or stopped; its terminal says why.");
    } finally {
      at("predict").disabled = false;
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(at("files").files);
  });
  at("files").addEventListener("change", () => ask(at("files").files));
  /* Files may be dropped anywhere: beside the form a browser would open them instead of the page. */
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") {
        at("files").files = event.dataTransfer.files;
        ask(event.dataTransfer.files);
      }
    });
  }
}
