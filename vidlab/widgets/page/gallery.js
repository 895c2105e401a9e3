// Images in a grid, each of them a button.

function renderGallery({ model, el }) {
  const grid = make("div", {
    className: "vl-gallery",
    onkeydown: (event) => {
      const next = walk(event, [...grid.children]);
      if (next && model.get("selects_at_once")) select([...grid.children].indexOf(next));
    },
  });
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
    return make(
      "button", { type: "button", onclick: () => select(index) }, make("img"), make("span"),
    );
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
    [...grid.children].forEach((button, index) => {
      button.disabled = !model.get("selectable");
      button.tabIndex = index === Math.max(0, selected) ? 0 : -1;
      button.title = button.lastChild.textContent = model.get("captions")[index] ?? "";
      button.setAttribute("aria-pressed", index === selected);
    });
  }

  function select(index) {
    model.set("selected", index);
    model.save_changes();
  }

  const stopListening = listen(model, {
    "change:images": fill, "change:captions": mark, "change:selected": mark, "change:frame": paint,
  });
  fill();
  model.send("shown");
  return () => {
    stopListening();
    urls.flat().forEach((url) => URL.revokeObjectURL(url));
  };
}
