"use strict";
/* A scan in 3D: drawn with WebGL, turned by pointer and keys. `surfaceView(root)` finds its parts in `root`. */

const SHADERS = [`#version 300 es
  precision highp float;
  in vec3 position, normal, colour; in vec2 uv;
  uniform mat3 rotation; uniform vec3 target, pan; uniform vec4 lens; uniform float nearer, size;
  out vec3 at, facing, painted; out vec2 place;
  void main() {
    vec3 seen = rotation * (position - target) + pan;
    seen.z += nearer;
    gl_Position = vec4(lens.xy * seen.xy, lens.z * seen.z + lens.w, -seen.z);
    gl_PointSize = size;
    at = position; facing = normal; painted = colour; place = uv;
  }`, `#version 300 es
  precision highp float;
  in vec3 at, facing, painted; in vec2 place;
  uniform mat3 rotation; uniform sampler2D picture, overlay; uniform float window; uniform bool textured, bare, overlaid;
  out vec4 pixel;
  void main() {
    vec3 direction = normalize(rotation * facing) * (gl_FrontFacing ? 1.0 : -1.0);
    float light = max(dot(direction, normalize(vec3(-0.35, 0.5, 1.0))), 0.0);
    vec3 skin = textured ? texture(picture, place).rgb : painted;
    vec3 colour = bare ? vec3(0.80, 0.79, 0.77) * (0.15 + 0.9 * light) : skin * (0.75 + 0.3 * light);
    vec2 spot = at.xy / window + 0.5;
    if (overlaid && gl_FrontFacing && facing.z > 0.1 && spot == clamp(spot, 0.0, 1.0)) {
      vec4 over = texture(overlay, spot);
      colour = colour * (1.0 - over.a) + over.rgb * (bare ? 0.35 + 0.7 * light : 1.0);
    }
    pixel = vec4(gl_FrontFacing ? colour : mix(colour, vec3(0.3), 0.8), 1.0);
  }`, `#version 300 es
  precision highp float;
  in vec3 painted; out vec4 pixel;
  void main() {
    float far = length(gl_PointCoord - 0.5);
    if (far > 0.5) discard;
    pixel = vec4(far > 0.34 ? vec3(0.07) : painted, 1.0);
  }`];
const WRAP = { clamp: "CLAMP_TO_EDGE", repeat: "REPEAT", mirror: "MIRRORED_REPEAT" };
const HALF_ANGLE = 0.22;
const VIEWS = { front: [0, 0], left: [1.2, 0], right: [-1.2, 0] };

const unpacked = (text, Kind) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
};

const loaded = (address) => new Promise((done, failed) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = failed;
  image.src = address;
});

