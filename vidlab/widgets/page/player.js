// Playing a clip: which of its frames is shown, when the next one is due, and the frames unpacked.

// Gives the transport of a clip: play, a slider, a clock and the speed. It holds the place in the
// clip; the explorer draws the frame when it is told.
//
//   const player = makePlayer({
//     shown: (at) => …,   called whenever another place is to be drawn
//     clock: (at) => "…", what stands beside the slider
//   });
//   player.bar            the element to put in place
//   player.load(seconds)  another clip, at its first frame: when each of its frames is seen
//   player.goTo(at)       the explorer goes to a place; playing goes on
//   player.move(at)       the user goes to a place; playing ends
//   player.pause()
//   player.key(event)     does what Space, ← and → mean
//   player.at, player.playing, player.seconds
//   player.moved          whether the user has moved or played since `load`
function makePlayer({ shown, clock }) {
  const state = { at: 0, playing: false, moved: false, timer: 0, due: 0, seconds: [] };
  const play = make("button", {
    className: "vl-play", type: "button", title: "Play or pause (Space)", onclick: () => toggle(),
  });
  const seek = make("input", {
    type: "range", min: 0, value: 0, className: "vl-seek", "aria-label": "Frame",
    oninput: () => move(Number(seek.value)), onkeydown: keepKeys,
  });
  const time = make("span", { className: "vl-clock" });
  const speed = choice("speed", [["1", "1×"], ["0.5", "½×"], ["0.25", "¼×"]], () => {});
  const bar = make("div", { className: "vl-transport" }, play, seek, time, speed.holder);

  function load(seconds) {
    pause();
    Object.assign(state, { at: 0, moved: false, seconds });
    seek.max = Math.max(0, seconds.length - 1);
    if (seconds.length) goTo(0);
  }

  function goTo(place) {
    if (!state.seconds.length) return;
    state.at = Math.max(0, Math.min(state.seconds.length - 1, place));
    seek.value = state.at;
    time.textContent = clock(state.at);
    shown(state.at);
  }

  function move(place) {
    pause();
    state.moved = true;
    goTo(place);
  }

  function toggle() {
    state.moved = true;
    if (state.playing) return pause();
    state.playing = true;
    label();
    if (state.at >= state.seconds.length - 1) goTo(0);
    state.due = performance.now();
    schedule();
  }

  // Frames stay as long as they are apart in the video; a late frame does not delay the next.
  function schedule() {
    const { seconds, at } = state;
    if (!seconds.length) return pause();
    const gap = (seconds[seconds.length - 1] - seconds[0]) / Math.max(1, seconds.length - 1);
    const is_last = at >= seconds.length - 1;
    const stays = is_last ? Math.max(gap, 0.5) : Math.max(0, seconds[at + 1] - seconds[at]);
    const now = performance.now();
    state.due = Math.max(state.due + (1000 * stays) / Number(speed.select.value), now - 200);
    state.timer = setTimeout(() => {
      if (!bar.isConnected) return;
      goTo(is_last ? 0 : state.at + 1);
      schedule();
    }, Math.max(8, state.due - now));
  }

  function pause() {
    clearTimeout(state.timer);
    state.playing = false;
    label();
  }

  function label() {
    play.textContent = state.playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
  }

  function key(event) {
    const { tagName } = event.target;
    if (["SELECT", "INPUT"].includes(tagName) || (tagName === "BUTTON" && event.key === " ")) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) move(state.at + steps[event.key]);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  label();
  return {
    bar, load, goTo, move, pause, key,
    get at() { return state.at; },
    get playing() { return state.playing; },
    get moved() { return state.moved; },
    get seconds() { return state.seconds; },
  };
}

// Lets a slider have its keys: JupyterLab would take them to go from cell to cell.
function keepKeys(event) {
  if (event.target.type === "range" && event.key !== "Escape") event.stopPropagation();
}

// Unpacks JPEG frames and holds the pictures of the clip that was asked for last.
//
//   if (!(await reel.load(frames))) return;   another clip overtook this one
//   reel.pictures[at]                         an ImageBitmap
//   reel.close()
function makeReel() {
  let asked = 0;
  const reel = { pictures: [] };
  const keep = (pictures) => {
    reel.pictures.forEach((picture) => picture.close());
    reel.pictures = pictures;
  };
  reel.load = async (frames) => {
    const number = ++asked;
    const unpacked = await Promise.all(
      frames.map((frame) => createImageBitmap(new Blob([frame], { type: "image/jpeg" }))),
    );
    if (number === asked) keep(unpacked);
    else unpacked.forEach((picture) => picture.close());
    return number === asked;
  };
  reel.close = () => {
    asked++;
    keep([]);
  };
  return reel;
}

// Plays the clip that a model has as `film`. `loaded(film)` is called when another one is in place,
// `moved(at)` whenever another frame is, and `paint()` when it is to be drawn. Load one with `load()`.
function filmPlayer({ model, loaded, moved, paint }) {
  const reel = makeReel();
  const repaint = painter(() => reel.pictures.length && paint());
  const player = makePlayer({
    shown: (at) => {
      moved(at);
      repaint();
    },
    clock: (at) => {
      const { seconds, numbers } = model.get("film");
      return `${seconds[at].toFixed(2)} s · frame ${numbers[at]} (${at + 1} of ${seconds.length})`;
    },
  });

  async function load() {
    player.load([]); // until the frames are unpacked there is no place to go to
    const film = model.get("film") ?? {};
    if (!(await reel.load(film.frames ?? []))) return;
    player.load(film.seconds ?? []);
    loaded(film);
  }

  return { reel, player, repaint, load };
}
