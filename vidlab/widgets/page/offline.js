// The page without a kernel: stands in for the models that explorers talk to, and answers their
// messages from what the file holds. Counting is all it does; the rest was asked for beforehand.

const CARDS = 9; // on a page of a list, as in a notebook
const MOST_PAIRS = 300; // that "next most confused" goes through

// Gives the model of the confusion matrix. `kept` is the record that the file holds, `parts` are
// the frames and the heat, which it refers to as [from, length].
function offlineModel(kept, parts) {
  const size = kept.classes.length;
  const part = ([from, length]) => parts.subarray(from, from + length);
  let chosen = null; // what the matrix shows: videos in their order, rows, columns, counts
  let told = 0;
  let opened = 0;
  let listed = ""; // what was said of the cell whose videos are listed
  let shown = { panels: [] }; // the video below the matrix

  const cam = standIn({ film: {}, choices: {}, answer: {}, status: {} }, { explain });
  const model = standIn(
    { measure: "count", listing: {}, status: {}, cam: "IPY_MODEL_cam" },
    { arrange, cell, video },
  );
  model.widget_manager = { get_model: async () => cam };
  arrange({});
  return model;

  function tell(one, text, problem = false) {
    one.set("status", { text, problem, number: ++told });
  }

  function arrange({ order = "index", group = "", search = "" }) {
    const words = search.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const has = (place) => words.some((word) => kept.classes[place].toLowerCase().includes(word));
    const orders = kept.orders[group] ?? kept.orders[""];
    const rows = orders[order].filter((place) => !words.length || has(place));
    if (!rows.length) {
      const text = `None of ${size} classes has ${search} in its name. Try fewer letters.`;
      return tell(model, text, true);
    }
    const videos = kept.surest.filter(
      (place) => !group || kept.groups[kept.group[place]] === group,
    );
    chosen = { videos, rows, ...counted(videos, rows) };
    model.set("table", {
      rows: rows.map((place) => kept.classes[place]),
      columns: chosen.columns.map((place) => kept.classes[place] ?? kept.other),
      counts: chosen.counts,
      sums: chosen.sums,
      confused: confused(videos),
      videos: videos.length,
      order, group, groups: kept.groups, search,
    });
    const all = chosen.sums.reduce((sum, count) => sum + count, 0);
    tell(model, `${all} videos, ${rows.length} classes.`);
  }

  // Counts what the videos of each row were taken for; answers outside the rows are a last column.
  function counted(videos, rows) {
    const columns = rows.length < size ? [...rows, size] : rows;
    const at = new Map(rows.map((place, row) => [place, row]));
    const counts = new Int32Array(rows.length * columns.length);
    const sums = rows.map(() => 0);
    for (const video of videos) {
      const row = at.get(kept.true[video]);
      if (row === undefined) continue;
      const column = at.get(kept.predicted[video]) ?? columns.length - 1;
      counts[row * columns.length + column]++;
      sums[row]++;
    }
    return { columns, counts, sums };
  }

  // Lists the pairs mistaken most often: by count, by share of the row, then in class order.
  function confused(videos) {
    const pairs = new Map();
    const sums = new Array(size).fill(0);
    for (const video of videos) {
      const [is, said] = [kept.true[video], kept.predicted[video]];
      sums[is]++;
      if (is !== said) pairs.set(is * size + said, (pairs.get(is * size + said) ?? 0) + 1);
    }
    const found = [...pairs].map(([pair, count]) => {
      const is = Math.floor(pair / size);
      return { pair, is, said: pair % size, count, share: count / sums[is] };
    });
    found.sort((a, b) => b.count - a.count || b.share - a.share || a.pair - b.pair);
    const row = new Map(chosen.rows.map((place, number) => [place, number]));
    return found
      .filter(({ is, said }) => row.has(is) && row.has(said))
      .slice(0, MOST_PAIRS)
      .map(({ is, said }) => [row.get(is), row.get(said)]);
  }

  function cell({ true: is, predicted, number = 0 }) {
    const row = chosen.rows.indexOf(kept.classes.indexOf(is));
    const inside = new Set(chosen.rows);
    const label = kept.classes.indexOf(predicted);
    const fits = predicted === kept.other
      ? (said) => !inside.has(said)
      : (said) => said === label;
    const videos = chosen.videos.filter(
      (video) => kept.true[video] === chosen.rows[row] && fits(kept.predicted[video]),
    );
    const pages = Math.max(1, Math.ceil(videos.length / CARDS));
    const page = Math.min(Math.max(number, 0), pages - 1);
    const of = chosen.sums[row];
    model.set("listing", {
      true: is, predicted, of, count: videos.length, page, pages,
      videos: videos.slice(CARDS * page, CARDS * (page + 1)).map(card),
      opened: ++opened,
    });
    const verb = is === predicted ? "recognised" : `taken for ${predicted}`;
    listed = videos.length
      ? `${videos.length} of ${of} videos of ${is} were ${verb}.`
      : `No video of ${is} was ${verb}: this cell is empty.`;
    tell(model, listed);
  }

  function card(video) {
    const id = kept.ids[video];
    const frames = kept.videos[id]?.frames;
    const picture = frames?.[Math.floor(frames.length / 2)] ?? kept.pictures[id];
    const problem = kept.problems[id] ?? "";
    return {
      id, problem,
      picture: picture ? part(picture) : null,
      note: frames || problem ? "" : "cannot be played here",
      answer: kept.classes[kept.predicted[video]],
      p_true: kept.p_true[video],
      p_predicted: kept.p_predicted[video],
    };
  }

  async function video({ video_id: id }) {
    const held = kept.videos[id];
    if (!held) {
      const reason = kept.problems[id];
      return tell(model, reason ?? `${id} cannot be played here. ${kept.says}`, Boolean(reason));
    }
    const panels = held.panels.map((panel) => ({ ...panel, heat: part(panel.heat) }));
    const frames = held.frames.map(part);
    shown = { ...held, panels };
    const mine = shown;
    tell(model, listed);
    cam.set("answer", {});
    cam.set("choices", panels.length ? { classes: panels.map(({ name }) => name) } : {});
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
    show(wanted.map((target) => shown.panels.find(({ name }) => name === target)).filter(Boolean));
    tell(cam, "");
  }

  function show(some) {
    if (some.length) cam.set("answer", { panels: some, layer: "", method: "", used: shown.used });
  }
}

// Gives what an explorer uses of a widget's model; `answers` are called with a message's options.
function standIn(values, answers) {
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
    send: ({ kind, ...options }) => queueMicrotask(() => answers[kind](options)),
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