function surfaceView(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const stage = part("stage"), readout = part("readout"), overlays = part("overlays");
  const gl = stage.getContext("webgl2", { antialias: true });
  const without = () => {
    part("without").hidden = false;
    for (const name of ["frame", "controls", "keys"]) part(name).hidden = true;
    return { show: () => {} };
  };
  if (!gl) return without();

  const program = (vertex, fragment) => {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    ["position", "normal", "uv", "colour"].forEach((name, index) => gl.bindAttribLocation(made, index, name));
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
    return made;
  };
  const solid = program(SHADERS[0], SHADERS[1]), dots = program(SHADERS[0], SHADERS[2]);
  const set = (made, kind, name, ...values) => gl[`uniform${kind}`](gl.getUniformLocation(made, name), ...values);

  const camera = { yaw: 0, pitch: 0, zoom: 1, x: 0, y: 0 };
  let model = null, asked = false, turn = 0;

  const attributes = (arrays) => {
    const list = gl.createVertexArray();
    gl.bindVertexArray(list);
    arrays.forEach((array, index) => {
      if (!array) return gl.vertexAttrib3f(index, 1, 1, 1);
      const [data, width, kind, stride] = array;
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, width, kind, kind !== gl.FLOAT, stride, 0);
    });
    return list;
  };

  const picture = (image, wrap) => {
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl[WRAP[wrap[0]]]);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl[WRAP[wrap[1]]]);
    return made;
  };

  const freed = (old) => {
    [...old.pictures.values(), old.skin].forEach((one) => gl.deleteTexture(one));
    for (const list of [old.faces, old.points]) gl.deleteVertexArray(list);
  };

  /* The rotation, column by column, and where the camera stands. */
  const rotation = () => {
    const [cy, sy, cx, sx] = [Math.cos(camera.yaw), Math.sin(camera.yaw), Math.cos(camera.pitch), Math.sin(camera.pitch)];
    return [cy, sx * sy, -cx * sy, 0, cx, sx, sy, -sx * cy, cx * cy];
  };
  const distance = () => model.away / camera.zoom;

  const draw = () => {
    asked = false;
    if (!model) return;
    const width = Math.round(stage.clientWidth * devicePixelRatio), height = Math.round(stage.clientHeight * devicePixelRatio);
    if (stage.width !== width || stage.height !== height) Object.assign(stage, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    const focal = 1 / Math.tan(HALF_ANGLE), near = 10, far = distance() + 4 * model.away;
    const chosen = root.querySelector('[name="surface"]:checked').value;
    const over = model.pictures.get(root.querySelector('[name="overlay"]:checked')?.value);
    const placed = (made, nearer, size) => {
      gl.useProgram(made);
      set(made, "Matrix3fv", "rotation", false, rotation());
      set(made, "3fv", "target", model.middle);
      set(made, "3f", "pan", camera.x, camera.y, -distance());
      const shape = Math.min(1, width / height);
      set(made, "4f", "lens", focal * shape * height / width, focal * shape, (far + near) / (near - far), 2 * far * near / (near - far));
      set(made, "1f", "nearer", nearer);
      set(made, "1f", "size", size);
    };
    placed(solid, 0, 1);
    set(solid, "1f", "window", model.window);
    set(solid, "1i", "textured", model.skin ? 1 : 0);
    set(solid, "1i", "bare", chosen === "shape" ? 1 : 0);
    set(solid, "1i", "overlaid", over ? 1 : 0);
    set(solid, "1i", "picture", 0);
    set(solid, "1i", "overlay", 1);
    [model.skin, over].forEach((one, index) => {
      gl.activeTexture(gl.TEXTURE0 + index);
      gl.bindTexture(gl.TEXTURE_2D, one || model.blank);
    });
    gl.bindVertexArray(model.faces);
    gl.drawElements(gl.TRIANGLES, model.count, gl.UNSIGNED_INT, 0);
    if (part("landmarks").checked) {
      placed(dots, 2.5, 8 * devicePixelRatio);
      gl.bindVertexArray(model.points);
      gl.drawArrays(gl.POINTS, 0, model.names.length);
    }
    root.dataset.drawn = `${(Number(root.dataset.drawn) || 0) + 1}`;
  };
  const redraw = () => {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  };

  const choices = (titles, before) => {
    overlays.replaceChildren(...["None", ...titles].map((title) => {
      const label = document.createElement("label"), choice = document.createElement("input");
      Object.assign(choice, { type: "radio", name: "overlay", value: title, checked: title === before });
      label.append(choice, ` ${title}`);
      return label;
    }));
    if (!overlays.querySelector(":checked")) overlays.querySelector("input").checked = true;
  };

  const show = async (scene, { overlay } = {}) => {
    const number = ++turn, { surface, landmarks } = scene;
    const images = await Promise.all([surface.picture, ...scene.overlays.map((one) => one[1])].map((one) => one && loaded(one)));
    if (number !== turn) return;  // another scan was asked for meanwhile
    const positions = unpacked(surface.positions, Float32Array), points = unpacked(landmarks.points, Float32Array);
    /* The window of the maps is looked at, around the depth that the surface has in it. */
    const half = scene.window / 2, depths = [];
    for (let index = 0; index < positions.length; index += 3) {
      if (Math.max(Math.abs(positions[index]), Math.abs(positions[index + 1])) < half) depths.push(positions[index + 2]);
    }
    const depth = depths.reduce((sum, value) => sum + value, 0) / Math.max(depths.length, 1);
    if (model) freed(model);
    const faces = attributes([
      [positions, 3, gl.FLOAT, 0],
      [unpacked(surface.normals, Int8Array), 3, gl.BYTE, 4],
      surface.uv && [unpacked(surface.uv, Float32Array), 2, gl.FLOAT, 0],
      surface.colours && [unpacked(surface.colours, Uint8Array), 3, gl.UNSIGNED_BYTE, 3],
    ]);
    const triangles = unpacked(surface.triangles, Uint32Array);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    const blank = document.createElement("canvas");
    blank.width = blank.height = 1;
    model = {
      faces,
      count: triangles.length,
      points: attributes([[points, 3, gl.FLOAT, 0], null, null, [unpacked(landmarks.colours, Uint8Array), 3, gl.UNSIGNED_BYTE, 3]]),
      places: points,
      names: landmarks.names,
      skin: images[0] && picture(images[0], surface.wrap),
      blank: picture(blank, ["clamp", "clamp"]),
      pictures: new Map(scene.overlays.map((one, index) => [one[0], picture(images[index + 1], ["clamp", "clamp"])])),
      window: scene.window,
      middle: [0, 0, depth],
      away: half / Math.tan(HALF_ANGLE) + half / 2,
    };
    choices(scene.overlays.map((one) => one[0]), overlay || root.querySelector('[name="overlay"]:checked')?.value);
    stage.setAttribute("aria-label", `${scene.title} in 3D`);
    redraw();
  };

  const look = (yaw, pitch) => {
    camera.yaw += yaw;
    camera.pitch = Math.max(-1.5, Math.min(1.5, camera.pitch + pitch));
    redraw();
  };
  const zoom = (factor) => {
    camera.zoom = Math.max(0.4, Math.min(8, camera.zoom * factor));
    redraw();
  };
  const move = (x, y) => {
    camera.x += x;
    camera.y += y;
    redraw();
  };
  const stand = (name) => {
    const [yaw, pitch] = VIEWS[name];
    Object.assign(camera, { yaw, pitch, zoom: 1, x: 0, y: 0 });
    redraw();
  };

  /* The landmark nearest to a place on the stage, if it is within a few pixels. */
  const pointed = (x, y) => {
    if (!model || !part("landmarks").checked) return "";
    const turned = rotation(), scale = Math.min(stage.clientWidth, stage.clientHeight) / 2 / Math.tan(HALF_ANGLE);
    let best = 9, found = -1;
    model.names.forEach((name, index) => {
      const from = [0, 1, 2].map((axis) => model.places[3 * index + axis] - model.middle[axis]);
      const [a, b, c] = [0, 1, 2].map((row) => turned[row] * from[0] + turned[row + 3] * from[1] + turned[row + 6] * from[2]);
      const away = distance() - c;
      const off = Math.hypot(stage.clientWidth / 2 + (a + camera.x) * scale / away - x, stage.clientHeight / 2 - (b + camera.y) * scale / away - y);
      if (off < best) [best, found] = [off, index];
    });
    if (found < 0) return "";
    const [x0, y0, z0] = [0, 1, 2].map((axis) => model.places[3 * found + axis].toFixed(1));
    return `${model.names[found]}: ${x0}, ${y0}, ${z0} mm`;
  };

  const STEP = 0.1;
  const KEYS = {
    ArrowLeft: () => look(-STEP, 0), ArrowRight: () => look(STEP, 0), ArrowUp: () => look(0, -STEP), ArrowDown: () => look(0, STEP),
    "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15), Home: () => stand("front"), 0: () => stand("front"),
  };
  const MOVES = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const act = event.shiftKey && MOVES[event.key] ? () => move(...MOVES[event.key]) : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  stage.addEventListener("pointerdown", (event) => stage.setPointerCapture(event.pointerId));
  stage.addEventListener("pointermove", (event) => {
    if (!event.buttons) {
      readout.textContent = pointed(event.offsetX, event.offsetY);
    } else if (event.shiftKey || event.buttons === 2) {
      const mm = 2 * Math.tan(HALF_ANGLE) * distance() / Math.min(stage.clientWidth, stage.clientHeight);
      move(event.movementX * mm, -event.movementY * mm);
    } else {
      look(event.movementX * 0.008, event.movementY * 0.008);
    }
  });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("wheel", (event) => {  // where nobody has turned to it, the page scrolls
    if (document.activeElement !== stage) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015));
  }, { passive: false });
  stage.addEventListener("webglcontextlost", without);
  part("controls").addEventListener("change", redraw);
  part("controls").addEventListener("click", ({ target }) => {
    const { view, zoom: factor } = target.dataset;
    if (view) stand(view);
    if (factor) zoom(Number(factor));
  });
  new ResizeObserver(redraw).observe(stage);
  return { show };
}
