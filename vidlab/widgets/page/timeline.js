// A video, the classes that a model predicts at each moment of it, and their probabilities over time.

const PIECE = 2 ** 20; // bytes of a file that go to the kernel at once
const NOW = 5; // classes beside the frame

async function renderTimeline({ model, el }) {
  const { reel, player, repaint, load } = filmPlayer({
    model, loaded, paint,
    moved: (at) => {
      root.dataset.frame = at;
      model.set("frame", at);
      if (!player.playing) model.save_changes();
    },
  });
  const state = { predictions: null, file: null };

  const file = make("input", {
    type: "file", accept: "video/*,.avi,.mp4,.mov,.mkv,.webm", hidden: true, "aria-label": "Video file",
    onchange: () => upload(file.files[0]),
  });
  const button = make("button", {
    type: "button", className: "vl-upload", text: "your own video …",
    onclick: () => file.click(),
  });
  const bar = make("div", { className: "vl-bar" }, button, file);

  const frame = make("canvas", { className: "vl-frame", width: 320, height: 240 });
  const now = make("div", { className: "vl-now" });
  const whole = make("div", { className: "vl-whole" });
  const sides = make(
    "div", { className: "vl-watching" }, make("figure", {}, frame, player.bar),
    make("div", { className: "vl-predictions" }, whole, now),
  );
  const chart = makeTimeChart({
    player, className: "vl-chart", tall: 210, band: 18, draw: drawCurves,
    label: "Probabilities over time. Arrow keys go from frame to frame, Space plays.",
    words: (at) => (state.predictions ? best(at, 3) : [])
      .map((label) => `${state.predictions.classes[label]} ${percent(probability(at, label))}`)
      .join(", "),
  });
  const legend = make("div", { className: "vl-legend" });
  const body = make(
    "div", {}, sides, chart.holder, legend,
  );
  const hint = make("div", { className: "vl-hint", text: "Choose a video above." });
  const root = make(
    "div", {
      className: "vl-explorer vl-watch", "data-lm-suppress-shortcuts": "true", onkeydown: player.key,
    },
    bar, hint, body,
  );
  el.append(root);
  const unfollow = followSizeAndTheme(root, repaint);
  const stopListening = listen(
    model, { "change:film": load, "change:predictions": read, "msg:custom": goOn },
  );
  read();
  load();

  function loaded(film) {
    body.hidden = !reel.pictures.length;
    hint.hidden = Boolean(film.title);
    if (film.size) [frame.height, frame.width] = film.size;
    root.dataset.video = film.title ?? "";
    if (film.title && !model.get("predictions")?.model) model.send({ kind: "predict" });
    repaint();
  }

  function read() {
    const predictions = model.get("predictions") ?? {};
    state.predictions = null;
    if (predictions.model) {
      const { buffer, byteOffset, byteLength } = predictions.probabilities;
      const probabilities = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
      state.predictions = { ...predictions, probabilities, colours: new Map(predictions.drawn) };
    }
    root.dataset.model = predictions.model ?? "";
    root.dataset.steps = predictions.model ? state.predictions.probabilities.length / predictions.classes.length : 0;
    names();
    repaint();
  }

  // ---- the predictions ---------------------------------------------------------------------------

  function probability(at, label) {
    return state.predictions.probabilities[at * state.predictions.classes.length + label];
  }

  function best(at, count = NOW) {
    const order = state.predictions.classes.map((_, label) => label);
    return order.sort((a, b) => probability(at, b) - probability(at, a)).slice(0, count);
  }

  function colour(label, dark) {
    const hex = state.predictions.colours.get(label);
    return hex ? css(tinted(hex, dark)) : `rgba(128, 128, 128, ${dark ? 0.45 : 0.3})`; // no line
  }

  function names() {
    legend.replaceChildren(...(state.predictions?.drawn ?? []).map(([label]) => make(
      "span", { "data-label": label },
      make("i", { className: "vl-swatch" }), state.predictions.classes[label],
    )));
  }

  // ---- drawing -------------------------------------------------------------------------------

  function paint() {
    if (!root.clientWidth) return;
    const at = Math.min(player.at, reel.pictures.length - 1);
    frame.getContext("2d").drawImage(reel.pictures[at], 0, 0, frame.width, frame.height);
    const colours = palette(root);
    drawNow(at, colours);
    chart.paint(root.clientWidth, colours);
    for (const one of legend.children) {
      one.firstChild.style.background = colour(Number(one.dataset.label), colours.dark);
    }
  }

  function drawNow(at, { dark }) {
    if (!state.predictions) {
      now.replaceChildren();
      whole.textContent = "";
      return;
    }
    const [name, share] = state.predictions.predicted;
    whole.replaceChildren("The whole video: ", make("b", { text: name }), ` ${percent(share)}`);
    now.replaceChildren(
      make("div", { className: "vl-soft", text: `At ${player.seconds[at]?.toFixed(2)} s` }),
      ...best(at).map((label) => {
        const filled = make("i");
        filled.style.width = `${100 * probability(at, label)}%`;
        filled.style.background = colour(label, dark);
        return make(
          "div", { className: "vl-row" },
          make("span", { text: state.predictions.classes[label], title: state.predictions.classes[label] }),
          make("span", { className: "vl-track" }, filled),
          make("span", { text: percent(probability(at, label)) }),
        );
      }),
    );
  }

  function drawCurves(context, axes) {
    if (!state.predictions || player.seconds.length !== Number(root.dataset.steps)) return;
    drawLines(context, axes);
    drawBand(context, axes);
  }

  function drawLines(context, { across, up, colours: { dark } }) {
    const { seconds } = player;
    context.lineJoin = "round";
    const order = [...state.predictions.drawn].reverse(); // the first are drawn over the others
    for (const [label] of order) {
      context.strokeStyle = colour(label, dark);
      context.lineWidth = 2;
      context.beginPath();
      seconds.forEach((_, at) => context.lineTo(across(at), up(probability(at, label))));
      context.stroke();
      if (seconds.length > 60) continue;
      context.fillStyle = context.strokeStyle;
      seconds.forEach((_, at) => context.fillRect(across(at) - 2, up(probability(at, label)) - 2, 4, 4));
    }
  }

  function drawBand(context, { across, base, colours: { dark } }) {
    const last = player.seconds.length - 1;
    player.seconds.forEach((_, at) => {
      const from = (across(Math.max(0, at - 1)) + across(at)) / 2;
      const to = (across(at) + across(Math.min(last, at + 1))) / 2;
      context.fillStyle = colour(best(at, 1)[0], dark);
      context.fillRect(from, base + 5, to - from + 0.5, 13);
    });
  }

  // ---- a file of one's own -------------------------------------------------------------------

  function upload(chosen) {
    if (!chosen) return;
    state.file = chosen;
    file.value = "";
    sendPiece(0);
  }

  async function sendPiece(number) {
    const { name, size } = state.file;
    const of = Math.max(1, Math.ceil(size / PIECE));
    const piece = await state.file.slice(number * PIECE, (number + 1) * PIECE).arrayBuffer();
    model.send({ kind: "upload", name, number, of, size }, undefined, [piece]);
  }

  function goOn(message) {
    if (message?.kind === "go on" && state.file) sendPiece(message.number);
  }

  return () => {
    player.pause();
    reel.close();
    repaint.stop();
    unfollow();
    stopListening();
  };
}
