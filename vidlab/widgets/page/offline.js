// The page without a kernel: stands in for the models that explorers talk to, and answers their
// messages from what the file holds.

const CARDS = 9; // on a page of a list, as with a kernel

// Gives the model of the confusion matrix, from the record that the file holds.
function offlineModel(kept) {
  let count = 0; // of lists and sentences: the same one again is news, too
  let listed = {};
  let shown = {}; // the video below the matrix

  const cam = standIn({ film: {}, choices: {}, explanation: {}, status: {} }, { explain });
  const model = standIn(
    {
      table: kept.table, order: "index", measure: "count", per: "video", listing: {}, status: {},
      cam: "IPY_MODEL_cam",
    },
    { videos, page, video },
  );
  model.widget_manager = { get_model: async () => cam };
  return model;

  function tell(one, text, problem = false) {
    one.set("status", { text, problem, number: ++count });
  }

  function videos({ positions, about }) {
    listed = { positions, about };
    page({ number: 0 });
  }

  function page({ number }) {
    const { positions, about } = listed;
    model.set("listing", {
      ...about, count: positions.length, page: number, pages: Math.ceil(positions.length / CARDS) || 1,
      videos: positions.slice(CARDS * number, CARDS * (number + 1)).map(card), opened: ++count,
    });
  }

  function card(position) {
    const one = kept.cards[position];
    const frames = kept.videos[one.id]?.film.frames;
    const picture = frames?.[Math.floor(frames.length / 2)] ?? one.picture;
    return { ...one, picture, note: frames || one.problem ? "" : "cannot be played here" };
  }

  function video({ video_id: id }) {
    if (!kept.videos[id]) {
      const { problem } = kept.cards.find((one) => one.id === id);
      return tell(model, problem || `${id} cannot be played here. ${kept.summary}`, Boolean(problem));
    }
    shown = kept.videos[id];
    const { film, explanation, status } = shown;
    const classes = [...new Set((explanation.panels ?? []).map(({ name }) => name))];
    tell(model, "");
    cam.set("choices", classes.length ? { classes } : {});
    cam.set("explanation", explanation);
    cam.set("film", film);
    tell(cam, status.text, status.problem);
  }

  function explain({ targets }) {
    const panels = targets.flatMap(
      (target) => shown.explanation.panels.filter(({ name }) => name === target),
    );
    cam.set("explanation", { ...shown.explanation, panels: [...new Set(panels)] });
    tell(cam, "");
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
  const letters = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const kept = JSON.parse(
    held("vl-kept").textContent, (_, value) => (value?.base64 ? letters(value.base64) : value),
  );
  held("vl-kept").remove(); // the page would else hold everything twice
  explorer.render({ model: offlineModel(kept), el: held("vl-here") });
}
