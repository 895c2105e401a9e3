// The bars of each class, of one model or of two, and the videos behind a class.

const ORDERS = {
  index: "in index order", name: "by name", best: "best first", worst: "worst first",
  difference: "largest difference first", gains: "greatest gain first",
  losses: "greatest loss first",
};
const MANY = 30; // classes; beyond, the rows are narrow
const FEW = 15; // classes; up to here, there is room between the rows

async function renderPerClass({ model, el }) {
  const table = model.get("table");
  const { classes, models, difference } = table;
  const two = models.length > 1;
  const has5 = models[0].top5 !== undefined;
  const state = { shown: [], at: 0, chosen: null };

  // ---- what there is on the page ---------------------------------------------------------------

  const order = choice(
    "classes", Object.keys(table.orders).map((name) => [name, ORDERS[name]]), (value) => {
      model.set("order", value);
      model.save_changes();
    },
  );
  const search = make("input", {
    type: "search", placeholder: "part of name", "aria-label": "Keep classes by name",
    oninput: () => arrange(), onkeydown: searchKey,
  });
  const searching = make("label", { className: "vl-choice" }, make("span", { text: "only" }), search);
  const legend = make("span", { className: "vl-legend" }, ...models.map(inLegend));
  const bar = make("div", { className: "vl-bar" }, order.holder, searching, legend);
  const head = make(
    "div", { className: "vl-row vl-rows-head", "aria-hidden": "true" },
    make("span", { text: "class" }), make("span", { className: "vl-number", text: "videos" }),
    make("span", { className: "vl-scale" }, ...["0", "50", "100%"].map((text) => make("i", { text }))),
    make("span", { className: "vl-number", text: "top-1" }),
    ...(two ? [make("span", { className: "vl-middle", text: "difference" }), make("span")] : []),
  );
  const rows = make("div", {
    className: "vl-rows", role: "listbox", tabIndex: 0, "aria-label":
      "Accuracy of each class. Arrow keys move, Enter opens a class's videos, / searches.",
    onkeydown: key, onpointermove: hover, onpointerleave: () => { tip.hidden = true; },
    onscroll: () => { tip.hidden = true; }, onclick: click,
  });
  const tip = make("div", { className: "vl-tip vl-tip-lines", hidden: true });
  const holder = make("div", { className: "vl-holder" }, head, rows, tip);
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const below = make("div", { className: "vl-below" });
  const how = make("div", { className: "vl-how", text: explained() });
  const { ask, say, heard, told } = conversation(model, line);
  const videos = videoList({
    model, ask, about, says, turn: (number) => open(model.get("listing").only, number),
    leave: () => rows.focus(), hint: "Click a class: its videos appear here, the wrong ones first.",
    nothing: "There is no such video.",
  });
  const root = make(
    "div", {
      className: `vl-explorer vl-per-class${two ? " vl-two" : ""}`,
      "data-lm-suppress-shortcuts": "true",
    },
    bar, make("div", { className: "vl-columns vl-halves" }, holder, videos.list), line, below, how,
  );
  const all = classes.map(row);
  root.classList.toggle("vl-many", classes.length > MANY);
  root.classList.toggle("vl-few", classes.length <= FEW);
  el.append(root);

  const recolour = painter(() => {
    if (!root.clientWidth) return;
    const { dark } = palette(root);
    models.forEach(({ colour }, place) => {
      root.style.setProperty(`--vl-model-${place}`, css(tinted(colour, dark)));
      root.style.setProperty(`--vl-pale-${place}`, css(tinted(colour, dark), 0.32));
    });
    root.querySelector(".vl-columns").classList.toggle("vl-stacked", root.clientWidth < 740);
  });
  const unfollow = followSizeAndTheme(root, recolour);
  const changes = { "change:order": arrange, "change:listing": show, "change:status": told };
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  arrange();
  show();
  const closeCam = await camBelow({ model, below, heard, told });

  // ---- rows ------------------------------------------------------------------------------------

  function row(name, place) {
    const bars = models.map((one, which) => {
      const parts = [];
      if (has5) parts.push(span("vl-top5", 0, one.top5[place], which));
      parts.push(span("vl-top1", 0, one.top1[place], which));
      parts.push(whisker(one.top1_low[place], one.top1_high[place]));
      return make("span", { className: "vl-bars" }, ...parts);
    });
    const values = models.map((one) => make("span", { text: percentOf(one.top1[place]) }));
    const cells = [
      make("span", { className: "vl-class", text: name }),
      make("span", { className: "vl-number", text: table.videos[place] }),
      make("span", { className: "vl-tracks" }, ...bars),
      make("span", { className: "vl-number vl-values" }, ...values),
    ];
    if (two) cells.push(gap(place), make("span", { className: "vl-number", text: points(place) }));
    return make(
      "div", {
        className: "vl-row", role: "option", "aria-label": inWords(place).join("; "),
        "data-name": name, "data-place": place,
      }, ...cells,
    );
  }

  function span(kind, from, to, which) {
    const one = make("i", { className: kind });
    one.style.left = `${100 * from}%`;
    one.style.width = `${100 * Math.max(0, (to ?? 0) - from)}%`;
    const shade = ["vl-top5", "vl-unsure"].includes(kind) ? "pale" : "model";
    one.style.background = `var(--vl-${shade}-${which})`;
    return one;
  }

  // One without width is left out: it would look like certainty.
  function whisker(low, high) {
    const one = make("i", { className: "vl-whisker", hidden: low === null || low === high });
    one.style.left = `${100 * low}%`;
    one.style.width = `${100 * (high - low)}%`;
    return one;
  }

  // The difference on a scale from −100 to 100 points, in the colour of the better model; pale
  // where the interval holds 0.
  function gap(place) {
    const [delta, low, high] = ["delta", "low", "high"].map((name) => difference[name][place] ?? 0);
    const half = (value) => (1 + value) / 2;
    const sure = low > 0 || high < 0;
    const parts = [
      span(
        sure ? "vl-sure" : "vl-unsure", half(Math.min(0, delta)), half(Math.max(0, delta)),
        delta < 0 ? 1 : 0,
      ),
      whisker(difference.low[place] === null ? null : half(low), half(high)),
    ];
    return make("span", { className: "vl-gap" }, ...parts);
  }

  function inLegend({ name, overall }, place) {
    const swatch = make("i", { className: "vl-swatch" });
    swatch.style.background = `var(--vl-model-${place})`;
    const texts = Object.entries(overall)
      .map(([top, share]) => `${top.replace("top", "top-")} ${percentOf(share)}`);
    return make("span", {}, swatch, make("b", { text: name }), ` ${texts.join(", ")}`);
  }

  // ---- words -----------------------------------------------------------------------------------

  function percentOf(share) {
    return share === null || Number.isNaN(share) ? "–" : `${Math.round(100 * share)}%`;
  }

  function signed(share) {
    const value = Math.round(100 * share);
    return value > 0 ? `+${value}` : `${value}`.replace("-", "−");
  }

  function points(place) {
    const delta = difference.delta[place];
    return delta === null ? "–" : signed(delta);
  }

  // The class and its videos, then a line a model, then the difference.
  function inWords(place) {
    const [held, groups] = [table.videos[place], table.groups[place]];
    const lines = [`${classes[place]}: ${plural(held, "video")} of ${plural(groups, "group")}`];
    if (!held) return lines;
    for (const one of models) {
      const tops = (has5 ? ["top1", "top5"] : ["top1"]).map((top) => {
        const [low, high] = [one[`${top}_low`][place], one[`${top}_high`][place]];
        const sure = low === null ? "no interval" : `${Math.round(100 * low)}–${percentOf(high)}`;
        return `${top.replace("top", "top-")} ${percentOf(one[top][place])} (${sure})`;
      });
      lines.push(`${two ? `${one.name}: ` : ""}${tops.join(", ")}`);
    }
    if (two) {
      const [low, high] = [difference.low[place], difference.high[place]];
      const sure = low === null ? "no interval" : `${signed(low)} to ${signed(high)}`;
      lines.push(`difference: ${points(place)} points (${sure})`);
    }
    return lines;
  }

  function explained() {
    const pale = has5
      ? " The pale bar reaches to top-5: the class is among the first five answers." : "";
    const apart = two
      ? ` The difference is ${models[0].name} minus ${models[1].name}, in points, in the colour of `
        + "the better one; it is pale where the interval holds 0 and chance may be all there is."
      : "";
    return "A bar is the share of a class's videos that are answered rightly (top-1)." + pale
      + " The thin line is the 95% interval over the class's groups: few groups give a rough one, "
      + "and no line is drawn where all score the same." + apart
      + " Click a class to see its videos, then a video to see where the model looked. Keys: ↑ ↓, "
      + "Enter, / to search, Esc to come back.";
  }

  // ---- order and search ------------------------------------------------------------------------

  function arrange() {
    const name = model.get("order");
    order.select.value = name;
    const words = search.value.toLowerCase().replaceAll(",", " ").split(/\s+/).filter(Boolean);
    const before = state.shown[state.at];
    state.shown = table.orders[name].filter(
      (place) => !words.length || words.some((word) => classes[place].toLowerCase().includes(word)),
    );
    rows.replaceChildren(...state.shown.map((place) => all[place]));
    if (!state.shown.length) {
      say(`No class has "${search.value}" in its name. Try fewer letters.`, true);
    } else told();
    root.dataset.rows = state.shown.length;
    root.dataset.order = name;
    root.dataset.first = classes[state.shown[0]] ?? "";
    // Whoever searches looks for what is found first; whoever sorts, for the new top.
    goTo(words.length ? Math.max(0, state.shown.indexOf(before)) : 0, { quietly: true });
    rows.scrollTop = 0;
  }

  function searchKey(event) {
    if (!["Enter", "ArrowDown"].includes(event.key)) return;
    rows.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- mouse and keys --------------------------------------------------------------------------

  function goTo(at, { quietly = false } = {}) {
    rows.querySelector(".vl-at")?.classList.remove("vl-at");
    state.at = Math.max(0, Math.min(state.shown.length - 1, at));
    const one = all[state.shown[state.at]];
    if (!one) return;
    one.classList.add("vl-at");
    one.id ||= `vl-${Math.random().toString(36).slice(2)}`;
    rows.setAttribute("aria-activedescendant", one.id);
    root.dataset.at = one.dataset.name;
    if (quietly) return;
    const [top, bottom] = [one.offsetTop, one.offsetTop + one.offsetHeight];
    if (top < rows.scrollTop) rows.scrollTop = top;
    else if (bottom > rows.scrollTop + rows.clientHeight) rows.scrollTop = bottom - rows.clientHeight;
  }

  function key(event) {
    const actions = {
      ArrowUp: () => goTo(state.at - 1), ArrowDown: () => goTo(state.at + 1),
      PageUp: () => goTo(state.at - 10), PageDown: () => goTo(state.at + 10),
      Home: () => goTo(0), End: () => goTo(state.shown.length - 1),
      Enter: () => { videos.focusNext(); open(); }, " ": () => open(),
      "/": () => search.focus(),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    tip.hidden = true;
    actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  function under(event) {
    return event.target.closest(".vl-row");
  }

  function click(event) {
    const one = under(event);
    if (!one) return;
    goTo(state.shown.indexOf(Number(one.dataset.place)));
    tip.hidden = true;
    open();
  }

  function hover(event) {
    const one = under(event);
    tip.hidden = !one;
    if (!one) return;
    tip.replaceChildren(...inWords(Number(one.dataset.place)).map((text) => make("div", { text })));
    const box = holder.getBoundingClientRect();
    const at = one.getBoundingClientRect();
    const room = root.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, room))}px`;
    tip.style.top = `${at.bottom - box.top + 4}px`;
  }

  // ---- the videos of a class -------------------------------------------------------------------

  function open(only = "", number = 0) {
    const name = number || only ? model.get("listing").class : classes[state.shown[state.at]];
    if (name === undefined) return;
    videos.wait();
    ask({ kind: "class", name, only, number });
  }

  function show() {
    heard();
    const { class: name } = model.get("listing") ?? {};
    all.forEach((one) => one.classList.toggle("vl-opened", one.dataset.name === name));
    videos.show();
  }

  function about({ class: name, only, kinds, taken }) {
    const said = {
      "": "all", wrong: "wrong", right: "right", both: two ? "both wrong" : "",
      first: two ? `only ${models[0].name} wrong` : "",
      second: two ? `only ${models[1].name} wrong` : "", neither: "both right",
    };
    const tabs = kinds.map(([kind, count]) => make("button", {
      type: "button", className: "vl-kind", text: `${said[kind]} ${count}`, disabled: !count,
      "data-kind": kind || "all", "aria-pressed": String(kind === only),
      onclick: (event) => {
        videos.keepFocus(event);
        ask({ kind: "class", name, only: kind });
      },
    }));
    const mistaken = taken.map(([predicted, count]) => `${predicted} (${count})`).join(", ");
    const whose = two ? `${models[0].name} takes it` : "taken";
    return {
      key: only ? `${name} ${only}` : name,
      head: [
        make("b", { text: name }),
        ...(mistaken ? [make("span", { text: `${whose} for ${mistaken}` })] : []),
        make("span", { className: "vl-kinds" }, ...tabs),
      ],
    };
  }

  // What a model took a video for; of two, what each did.
  function says(video) {
    const is = (model.get("listing") ?? {}).class;
    const answers = [video, ...(video.second ? [video.second] : [])].map((said, place) => {
      const right = said.answer === is;
      const verdict = make(
        "span", { className: `vl-verdict vl-${right ? "is-right" : "is-wrong"}` },
        right ? "✓ right" : `✗ ${said.answer}`,
      );
      const parts = [verdict, make("span", { className: "vl-chance-of", text: percent(said.p_predicted) })];
      if (two) {
        const swatch = make("i", { className: "vl-swatch", title: models[place].name });
        swatch.style.background = `var(--vl-model-${place})`;
        parts.unshift(swatch);
      }
      return make("span", { className: "vl-answer" }, ...parts);
    });
    return make("span", { className: "vl-answers" }, ...answers, ...(two ? [] : [chancesOf(video)]));
  }

  return () => {
    closeCam();
    videos.stop();
    recolour.stop();
    unfollow();
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}
