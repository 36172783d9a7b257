"use strict";
{
  const scenes = JSON.parse(document.getElementById("scenes").textContent);
  const scene = scenePart(document.getElementById("scene")), choice = document.getElementById("choice");
  const show = (number) => {
    if (choice) choice.value = `${number}`;
    scene.show(scenes[number]);
  };
  if (choice) {
    choice.addEventListener("change", () => show(Number(choice.value)));
    for (const [id, step] of [["previous", -1], ["next", 1]]) {
      document.getElementById(id).addEventListener(
        "click", () => show((Number(choice.value) + step + scenes.length) % scenes.length));
    }
  }
  show(0);
}
