// The clip, the heat over it, and the frames that counted.

const INFERNO = [
  [0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96],
  [207, 68, 70], [237, 105, 37], [251, 155, 6], [247, 209, 61], [252, 255, 164],
];
const METHODS = {
  grad_cam: "Grad-CAM", "grad_cam++": "Grad-CAM++", layer_cam: "LayerCAM", saliency: "saliency",
};

function inferno(heat) {
  const place = heat * (INFERNO.length - 1);
  const below = Math.min(Math.floor(place), INFERNO.length - 2);
  return mixed(INFERNO[below], INFERNO[below + 1], place - below);
}

const HEAT_COLOURS = Array.from({ length: 256 }, (_, heat) => inferno(heat / 255));

function renderCam({ model, el }) {
  const { reel, player, repaint, load } = filmPlayer({
    model, loaded, moved: (at) => { root.dataset.frame = at; }, paint,
  });
  let panels = [];
  let reels = {}; // of inputs that are no pictures themselves, such as flow

  const title = make("div", { className: "vl-title" });
  const stage = make("div", { className: "vl-stage" });
  const opacity = make("input", {
    type: "range", min: 0, max: 100, value: 75, className: "vl-opacity", oninput: () => repaint(),
    onkeydown: keepKeys,
  });
  const strength = make("label", { className: "vl-choice" }, make("span", { text: "heat" }), opacity);
  const timeline = makeTimeChart({
    player, className: "vl-timeline", tall: 92, draw: drawBars,
    label: "Share of the evidence in each frame. Arrow keys go from frame to frame, Space plays.",
    words: (at) => panels.slice(1)
      .map(({ panel }) => [panel.name, panel.input, percent(panel.importance[at])])
      .map((words) => words.filter(Boolean).join(" ")).join(", "),
  });
  const first = choice("evidence for", [], () => explain());
  const second = choice("beside it", [], () => explain());
  const method = choice("method", [], () => explain());
  const layer = choice("layer", [], () => explain());
  const choosers = make(
    "div", { className: "vl-bar" },
    first.holder, second.holder, method.holder, layer.holder, strength,
  );
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", { className: "vl-how" });
  const body = make(
    "div", { className: "vl-film" },
    stage, player.bar, timeline.holder, choosers, how,
  );
  const root = make(
    "div", { className: "vl-explorer vl-cam", "data-lm-suppress-shortcuts": "true", onkeydown: player.key },
    title, body, line,
  );
  el.append(root);
  const { send, showStatus } = statusLine(model, line);

  const unfollow = followSizeAndTheme(root, repaint);
  const stopListening = listen(model, {
    "change:film": load, "change:choices": offer, "change:explanation": lay, "change:status": showStatus,
  });
  offer();
  load();

  function loaded(film) {
    title.textContent = film.title ?? "";
    body.hidden = !reel.pictures.length;
    root.hidden = !film.title && !line.textContent;
    lay();
    comeIntoSight();
    root.dataset.film = film.title ?? "";
  }

  // Scrolls to the video, unless it was opened from elsewhere than the output it stands in.
  function comeIntoSight() {
    const output = (element) => element?.closest(".jp-OutputArea-output");
    if (root.hidden || output(document.activeElement) !== output(root)) return;
    requestAnimationFrame(() => root.scrollIntoView({ block: "nearest", behavior: "smooth" }));
  }

  // Put one canvas a panel in place: the frames as they are, then one for each class.
  function lay() {
    const film = model.get("film") ?? {};
    const explanation = model.get("explanation") ?? {};
    const shown = [null, ...(explanation.panels ?? [])];
    const [height, width] = film.size ?? [3, 4];
    const names = [...new Set((explanation.panels ?? []).map(({ name }) => name))];
    Object.values(reels).forEach((one) => one.close());
    reels = {};
    for (const [input, pictures] of Object.entries(explanation.pictures ?? {})) {
      reels[input] = makeReel();
      reels[input].load(pictures).then(repaint);
    }
    panels = shown.map((panel) => {
      const canvas = make("canvas", { width, height });
      const colour = make("i", { className: `vl-swatch vl-series-${names.indexOf(panel?.name)}` });
      const caption = make("figcaption");
      if (panel) {
        const what = panel.role ? `${panel.role} · ` : "";
        caption.append(
          colour, make("b", { text: panel.name }), ` ${what}${percent(panel.score)}`,
          panel.input ? ` · on ${panel.input}` : "",
        );
        caption.title = panel.says;
        if (!panel.evidence) caption.append(make("em", { text: "no positive evidence" }));
      } else caption.textContent = "the frames";
      stage.append(make("figure", {}, canvas, caption));
      const heat = panel && {
        cells: bytes(panel.heat), rows: panel.size[0], columns: panel.size[1],
        canvas: make("canvas", { width: panel.size[1], height: panel.size[0] }),
      };
      return { panel, canvas, heat };
    });
    stage.replaceChildren(...[...stage.children].slice(-panels.length));
    stage.style.setProperty("--vl-columns", Math.max(2, panels.length));
    timeline.holder.hidden = panels.length === 1;
    choosers.classList.toggle("vl-without-heat", !model.get("choices")?.classes);
    how.textContent = panels.length === 1
      ? "Space plays and pauses, ← and → go frame by frame."
      : "Bright places speak for the class named below the picture, and the percentage is what the "
        + "model gives it. The bars show how much of that evidence each frame holds: click one to "
        + "go there. First shown is the frame that holds most. Space plays, ← and → go frame by "
        + "frame.";
    choose();
    root.dataset.panels = panels.length - 1;
    // A recurrent network may have forgotten the first frames: begin where there is most to see.
    const importance = explanation.panels?.at(-1).importance ?? [0];
    if (!player.moved) player.goTo(importance.indexOf(Math.max(...importance)));
    repaint();
  }

  function offer() {
    const { classes = [], layers = [], methods = [] } = model.get("choices") ?? {};
    fill(first.select, classes.map((name) => [name]));
    fill(second.select, [["", "nothing"], ...classes.map((name) => [name])]);
    fill(method.select, [["", "usual"], ...methods.map((name) => [name, METHODS[name] ?? name])]);
    fill(layer.select, [["", "usual"], ...layers.map((name) => [name])]);
    for (const one of [first, second]) one.holder.hidden = classes.length === 1;
    method.holder.hidden = !methods.length;
    layer.holder.hidden = !layers.length;
    choosers.classList.toggle("vl-without-heat", !classes.length);
    choose();
  }

  function choose() {
    const explanation = model.get("explanation") ?? {};
    if (!explanation.panels) return;
    const [one, other] = new Set(explanation.panels.map(({ name }) => name));
    first.select.value = one;
    second.select.value = other ?? "";
    method.select.value = explanation.method;
    layer.select.value = explanation.layer;
    const { layer: where, method: by } = explanation.used;
    method.select.options[0].text = explanation.method ? "usual" : `usual: ${METHODS[by] ?? by}`;
    layer.select.options[0].text = explanation.layer ? "usual" : `usual: ${where}`;
  }

  function explain() {
    const targets = [first.select.value, second.select.value].filter(Boolean);
    send({ kind: "explain", targets, method: method.select.value, layer: layer.select.value });
  }

  function paint() {
    const strongest = opacity.value / 100;
    for (const { panel, canvas, heat } of panels) {
      const context = canvas.getContext("2d");
      const picture = (reels[panel?.input] ?? reel).pictures[player.at];
      if (!picture) continue; // still being unpacked
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      if (!heat) continue;
      const small = heat.canvas.getContext("2d");
      const image = small.createImageData(heat.columns, heat.rows);
      const offset = player.at * heat.rows * heat.columns;
      for (let cell = 0; cell < heat.rows * heat.columns; cell++) {
        const value = heat.cells[offset + cell];
        image.data.set(HEAT_COLOURS[value], 4 * cell);
        image.data[4 * cell + 3] = 255 * strongest * Math.sqrt(value / 255);
      }
      small.putImageData(image, 0, 0);
      context.imageSmoothingQuality = "high";
      context.drawImage(heat.canvas, 0, 0, canvas.width, canvas.height);
    }
    const shares = panels.slice(1).flatMap(({ panel }) => panel.importance);
    timeline.paint(body.clientWidth, palette(root), Math.max(0.02, ...shares));
  }

  function drawBars(context, { across, up, base, colours: { right, wrong } }) {
    const series = panels.slice(1).map(({ panel }) => panel.importance);
    const [one] = panels.slice(1).map(({ panel }) => panel.name);
    const inputs = [...new Set(panels.slice(1).map(({ panel }) => panel.input))];
    const room = across(player.seconds.length - 1) - across(0);
    const bar = Math.min(16, room / player.seconds.length / (series.length + 0.6));
    series.forEach((shares, place) => shares.forEach((share, at) => {
      const x = across(at) + (place - series.length / 2) * bar;
      const { name, input } = panels[place + 1].panel;
      const strong = (at === player.at ? 1 : 0.6) / (1 + inputs.indexOf(input));
      context.fillStyle = css(name === one ? right : wrong, strong);
      context.fillRect(x, up(share), bar - 1, base - up(share));
    }));
  }

  if (!model.get("explanation")?.panels && model.get("film")?.title && !line.textContent) {
    send({ kind: "explain" });
  }

  return () => {
    player.pause();
    for (const one of [reel, ...Object.values(reels)]) one.close();
    repaint.stop();
    unfollow();
    stopListening();
  };
}
