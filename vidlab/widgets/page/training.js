// Curves of loss and accuracy over epochs or seconds, read at any epoch, also while they grow.

const SIDES = { left: 46, right: 12, top: 24, bottom: 34, height: 300 };
const PARTS = [["training", ""], ["validation", "val_"]];

function renderTraining({ model, el }) {
  const state = {
    at: null, // the epoch or second that is read; null for the kept epochs
    hidden: new Set(), log: false, seconds: false, parts: { training: true, validation: true },
  };
  const title = make("div", { className: "vl-title" });
  const toggles = PARTS.map(([name]) => toggle(name, `Show what was measured on ${name} videos`, () => {
    state.parts[name] = !state.parts[name];
  }, () => state.parts[name]));
  const log = toggle("log scale of the loss", "Equal steps are equal factors (l)", () => {
    state.log = !state.log;
  }, () => state.log);
  const across = choice("over", [["epochs"], ["seconds"]], (value) => {
    Object.assign(state, { seconds: value === "seconds", at: null });
    draw();
  });
  const bar = make(
    "div", { className: "vl-bar" }, make("span", { className: "vl-group" }, ...toggles), log,
    across.holder,
  );
  const plots = ["loss", "accuracy"].map((measure) => ({
    measure, canvas: make("canvas", { "aria-hidden": "true", "data-measure": measure }),
  }));
  const stage = make("div", {
    className: "vl-curves", tabIndex: 0, role: "application", "aria-label":
      "Curves of loss and accuracy. Left and right arrows go from epoch to epoch, Escape back to "
      + "the kept ones, l switches the scale of the loss.",
    onkeydown: key, onpointermove: hover, onpointerleave: () => read(null),
  }, ...plots.map(({ canvas }) => canvas));
  const spoken = make("div", { className: "vl-spoken", "aria-live": "polite" });
  const table = make("table", { className: "vl-values" });
  const empty = make("div", {
    className: "vl-hint", text: "No training yet: its curves appear here.",
  });
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", { className: "vl-how" });
  const body = make("div", {}, bar, stage, table);
  const root = make(
    "div", { className: "vl-explorer vl-training", "data-lm-suppress-shortcuts": "true" },
    title, body, empty, spoken, line, how,
  );
  el.append(root);
  const { told } = conversation(model, line);
  const repaint = painter(paint);
  const unfollow = followSizeAndTheme(root, repaint);
  const changes = { "change:curves": draw, "change:status": told };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  draw();

  function toggle(text, about, turn, isOn) {
    const one = make("button", {
      type: "button", text, title: about, className: "vl-toggle", onclick: () => { turn(); draw(); },
    });
    one.refresh = () => one.setAttribute("aria-pressed", String(isOn()));
    return one;
  }

  // ---- numbers ---------------------------------------------------------------------------------

  function trainings() {
    return model.get("curves").trainings;
  }

  function seen() {
    return trainings().filter(({ name }) => !state.hidden.has(name));
  }

  // Of one training, the colours tell training and validation apart; of several, the trainings.
  function linesOf(training, measure) {
    const { alone, trainings: all } = model.get("curves");
    const several = all.length > 1;
    return PARTS.filter(([part, prefix]) => state.parts[part] && training[prefix + measure])
      .map(([part, prefix]) => ({
        values: training[prefix + measure], part,
        colour: several ? training.colour : alone[part],
        thin: several && part === "training",
      }));
  }

  function places({ loss, seconds }) {
    return state.seconds && seconds ? seconds : loss.map((_, row) => row + 1);
  }

  function range(measure) {
    const values = seen().flatMap((one) => linesOf(one, measure).flatMap(({ values }) => values))
      .filter((value) => value !== null && (!state.log || measure !== "loss" || value > 0));
    if (measure === "accuracy") return { low: 0, high: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] };
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (!values.length) return { low: 0, high: 1, ticks: [0, 1] };
    if (!state.log) return { low: 0, high: 1.08 * most || 1, ticks: steps(0, 1.08 * most || 1) };
    const [low, high] = [least / 1.2, most * 1.2];
    const powers = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      powers.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
    }
    return { low, high, ticks: powers.filter((tick) => tick >= low && tick <= high) };
  }

  // Round numbers between two ends, about five of them.
  function steps(from, to, whole = false) {
    const rough = (to - from) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    if (whole) step = Math.max(1, Math.round(step));
    const ticks = [];
    for (let tick = Math.ceil(from / step) * step; tick <= to + step / 1e6; tick += step) {
      ticks.push(Number(tick.toPrecision(6)));
    }
    return ticks;
  }

  // Where there is something to read: every epoch, or the seconds at which one ended.
  function stops() {
    return [...new Set(seen().flatMap(places))].sort((a, b) => a - b);
  }

  // The epoch of a training that is read, from 0; -1 where it has none. After some seconds, it is
  // the one that ended nearest to them.
  function rowOf(one) {
    if (state.at === null) return one.kept ?? one.loss.length - 1;
    const where = places(one);
    return state.seconds ? where.indexOf(nearest(where, state.at)) : where.indexOf(state.at);
  }

  function nearest(values, to) {
    return values.reduce(
      (best, one) => (Math.abs(one - to) < Math.abs(best - to) ? one : best), values[0],
    );
  }

  function bounds() {
    const furthest = Math.max(0, ...stops());
    return { first: state.seconds ? 0 : Math.min(1, furthest), furthest };
  }

  // ---- drawing ---------------------------------------------------------------------------------

  function draw() {
    const all = trainings();
    const { title: text } = model.get("curves");
    title.textContent = text;
    body.hidden = !all.length;
    empty.hidden = Boolean(all.length);
    [...toggles, log].forEach((one) => one.refresh());
    const timed = all.some(({ seconds }) => seconds);
    across.holder.hidden = !timed;
    state.seconds &&= timed;
    if (!stops().includes(state.at)) state.at = null;
    how.textContent = explained(all.length > 1);
    Object.assign(root.dataset, {
      trainings: seen().length, epochs: Math.max(0, ...seen().map(({ loss }) => loss.length)),
      scale: state.log ? "log" : "linear", over: state.seconds ? "seconds" : "epochs",
    });
    fillTable();
    repaint();
  }

  function explained(several) {
    const lines = several
      ? "A colour is a recipe; full lines are validation videos, thin broken ones training videos."
      : "";
    return `${lines} A ring marks the epoch whose weights the model ended up with: the lowest `
      + "validation loss of its last phase. Dotted lines part the phases. Where the training curve "
      + "goes on getting better and the validation curve does not, the model learns its training "
      + "videos by heart. Move over the curves, or use ← and →, to read an epoch in the table.";
  }

  function paint() {
    if (!root.clientWidth) return;
    for (const one of table.querySelectorAll(".vl-swatch")) {
      one.style.background = css(tinted(one.dataset.colour, palette(root).dark));
    }
    if (!seen().length) {
      plots.forEach(({ canvas }) => sharp(canvas, Math.max(1, canvas.clientWidth), SIDES.height));
      return;
    }
    const colours = palette(root);
    const width = Math.floor((Math.min(root.clientWidth, 1100) - 22) / 2);
    const { first, furthest } = bounds();
    for (const { measure, canvas } of plots) {
      const context = sharp(canvas, width, SIDES.height);
      const log = measure === "loss" && state.log;
      const { low, high, ticks } = range(measure);
      const scale = (value) => (log ? Math.log(value) : value);
      const [inner, tall] = [
        width - SIDES.left - SIDES.right, SIDES.height - SIDES.top - SIDES.bottom,
      ];
      const reach = furthest - first || 1;
      const x = (place) => SIDES.left + 8 + ((place - first) / reach) * (inner - 16);
      const y = (value) =>
        SIDES.top + tall * (1 - (scale(value) - scale(low)) / (scale(high) - scale(low)));
      canvas.dataset.ends = [x(first), x(furthest)].join(" ");
      drawAxes({ context, colours, measure, x, y, ticks, first, furthest, inner, tall });
      drawPhases({ context, colours, x, tall });
      drawReading({ context, colours, x, tall });
      context.save();
      context.beginPath();
      context.rect(SIDES.left, SIDES.top - 8, inner + SIDES.right, tall + 16);
      context.clip();
      for (const one of seen()) drawCurves({ context, colours, measure, one, x, y, log });
      context.restore();
    }
  }

  function drawAxes({ context, colours, measure, x, y, ticks, first, furthest, inner, tall }) {
    const foot = SIDES.top + tall;
    context.font = "bold 12px sans-serif";
    context.fillStyle = css(colours.ink);
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillText(measure === "loss" ? "Loss (cross-entropy)" : "Accuracy", 2, 12);
    context.font = "11px sans-serif";
    context.fillStyle = css(colours.ink, 0.75);
    context.textBaseline = "middle";
    context.lineWidth = 1;
    context.strokeStyle = css(colours.ink, 0.12);
    for (const tick of ticks) {
      context.textAlign = "right";
      const text = measure === "accuracy" ? `${Math.round(100 * tick)}%` : `${tick}`;
      context.fillText(text, SIDES.left - 6, y(tick));
      context.beginPath();
      context.moveTo(SIDES.left, Math.round(y(tick)) + 0.5);
      context.lineTo(SIDES.left + inner, Math.round(y(tick)) + 0.5);
      context.stroke();
    }
    context.textAlign = "center";
    const marks = furthest > first ? steps(first, furthest, !state.seconds) : [first];
    if (!state.seconds && marks[0] !== 1) marks.unshift(1);
    for (const tick of marks) context.fillText(`${tick}`, x(tick), foot + 10);
    const unit = state.seconds ? "seconds of training" : "epoch";
    context.fillText(unit, SIDES.left + inner / 2, foot + 26);
  }

  function drawPhases({ context, colours, x, tall }) {
    const alone = seen().length === 1;
    context.font = "10.5px sans-serif";
    context.lineWidth = 1;
    for (const one of seen()) {
      const where = places(one);
      for (const { start, end, name } of one.phases) {
        const before = start ? (where[start - 1] + where[start]) / 2 : where[0];
        const after = end < where.length ? (where[end - 1] + where[end]) / 2 : where.at(-1);
        const colour = alone ? colours.ink : tinted(one.colour, colours.dark);
        if (start) {
          context.setLineDash([1.5, 3]);
          context.strokeStyle = css(colour, 0.7);
          context.beginPath();
          context.moveTo(Math.round(x(before)) + 0.5, SIDES.top);
          context.lineTo(Math.round(x(before)) + 0.5, SIDES.top + tall);
          context.stroke();
          context.setLineDash([]);
        }
        if (!alone || one.phases.length < 2) continue;
        const room = x(after) - x(before);
        const text = [name, name.split(",")[0], name.replace(/\D*(\d+).*/, "$1")]
          .find((words) => context.measureText(words).width < room - 4) ?? "";
        context.fillStyle = css(colours.ink, 0.6);
        context.textAlign = "center";
        context.fillText(text, (x(before) + x(after)) / 2, SIDES.top - 3);
      }
    }
  }

  function drawReading({ context, colours, x, tall }) {
    if (state.at === null) return;
    context.strokeStyle = css(colours.ink, 0.55);
    context.beginPath();
    context.moveTo(x(state.at), SIDES.top);
    context.lineTo(x(state.at), SIDES.top + tall);
    context.stroke();
  }

  function drawCurves({ context, colours, measure, one, x, y, log }) {
    const where = places(one);
    const read = state.at === null ? null : rowOf(one);
    const drawable = (value) => value !== null && (!log || value > 0);
    for (const { values, part, colour, thin } of linesOf(one, measure)) {
      const paint = css(tinted(colour, colours.dark), thin ? 0.8 : 1);
      context.strokeStyle = context.fillStyle = paint;
      context.lineWidth = thin ? 1.1 : 2;
      context.setLineDash(thin ? [5, 3] : []);
      context.beginPath();
      let isDrawing = false;
      values.forEach((value, row) => {
        if (drawable(value)) context[isDrawing ? "lineTo" : "moveTo"](x(where[row]), y(value));
        isDrawing = drawable(value);
      });
      context.stroke();
      context.setLineDash([]);
      values.forEach((value, row) => {
        const size = row === read ? 4 : thin || values.length > 40 ? 0 : 2.2;
        if (!size || !drawable(value)) return;
        context.beginPath();
        context.arc(x(where[row]), y(value), size, 0, 7);
        context.fill();
      });
      if (part !== "validation" || one.kept === null || !drawable(values[one.kept])) continue;
      context.strokeStyle = css(colours.ink);
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x(where[one.kept]), y(values[one.kept]), 7, 0, 7);
      context.stroke();
    }
  }

  // ---- the table -------------------------------------------------------------------------------

  function fillTable() {
    const all = trainings();
    const several = all.length > 1; // then each has a button, which hides and shows it
    const heads = ["", "epoch", "loss", "loss, validation", "accuracy", "accuracy, validation", ""];
    const rows = all.map((one) => {
      const row = rowOf(one);
      const there = row >= 0;
      const number = (values, digits) => {
        const value = there ? values?.[row] : null;
        if (value === null || value === undefined) return "–";
        return digits === "%" ? `${(100 * value).toFixed(1)}%` : value.toPrecision(3);
      };
      const cells = [
        there ? row + 1 : "–", number(one.loss), number(one.val_loss), number(one.accuracy, "%"),
        number(one.val_accuracy, "%"),
        row === one.kept ? "◯ kept" : there && state.at === null ? "last" : "",
      ];
      return make(
        "tr", { className: state.hidden.has(one.name) ? "vl-off" : "", "data-name": one.name },
        make("th", { scope: "row" }, named(one, several)),
        ...cells.map((text) => make("td", { text })),
      );
    });
    const head = heads.map((text) => make("th", { scope: "col", text }));
    const { training, validation } = model.get("curves").alone;
    if (!several) {
      [training, validation, training, validation].forEach((colour, place) => {
        head[place + 2].prepend(swatch(colour));
      });
    }
    const body = make("tbody", {}, ...rows);
    const focused = document.activeElement?.dataset?.toggles;
    table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), body);
    if (focused) table.querySelector(`[data-toggles="${CSS.escape(focused)}"]`)?.focus();
    root.dataset.at = state.at ?? "";
  }

  // Its colour is that of the theme, so it is set when the curves are drawn.
  function swatch(colour) {
    return make("i", { className: "vl-swatch", "data-colour": colour });
  }

  function named({ name, colour }, several) {
    if (!several) return name;
    return make("button", {
      type: "button", className: "vl-toggle", "data-toggles": name, title: `Show or hide ${name}`,
      "aria-pressed": String(!state.hidden.has(name)),
      onclick: () => {
        if (!state.hidden.delete(name)) state.hidden.add(name);
        draw();
      },
    }, swatch(colour), name);
  }

  // ---- reading an epoch ------------------------------------------------------------------------

  function read(at) {
    if (at === state.at) return;
    state.at = at;
    fillTable();
    repaint();
  }

  function hover(event) {
    const canvas = event.target.closest("canvas");
    if (!canvas?.dataset.ends || !seen().length) return;
    const [from, to] = canvas.dataset.ends.split(" ").map(Number);
    const { first, furthest } = bounds();
    const place = first + ((event.offsetX - from) / (to - from || 1)) * (furthest - first);
    read(nearest(stops(), place));
  }

  function step(by) {
    const all = stops();
    const kept = seen().find((one) => one.kept !== null);
    const here = state.at ?? (kept ? places(kept)[kept.kept] : all.at(-1));
    read(all[Math.max(0, Math.min(all.length - 1, all.indexOf(here) + by))]);
  }

  function key(event) {
    const actions = {
      ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => read(stops()[0]),
      End: () => read(stops().at(-1)), Escape: () => read(null), l: () => log.click(),
    };
    if (!seen().length || !(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    actions[event.key]();
    spoken.textContent = [...table.querySelectorAll("tbody tr:not(.vl-off)")]
      .map((row) => row.innerText.replaceAll("\t", ", ")).join("; ");
    event.preventDefault();
    event.stopPropagation();
  }

  return () => {
    repaint.stop();
    unfollow();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}
