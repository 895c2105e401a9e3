// The time line of a video, a row of ticks for each sampler, and the frames that one of them picks.

const LANE = { height: 36, top: 4, foot: 26, pictures: 42, axis: 32 }; // pixels
const KEPT = 200; // frames that were looked at
const REST = 160; // milliseconds without a change before the frames of a row are read
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]; // seconds

function renderSampling({ model, el }) {
  const state = { head: 0, hover: null, row: "", wanted: "", resting: 0, shape: "" };
  const strip = makeReel();
  const along = makeReel();
  const looked = new Map(); // frame number -> picture, or null while it is on its way
  let lanes = [];

  const player = makePlayer({
    shown: (at) => goTo(model.get("strip").numbers[at]),
    clock: (at) => `pick ${at + 1} of ${model.get("strip").numbers.length}`,
  });
  const mode = choice(
    "frames chosen", [["0", "as for predictions"], ["1", "as in training"]],
    (value) => draw(Number(value)),
  );
  const again = make("button", {
    type: "button", className: "vl-again", text: "draw again", title: "Another random draw (d)",
    onclick: () => draw(model.get("draw") + 1),
  });
  const drawn = make("span", { className: "vl-name" });
  const axis = make("canvas", {
    className: "vl-axis", tabIndex: 0, role: "slider", "aria-label":
      "Play head. ← and → go from frame to frame, Home and End to the ends.",
    onclick: (event) => look(under(event)), onkeydown: keyOnAxis,
    onpointermove: (event) => hover(under(event)), onpointerleave: () => hover(null),
  });
  const about = make("div", { className: "vl-about" });
  const table = make("div", { className: "vl-lanes" });
  const canvas = make("canvas");
  const caption = make("figcaption");
  const head = make("div", { className: "vl-head", role: "heading", "aria-level": "3" });
  const pictures = make("div", { className: "vl-picks" });
  const body = make(
    "div", {}, table,
    make(
      "div", { className: "vl-looked" },
      make("div", {}, make("figure", {}, canvas, caption), player.bar),
      make("div", {}, head, pictures),
    ),
  );
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", {
    className: "vl-how",
    text: "From left to right is the time of the video; each tick is a frame the sampler picks. "
      + "Orange ticks are picked more than once. A gap is a stretch of the video the model never "
      + "sees. While training, some samplers draw at random: grey marks below the ticks are what "
      + "they take for predictions. A line joins picks that are not in the order of time. Point at "
      + "a tick to see its frame, click a sampler's name to see all of them. Keys: ↑ and ↓ for the "
      + "sampler, Space plays its picks, d draws again.",
  });
  const root = make("div", {
    className: "vl-explorer vl-sampling", "data-lm-suppress-shortcuts": "true", onkeydown: key,
  });
  const { ask: send, told } = conversation(model, line);
  const { ask, done } = oneByOne(send);
  const chooser = videoChooser({ model, ask });
  root.append(
    make("div", { className: "vl-bar" }, chooser.holder, mode.holder, again, drawn), body, line, how,
  );
  el.append(root);

  const repaint = painter(paint);
  const unfollow = followSizeAndTheme(root, repaint);
  const changes = {
    "change:film": loadFilm, "change:rows": readRows, "change:strip": loadStrip,
    "change:seen": loadSeen, "change:library": chooser.update, "change:draw": showDraw,
    "change:status": told,
    "change:answered": () => { told(); done(); },
  };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  loadFilm();
  readRows();
  loadStrip();
  showDraw();

  // ---- what the kernel gives -----------------------------------------------------------------

  async function loadFilm() {
    const { title = "", frames, fps, size, thumbnails = [] } = model.get("film") ?? {};
    forget();
    state.head = 0;
    state.hover = null;
    body.hidden = !frames;
    if (frames) {
      const share = Math.min(1, 290 / size[1], 230 / size[0]);
      [canvas.height, canvas.width] = size.map((side) => Math.round(side * share));
      about.replaceChildren(
        make("b", { text: title }),
        make("span", { text: `${plural(frames, "frame")}, ${(frames / fps).toFixed(1)} s, `
          + `${Number(fps.toFixed(2))} a second` }),
      );
    }
    root.dataset.film = title;
    if (await along.load(thumbnails)) repaint();
  }

  function readRows() {
    const rows = model.get("rows") ?? [];
    const shape = JSON.stringify(rows.map(({ name, options }) => [name, options.map((one) => one.name)]));
    if (shape !== state.shape) build(rows);
    state.shape = shape;
    rows.forEach((row, place) => lanes[place].update(row));
    if (rows.length && model.get("strip")?.row) {
      clearTimeout(state.resting);
      state.resting = setTimeout(() => ask({ kind: "choose", row: state.row }), REST);
    }
    repaint();
  }

  async function loadStrip() {
    const { row = "", numbers = [], pictures: packed = [], of = 0 } = model.get("strip") ?? {};
    if (state.wanted && row !== state.wanted) return; // another row was chosen meanwhile
    state.wanted = "";
    state.row = row;
    clearTimeout(state.resting);
    lanes.forEach((lane) => lane.mark());
    player.load([]);
    if (!(await strip.load(packed))) return;
    const { fps = 25 } = model.get("film") ?? {};
    const apart = numbers.slice(1).map((number, place) => Math.abs(number - numbers[place]));
    const gap = Math.max(1, apart.sort((a, b) => a - b)[apart.length >> 1] ?? 1) / fps;
    const held = state.head;
    player.load(numbers.map((_, place) => place * gap));
    if (numbers.includes(held)) player.goTo(numbers.indexOf(held));
    head.replaceChildren(
      `${row}: ${plural(of, "frame")}`,
      make("span", { text: !of ? "Its options do not fit: its row says why."
        : numbers.length < of ? `${numbers.length} of them shown, spread evenly over all`
          : "in the order a model gets them" }),
    );
    pictures.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
    pictures.replaceChildren(...numbers.map((number, place) => pick(number, packed[place], place)));
    player.bar.hidden = !numbers.length;
    root.dataset.row = row;
    root.dataset.strip = numbers.length;
    goTo(state.head);
  }

  function pick(number, packed, place) {
    const src = URL.createObjectURL(new Blob([packed], { type: "image/jpeg" }));
    return make(
      "button", {
        type: "button", className: "vl-pick", title: `frame ${number}`, "data-frame": number,
        onclick: () => player.move(place),
        onpointerenter: () => hover(number), onpointerleave: () => hover(null),
      },
      make("img", { alt: "", src }), make("span", { text: number }),
    );
  }

  async function loadSeen() {
    const { title, number, picture } = model.get("seen") ?? {};
    if (!picture) return;
    const unpacked = await createImageBitmap(new Blob([picture], { type: "image/jpeg" }));
    if (title !== model.get("film").title) return unpacked.close();
    looked.get(number)?.close();
    looked.set(number, unpacked);
    for (const [old, one] of looked) {
      if (looked.size <= KEPT) break;
      one?.close();
      looked.delete(old);
    }
    repaint();
  }

  function forget() {
    looked.forEach((picture) => picture?.close());
    looked.clear();
  }

  function showDraw() {
    const number = model.get("draw");
    mode.select.value = number ? "1" : "0";
    drawn.textContent = number ? `draw ${number}` : "";
    root.dataset.draw = number;
  }

  function draw(number) {
    ask({ kind: "draw", number });
  }

  // ---- the rows ------------------------------------------------------------------------------

  function build(rows) {
    lanes = rows.map((row, place) => makeLane(row, place));
    table.replaceChildren(
      about, axis, make("div", { className: "vl-facts", text: "" }),
      ...lanes.flatMap((lane) => lane.parts),
    );
  }

  function makeLane({ name, options }, place) {
    const title = make("button", {
      type: "button", className: "vl-sampler", text: name, title: "Show the frames it picks",
      onclick: () => choose(name),
    });
    const tag = make("span", { className: "vl-tag", text: "random", title: "Draws while training" });
    const fields = options.map((option) => makeOption(name, option));
    const left = make(
      "div", { className: "vl-about", "data-sampler": name },
      make("span", {}, title, tag),
      make("span", { className: "vl-options" }, ...fields.map((field) => field.holder)),
    );
    const ticks = make("canvas", {
      className: "vl-ticks",
      onclick: (event) => {
        const to = nearest(lane, event) ?? under(event);
        if (state.row !== name) choose(name);
        look(to);
      },
      onpointermove: (event) => hover(nearest(lane, event)), onpointerleave: () => hover(null),
    });
    const problem = make("div", { className: "vl-problem" });
    const facts = make("div", { className: "vl-facts" });
    const middle = make("div", { className: "vl-middle" }, ticks, problem);
    const parts = [left, middle, facts];
    const lane = { name, place, ticks, parts, picks: [], steady: [], row: null };
    lane.mark = () => {
      const is_chosen = state.row === name;
      parts.forEach((part) => part.classList.toggle("vl-chosen", is_chosen));
      title.setAttribute("aria-pressed", is_chosen);
    };
    lane.update = (row) => {
      lane.row = row;
      const numbers = (view) => view ? new Int32Array(bytes(view).slice().buffer) : new Int32Array();
      lane.picks = numbers(row.picks);
      lane.steady = numbers(row.steady);
      row.options.forEach((option, at) => fields[at].update(option));
      tag.hidden = !row.is_random;
      problem.textContent = row.problem;
      problem.hidden = !row.problem;
      ticks.hidden = Boolean(row.problem);
      facts.replaceChildren(...(row.problem ? [] : inWords(row.covers)));
      left.dataset.count = lane.picks.length;
      left.dataset.picks = lane.picks.length > 99 ? "" : lane.picks.join(" ");
      lane.mark();
    };
    lane.focus = () => title.focus();
    lane.has_focus = () => document.activeElement === title;
    return lane;
  }

  function makeOption(row, { name, choices, can_be_left_out, most }) {
    const change = (value) => ask({ kind: "change", row, option: name, value });
    if (choices) {
      const { holder, select } = choice("", choices.map((one) => [one]), change);
      select.setAttribute("aria-label", `${row} ${name}`);
      return { holder, update: ({ value }) => { select.value = value; } };
    }
    const number = make("input", {
      type: "number", min: 1, "aria-label": `${row} ${name}`,
      placeholder: can_be_left_out ? "all" : "",
      oninput: () => {
        slider.value = number.value;
        change(number.value === "" ? null : Number(number.value));
      },
    });
    const slider = make("input", {
      type: "range", min: 1, max: most, "aria-label": `${row} ${name}, slider`, tabIndex: -1,
      oninput: () => { number.value = slider.value; change(Number(slider.value)); },
      onkeydown: keepKeys,
    });
    const holder = make(
      "label", { className: "vl-choice" }, make("span", { text: name.replaceAll("_", " ") }), number,
      ...(can_be_left_out ? [] : [slider]),
    );
    const update = ({ value, most: reach }) => {
      slider.max = reach;
      if (document.activeElement !== number) number.value = value ?? "";
      if (document.activeElement !== slider) slider.value = value ?? 1;
    };
    return { holder, update };
  }

  function inWords({ picks, share, reach, gap, repeated }) {
    const { fps } = model.get("film");
    const said = (text, title, className = "") => make("span", { text, title, className });
    const parts = [
      said(`${plural(picks, "frame")}, ${percent(share)} of all`,
        `Picks, and which share of the video's frames they show; they reach over ${percent(reach)} `
        + "of its time"),
      said(gap ? `longest gap ${gap} (${(gap / fps).toFixed(2)} s)` : "no gap",
        "Frames in the longest stretch without a pick, the ends of the video included"),
    ];
    if (repeated.length) {
      const some = repeated.slice(0, 12).join(", ") + (repeated.length > 12 ? " …" : "");
      parts.push(said(`${plural(repeated.length, "frame")} repeated`, some, "vl-again-and-again"));
    }
    return parts;
  }

  // ---- drawing -------------------------------------------------------------------------------

  function across(number) {
    return (number + 0.5) * scale();
  }

  function scale() {
    return (axis.clientWidth || 1) / model.get("film").frames;
  }

  function paint() {
    if (body.hidden || !lanes.length) return;
    const colours = palette(root);
    const width = Math.floor(table.clientWidth - lanes[0].parts[0].offsetWidth - lanes[0].parts[2].offsetWidth - 20);
    drawAxis(sharp(axis, width, LANE.pictures + LANE.axis), width, colours);
    for (const lane of lanes) {
      if (!lane.ticks.hidden) drawLane(sharp(lane.ticks, width, LANE.height), lane, width, colours);
    }
    drawFrame();
  }

  function drawAxis(context, width, colours) {
    const { frames, fps } = model.get("film");
    const cell = width / Math.max(1, along.pictures.length);
    along.pictures.forEach((picture, place) => {
      const share = Math.max(cell / picture.width, LANE.pictures / picture.height);
      const [wide, tall] = [cell / share, LANE.pictures / share];
      context.drawImage(
        picture, (picture.width - wide) / 2, (picture.height - tall) / 2, wide, tall,
        place * cell, 0, cell - 1, LANE.pictures,
      );
    });
    const top = LANE.pictures;
    const step = STEPS.find((one) => one * fps * scale() > 58) ?? 3600;
    context.font = "11px sans-serif";
    for (let second = 0; second * fps < frames - 0.3 * step * fps || second === 0; second += step) {
      const x = second * fps * scale();
      context.fillStyle = css(colours.ink, 0.3);
      context.fillRect(x, top, 1, 5);
      context.fillStyle = css(colours.ink, 0.85);
      context.fillText(`${Number(second.toFixed(1))} s`, x + 3, top + 13);
      context.fillStyle = css(colours.ink, 0.55);
      context.fillText(`${second ? "" : "frame "}${Math.round(second * fps)}`, x + 3, top + 26);
    }
    drawHeads(context, LANE.pictures + LANE.axis, colours);
    const x = across(state.head);
    context.fillStyle = css(colours.ink);
    context.beginPath();
    context.moveTo(x - 5, top);
    context.lineTo(x + 5, top);
    context.lineTo(x, top + 7);
    context.fill();
    axis.setAttribute("aria-valuenow", state.head);
    axis.setAttribute("aria-valuemax", frames - 1);
    axis.setAttribute("aria-valuetext", spoken(state.head));
  }

  function drawHeads(context, height, colours) {
    const mark = (number, alpha) => {
      context.fillStyle = css(colours.ink, alpha);
      context.fillRect(across(number) - 0.5, 0, 1, height);
    };
    mark(state.head, 0.9);
    if (state.hover !== null) mark(state.hover, 0.4);
  }

  function drawLane(context, lane, width, colours) {
    const { top, foot, height } = LANE;
    context.fillStyle = css(colours.ink, 0.18);
    context.fillRect(0, foot, width, 1);
    const repeated = new Set(lane.row.covers.repeated);
    const wide = Math.max(1, Math.min(4, 0.6 * scale()));
    const alpha = state.row === lane.name ? 1 : 0.7;
    for (const number of lane.picks) {
      const again = repeated.has(number);
      context.fillStyle = css(again ? colours.wrong : colours.right, alpha);
      context.fillRect(across(number) - wide / 2, again ? top - 3 : top, wide, foot - top + (again ? 3 : 0));
    }
    context.fillStyle = css(colours.ink, 0.45);
    for (const number of lane.steady) context.fillRect(across(number) - wide / 2, foot + 3, wide, 6);
    if (!lane.row.covers.is_in_order && lane.picks.length < width) drawOrder(context, lane, colours);
    drawHeads(context, height, colours);
  }

  // First picks above, last ones below.
  function drawOrder(context, lane, colours) {
    const down = (LANE.foot - LANE.top - 4) / Math.max(1, lane.picks.length - 1);
    context.strokeStyle = css(colours.ink, 0.8);
    context.lineWidth = 1.2;
    context.beginPath();
    lane.picks.forEach((number, place) => context.lineTo(across(number), LANE.top + 2 + down * place));
    context.stroke();
  }

  function drawFrame() {
    const number = state.hover ?? state.head;
    const picture = pictureOf(number);
    caption.replaceChildren(make("b", { text: `frame ${number}` }), spoken(number).replace(/^frame \d+/, ""));
    for (const one of pictures.children) {
      one.classList.toggle("vl-chosen", Number(one.dataset.frame) === number);
    }
    root.dataset.head = state.head;
    if (!picture) return;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.dataset.frame = number;
  }

  function spoken(number) {
    const { fps } = model.get("film");
    const by = lanes.filter((lane) => lane.picks.includes(number)).map((lane) => lane.name);
    return `frame ${number}, ${(number / fps).toFixed(2)} s, `
      + (by.length ? `picked by ${by.join(", ")}` : "picked by none");
  }

  // Gives the picture of a frame, or asks for it.
  function pictureOf(number) {
    const place = (model.get("strip")?.numbers ?? []).indexOf(number);
    if (place >= 0 && strip.pictures[place]) return strip.pictures[place];
    if (!looked.has(number)) {
      for (const [asked, picture] of looked) if (!picture) looked.delete(asked);
      looked.set(number, null);
      ask({ kind: "look", number });
    }
    return looked.get(number);
  }

  // ---- mouse and keys ------------------------------------------------------------------------

  function under(event) {
    const { frames } = model.get("film");
    return Math.max(0, Math.min(frames - 1, Math.floor(event.offsetX / scale())));
  }

  function nearest(lane, event) {
    let found = null;
    let least = Math.max(5, 0.5 * scale());
    for (const number of lane.picks) {
      const away = Math.abs(across(number) - event.offsetX);
      if (away <= least) [found, least] = [number, away];
    }
    return found;
  }

  function hover(number) {
    if (state.hover === number) return;
    state.hover = number;
    repaint();
  }

  function goTo(number) {
    state.head = number;
    repaint();
  }

  function look(number) {
    player.pause();
    state.hover = null;
    const place = (model.get("strip")?.numbers ?? []).indexOf(number);
    if (place >= 0) player.move(place);
    else goTo(number);
  }

  function choose(name) {
    Object.assign(state, { row: name, wanted: name });
    lanes.forEach((lane) => lane.mark());
    repaint();
    ask({ kind: "choose", row: name });
  }

  function keyOnAxis(event) {
    const { frames } = model.get("film");
    const to = {
      ArrowLeft: state.head - 1, ArrowRight: state.head + 1, Home: 0, End: frames - 1,
    }[event.key];
    if (to === undefined) return;
    look(Math.max(0, Math.min(frames - 1, to)));
    event.preventDefault();
    event.stopPropagation();
  }

  function key(event) {
    if (["SELECT", "INPUT"].includes(event.target.tagName)) return;
    if (player.key(event)) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by) {
      const at = lanes.findIndex((lane) => lane.name === state.row);
      const lane = lanes[Math.max(0, Math.min(lanes.length - 1, at + by))];
      lane.focus();
      if (lane.name !== state.row) choose(lane.name);
    } else if (event.key === "d") draw(model.get("draw") + 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return () => {
    player.pause();
    clearTimeout(state.resting);
    [strip, along].forEach((reel) => reel.close());
    forget();
    repaint.stop();
    unfollow();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}
