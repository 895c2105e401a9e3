// A list of videos as cards with pictures, and the video that was chosen, opened below.

// Draws the list alone, as a widget; the explorer of the chosen video is another one.
function renderVideos({ model, el }) {
  const line = make("div", { className: "vl-status", role: "status", "aria-live": "polite" });
  const { send, answered, showStatus } = statusLine(model, line);
  const videos = videoList({
    model, send, leave: () => {},
    about: ({ title, notes }) => ({
      key: title,
      head: [make("b", { text: title }), ...notes.map((text) => make("span", { text }))],
    }),
    hint: "Click a class: its videos appear here, the wrong ones first.",
    nothing: "There is no such video.",
  });
  const root = make("div", { className: "vl-explorer vl-videos" }, videos.list, line);
  el.append(root);
  // JupyterLab would take keys pressed in the controls beside the list, once that is in place.
  const size = new ResizeObserver(() => {
    (root.closest(".vl-together") ?? root).setAttribute("data-lm-suppress-shortcuts", "true");
  });
  size.observe(root);
  const show = () => {
    answered();
    videos.show();
  };
  show();
  const stopListening = listen(model, { "change:listing": show, "change:status": showStatus });
  return () => {
    size.disconnect();
    videos.stop();
    stopListening();
  };
}

// Gives the list and what is done with it. `about(listing)` says what stands over the cards, `head`,
// and names the list in its data, `key`; `leave()` goes back to where the list was asked for.
function videoList({ model, send, about, leave, hint, nothing }) {
  const list = make("div", { className: "vl-list", onkeydown: key });
  let isFocused = false; // once the list is there, by who came with the keyboard

  function show() {
    const listing = model.get("listing") ?? {};
    list.classList.remove("vl-waiting");
    if (!listing.videos) {
      list.replaceChildren(make("div", { className: "vl-hint", text: hint }));
      return;
    }
    const { key, head } = about(listing);
    const title = make("div", { className: "vl-head", role: "heading", "aria-level": "3" }, ...head);
    const cards = make("div", { className: "vl-cards" }, ...listing.videos.map(card));
    forget();
    list.replaceChildren(title, cards);
    if (!listing.count) list.append(make("div", { className: "vl-hint", text: nothing }));
    if (listing.pages > 1) list.append(pager(listing));
    list.dataset.cell = key;
    if (isFocused) (list.querySelector(".vl-card") ?? list.querySelector("button"))?.focus();
    isFocused = false;
  }

  function card(video) {
    const seen = video.picture
      ? make("img", {
        alt: "", src: URL.createObjectURL(new Blob([video.picture], { type: "image/jpeg" })),
      })
      : make("span", { className: "vl-blank", text: video.problem ? "⚠" : "" });
    const parts = [
      seen, make("span", { className: "vl-name", text: shortened(video.id) }),
      ...(video.predictions ?? []).map(verdict),
    ];
    if ((video.predictions ?? []).length < 2) parts.push(chancesOf(video));
    if (video.problem) {
      parts.push(
        make("span", { className: "vl-problem", text: video.problem, title: video.problem }),
      );
    }
    if (video.note) parts.push(make("span", { className: "vl-note", text: video.note }));
    return make("button", {
      type: "button", className: "vl-card", title: `${video.id}: predicted ${video.predicted}`,
      "data-video": video.id,
      onclick: (event) => {
        list.querySelectorAll(".vl-card").forEach((one) => one.classList.remove("vl-chosen"));
        event.currentTarget.classList.add("vl-chosen");
        send({ kind: "video", video_id: video.id });
      },
    }, ...parts);
  }

  function pager({ page, pages }) {
    const step = (text, to, title) => {
      const one = make("button", {
        type: "button", text, title, onclick: (event) => {
          isFocused = event.detail === 0; // by a key: the button is gone with the old list
          list.classList.add("vl-waiting");
          send({ kind: "page", number: to });
        },
      });
      one.disabled = to < 0 || to >= pages;
      return one;
    };
    return make(
      "div", { className: "vl-pager" }, step("‹", page - 1, "Page before"),
      make("span", { text: `page ${page + 1} of ${pages}` }), step("›", page + 1, "Next page"),
    );
  }

  function key(event) {
    if (event.key !== "Escape") return walk(event, [...list.querySelectorAll(".vl-card")]);
    event.preventDefault();
    event.stopPropagation();
    leave();
  }

  function forget() {
    list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  }

  return {
    list, show, stop: forget,
    wait: () => list.classList.add("vl-waiting"),
    focusNext: () => { isFocused = true; },
  };
}

// UCF-101's names repeat the class; group and clip tell the videos of a list apart.
function shortened(id) {
  return id.match(/_(g\d+_c\d+)$/)?.[1].replace("_", " ") ?? id;
}

function verdict({ model, colour, class: name, share, right }) {
  const swatch = make("i", { className: "vl-swatch", title: model });
  swatch.style.background = colour;
  return make(
    "span", { className: "vl-verdict" }, swatch,
    make("span", { className: right ? "vl-is-right" : "vl-is-wrong" }, right ? "✓ right" : `✗ ${name}`),
    make("span", { className: "vl-name", text: percent(share) }),
  );
}

function chancesOf({ p_true, p_predicted }) {
  const chances = make("span", { className: "vl-chances" }, chance("true", p_true, "right"));
  if (p_predicted !== p_true) chances.append(chance("pred.", p_predicted, "wrong"));
  return chances;
}

function chance(name, value, kind) {
  const filled = make("i", { className: `vl-${kind}` });
  filled.style.width = `${100 * value}%`;
  return make(
    "span", { className: "vl-chance" },
    make("span", { text: name }), make("span", { className: "vl-track" }, filled),
    make("span", { text: percent(value) }),
  );
}

// Draws the explorer of the chosen video, and gives what takes it away.
async function camBelow(model, below) {
  const cam = await model.widget_manager.get_model(model.get("cam").replace("IPY_MODEL_", ""));
  return renderCam({ model: cam, el: below });
}
