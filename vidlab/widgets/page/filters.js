// The layers of a network in a row, the filters of one as a grid, and the one that was opened.

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];
const TALLEST_MAP = 44; // pixels, of the block that stands for a layer
const SHADOW = 0.55; // how dark a frame is where a filter is silent

function renderFilters({ model, el }) {
  const state = {
    at: 0, focusNext: "", shown: "", find: null, loading: 0, stills: null, strip: "",
  };
  let pictures = []; // the frames, as the browser draws them

  const row = make("div", { className: "vl-layers", role: "group", "aria-label": "Layers" });
  const every = choice("any layer", [], (name) => name && show(name));
  const order = choice(
    "order", [["number", "by number"], ["change", "changed most first"]], () => turn(0),
  );
  const find = make("input", {
    type: "search", "aria-label": "Go to a filter", onkeydown: (event) => {
      if (event.key === "Enter") goTo(find.value);
    },
  });
  const finding = make("label", { className: "vl-choice" }, make("span", { text: "go to" }), find);
  const button = (text, title, onclick, name = "") =>
    make("button", { type: "button", text, title, onclick, className: name });
  const back = button("‹", "Page before (Page Up)", () => turn(model.get("grid").page - 1));
  const forth = button("›", "Next page (Page Down)", () => turn(model.get("grid").page + 1));
  const where = make("span", { className: "vl-where" });
  const pager = make("span", { className: "vl-group" }, back, where, forth);
  const halt = button("stop", "Make no more pictures now", () => ask({ kind: "stop" }), "vl-halt");
  const more = button("go on", "Give the missing pictures more time", () => ask({ kind: "go_on" }),
    "vl-more");
  const bar = make(
    "div", { className: "vl-bar" }, pager, finding, order.holder, every.holder, halt, more,
  );
  const grid = make("div", {
    className: "vl-filters", role: "group", "aria-label": "Filters of the layer", onkeydown: walk,
  });
  const detail = make("div", { className: "vl-detail" });
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", { className: "vl-how" });
  const sides = make("div", { className: "vl-columns vl-looking" }, grid, detail);
  const root = make(
    "div", { className: "vl-explorer vl-look", "data-lm-suppress-shortcuts": "true", onkeydown: key },
    row, bar, sides, line, how,
  );
  el.append(root);
  const { ask, say, told, heard } = conversation(model, line);
  const repaint = painter(paint);
  const unfollow = followSizeAndTheme(root, repaint);
  const changes = {
    "change:row": offer, "change:grid": lay, "change:opened": open, "change:stills": load,
    "change:status": () => {
      told();
      if (model.get("status")?.problem) [grid, detail].forEach((one) => one.classList.remove("vl-waiting"));
    },
  };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  offer();
  lay();
  load();
  open();
  if (!model.get("row")?.layers) ask({ kind: "start" });

  // ---- the row of layers ---------------------------------------------------------------------

  function short(name) {
    return { kernels: "kernels", scores: "classes" }[name] ?? name.split("/").at(-1);
  }

  function inWords({ name, size, filters }) {
    if (name === "scores") return plural(filters, "class").replace("classs", "classes");
    const map = size?.[0] ? `${size[0]}×${size[1]} · ` : "";
    return name === "kernels" ? `${filters} × weights` : `${map}${filters}`;
  }

  function offer() {
    const { layers = [], every: all = [], measures = false } = model.get("row") ?? {};
    root.classList.toggle("vl-empty", !layers.length);
    order.holder.hidden = !measures;
    const names = layers.map(({ name }) => name);
    const others = all.filter(({ name }) => !names.includes(name));
    every.holder.hidden = !others.length;
    fill(every.select, [
      ["", `${others.length} more`], ...others.map((one) => [one.name, `${short(one.name)}  ${inWords(one)}`]),
    ]);
    const measured = !measures ? ""
      : " r tells how alike a filter's maps of the frames are before and now: at 1 it sees the same.";
    how.textContent = "A row from the first layer to the last: the block is as tall as the layer's maps, and "
      + "the numbers say how large they are and how many filters there are. Each picture was made "
      + "to excite its filter everywhere, which real frames never do. Frames are dark where the "
      + `filter is silent; its map is yellow where it responds most.${measured} Keys: arrows and `
      + "Page Up/Down move among filters, Enter opens one, Esc comes back, [ and ] go to the layer before and after.";
    drawRow();
  }

  // A layer that was chosen among all of them stands in the row where it belongs.
  function inRow() {
    const { layers = [], every: all = [] } = model.get("row") ?? {};
    const chosen = model.get("grid")?.layer;
    const place = (name) => (name === "kernels" ? -1 : name === "scores" ? all.length
      : all.findIndex((one) => one.name === name));
    const extra = layers.some(({ name }) => name === chosen) ? []
      : all.filter(({ name }) => name === chosen);
    return [...layers, ...extra].sort((one, other) => place(one.name) - place(other.name));
  }

  function drawRow() {
    const chosen = model.get("grid")?.layer;
    const layers = inRow();
    const tallest = Math.max(1, ...layers.map(({ size }) => size?.[0] ?? 1));
    row.replaceChildren(...layers.map((one) => {
      const block = make("i", { className: `vl-block vl-of-${one.name}` });
      const side = one.size?.[0] ? Math.max(5, (TALLEST_MAP * one.size[0]) / tallest) : 16;
      const deep = Math.min(40, 3 + 4 * Math.log2(one.filters));
      const tall = one.name === "kernels" ? 12 : side;
      block.style.height = `${tall}px`;
      block.style.width = `${one.name === "kernels" ? 12 : deep}px`;
      return make(
        "button", {
          type: "button", className: "vl-layer", title: one.name, "data-layer": one.name,
          "aria-pressed": String(one.name === chosen), onclick: () => show(one.name),
        },
        make("span", { className: "vl-ground" }, block),
        make("span", { className: "vl-called", text: short(one.name) }),
        make("span", { className: "vl-size", text: inWords(one) }),
      );
    }));
    every.select.value = "";
  }

  function show(layer, number = 0) {
    grid.classList.add("vl-waiting");
    const sorted = layer === "scores" ? "number" : order.select.value;
    ask({ kind: "show", layer, number, order: sorted });
  }

  function neighbour(by) {
    const names = inRow().map(({ name }) => name);
    const next = names[names.indexOf(model.get("grid")?.layer) + by];
    if (!next) return say(by < 0 ? "This is the first layer." : "This is the last layer.");
    if (grid.contains(document.activeElement) || detail.contains(document.activeElement)) {
      state.focusNext = "grid";
    }
    show(next);
  }

  // ---- the grid ------------------------------------------------------------------------------

  function lay() {
    const now = model.get("grid") ?? {};
    heard();
    told();
    if (!now.tiles) return;
    grid.classList.remove("vl-waiting");
    const key = `${now.layer} ${now.order} ${now.page}`;
    if (key !== state.shown) {
      release(grid);
      state.shown = key;
      state.at = 0;
      grid.replaceChildren(...now.tiles.map(tile));
      drawRow();
    }
    now.tiles.forEach((one, place) => complete(grid.children[place], one));
    where.textContent = `page ${now.page + 1} of ${now.pages}`;
    pager.hidden = now.pages < 2;
    finding.hidden = now.count < 2;
    find.placeholder = now.layer === "scores" ? "class name" : `0 to ${now.count - 1}`;
    back.disabled = now.page === 0;
    forth.disabled = now.page === now.pages - 1;
    order.select.value = now.order;
    order.select.disabled = now.layer === "scores";
    halt.hidden = !now.going;
    more.hidden = !now.more;
    mark();
    if (state.focusNext === "grid") grid.children[state.at]?.focus();
    if (state.focusNext === "grid") state.focusNext = "";
    const made = now.tiles.filter((one) => one.picture).length;
    Object.assign(root.dataset, {
      layer: now.layer, page: now.page, order: now.order, made, count: now.count,
      going: now.going,
    });
    if (now.going) ask({ kind: "make", number: now.number });
  }

  function tile(one, place) {
    return make(
      "button", {
        type: "button", className: "vl-filter", "data-filter": one.filter, title: one.name,
        tabIndex: place ? -1 : 0, "aria-label": one.name,
        onclick: () => { state.at = place; openAt(place); },
        onfocus: () => { state.at = place; },
      },
      make("span", { className: "vl-wanted" }),
      make("span", { className: "vl-called" }), make("span", { className: "vl-note" }),
    );
  }

  function complete(element, one) {
    const { steps } = model.get("row");
    const [holder, name, note] = element.children;
    if (element.dataset.steps !== String(one.steps)) {
      release(holder);
      holder.replaceChildren(...(one.picture ? [image(one.picture)] : []));
      element.dataset.steps = one.steps;
    }
    name.textContent = model.get("grid").layer === "scores" ? one.name : one.filter;
    const cut = one.steps && one.steps < steps ? `${one.steps} of ${steps} steps` : "";
    note.textContent = cut || (one.change === null ? "" : `r ${one.change.toFixed(2)}`);
  }

  function image(data) {
    const kernel = model.get("grid").layer === "kernels";
    const type = kernel ? "image/png" : "image/jpeg";
    return make("img", {
      alt: "", className: kernel ? "vl-pixels" : "",
      src: URL.createObjectURL(new Blob([data], { type })),
    });
  }

  function release(element) {
    element.querySelectorAll("img").forEach((one) => URL.revokeObjectURL(one.src));
  }

  function mark() {
    const { layer, filter } = model.get("opened") ?? {};
    const now = model.get("grid") ?? {};
    [...grid.children].forEach((one, place) => {
      const chosen = layer === now.layer && one.dataset.filter === String(filter);
      one.classList.toggle("vl-chosen", chosen);
      one.tabIndex = place === state.at ? 0 : -1;
    });
  }

  function turn(number) {
    const { layer } = model.get("grid");
    if (grid.contains(document.activeElement)) state.focusNext = "grid";
    show(layer, number);
  }

  function openAt(place) {
    const one = model.get("grid").tiles[place];
    if (one) look(one.filter);
  }

  function look(filter) {
    detail.classList.add("vl-waiting");
    ask({ kind: "open", number: filter });
  }

  function goTo(text) {
    const { layer, count } = model.get("grid");
    const { classes = [] } = model.get("row");
    const words = text.trim().toLowerCase();
    if (!words) return;
    const filter = layer === "scores"
      ? classes.findIndex((name) => name.toLowerCase().includes(words)) : Number(words);
    if (!(Number.isInteger(filter) && filter >= 0 && filter < count)) {
      say(layer === "scores" ? `No class is called “${text}”.`
        : `There is no filter ${text}: they go from 0 to ${count - 1}.`, true);
      return;
    }
    look(filter);
  }

  function columns() {
    const tiles = [...grid.children];
    return Math.max(1, tiles.filter((one) => one.offsetTop === tiles[0].offsetTop).length);
  }

  function walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { page, pages } = model.get("grid");
    const by = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(),
    }[event.key];
    if (by) {
      const next = Math.max(0, Math.min(grid.children.length - 1, state.at + by));
      state.at = next;
      mark();
      grid.children[next].focus();
    } else if (event.key === "PageDown") { if (page < pages - 1) turn(page + 1); }
    else if (event.key === "PageUp") { if (page > 0) turn(page - 1); }
    else if (event.key === "Enter") {
      state.focusNext = "detail";
      openAt(state.at);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === find) return;
    if (event.key === "[") neighbour(-1);
    else if (event.key === "]") neighbour(1);
    else if (event.key === "Escape" && !grid.contains(event.target)) {
      (grid.querySelector(".vl-chosen") ?? grid.children[state.at])?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- the filter that is open ---------------------------------------------------------------

  async function load() {
    const { pictures: packed = [] } = model.get("stills") ?? {};
    const number = ++state.loading;
    const ready = await Promise.all(
      packed.map((one) => createImageBitmap(new Blob([one], { type: "image/jpeg" }))),
    );
    if (number !== state.loading) return ready.forEach((one) => one.close());
    pictures.forEach((one) => one.close());
    pictures = ready;
    open();
  }

  function open() {
    const now = model.get("opened") ?? {};
    heard();
    detail.classList.toggle("vl-waiting", Boolean(now.pictures) && !now.is_whole);
    const stay = document.activeElement?.closest?.(".vl-strip") && detail.contains(document.activeElement);
    const scrolled = detail.querySelector(".vl-strip")?.scrollLeft ?? 0;
    release(detail);
    state.places = [];
    if (!now.pictures) {
      detail.replaceChildren(make("div", {
        className: "vl-hint",
        text: "Click a filter: its picture appears here, and the frames that excite it most.",
      }));
      delete root.dataset.opened;
      mark();
      return;
    }
    const scores = now.layer === "scores";
    const head = make(
      "div", { className: "vl-head", role: "heading", "aria-level": "3" },
      make("b", { text: now.name }), ` of ${short(now.layer)}`,
    );
    if (now.change !== null) {
      head.append(make("span", { className: "vl-kept", text: kept(now.change) }));
    }
    const alone = now.pictures.length === 1;
    const made = now.pictures.map((one) => make(
      "figure", {}, image(one.picture),
      make("figcaption", { text: caption(one, alone) }),
    ));
    const large = make("div", { className: "vl-made" }, ...made);
    const parts = [head, large];
    if (now.strongest?.length && pictures.length) {
      const seen = make("div", { className: "vl-seen" }, ...now.strongest.map(frameButton));
      parts.push(make("div", { className: "vl-sub", text: "the frames that excite it most" }), seen);
      parts.push(...chosenFrame(now.place));
    }
    if (now.note) parts.push(make("div", { className: "vl-hint", text: now.note }));
    detail.replaceChildren(...parts);
    const strip = detail.querySelector(".vl-strip");
    if (strip) strip.scrollLeft = scrolled;
    strip?.querySelector("[aria-pressed=true]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    if (state.focusNext === "detail" && now.is_whole) {
      (strip ?? detail).focus({ preventScroll: false });
      state.focusNext = "";
    } else if (stay) strip?.focus({ preventScroll: true });
    root.dataset.opened = `${now.layer} ${now.filter}`;
    root.dataset.whole = Boolean(now.is_whole);
    root.dataset.place = now.place?.frame ?? "";
    if (now.is_whole) place(now.filter);
    mark();
    repaint();
    if (scores) delete root.dataset.place;
  }

  // The tile of the filter that is open is where the keys go on from.
  function place(filter) {
    const found = [...grid.children].findIndex((one) => one.dataset.filter === String(filter));
    if (found >= 0) state.at = found;
  }

  function caption({ who, response, steps }, alone) {
    const { steps: wanted } = model.get("row");
    const what = alone ? (response === null ? "its weights" : "made for it") : who;
    const cut = steps < wanted ? `, ${steps} of ${wanted} steps` : "";
    return response === null ? what : `${what}: ${response.toFixed(2)}${cut}`;
  }

  function kept(r) {
    const degree = r > 0.95 ? "sees nearly what it saw before" : r > 0.7 ? "sees much of what it saw before"
      : r > 0.3 ? "has changed a lot" : "looks for something else";
    return `r = ${r.toFixed(2)}: ${degree}`;
  }

  function frameButton({ frame, response, map }) {
    const { size, names } = model.get("stills");
    const canvas = make("canvas", { width: size[1], height: size[0] });
    state.places.push({ canvas, frame, map, lit: true });
    return make(
      "button", {
        type: "button", className: "vl-shot", title: "Show the filter's map of this frame",
        "data-frame": frame, onclick: () => choose(frame),
      },
      canvas, make("span", { className: "vl-called", text: names[frame] }),
      make("span", { text: response.toFixed(2) }),
    );
  }

  function chosenFrame({ frame, map }) {
    const { size, names, says } = model.get("stills");
    const plain = make("canvas", { width: size[1], height: size[0] });
    const drawn = make("canvas", { width: map.size[1], height: map.size[0], className: "vl-pixels" });
    state.places.push({ canvas: plain, frame, map, lit: false }, { canvas: drawn, map });
    const pair = make(
      "div", { className: "vl-pair" },
      make("figure", {}, plain, make("figcaption", { text: names[frame] })),
      make("figure", {}, drawn, make("figcaption", {
        text: `its map: ${map.size.join("×")}, ${map.low.toFixed(2)} to ${map.high.toFixed(2)}`,
      })),
    );
    const strip = make("div", {
      className: "vl-strip", tabIndex: 0, role: "group", onkeydown: step,
      "aria-label": "Frames: left and right arrows choose another",
    });
    strip.append(...pictures.map((_, number) => {
      const canvas = make("canvas", { width: 64, height: Math.round((64 * size[0]) / size[1]) });
      state.places.push({ canvas, frame: number });
      return make(
        "button", {
          type: "button", tabIndex: -1, title: names[number], "data-place": number,
          "aria-pressed": String(number === frame), onclick: () => choose(number),
        }, canvas,
      );
    }));
    return [
      make("div", { className: "vl-sub", text: `a frame, and the filter's map of it (${says})` }),
      pair, strip,
    ];
  }

  function choose(frame) {
    ask({ kind: "place", frame });
  }

  function step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const frame = model.get("opened").place.frame + by;
    if (frame >= 0 && frame < pictures.length) choose(frame);
    event.preventDefault();
    event.stopPropagation();
  }

  function paint() {
    for (const { canvas, frame, map, lit } of state.places ?? []) {
      const context = canvas.getContext("2d");
      if (frame !== undefined) context.drawImage(pictures[frame], 0, 0, canvas.width, canvas.height);
      if (!map || (frame !== undefined && !lit)) continue;
      const small = painted(map, lit);
      context.imageSmoothingQuality = "high";
      context.imageSmoothingEnabled = Boolean(lit);
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
    }
  }

  // A map in colours, or as the shadow that lies on a frame.
  function painted(map, asShadow) {
    const [rows, across] = map.size;
    const cells = bytes(map.cells);
    const canvas = make("canvas", { width: across, height: rows });
    const context = canvas.getContext("2d");
    const drawn = context.createImageData(across, rows);
    cells.forEach((value, cell) => {
      const colour = asShadow ? [0, 0, 0] : viridis(value / 255);
      drawn.data.set([...colour, asShadow ? SHADOW * (255 - value) : 255], 4 * cell);
    });
    context.putImageData(drawn, 0, 0);
    return canvas;
  }

  function viridis(share) {
    const at = share * (VIRIDIS.length - 1);
    const below = Math.min(Math.floor(at), VIRIDIS.length - 2);
    return mixed(VIRIDIS[below], VIRIDIS[below + 1], at - below);
  }

  return () => {
    state.loading++;
    pictures.forEach((one) => one.close());
    pictures = [];
    state.places = [];
    repaint.stop();
    unfollow();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
    release(root);
  };
}
