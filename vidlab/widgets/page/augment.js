// A clip as it is and as it is varied, in step; several draws beside them; the options below.

const OPTIONS = [ // name, what it says, least, most, step
  ["rotation", "rotation (°)", 0, 45, 1], ["zoom", "zoom", 0, 0.5, 0.01],
  ["shift", "shift", 0, 0.5, 0.01], ["crop", "crop", 0.3, 1, 0.01],
  ["brightness", "brightness", 0, 1, 0.01],
];
const OFF = { flip: false, rotation: 0, zoom: 0, shift: 0, crop: 1, brightness: 0 };
const WHY = {
  clip: "One draw for the clip: all frames are varied alike, as if the camera had stood elsewhere, "
    + "and what moves is still the action. This is how clips are trained on.",
  frame: "A draw for every frame: each one jumps by itself, and the motion of the action drowns in "
    + "that. No camera records this. A model that looks at single frames does not mind, but a model of "
    + "motion would learn from noise.",
};

function renderAugment({ model, el }) {
  const asIs = makeReel();
  const varied = makeReel();
  const player = makePlayer({
    shown: () => repaint(),
    clock: (at) => {
      const { seconds, numbers } = model.get("film");
      return `${seconds[at].toFixed(2)} s · frame ${numbers[at]} (${at + 1} of ${seconds.length})`;
    },
  });
  const each = choice(
    "draws", [["clip", "one for the clip"], ["frame", "one for every frame"]], () => vary(),
  );
  const seed = make("input", {
    type: "number", min: 0, step: 1, value: 0, "aria-label": "seed", oninput: () => vary(),
  });
  const another = make("button", {
    type: "button", className: "vl-again", text: "other draws", title: "The next seed (d)",
    onclick: () => drawAgain(),
  });
  const panels = ["as it is", ""].map((text) => {
    const canvas = make("canvas");
    const caption = make("figcaption", { text });
    return { canvas, caption, figure: make("figure", {}, canvas, caption) };
  });
  panels[0].caption.append(make("em", { text: "predictions are always made on this" }));
  const stills = make("div", { className: "vl-stills" });
  const about = make("figcaption");
  const flip = make("input", { type: "checkbox", onchange: () => vary() });
  const fields = Object.fromEntries(OPTIONS.map(([name, ...rest]) => [name, makeField(name, ...rest)]));
  const whole = (text, title, options) => make("button", {
    type: "button", text, title, onclick: () => { put(options()); vary(); },
  });
  const settings = make(
    "div", { className: "vl-settings" },
    make("label", { className: "vl-choice" }, flip, make("span", { text: "flip" })),
    ...OPTIONS.map(([name]) => fields[name].holder),
    make(
      "span", { className: "vl-group" },
      whole("as usual", "The options that vidlab trains with", () => model.get("answer").usual),
      whole("all off", "Switch everything off", () => OFF),
    ),
  );
  const words = make("div", { className: "vl-words" });
  const why = make("div", { className: "vl-why" });
  const controls = make("div", {}, settings, words, why);
  const body = make(
    "div", {},
    make(
      "div", { className: "vl-both" }, panels[0].figure, panels[1].figure,
      make("figure", {}, stills, about),
    ),
    player.bar, controls,
  );
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", {
    className: "vl-how",
    text: "Left the frames as they were filmed, beside them the same frames as a training step gets "
      + "them; pixels from beyond the border mirror the picture. An option is the largest change, "
      + "and every draw takes some part of it. Ask yourself of each still: is the label still true? "
      + "At test time nothing is varied: predictions are made on the frames as they are. Keys: "
      + "Space plays, ← and → go frame by frame, d draws again.",
  });
  const root = make("div", {
    className: "vl-explorer vl-augment", "data-lm-suppress-shortcuts": "true", onkeydown: key,
  });
  const { ask: send, told } = conversation(model, line);
  const { ask, done } = oneByOne(send);
  const chooser = videoChooser({ model, ask });
  root.append(
    make(
      "div", { className: "vl-bar" }, chooser.holder, each.holder, another,
      make("label", { className: "vl-choice" }, make("span", { text: "seed" }), seed),
    ),
    body, line, how,
  );
  el.append(root);

  const repaint = painter(paint);
  const changes = {
    "change:film": load, "change:answer": lay, "change:library": chooser.update,
    "change:status": told,
    "change:answered": () => { told(); done(); },
  };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  load();
  lay();

  function makeField(name, text, least, most, step) {
    const number = make("input", {
      type: "number", min: least, step, "aria-label": name,
      oninput: () => { slider.value = number.value; if (number.value !== "") vary(); },
    });
    const slider = make("input", {
      type: "range", min: least, max: most, step, "aria-label": `${name}, slider`, tabIndex: -1,
      oninput: () => { number.value = slider.value; vary(); }, onkeydown: keepKeys,
    });
    const holder = make("label", { className: "vl-choice" }, make("span", { text }), slider, number);
    const set = (value) => {
      if (document.activeElement !== number) number.value = Number(value.toFixed(3));
      if (document.activeElement !== slider) slider.value = value;
    };
    return { holder, set, get: () => Number(number.value) };
  }

  function put(options) {
    flip.checked = options.flip;
    for (const [name, field] of Object.entries(fields)) field.set(options[name]);
  }

  function vary(more = {}) {
    if (!model.get("answer")?.options) return;
    const options = { flip: flip.checked };
    for (const [name, field] of Object.entries(fields)) options[name] = field.get();
    const { draw } = model.get("answer");
    ask({
      kind: "vary", options, seed: Math.max(0, Math.floor(Number(seed.value))), each: each.select.value,
      draw, ...more,
    });
  }

  function drawAgain() {
    seed.value = Number(seed.value) + 1;
    vary();
  }

  async function load() {
    player.load([]);
    const film = model.get("film") ?? {};
    body.hidden = !film.title;
    if (!(await asIs.load(film.frames ?? []))) return;
    const [height, width] = film.size ?? [3, 4];
    const grown = Math.min(320 / width, 280 / height);
    const size = { width: Math.round(grown * width), height: Math.round(grown * height) };
    for (const { canvas } of panels) Object.assign(canvas, size);
    player.load(film.seconds ?? []);
    root.dataset.film = film.title ?? "";
  }

  async function lay() {
    const answer = model.get("answer") ?? {};
    controls.classList.toggle("vl-waiting", !answer.frames);
    settings.querySelectorAll("input, button").forEach((one) => { one.disabled = !answer.frames; });
    another.disabled = each.select.disabled = seed.disabled = !answer.frames;
    if (!(await varied.load(answer.frames ?? []))) return;
    if (answer.frames) tell(answer);
    repaint();
  }

  function tell(answer) {
    put(answer.options);
    each.select.value = answer.each;
    if (document.activeElement !== seed) seed.value = answer.seed;
    const alike = answer.each === "clip";
    panels[1].caption.replaceChildren(
      alike ? `varied: draw ${answer.draw + 1} of ${answer.stills.length}` : "varied: a draw for every frame",
      make("em", { text: alike ? "what a training step gets" : "no model of clips is trained on this" }),
    );
    about.textContent = alike
      ? `frame ${answer.numbers[0]} in ${answer.stills.length} draws: click one to play it`
      : "frames in succession";
    stills.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
    const focused = [...stills.children].indexOf(document.activeElement);
    stills.replaceChildren(...answer.stills.map((picture, place) => still(answer, picture, place)));
    stills.children[focused]?.focus();
    words.replaceChildren(`${answer.words} `, make("code", { text: answer.code }));
    why.textContent = WHY[answer.each];
    Object.assign(root.dataset, {
      each: answer.each, seed: answer.seed, draw: answer.draw, ...dataOf(answer.options),
    });
  }

  function dataOf(options) {
    return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
  }

  function still(answer, picture, place) {
    const alike = answer.each === "clip";
    const src = URL.createObjectURL(new Blob([picture], { type: "image/jpeg" }));
    const text = alike ? `draw ${place + 1}` : `frame ${answer.numbers[place]}`;
    const button = make("button", {
      type: "button", className: "vl-pick", title: alike ? `Play ${text}` : text,
      onclick: () => (alike ? vary({ draw: place }) : player.move(place)),
    }, make("img", { alt: "", src }), make("span", { text }));
    button.classList.toggle("vl-chosen", alike && place === answer.draw);
    return button;
  }

  function paint() {
    for (const [place, reel] of [asIs, varied].entries()) {
      const { canvas } = panels[place];
      const picture = reel.pictures[player.at];
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      else context.clearRect(0, 0, canvas.width, canvas.height);
    }
    root.dataset.frame = player.at;
  }

  function key(event) {
    const { tagName, type } = event.target;
    if (tagName === "SELECT" || (tagName === "INPUT" && type !== "checkbox")) return;
    if (tagName === "INPUT" && event.key === " ") return;
    if (player.key(event)) return;
    if (event.key !== "d") return;
    if (!another.disabled) drawAgain();
    event.preventDefault();
    event.stopPropagation();
  }

  return () => {
    player.pause();
    [asIs, varied].forEach((reel) => reel.close());
    repaint.stop();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}
