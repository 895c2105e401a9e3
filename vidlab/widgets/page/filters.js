// The layers of a network in a row, the filters of one as a grid, and the one that was opened.

const TALLEST_MAP = 44; // pixels, of the block that stands for a layer

function renderFilters({ model, el }) {
  const state = { at: 0, shown: "", isFocused: false };
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
  const detail = filterDetail({ model, ask: (message) => ask(message), short });
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const how = make("div", { className: "vl-how" });
  const sides = make("div", { className: "vl-columns vl-looking" }, grid, detail.element);
  const root = make(
    "div", {
      className: "vl-explorer vl-look", "data-lm-suppress-shortcuts": "true", onkeydown: key,
    },
    row, bar, line, sides, how,
  );
  el.append(root);
  const { ask, say, told, heard } = conversation(model, line);
  const changes = {
    "change:row": offer, "change:grid": lay, "change:opened": open,
    "change:stills": () => detail.load(),
    "change:status": () => {
      told();
      if (!model.get("status")?.problem) return;
      halt.hidden = true;
      for (const one of [grid, detail.element]) one.classList.remove("vl-waiting");
    },
  };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  offer();
  lay();
  open();
  detail.load();
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
      ["", `${others.length} more`],
      ...others.map((one) => [one.name, `${short(one.name)}  ${inWords(one)}`]),
    ]);
    const compared = !model.get("row")?.compares ? ""
      : " A difference between before and now means something only where it is larger than the one "
        + "that other noise makes; r tells how alike the maps of the frames are, 1 is the same.";
    how.textContent = "Layers stand from first to last, each block as tall as its maps, with their "
      + "size and the number of filters. A picture was made to excite its filter everywhere, "
      + "as no real frame does; the number under it is the response. Frames are dark where the "
      + `filter is silent; its map is yellow where it responds most.${compared} Keys: arrows and `
      + "Page Up/Down among filters, Enter opens, Esc comes back, [ and ] change the layer.";
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
    state.isFocused = detail.element.contains(document.activeElement);
    show(next);
  }

  // ---- the grid ------------------------------------------------------------------------------

  function lay() {
    const now = model.get("grid") ?? {};
    heard();
    told();
    if (!now.tiles?.length) return; // they follow at once
    grid.classList.remove("vl-waiting");
    const key = `${now.layer} ${now.order} ${now.page}`;
    const isNew = key !== state.shown;
    const isHeld = state.isFocused || grid.contains(document.activeElement);
    if (isNew) {
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
    if (isNew && isHeld) grid.children[0].focus();
    if (isNew) state.isFocused = false;
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
    const now = model.get("grid");
    const [holder, name, note] = element.children;
    if (element.dataset.steps !== String(one.steps)) {
      release(holder);
      holder.replaceChildren(...(one.picture ? [wanted(one.picture, now.layer)] : []));
      element.dataset.steps = one.steps;
    }
    name.textContent = now.layer === "scores" ? one.name : one.filter;
    const cut = one.steps && one.steps < steps ? `${one.steps}/${steps}` : "";
    note.textContent = cut || (one.change === null ? "" : `r ${toTwo(one.change)}`);
    element.title = cut ? `${one.name}: ${one.steps} of ${steps} steps` : one.name;
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
    show(model.get("grid").layer, number);
  }

  function openAt(place) {
    const one = model.get("grid").tiles[place];
    if (one) look(one.filter);
  }

  function look(filter) {
    detail.element.classList.add("vl-waiting");
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
      detail.focusNext();
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

  function open() {
    const now = model.get("opened") ?? {};
    heard();
    detail.show();
    // The tile of the filter that is open is where the keys go on from.
    const place = [...grid.children].findIndex((one) => one.dataset.filter === String(now.filter));
    if (place >= 0) state.at = place;
    mark();
    Object.assign(root.dataset, {
      opened: now.pictures ? `${now.layer} ${now.filter}` : "", whole: Boolean(now.is_whole),
      place: now.place?.frame ?? "",
    });
  }

  return () => {
    detail.stop();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
    release(grid);
  };
}
