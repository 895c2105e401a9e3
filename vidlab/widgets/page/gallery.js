// Images in a grid, each of them a button.

function render({ model, el }) {
  const grid = document.createElement("div");
  grid.className = "vl-gallery";
  grid.addEventListener("keydown", walk);
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would go from cell to cell
  el.append(grid);
  let urls = [];

  // Tiles are kept, so that the focus stays where it is.
  function fill() {
    const old = urls.flat();
    urls = model.get("images").map((frames) => [frames ?? []].flat()
      .map((one) => URL.createObjectURL(new Blob([one]))));
    while (grid.children.length > urls.length) grid.lastChild.remove();
    while (grid.children.length < urls.length) grid.append(tile(grid.children.length));
    grid.style.gridTemplateColumns = `repeat(auto-fill, minmax(0, ${model.get("width")}px))`;
    paint();
    mark();
    old.forEach((url) => URL.revokeObjectURL(url));
  }

  function tile(index) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("img"), document.createElement("span"));
    button.addEventListener("click", () => select(index));
    return button;
  }

  function paint() {
    [...grid.children].forEach(({ firstChild }, index) => {
      const url = urls[index][model.get("frame") % urls[index].length];
      if (url) firstChild.src = url;
      else firstChild.removeAttribute("src");
    });
  }

  function mark() {
    const selected = model.get("selected");
    const captions = model.get("captions");
    [...grid.children].forEach((button, index) => {
      const caption = captions[index] ?? "";
      button.disabled = !model.get("selectable");
      button.tabIndex = index === Math.max(0, selected) ? 0 : -1;
      button.title = button.lastChild.textContent = caption;
      button.setAttribute("aria-pressed", index === selected);
    });
  }

  function select(index) {
    model.set("selected", index);
    model.save_changes();
  }

  function walk(event) {
    const tiles = [...grid.children];
    const across = tiles.filter((one) => one.offsetTop === tiles[0].offsetTop).length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (!by) return;
    const next = tiles[tiles.indexOf(document.activeElement) + by];
    next?.focus();
    if (next && model.get("selects_at_once")) select(tiles.indexOf(next));
    event.preventDefault();
    event.stopPropagation();
  }

  const drawn = {
    "change:images": fill, "change:captions": mark, "change:selected": mark, "change:frame": paint,
  };
  for (const [name, handler] of Object.entries(drawn)) model.on(name, handler);
  fill();
  model.send("shown");
  return () => {
    for (const [name, handler] of Object.entries(drawn)) model.off(name, handler);
    urls.flat().forEach((url) => URL.revokeObjectURL(url));
  };
}

export default { render };
