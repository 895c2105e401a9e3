// The matrix, the videos behind a cell, and the video that was chosen.

const GROWTH = 0.6; // colour grows fast for small shares, so that single mistakes are seen
const TALLEST = 560;
const NARROW = 740; // pixels; below, the videos stand under the matrix
const NUMBERS = 19; // pixels a cell needs for its number
const LABELS = 8.5; // pixels a row needs for its name
const MOST_PAIRS = 300; // that "next most confused" goes through

async function renderConfusion({ model, el }) {
  const view = { zoom: 1, x: 0, y: 0, cell: 8, left: 0, foot: 0, width: 0, height: 0 };
  const cursor = { row: 0, column: 0, shown: false };
  const state = { table: null, hover: null, drag: null, serial: null, typing: 0 };
  const data = model.get("table"); // of every video its group, its true and its predicted class

  const kept = (label, name, options) => choice(label, options, (value) => {
    model.set(name, value);
    model.save_changes();
  });
  const order = kept("classes", "order", [
    ["index", "in index order"], ["accuracy", "worst first"], ["clustered", "mistaken side by side"],
  ]);
  const measure = kept("numbers", "measure", [["count", "counts"], ["share", "share of row"]]);
  const per = kept("count", "per", [["video", "videos"], ["frame", "single frames"]]);
  per.holder.hidden = !data.frames.length;
  const group = choice(
    "group", [["", "all"], ...data.groups.map((name) => [name])], () => arrange(),
  );
  const search = make("input", {
    type: "search", placeholder: "part of name", "aria-label": "Keep classes by name",
    oninput: () => {
      clearTimeout(state.typing);
      state.typing = setTimeout(arrange, 100);
    },
  });
  const searching = make("label", { className: "vl-choice" }, make("span", { text: "only" }), search);
  const button = (text, title, onclick, name = "") =>
    make("button", { type: "button", text, title, onclick, className: name });
  const steps = make(
    "span", { className: "vl-group" },
    button("‹", "The pair mistaken more often (p)", () => step(-1), "vl-back"),
    button("next most confused ›", "Open the pair mistaken next most often (n)", () => step(1),
      "vl-next"),
  );
  const zooms = make(
    "span", { className: "vl-group" },
    button("−", "Smaller (−)", () => zoom(1 / 1.5)), button("+", "Larger (+)", () => zoom(1.5)),
    button("all", "The whole matrix (0)", () => zoom(0)),
  );
  const bar = make(
    "div", { className: "vl-bar" },
    order.holder, per.holder, measure.holder, group.holder, searching, steps, zooms,
  );
  const canvas = make("canvas", {
    className: "vl-matrix", tabIndex: 0, role: "application", "aria-label":
      "Confusion matrix. Arrow keys move from cell to cell, Enter opens a cell's videos, "
      + "n goes to the pair mistaken next most often.",
    onkeydown: key, onfocus: () => { cursor.shown = true; repaint(); }, onblur: () => repaint(),
    onpointermove: move, onpointerleave: () => { state.hover = null; repaint(); },
    onpointerdown: press, onpointerup: release, onwheel: wheel,
  });
  const tip = make("div", { className: "vl-tip", hidden: true });
  const spoken = make("div", { className: "vl-spoken", "aria-live": "polite" });
  const matrix = make("div", { className: "vl-holder" }, canvas, tip, spoken);
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", {
    className: "vl-how",
    text: "A row is the true class of videos, a column the predicted one; blue is right, orange "
      + "wrong, and stronger colour is a larger share of the row. Click a cell to see its videos, "
      + "then a video to see where the model looked. Keys: arrows, Enter, n for the next mistake, "
      + "+ and − to zoom, Esc to come back.",
  });
  const below = make("div", { className: "vl-below" });
  const videos = videoList({
    model, about, send: (message) => send(message),
    leave: () => canvas.focus(), hint: "Click a cell of the matrix: its videos appear here.",
    nothing: "This cell is empty.",
  });
  const sides = make("div", { className: "vl-columns" }, matrix, videos.list);
  const root = make(
    "div", { className: "vl-explorer vl-confusion", "data-lm-suppress-shortcuts": "true" },
    bar, sides, line, below, how,
  );
  el.append(root);
  const { send, setStatus, showStatus, answered } = statusLine(model, line);
  const repaint = painter(paint);
  const unfollow = followSizeAndTheme(root, repaint);
  const stopListening = listen(model, {
    "change:order": arrange, "change:per": arrange, "change:listing": show, "change:status": showStatus,
    "change:measure": () => { measure.select.value = model.get("measure"); repaint(); },
  });
  measure.select.value = model.get("measure");
  arrange();
  show();

  const closeCam = await camBelow(model, below);

  // ---- numbers -------------------------------------------------------------------------------

  function arrange() {
    order.select.value = model.get("order");
    per.select.value = model.get("per");
    const chosen = {
      order: order.select.value, group: group.select.value, search: search.value,
      per: per.select.value,
    };
    const table = confusionTable(data, chosen);
    if (!table.rows.length) {
      return setStatus(`No class has "${search.value}" in its name. Try fewer letters.`, true);
    }
    state.table = table;
    steps.querySelectorAll("button").forEach((one) => { one.disabled = !table.confused.length; });
    state.serial = null;
    const { true: is, predicted } = model.get("listing") ?? {};
    const [row, column] = [state.table.rows.indexOf(is), state.table.columns.indexOf(predicted)];
    const there = row >= 0 && column >= 0; // the cell whose videos are listed
    Object.assign(cursor, there ? { row, column, shown: true } : { row: 0, column: 0, shown: false });
    Object.assign(view, { zoom: 1, x: 0, y: 0 });
    root.dataset.rows = table.rows.length;
    root.dataset.order = chosen.order;
    root.dataset.per = chosen.per;
    const counted = table.sums.reduce((sum, one) => sum + one, 0);
    const frames = chosen.per === "frame" ? `${plural(counted, "frame")} of ` : "";
    setStatus(`${frames}${plural(table.videos.length, "video")}, ${table.rows.length} classes.`);
    repaint();
  }

  function count(row, column) {
    return state.table.counts[row * state.table.columns.length + column];
  }

  function share(row, column) {
    const whole = state.table.sums[row];
    return whole ? count(row, column) / whole : 0;
  }

  function inWords(row, column) {
    const { rows, columns, sums } = state.table;
    const what = rows[row] === columns[column] ? "recognised" : `taken for ${columns[column]}`;
    return `${rows[row]} ${what}: ${count(row, column)} of ${plural(sums[row], state.table.per)}`
      + (sums[row] ? ` (${percent(share(row, column))})` : "");
  }

  // ---- drawing -------------------------------------------------------------------------------

  function measureOut(context) {
    const { rows, columns } = state.table;
    const longest = (names) => Math.max(...names.map((name) => context.measureText(name).width));
    context.font = "12px sans-serif";
    view.left = Math.min(150, longest(rows) + 26);
    view.foot = Math.min(110, longest(columns) * 0.72 + 30);
    const whole = sides.clientWidth;
    const stacked = whole < NARROW;
    sides.classList.toggle("vl-stacked", stacked);
    const wide = (stacked ? whole : 0.56 * whole) - view.left - 4;
    const tall = TALLEST - view.foot;
    const fit = Math.max(2, Math.min(wide / columns.length, tall / rows.length, 46));
    view.cell = fit * view.zoom;
    zooms.hidden = fit >= NUMBERS;
    view.width = Math.min(wide, fit * columns.length);
    view.height = fit * rows.length;
    view.whole = Math.max(view.left + view.width + 4, 200);
    view.x = Math.max(0, Math.min(view.x, view.cell * columns.length - view.width));
    view.y = Math.max(0, Math.min(view.y, view.cell * rows.length - view.height));
  }

  function paint() {
    if (!state.table || !sides.clientWidth) return;
    const { rows, columns } = state.table;
    measureOut(canvas.getContext("2d"));
    const { cell, left, foot, width, height } = view;
    const context = sharp(canvas, Math.ceil(view.whole), Math.ceil(height + foot));
    const colours = palette(root);
    canvas.dataset.first = [left + cell / 2 - view.x, cell / 2 - view.y, cell].join(" ");
    context.save();
    context.beginPath();
    context.rect(left, 0, width, height);
    context.clip();
    context.translate(left - view.x, -view.y);
    context.fillStyle = css(colours.ink, 0.04);
    context.fillRect(0, 0, cell * columns.length, cell * rows.length);
    if (cell >= 7) drawGrid(context, colours);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `${Math.min(13, cell * 0.45)}px sans-serif`;
    for (const row of within(rows.length, view.y, height)) {
      for (const column of within(columns.length, view.x, width)) {
        if (count(row, column)) drawCell(context, row, column, colours);
      }
    }
    drawCursor(context, colours);
    context.restore();
    drawNames(context, colours);
    showTip();
  }

  function* within(length, from, room) {
    const last = Math.min(length, Math.ceil((from + room) / view.cell));
    for (let place = Math.floor(from / view.cell); place < last; place++) yield place;
  }

  function drawGrid(context, colours) {
    const { rows, columns } = state.table;
    const { cell } = view;
    context.strokeStyle = css(colours.ink, 0.1);
    context.lineWidth = 1;
    context.beginPath();
    for (let row = 0; row <= rows.length; row++) {
      context.moveTo(0, row * cell);
      context.lineTo(cell * columns.length, row * cell);
    }
    for (let column = 0; column <= columns.length; column++) {
      context.moveTo(column * cell, 0);
      context.lineTo(column * cell, cell * rows.length);
    }
    context.stroke();
  }

  function drawCell(context, row, column, colours) {
    const { cell } = view;
    const part = share(row, column);
    const is_right = state.table.rows[row] === state.table.columns[column];
    const faintest = cell < 10 ? 0.35 : 0.12; // small cells must be found, too
    const shade = faintest + (1 - faintest) * part ** GROWTH;
    const colour = mixed(colours.paper, is_right ? colours.right : colours.wrong, shade);
    const gap = cell >= 7 ? 0.5 : 0;
    context.fillStyle = css(colour);
    context.fillRect(column * cell + gap, row * cell + gap, cell - 2 * gap, cell - 2 * gap);
    if (cell < NUMBERS) return;
    const light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
    context.fillStyle = light > 140 ? "#111" : "#fff";
    const shares = model.get("measure") === "share";
    const text = shares ? `${Math.round(100 * part)}` : `${count(row, column)}`;
    context.fillText(text, (column + 0.5) * cell, (row + 0.5) * cell + 0.5);
  }

  function drawCursor(context, colours) {
    const { cell } = view;
    const frame = (row, column, width, alpha) => {
      context.strokeStyle = css(colours.ink, alpha);
      context.lineWidth = width;
      const grown = cell < 10 ? 2 : 0;
      context.strokeRect(
        column * cell - grown, row * cell - grown, cell + 2 * grown, cell + 2 * grown,
      );
    };
    const at = state.hover ?? (document.activeElement === canvas && cursor.shown ? cursor : null);
    if (at) {
      context.fillStyle = css(colours.ink, 0.07);
      context.fillRect(0, at.row * cell, cell * state.table.columns.length, cell);
      context.fillRect(at.column * cell, 0, cell, cell * state.table.rows.length);
    }
    if (state.hover) frame(state.hover.row, state.hover.column, 1, 0.7);
    if (cursor.shown) frame(cursor.row, cursor.column, 2.5, 1);
  }

  function drawNames(context, colours) {
    const { rows, columns } = state.table;
    const { cell, left, width, height } = view;
    const at = state.hover ?? (cursor.shown ? cursor : null);
    const size = Math.max(8, Math.min(12, cell * 0.95));
    const every = Math.max(1, Math.ceil(LABELS / cell) * (cell < LABELS ? 2 : 1));
    const names = (labels, span, from, place) => {
      for (const number of within(labels.length, from, span)) {
        const middle = (number + 0.5) * cell - from;
        const chosen = at && (place === "row" ? at.row : at.column) === number;
        const near = at && Math.abs((place === "row" ? at.row : at.column) - number) * cell < 11;
        if (middle < 0 || middle > span || (!chosen && (near && cell < 11 || number % every))) continue;
        context.save();
        context.font = `${chosen ? "bold 12" : size}px sans-serif`;
        context.fillStyle = css(colours.ink, chosen ? 1 : 0.75);
        context.textAlign = "right";
        context.textBaseline = "middle";
        if (place === "row") context.translate(left - 5, Math.max(6, middle));
        else {
          context.translate(left + middle, height + 6);
          context.rotate(-Math.PI / 4);
        }
        context.fillText(labels[number], 0, 0, place === "row" ? left - 22 : 130);
        context.restore();
      }
    };
    names(rows, height, view.y, "row");
    names(columns, width, view.x, "column");
    context.font = "11px sans-serif";
    context.fillStyle = css(colours.ink, 0.6);
    context.textAlign = "center";
    context.fillText("predicted class →", left + width / 2, height + view.foot - 5);
    context.save();
    context.translate(9, height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText("← true class", 0, 0);
    context.restore();
  }

  function showTip() {
    const { hover } = state;
    tip.hidden = !hover;
    if (!hover) return;
    tip.textContent = inWords(hover.row, hover.column);
    const x = view.left - view.x + (hover.column + 1) * view.cell + 8;
    const room = sides.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(0, Math.min(x, room))}px`;
    tip.style.top = `${Math.max(0, (hover.row + 1) * view.cell - view.y + 8)}px`;
  }

  // ---- mouse and keys ------------------------------------------------------------------------

  function under(event) {
    const x = event.offsetX - view.left;
    const y = event.offsetY;
    if (x < 0 || y < 0 || x >= view.width || y >= view.height) return null;
    const row = Math.floor((y + view.y) / view.cell);
    const column = Math.floor((x + view.x) / view.cell);
    const { rows, columns } = state.table;
    return row < rows.length && column < columns.length ? { row, column } : null;
  }

  function move(event) {
    const { drag } = state;
    if (drag && view.zoom > 1 && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4) {
      drag.moved = true;
      view.x = drag.from.x - (event.clientX - drag.x);
      view.y = drag.from.y - (event.clientY - drag.y);
      state.hover = null;
    } else state.hover = under(event);
    repaint();
  }

  function press(event) {
    state.drag = { x: event.clientX, y: event.clientY, from: { ...view }, moved: false };
    canvas.setPointerCapture(event.pointerId);
  }

  function release(event) {
    const at = under(event);
    if (at && state.drag && !state.drag.moved) {
      goTo(at.row, at.column);
      open();
    }
    state.drag = null;
  }

  function wheel(event) {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, under(event));
  }

  function zoom(factor, at = state.hover ?? cursor) {
    const before = view.cell;
    const place = at ?? cursor;
    const seen = { x: (place.column + 0.5) * before - view.x, y: (place.row + 0.5) * before - view.y };
    view.zoom = factor ? Math.max(1, Math.min(12, view.zoom * factor)) : 1;
    measureOut(canvas.getContext("2d"));
    view.x = (place.column + 0.5) * view.cell - seen.x;
    view.y = (place.row + 0.5) * view.cell - seen.y;
    root.dataset.zoom = view.zoom.toFixed(2);
    repaint();
  }

  function goTo(row, column) {
    const { rows, columns } = state.table;
    cursor.row = Math.max(0, Math.min(rows.length - 1, row));
    cursor.column = Math.max(0, Math.min(columns.length - 1, column));
    cursor.shown = true;
    const { cell } = view;
    view.x = Math.max(Math.min(view.x, cursor.column * cell), (cursor.column + 1) * cell - view.width);
    view.y = Math.max(Math.min(view.y, cursor.row * cell), (cursor.row + 1) * cell - view.height);
    spoken.textContent = inWords(cursor.row, cursor.column);
    root.dataset.cell = `${rows[cursor.row]} > ${columns[cursor.column]}`;
    repaint();
  }

  function key(event) {
    const by = event.shiftKey ? 5 : 1;
    const actions = {
      ArrowUp: () => goTo(cursor.row - by, cursor.column),
      ArrowDown: () => goTo(cursor.row + by, cursor.column),
      ArrowLeft: () => goTo(cursor.row, cursor.column - by),
      ArrowRight: () => goTo(cursor.row, cursor.column + by),
      Enter: () => { videos.focusNext(); open(); },
      " ": () => open(),
      n: () => step(1),
      p: () => step(-1),
      "+": () => zoom(1.5, cursor),
      "-": () => zoom(1 / 1.5, cursor),
      0: () => zoom(0),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    state.hover = null;
    actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  function step(by) {
    const { confused } = state.table;
    if (!confused.length) return setStatus("No class was taken for another.");
    state.serial = state.serial === null
      ? (by > 0 ? 0 : confused.length - 1)
      : (state.serial + by + confused.length) % confused.length;
    goTo(...confused[state.serial]);
    open();
  }

  // ---- the videos of a cell ------------------------------------------------------------------

  function open() {
    const { rows, columns, held, inCell } = state.table;
    const { row, column } = cursor;
    videos.wait();
    send({
      kind: "videos", positions: inCell(row, column),
      about: { true: rows[row], predicted: columns[column], of: held[row] },
    });
  }

  function show() {
    answered();
    videos.show();
  }

  function about({ true: is, predicted, count: held, of }) {
    const right = is === predicted;
    const frames = state.table.per === "frame" ? " in some frames" : "";
    return {
      key: `${is} > ${predicted}`,
      head: [
        make("b", { text: is }), right ? ` recognised${frames}` : ` taken${frames} for `,
        ...(right ? [] : [make("b", { text: predicted })]),
        make("span", { text: `${held} of ${plural(of, "video")}` }),
      ],
    };
  }

  return () => {
    clearTimeout(state.typing);
    closeCam();
    videos.stop();
    repaint.stop();
    unfollow();
    stopListening();
  };
}

// Counts videos of a group ("" for all), or their frames, by true and predicted class, for the
// classes that are searched for. What is predicted outside of them is a last column.
function confusionTable(data, { order, group, search, per = "video" }) {
  const words = search.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const isFound = (label) => words.some((word) => data.classes[label].toLowerCase().includes(word));
  const labels = data.orders[per][order].filter((label) => !words.length || isFound(label));
  const rowOf = new Map(labels.map((label, row) => [label, row]));
  const videos = data.most_probable_first.filter((video) => rowOf.has(data.true[video])
    && (!group || data.groups[data.group[video]] === group));
  const width = labels.length + (labels.length < data.classes.length ? 1 : 0);
  const predicted = (video) => per === "frame" ? data.frames[video] : [data.predicted[video]];
  const columnOf = (label) => rowOf.get(label) ?? width - 1;
  const counts = new Int32Array(labels.length * width);
  const [sums, held] = [labels.map(() => 0), labels.map(() => 0)]; // of what is counted; of videos
  for (const video of videos) {
    const row = rowOf.get(data.true[video]);
    for (const label of predicted(video)) counts[row * width + columnOf(label)]++;
    sums[row] += predicted(video).length;
    held[row]++;
  }
  const pairs = [];
  labels.forEach((is, row) => labels.forEach((predicted, column) => {
    const count = counts[row * width + column];
    if (row !== column && count) pairs.push({ row, column, is, predicted, count });
  }));
  pairs.sort((a, b) => b.count - a.count || b.count / sums[b.row] - a.count / sums[a.row]
    || a.is - b.is || a.predicted - b.predicted);
  const rows = labels.map((label) => data.classes[label]);
  return {
    rows, columns: width > rows.length ? [...rows, data.other] : rows, counts, sums, held, per, videos,
    confused: pairs.slice(0, MOST_PAIRS).map(({ row, column }) => [row, column]),
    inCell: (row, column) => videos.filter(
      (video) => rowOf.get(data.true[video]) === row
        && predicted(video).some((label) => columnOf(label) === column),
    ),
  };
}
