// A chart below a video: time across, shares upwards, and a playhead that is clicked and dragged.

const SIDE = { left: 44, right: 16, top: 8, foot: 20 }; // pixels around the curves

// Gives the element to put in place, and what draws it. `draw(context, { across, up, base, colours })`
// draws the curves of the chart: `across(at)` is where a frame lies, `up(share)` how high, `base` the
// height of the bottom. `words(at)` says what there is at a frame; `band` are pixels kept free below
// the curves.
function makeTimeChart({ player, className, label, tall, band = 0, draw, words }) {
  const state = { hover: null, drag: false, most: 1 };
  const tip = make("div", { className: "vl-tip", hidden: true });
  const leave = () => {
    Object.assign(state, { hover: null, drag: false });
    tip.hidden = true;
  };
  const canvas = make("canvas", {
    className, tabIndex: 0, role: "slider", "aria-label": label,
    onpointerdown: (event) => {
      state.drag = true;
      canvas.setPointerCapture?.(event.pointerId);
      player.move(nearest(event.offsetX));
    },
    onpointermove: (event) => {
      state.hover = nearest(event.offsetX);
      if (state.drag) player.move(state.hover);
      showTip();
    },
    onpointerup: () => { state.drag = false; }, onpointerleave: leave,
  });
  const holder = make("div", { className: "vl-holder" }, canvas, tip);
  const base = tall - SIDE.foot - band;

  function across(at) {
    const { seconds } = player;
    const [first, last] = [seconds[0], seconds[seconds.length - 1]];
    const wide = canvas.clientWidth - SIDE.left - SIDE.right;
    return SIDE.left + (last > first ? (seconds[at] - first) / (last - first) : 0.5) * wide;
  }

  function up(share) {
    return SIDE.top + (1 - share / state.most) * (base - SIDE.top);
  }

  function nearest(x) {
    const distances = player.seconds.map((_, at) => Math.abs(across(at) - x));
    return distances.indexOf(Math.min(...distances));
  }

  function paint(width, colours, most = 1) {
    if (holder.hidden || !player.seconds.length) return;
    const context = sharp(canvas, width, tall);
    const { at, seconds } = player;
    const ink = (alpha) => css(colours.ink, alpha);
    state.most = most;
    context.font = "11px sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const share of [0, most / 2, most]) {
      context.fillStyle = ink(0.75);
      context.fillText(percent(share), SIDE.left - 6, up(share));
      context.fillStyle = ink(0.15);
      context.fillRect(SIDE.left, Math.round(up(share)), width - SIDE.left - SIDE.right, 1);
    }
    drawTimes(context, width, ink(0.75));
    draw(context, { across, up, base, colours });
    context.strokeStyle = ink(1);
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(across(at), 2);
    context.lineTo(across(at), tall - SIDE.foot);
    context.stroke();
    showTip();
    canvas.setAttribute("aria-valuetext", `${seconds[at].toFixed(2)} s: ${words(at)}`);
    canvas.setAttribute("aria-valuenow", at);
    canvas.setAttribute("aria-valuemax", seconds.length - 1);
    canvas.dataset.first = [across(0), across(seconds.length - 1), up(most / 2)].join(" ");
  }

  function drawTimes(context, width, colour) {
    const { seconds } = player;
    const last = seconds.length - 1;
    const fitting = Math.max(1, Math.min(6, Math.floor(width / 140), last));
    context.fillStyle = colour;
    const drawn = Array.from({ length: fitting + 1 }, (_, n) => Math.round((n * last) / fitting));
    for (const at of new Set(drawn)) {
      context.textAlign = at === 0 ? "left" : at === last ? "right" : "center";
      context.fillText(`${seconds[at].toFixed(1)} s`, across(at), tall - SIDE.foot / 2 + 2);
    }
  }

  function showTip() {
    const at = state.hover;
    tip.hidden = at === null || at >= player.seconds.length || !words(at);
    if (tip.hidden) return;
    tip.textContent = `${player.seconds[at].toFixed(2)} s: ${words(at)}`;
    const room = canvas.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(0, Math.min(across(at) + 8, room))}px`;
    tip.style.top = "6px";
  }

  return { holder, paint };
}
