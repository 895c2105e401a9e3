// A video, what the model says at each moment of it, and the answers over time.

const PIECE = 2 ** 20; // bytes of a file that go to the kernel at once
const SIDE = { left: 44, right: 12, top: 8, strip: 16, foot: 22 }; // of the chart, in pixels
const TALL = 210;
const NOW = 5; // classes beside the frame

async function renderTimeline({ model, el }) {
  const reel = makeReel();
  const player = makePlayer({
    shown: (at) => {
      root.dataset.frame = at;
      repaint();
    },
    clock: (at) => {
      const { seconds, numbers } = model.get("film");
      return `${seconds[at].toFixed(2)} s · frame ${numbers[at]} (${at + 1} of ${seconds.length})`;
    },
  });
  const state = { said: null, hover: null, drag: false, only: null, file: null };

  const videos = videoChooser({ model, ask: (message) => ask(message) });
  const file = make("input", {
    type: "file", accept: "video/*,.avi,.mp4,.mov,.mkv,.webm", hidden: true, "aria-label": "Video file",
    onchange: () => upload(file.files[0]),
  });
  const button = make("button", {
    type: "button", className: "vl-upload", text: "your own video …",
    title: "Choose a file, or drop one here", onclick: () => file.click(),
  });
  const who = choice("model", [], (name) => ask({ kind: "ask", model: name }));
  const many = choice("looks at", [], (count) => ask({ kind: "ask", count: Number(count) }));
  const bar = make("div", { className: "vl-bar" }, videos.holder, button, file, who.holder, many.holder);

  const frame = make("canvas", { className: "vl-frame", width: 320, height: 240 });
  const now = make("div", { className: "vl-now" });
  const whole = make("div", { className: "vl-whole" });
  const where = make("button", {
    type: "button", className: "vl-where", onclick: () => explain(),
  });
  const target = choice("for", [], () => label());
  const asking = make("div", { className: "vl-bar vl-asking" }, where, target.holder);
  const sides = make(
    "div", { className: "vl-watching" }, make("figure", {}, frame, player.bar),
    make("div", { className: "vl-answers" }, whole, now, asking),
  );
  const chart = make("canvas", {
    className: "vl-chart", tabIndex: 0, role: "slider", "aria-label":
      "Answers over time. Arrow keys go from frame to frame, Space plays.",
    onpointerdown: press, onpointermove: over, onpointerup: () => { state.drag = false; },
    onpointerleave: () => { state.hover = null; state.drag = false; repaint(); },
  });
  const tip = make("div", { className: "vl-tip", hidden: true });
  const legend = make("div", { className: "vl-legend" });
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", { className: "vl-how" });
  const below = make("div", { className: "vl-below" });
  const body = make(
    "div", {}, sides, make("div", { className: "vl-holder" }, chart, tip), legend,
  );
  const drop = make("div", { className: "vl-hint", text: "Drop a video here, or choose one above." });
  const root = make(
    "div", {
      className: "vl-explorer vl-watch", "data-lm-suppress-shortcuts": "true", onkeydown: key,
      ondragover: (event) => { event.preventDefault(); root.classList.add("vl-dropping"); },
      ondragleave: () => root.classList.remove("vl-dropping"), ondrop: dropped,
    },
    bar, drop, body, line, below, how,
  );
  el.append(root);
  const { ask, say, told, heard } = conversation(model, line);
  const repaint = painter(paint);
  const unfollow = followSizeAndTheme(root, repaint);
  const changes = {
    "change:film": load, "change:said": read, "change:status": told,
    "change:library": videos.update, "change:options": offer, "msg:custom": goOn,
  };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  const closeCam = await camBelow(model, below);
  offer();
  read();
  load();

  async function load() {
    player.load([]);
    const film = model.get("film") ?? {};
    if (!(await reel.load(film.frames ?? []))) return;
    player.load(film.seconds ?? []);
    body.hidden = !reel.pictures.length;
    drop.hidden = Boolean(film.title) || (model.get("library")?.of ?? 0) > 0;
    if (film.size) [frame.height, frame.width] = film.size;
    root.dataset.video = film.title ?? "";
    const unasked = film.title && !model.get("said")?.model && !model.get("status")?.problem;
    if (unasked && !model.get("status")?.text) ask({ kind: "ask" });
    repaint();
  }

  function offer() {
    const { models = [], model: chosen, counts = [], count, usual } = model.get("options") ?? {};
    fill(who.select, models.map((name) => [name]));
    who.select.value = chosen;
    who.holder.hidden = models.length < 2;
    fill(many.select, [["0", `as usual: ${usual}`], ...counts.map((one) => [one, `${one} frames`])]);
    many.select.value = count;
  }

  function read() {
    const said = model.get("said") ?? {};
    state.said = null;
    if (said.model) {
      const { buffer, byteOffset, byteLength } = said.probabilities;
      const chances = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
      state.said = { ...said, chances, colours: new Map(said.drawn) };
      fill(target.select, [["", "the answer now"], ...said.classes.map((name) => [name])]);
    }
    state.only = null;
    asking.hidden = !state.said;
    root.dataset.model = said.model ?? "";
    root.dataset.steps = said.model ? state.said.chances.length / said.classes.length : 0;
    how.textContent = [{
      frame: "The model looks at single frames: a line is what it says of each frame alone, and "
        + (said.how === "vote" ? "the vote of the frames" : "their mean") + " decides about the video.",
      past: "The model reads frame after frame: a line is what it says having seen all frames so "
        + "far, and its last answer counts for the video.",
      whole: "The model has to see the whole video first: its one answer is drawn at every moment.",
    }[said.context] ?? "", "The coloured band is the answer at each moment. Click or drag in the chart "
      + "to go to a frame, a name below it shows that class alone. Space plays, ← and → go frame by "
      + "frame."].join(" ").trim();
    label();
    names();
    repaint();
  }

  // ---- the answers ---------------------------------------------------------------------------

  function chance(at, label) {
    return state.said.chances[at * state.said.classes.length + label];
  }

  function best(at, count = NOW) {
    const order = state.said.classes.map((_, label) => label);
    return order.sort((a, b) => chance(at, b) - chance(at, a)).slice(0, count);
  }

  function colour(label, dark) {
    const hex = state.said.colours.get(label);
    return hex ? css(tinted(hex, dark)) : `rgba(128, 128, 128, ${dark ? 0.45 : 0.3})`; // no line
  }

  function names() {
    legend.replaceChildren(...(state.said?.drawn ?? []).map(([label]) => make(
      "button", {
        type: "button", className: "vl-name-of", "data-label": label, "aria-pressed": "false",
        onclick: () => {
          state.only = state.only === label ? null : label;
          for (const one of legend.children) {
            one.setAttribute("aria-pressed", String(Number(one.dataset.label) === state.only));
          }
          repaint();
        },
      },
      make("i", { className: "vl-swatch" }), state.said.classes[label],
    )));
  }

  function label() {
    if (!state.said) return;
    const name = target.select.value || state.said.classes[best(player.at, 1)[0]];
    where.textContent = "Where did it look?";
    where.title = `Show below which places of the frames speak for ${name}`;
    root.dataset.target = name;
  }

  function explain() {
    ask({ kind: "explain", target: root.dataset.target });
  }

  // ---- drawing -------------------------------------------------------------------------------

  function paint() {
    if (!reel.pictures.length || !root.clientWidth) return;
    const at = Math.min(player.at, reel.pictures.length - 1);
    frame.getContext("2d").drawImage(reel.pictures[at], 0, 0, frame.width, frame.height);
    const colours = palette(root);
    drawNow(at, colours);
    drawChart(at, colours);
    for (const one of legend.children) {
      one.firstChild.style.background = colour(Number(one.dataset.label), colours.dark);
    }
    label();
  }

  function drawNow(at, { dark }) {
    if (!state.said) {
      now.replaceChildren();
      whole.textContent = "";
      return;
    }
    const [[name, share]] = state.said.answer;
    whole.replaceChildren("The whole video: ", make("b", { text: name }), ` ${percent(share)}`);
    now.replaceChildren(
      make("div", { className: "vl-soft", text: `At ${player.seconds[at]?.toFixed(2)} s` }),
      ...best(at).map((label) => {
        const filled = make("i");
        filled.style.width = `${100 * chance(at, label)}%`;
        filled.style.background = colour(label, dark);
        return make(
          "div", { className: "vl-row" },
          make("span", { text: state.said.classes[label], title: state.said.classes[label] }),
          make("span", { className: "vl-track" }, filled),
          make("span", { text: percent(chance(at, label)) }),
        );
      }),
    );
  }

  function across(at) {
    const { seconds } = player;
    const [first, last] = [seconds[0], seconds[seconds.length - 1]];
    const wide = chart.clientWidth - SIDE.left - SIDE.right;
    return SIDE.left + (last > first ? (seconds[at] - first) / (last - first) : 0.5) * wide;
  }

  function up(share) {
    return SIDE.top + (1 - share) * (TALL - SIDE.top - SIDE.strip - SIDE.foot - 6);
  }

  function drawChart(at, colours) {
    const width = root.clientWidth;
    const context = sharp(chart, width, TALL);
    const { seconds } = player;
    const ink = (alpha) => css(colours.ink, alpha);
    context.font = "11px sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const share of [0, 0.5, 1]) {
      context.fillStyle = ink(0.75);
      context.fillText(percent(share), SIDE.left - 6, up(share));
      context.fillStyle = ink(0.15);
      context.fillRect(SIDE.left, Math.round(up(share)), width - SIDE.left - SIDE.right, 1);
    }
    drawTimes(context, ink, width);
    if (state.said && seconds.length === Number(root.dataset.steps)) {
      drawLines(context, colours);
      drawStrip(context, colours);
    }
    const x = Math.round(across(at)) + 0.5;
    context.strokeStyle = ink(1);
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, 2);
    context.lineTo(x, TALL - SIDE.foot);
    context.stroke();
    showTip();
    const text = state.said ? state.said.classes[best(at, 1)[0]] : "";
    chart.setAttribute("aria-valuetext", `${seconds[at]?.toFixed(2)} s: ${text}`);
    chart.setAttribute("aria-valuenow", at);
    chart.setAttribute("aria-valuemax", seconds.length - 1);
    chart.dataset.first = [across(0), across(seconds.length - 1), up(0.5)].join(" ");
  }

  function drawTimes(context, ink, width) {
    const { seconds } = player;
    const last = seconds.length - 1;
    const fitting = Math.max(1, Math.min(6, Math.floor(width / 140), last));
    context.fillStyle = ink(0.75);
    const drawn = new Set();
    for (let number = 0; number <= fitting; number++) drawn.add(Math.round((number * last) / fitting));
    for (const at of drawn) {
      context.textAlign = at === 0 ? "left" : at === last ? "right" : "center";
      context.fillText(`${seconds[at].toFixed(1)} s`, across(at), TALL - SIDE.foot / 2 + 2);
    }
  }

  function drawLines(context, { dark }) {
    const { seconds } = player;
    context.lineJoin = "round";
    const order = [...state.said.drawn].reverse(); // the first are drawn over the others
    for (const [label] of order) {
      const faint = state.only !== null && state.only !== label;
      context.globalAlpha = faint ? 0.15 : 1;
      context.strokeStyle = colour(label, dark);
      context.lineWidth = state.only === label ? 3 : 2;
      context.beginPath();
      seconds.forEach((_, at) => context.lineTo(across(at), up(chance(at, label))));
      context.stroke();
      if (seconds.length > 60) continue;
      context.fillStyle = context.strokeStyle;
      seconds.forEach((_, at) => context.fillRect(across(at) - 2, up(chance(at, label)) - 2, 4, 4));
    }
    context.globalAlpha = 1;
  }

  function drawStrip(context, { dark }) {
    const { seconds } = player;
    const top = TALL - SIDE.foot - SIDE.strip;
    seconds.forEach((_, at) => {
      const from = at ? (across(at - 1) + across(at)) / 2 : SIDE.left;
      const to = at < seconds.length - 1
        ? (across(at) + across(at + 1)) / 2 : chart.clientWidth - SIDE.right;
      context.fillStyle = colour(best(at, 1)[0], dark);
      context.fillRect(from, top, to - from + 0.5, SIDE.strip - 3);
    });
  }

  // ---- mouse and keys ------------------------------------------------------------------------

  function nearest(x) {
    const distances = player.seconds.map((_, at) => Math.abs(across(at) - x));
    return distances.indexOf(Math.min(...distances));
  }

  function press(event) {
    state.drag = true;
    chart.setPointerCapture?.(event.pointerId);
    player.move(nearest(event.offsetX));
  }

  function over(event) {
    state.hover = nearest(event.offsetX);
    if (state.drag) player.move(state.hover);
    else repaint();
  }

  function showTip() {
    const at = state.hover;
    tip.hidden = at === null || !state.said || at >= player.seconds.length;
    if (tip.hidden) return;
    const three = best(at, 3).map((label) => `${state.said.classes[label]} ${percent(chance(at, label))}`);
    tip.textContent = `${player.seconds[at].toFixed(2)} s: ${three.join(", ")}`;
    const room = chart.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(0, Math.min(across(at) + 8, room))}px`;
    tip.style.top = "6px";
  }

  function key(event) {
    if (["SELECT", "INPUT"].includes(event.target.tagName) || below.contains(event.target)) return;
    if (event.target.tagName === "BUTTON" && event.key === " ") return;
    player.key(event);
  }

  // ---- a file of one's own -------------------------------------------------------------------

  function dropped(event) {
    event.preventDefault();
    root.classList.remove("vl-dropping");
    upload(event.dataTransfer.files[0]);
  }

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
    say(`Uploading ${name}: ${percent(number / of)}`);
    model.send({ kind: "upload", name, number, of, size }, undefined, [piece]);
  }

  function goOn(message) {
    if (message?.kind === "go on" && state.file) sendPiece(message.number);
  }

  return () => {
    player.pause();
    reel.close();
    closeCam();
    repaint.stop();
    unfollow();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}
