"use strict";
/* A scan on a page: in 3D, as maps, in words. `scenePart(root)` fills the parts that `scene.html` has. */

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

function scenePart(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const view = surfaceView(root);
  const show = (scene, options) => {
    part("title").textContent = scene.title;
    part("facts").replaceChildren(...Object.entries(scene.facts).flatMap(
      ([name, fact]) => [element("dt", { textContent: name }), element("dd", { textContent: fact })]));
    part("maps").replaceChildren(...scene.maps.map(([title, alt, src]) =>
      element("figure", {}, element("figcaption", { textContent: title }), element("img", { src, alt }))));
    const places = unpacked(scene.landmarks.points, Float32Array);
    part("rows").replaceChildren(...scene.landmarks.names.map((name, row) => element("tr", {},
      element("th", { scope: "row", textContent: name }),
      ...[0, 1, 2].map((axis) => {
        const value = places[3 * row + axis];
        return element("td", { textContent: value > 1e6 ? "missing" : value.toFixed(1) });
      }))));
    root.hidden = false;
    view.show(scene, options);
  };
  return { show };
}
