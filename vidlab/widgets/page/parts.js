// What explorers share: making elements, the colours of the theme, sentences, messages.

const HUES = {
  light: { right: [0, 114, 178], wrong: [213, 94, 0] },
  dark: { right: [86, 180, 233], wrong: [240, 150, 50] },
};
const PATIENCE = 1500; // milliseconds before the page says that the kernel is busy

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function choice(label, options, changed) {
  const select = make("select", { "aria-label": label, onchange: () => changed(select.value) });
  fill(select, options);
  const holder = make("label", { className: "vl-choice" }, make("span", { text: label }), select);
  return { holder, select };
}

function fill(select, options) {
  select.replaceChildren(
    ...options.map(([value, text]) => make("option", { value, text: text ?? value })),
  );
}

// Goes from one of a grid's buttons to another by the arrow keys; gives the one that is gone to.
function walk(event, buttons) {
  const across = buttons.filter((one) => one.offsetTop === buttons[0].offsetTop).length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  const next = by && buttons[buttons.indexOf(event.target) + by];
  if (!by || !buttons.includes(event.target)) return null;
  event.preventDefault();
  event.stopPropagation();
  next?.focus();
  return next;
}

// A line for sentences, which screen readers read out; `send` sends a message to the kernel and
// says so where no answer comes.
function statusLine(model, line) {
  let waiting = null;
  const setStatus = (text, problem = false) => {
    line.textContent = text;
    line.classList.toggle("vl-problem", problem);
  };
  const answered = () => clearTimeout(waiting);
  const showStatus = () => {
    const { text = "", problem = false } = model.get("status") ?? {};
    answered();
    setStatus(text, problem);
  };
  const send = (message) => {
    answered();
    waiting = setTimeout(
      () => setStatus("The kernel is busy, or has stopped. This is answered when it is free."),
      PATIENCE,
    );
    model.send(message);
  };
  showStatus();
  return { send, setStatus, answered, showStatus };
}

function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function percent(share) {
  return share > 0 && share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

// Calls the handlers of a model's changes, by their names; returns what stops that.
function listen(model, changes) {
  for (const [name, handler] of Object.entries(changes)) model.on(name, handler);
  return () => {
    for (const [name, handler] of Object.entries(changes)) model.off(name, handler);
  };
}

// Colours as the theme has them now: [red, green, blue].
function palette(element) {
  const style = getComputedStyle(element);
  const rgb = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const paper = rgb(style.backgroundColor);
  const dark = paper[0] + paper[1] + paper[2] < 382;
  return { paper, ink: rgb(style.color), dark, ...HUES[dark ? "dark" : "light"] };
}

function css([red, green, blue], alpha = 1) {
  return `rgba(${red | 0}, ${green | 0}, ${blue | 0}, ${alpha})`;
}

function mixed(from, to, share) {
  return from.map((value, place) => value + (to[place] - value) * share);
}

// Gives a colour that `plots` has for a class or a model, "#rrggbb", as [red, green, blue]: on dark
// paper it is lighter, so that it stands out as much as on white.
function tinted(hex, dark) {
  const colour = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  return dark ? mixed(colour, [255, 255, 255], 0.35) : colour;
}

// Calls `draw` before the next picture of the screen, once however often it was asked for.
function painter(draw) {
  let asked = 0;
  const later = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
  later.stop = () => cancelAnimationFrame(asked);
  return later;
}

// Gives a canvas the pixels of the screen and returns its context in CSS pixels.
function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Draws again when the size or the theme changes; returns what stops that.
function followSizeAndTheme(element, draw) {
  const size = new ResizeObserver(draw);
  size.observe(element);
  const theme = new MutationObserver(draw);
  theme.observe(document.body, { attributes: true });
  return () => {
    size.disconnect();
    theme.disconnect();
  };
}
