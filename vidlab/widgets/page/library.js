// Choosing a video of an index: by parts of its name, from a list, or the one before or after.

function videoChooser({ model, ask }) {
  let typing = 0;
  const search = make("input", {
    type: "search", placeholder: "part of name", "aria-label": "Find videos by name",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(() => ask({ kind: "find", search: search.value }), 200);
    },
  });
  const video = choice("video", [], (name) => ask({ kind: "video", video_id: name }));
  const step = (by) => {
    const names = [...video.select.options].map((option) => option.value);
    const to = names[video.select.selectedIndex + by];
    if (to) ask({ kind: "video", video_id: to });
  };
  const back = make("button", {
    type: "button", text: "‹", title: "The video before", onclick: () => step(-1),
  });
  const next = make("button", {
    type: "button", text: "›", title: "The next video", onclick: () => step(1),
  });
  const count = make("span", { className: "vl-name" });
  const holder = make(
    "span", { className: "vl-library" }, video.holder,
    make("span", { className: "vl-group" }, back, next), search, count,
  );

  function update() {
    const { videos = [], count: found = 0, of = 0, chosen } = model.get("library") ?? {};
    holder.hidden = of < 2;
    const listed = videos.map(([name]) => [name]);
    const held = listed.some(([name]) => name === chosen);
    fill(video.select, held || !chosen ? listed : [[chosen], ...listed]);
    video.select.value = chosen;
    back.disabled = video.select.selectedIndex < 1;
    next.disabled = video.select.selectedIndex >= video.select.options.length - 1;
    count.textContent = found < of || videos.length < found
      ? `${found} of ${of} videos${videos.length < found ? `, ${videos.length} listed` : ""}`
      : `${of} videos`;
  }

  update();
  return { holder, update };
}
