// The page without a kernel: stands in for the models that explorers talk to, and answers their
// messages from what the file holds.

// Gives the model of the confusion matrix. `kept` is the record that the file holds, `parts` are
// the frames and the heat, which it refers to as [from, length].
function offlineModel(kept, parts) {
  const { table } = kept;
  const part = ([from, length]) => parts.subarray(from, from + length);
  let count = 0; // of lists and sentences: the same one again is news, too
  let shown = { panels: [] }; // the video below the matrix

  const cam = standIn({ film: {}, choices: {}, explanation: {}, status: {} }, { explain });
  const model = standIn(
    {
      table, order: "index", measure: "count", per: "video", listing: {}, status: {},
      cam: "IPY_MODEL_cam",
    },
    { videos, video },
  );
  model.widget_manager = { get_model: async () => cam };
  return model;

  function tell(one, text, problem = false) {
    one.set("status", { text, problem, number: ++count });
  }

  function videos({ positions, about }) {
    model.set("listing", { ...about, videos: positions.map(card), opened: ++count });
  }

  function card(position) {
    const one = kept.cards[position];
    const frames = kept.videos[one.id]?.frames;
    const picture = frames?.[Math.floor(frames.length / 2)] ?? one.picture;
    const note = frames || one.problem ? "" : "cannot be played here";
    return { ...one, picture: picture && part(picture), note };
  }

  async function video({ video_id: id }) {
    const held = kept.videos[id];
    if (!held) {
      const { problem } = kept.cards.find((one) => one.id === id);
      return tell(model, problem || `${id} cannot be played here. ${kept.summary}`, Boolean(problem));
    }
    const panels = held.panels.map((panel) => ({ ...panel, heat: part(panel.heat) }));
    const frames = held.frames.map(part);
    const pictures = Object.fromEntries(
      Object.entries(held.pictures).map(([name, each]) => [name, each.map(part)]),
    );
    shown = { ...held, panels, pictures };
    const mine = shown;
    tell(model, "");
    cam.set("explanation", {});
    cam.set("choices", panels.length ? { classes: [...new Set(panels.map(({ name }) => name))] } : {});
    cam.set("film", {
      title: id, frames, numbers: held.numbers, seconds: held.seconds, size: held.size,
    });
    await seen(frames);
    if (shown !== mine) return; // another video was chosen
    show(panels);
    tell(cam, held.status.text, held.status.problem);
  }

  function explain({ targets }) {
    const wanted = [...new Set(targets)];
    show(wanted.flatMap((target) => shown.panels.filter(({ name }) => name === target)));
    tell(cam, "");
  }

  function show(some) {
    const { used, pictures } = shown;
    if (some.length) cam.set("explanation", { panels: some, pictures, layer: "", method: "", used });
  }
}

// Gives what an explorer uses of a widget's model; `receive[kind]` is called with a message's options.
function standIn(values, receive) {
  const handlers = {};
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const handler of [...(handlers[`change:${name}`] ?? [])]) handler();
    },
    save_changes: () => {},
    on: (name, handler) => (handlers[name] ??= []).push(handler),
    off: (name, handler) => {
      handlers[name] = (handlers[name] ?? []).filter((one) => one !== handler);
    },
    send: ({ kind, ...options }) => queueMicrotask(() => receive[kind](options)),
  };
}

// Waits as long as the explorer takes to show the frames: heat comes after them, as from a kernel.
async function seen(frames) {
  const pictures = await Promise.all(
    frames.map((frame) => createImageBitmap(new Blob([frame], { type: "image/jpeg" }))),
  );
  pictures.forEach((picture) => picture.close());
}

// Reads base64, also where the browser has no function for it.
function unpacked(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const read = new Uint8Array(letters.length);
  for (let place = 0; place < read.length; place++) read[place] = letters.charCodeAt(place);
  return read;
}

// What explorers read of JupyterLab's theme, from the setting of the browser.
function followTheBrowser() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
  dark.addEventListener("change", apply);
  apply();
}

function openOffline(explorer) {
  followTheBrowser();
  const held = (name) => document.getElementById(name);
  const kept = JSON.parse(held("vl-kept").textContent);
  const parts = unpacked(held("vl-parts").textContent.trim());
  held("vl-parts").remove(); // the page would else hold everything twice
  explorer.render({ model: offlineModel(kept, parts), el: held("vl-here") });
}
