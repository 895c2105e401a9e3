// One filter, large: what it wants, the frames that excite it most, and its map of any frame.

// Gives the element, and what is done with it: `show` what is open, `load` the frames that came,
// `focusNext` once the filter is there, `stop`. `short(layer)` names a layer.
function filterDetail({ model, ask, short }) {
  const element = make("div", { className: "vl-detail", tabIndex: -1 });
  const repaint = painter(paint);
  let pictures = []; // the frames, as the browser draws them
  let canvases = []; // with what is drawn on each: a frame, a map, or both
  let loading = 0;
  let isFocused = false;
  let asked = null; // the frame whose map was asked for

  async function load() {
    const { pictures: packed = [] } = model.get("stills") ?? {};
    const number = ++loading;
    const ready = await Promise.all(
      packed.map((one) => createImageBitmap(new Blob([one], { type: "image/jpeg" }))),
    );
    if (number !== loading) return ready.forEach((one) => one.close());
    pictures.forEach((one) => one.close());
    pictures = ready;
    show();
  }

  function show() {
    const now = model.get("opened") ?? {};
    element.classList.toggle("vl-waiting", Boolean(now.pictures) && !now.is_whole);
    const stays = element.contains(document.activeElement);
    const scrolled = element.querySelector(".vl-strip")?.scrollLeft ?? 0;
    release(element);
    canvases = [];
    asked = null;
    element.replaceChildren(...(now.pictures ? parts(now) : [make("div", {
      className: "vl-hint",
      text: "Click a filter: its picture appears here, and the frames that excite it most.",
    })]));
    const strip = element.querySelector(".vl-strip");
    if (strip) scroll(strip, scrolled);
    if (stays || (isFocused && now.is_whole)) {
      (strip ?? element).focus({ preventScroll: stays });
      isFocused = false;
    }
    repaint();
  }

  function parts(now) {
    const isClass = now.layer === "scores";
    const where = now.layer === "kernels" ? "the first layer" : short(now.layer);
    const head = make(
      "div", { className: "vl-head", role: "heading", "aria-level": "3" },
      make("b", { text: now.name }), isClass ? "" : ` of ${where}`,
    );
    if (now.change !== null) head.append(make("span", { text: kept(now.change) }));
    const isAlone = now.pictures.length === 1;
    const large = make("div", { className: "vl-large" }, ...now.pictures.map((one) => make(
      "figure", {}, wanted(one.picture, now.layer),
      make("figcaption", { text: caption(one, isAlone) }),
    )));
    const found = [head, large];
    if (now.strongest?.length && pictures.length) {
      const shots = make("div", { className: "vl-shots" }, ...now.strongest.map(shot));
      found.push(sub("the frames that excite it most"), shots);
      const pair = chosen(now.place);
      if (isAlone) large.append(...pair);
      else found.push(sub("its map of a frame"), make("div", { className: "vl-large" }, ...pair));
      found.push(sub(`all frames: ${model.get("stills").says}`), stripOf(now.place.frame));
    }
    const tone = now.is_problem ? "vl-hint vl-problem" : "vl-hint";
    if (now.note) found.push(make("div", { className: tone, text: now.note }));
    return found;
  }

  function sub(text) {
    return make("div", { className: "vl-sub", text });
  }

  function caption({ who, response, steps }, isAlone) {
    const { steps: all } = model.get("row");
    const what = !isAlone ? who : response === null ? "its weights" : "made for it";
    const cut = steps < all ? `, ${steps} of ${all} steps` : "";
    return response === null ? what : `${what}: ${toTwo(response)}${cut}`;
  }

  function kept(r) {
    const degree = r > 0.95 ? "sees nearly what it saw before"
      : r > 0.7 ? "sees much of what it saw before"
        : r > 0.3 ? "has changed a lot" : "looks for something else";
    return `r = ${toTwo(r)}: ${degree}`;
  }

  function shot({ frame, response, map }) {
    const { size, names } = model.get("stills");
    const canvas = make("canvas", { width: size[1], height: size[0] });
    canvases.push({ canvas, frame, map });
    return make(
      "button", {
        type: "button", className: "vl-shot", title: `${names[frame]}: show its map`,
        "data-frame": frame, onclick: () => choose(frame),
      },
      canvas, make("span", { className: "vl-called", text: names[frame] }),
      make("span", { text: toTwo(response) }),
    );
  }

  function chosen({ frame, map }) {
    const { size, names } = model.get("stills");
    const plain = make("canvas", { width: size[1], height: size[0] });
    const [rows, across] = map.size;
    const drawn = make("canvas", { width: across, height: rows, className: "vl-pixels" });
    canvases.push({ canvas: plain, frame }, { canvas: drawn, map });
    const range = `its map, ${toTwo(map.low)} to ${toTwo(map.high)}`;
    return [
      make("figure", {}, plain, make("figcaption", { text: `a frame of ${names[frame]}` })),
      make("figure", {}, drawn, make("figcaption", { text: range, title: map.size.join(" × ") })),
    ];
  }

  function stripOf(frame) {
    const { size, names } = model.get("stills");
    const height = Math.round((64 * size[0]) / size[1]);
    const strip = make("div", {
      className: "vl-strip", tabIndex: 0, role: "group", onkeydown: step,
      "aria-label": "Frames: left and right arrows choose another",
    });
    strip.append(...pictures.map((_, number) => {
      const canvas = make("canvas", { width: 64, height });
      canvases.push({ canvas, frame: number });
      return make(
        "button", {
          type: "button", tabIndex: -1, title: names[number], "data-place": number,
          // Already when pressed: a new answer may put other buttons in place before the release.
          "aria-pressed": String(number === frame), onmousedown: () => choose(number),
          onclick: () => choose(number),
        }, canvas,
      );
    }));
    return strip;
  }

  // Scrolls the strip, and nothing around it, so that the frame that is chosen is seen.
  function scroll(strip, from) {
    const one = strip.querySelector("[aria-pressed=true]");
    const left = one.offsetLeft - strip.offsetLeft;
    const least = left + one.offsetWidth - strip.clientWidth + 6;
    strip.scrollLeft = Math.max(least, Math.min(from, left - 6));
  }

  function choose(frame) {
    if (frame === asked || !pictures[frame]) return;
    asked = frame;
    ask({ kind: "place", frame });
  }

  function step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    choose(model.get("opened").place.frame + by);
    event.preventDefault();
    event.stopPropagation();
  }

  function paint() {
    for (const { canvas, frame, map } of canvases) {
      const context = canvas.getContext("2d");
      const isFrame = frame !== undefined;
      context.imageSmoothingQuality = "high";
      if (isFrame) context.drawImage(pictures[frame], 0, 0, canvas.width, canvas.height);
      if (map) context.drawImage(paintedMap(map, isFrame), 0, 0, canvas.width, canvas.height);
    }
  }

  function stop() {
    loading++;
    repaint.stop();
    release(element);
    pictures.forEach((one) => one.close());
    [pictures, canvases] = [[], []];
  }

  return { element, load, show, stop, focusNext: () => { isFocused = true; } };
}

// What was made for a filter, as a picture; kernels keep their pixels.
function wanted(data, layer) {
  const isKernel = layer === "kernels";
  const type = isKernel ? "image/png" : "image/jpeg";
  return make("img", {
    alt: "", className: isKernel ? "vl-pixels" : "",
    src: URL.createObjectURL(new Blob([data], { type })),
  });
}

function release(element) {
  element.querySelectorAll("img").forEach((one) => URL.revokeObjectURL(one.src));
}
