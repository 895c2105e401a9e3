"""How fast the explorers answer with as many classes and videos as a test split of UCF-101 has.

Run it with ``python -m tests.browser.measure``. It writes 3,783 videos (most of them links), opens
them in JupyterLab, and measures inside the page: from the key that runs the cell to the drawn
matrix or bars, from a click to the last thumbnail, from a choice to the sorted or searched rows,
and from a click on a video to the drawn heat. The kernel's and the page's memory are taken before
and after 200 clicks.
"""

import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from tests.browser import driver
from vidlab.data import video

CLASSES, VIDEOS, KINDS, FRAMES = 101, 3783, 24, 164
SETTING = """
import numpy as np
import vidlab
from vidlab import recipes, widgets
index = vidlab.load_index("videos")
recipe = recipes.get("frame-pretrained").adapted(backbone="mobilenetv2", size=224)
model = recipes.build(recipe, 101)
model(np.zeros((1, 224, 224, 3), np.float32))
rng = np.random.default_rng(0)
chances = rng.dirichlet(np.full(101, 0.05), len(index))
chances[np.arange(len(index)), index.labels] += 0.6
# Neighbours are mistaken often, so that their cells hold several pages.
chances[np.arange(len(index)), (index.labels // 2) * 2] += rng.random(len(index))
chances /= chances.sum(axis=1, keepdims=True)
said = vidlab.predictions.Predictions(
    index.table["video_id"], index.groups, index.labels, chances, index.classes)
"""
EXPLORE = "widgets.ConfusionExplorer(said, index=index, model=model)"
CLASSWISE = """
other = vidlab.predictions.Predictions(index.table["video_id"], index.groups, index.labels,
    np.roll(chances, 1, axis=0) / 2 + chances / 2, index.classes)
widgets.PerClassExplorer(said, against=other, index=index, model=model)"""

# Each gives the milliseconds from a click until what it leads to is drawn.
CLICK = """() => new Promise((resolve) => {
  const list = document.querySelector('.vl-confusion .vl-list');
  const start = performance.now();
  new MutationObserver(async (_, observer) => {
    observer.disconnect();
    await Promise.all([...list.querySelectorAll('img')].map((image) => image.decode()));
    requestAnimationFrame(() => resolve(performance.now() - start));
  }).observe(list, { childList: true });
  document.querySelector('.vl-next').click();
})"""
VIDEO = """(place) => new Promise((resolve) => {
  const cam = document.querySelector('.vl-confusion .vl-below .vl-cam');
  const cards = document.querySelectorAll('.vl-confusion .vl-card');
  const start = performance.now();
  let cleared = false;
  new MutationObserver((_, observer) => {
    cleared ||= cam.dataset.panels === '0';
    if (!cleared || !(cam.dataset.panels > 0)) return;
    observer.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - start));
  }).observe(cam, { attributes: true });
  cards[place % cards.length].click();
})"""
ORDER = """(order) => new Promise((resolve) => {
  const root = document.querySelector('.vl-confusion');
  const start = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - start));
  }).observe(root, { attributes: true, attributeFilter: ['data-order'] });
  const select = root.querySelector('select');
  select.value = order;
  select.dispatchEvent(new Event('change'));
})"""
# Of the bars: until the thumbnails of the class that is chosen, or the bars in their new places.
CLASS = """(name) => new Promise((resolve) => {
  const list = document.querySelector('.vl-videos .vl-list');
  const start = performance.now();
  new MutationObserver(async (_, observer) => {
    observer.disconnect();
    await Promise.all([...list.querySelectorAll('img')].map((image) => image.decode()));
    requestAnimationFrame(() => resolve(performance.now() - start));
  }).observe(list, { childList: true });
  const input = document.querySelector('.jupyter-widgets input[type=text]');
  input.value = name;
  input.dispatchEvent(new Event('input', { bubbles: true }));
})"""
ROWS = """([selector, value, event]) => new Promise((resolve) => {
  const input = document.querySelector(`.jupyter-widgets ${selector}`);
  const start = performance.now();
  if (selector === 'select') input.selectedIndex = value;
  else input.value = value;
  const done = () => requestAnimationFrame(() => resolve(performance.now() - start));
  document.querySelector('.js-plotly-plot').once('plotly_afterplot', done);
  setTimeout(done, 5000);
  input.dispatchEvent(new Event(event, { bubbles: true }));
})"""
FIRST = """(drawn) => {
  Object.assign(window, { started: undefined, seen: undefined });
  document.addEventListener('keydown', () => { window.started ??= performance.now(); }, true);
  const look = () => {
    if (document.querySelector(drawn)) window.seen = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""


def write_videos(folder):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (KINDS, 12, 16, 3), np.uint8).repeat(20, axis=1).repeat(20, axis=2)
    for place in range(VIDEOS):
        label, number = place % CLASSES, place // CLASSES
        file = (
            folder
            / f"Class{label:03d}"
            / f"v_Class{label:03d}_g{number % 7 + 1:02d}_c{number // 7 + 1:02d}.avi"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        if place < KINDS:
            video.write(file, (np.roll(scene[place], step, axis=1) for step in range(FRAMES)))
            continue
        kind = folder / f"Class{place % KINDS:03d}" / f"v_Class{place % KINDS:03d}_g01_c01.avi"
        os.link(kind, file)


def memory(page, server):
    """Give the megabytes that the kernel and the page hold."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    heap = client.send("Runtime.getHeapUsage")["usedSize"]
    client.detach()
    kernels = [
        one for one in server.children(recursive=True) if "ipykernel" in "".join(one.cmdline())
    ]
    return sum(one.memory_info().rss for one in kernels) / 1e6, heap / 1e6


def tell(name, times):
    ordered = sorted(times)
    print(
        f"{name}: median {statistics.median(ordered):.0f} ms, 90% within "
        f"{ordered[int(0.9 * (len(ordered) - 1))]:.0f} ms ({len(ordered)} times)",
        flush=True,
    )


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_videos(folder / "videos")
        driver.write_notebook(folder / "measure.ipynb", [SETTING, EXPLORE, CLASSWISE])
        with driver.serving(folder) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=driver.CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            opened = driver.Page(browser, address, "measure.ipynb")
            opened.page.click(".jp-Cell >> nth=0")
            opened.page.keyboard.press("Shift+Enter")
            opened.page.locator(".jp-InputPrompt", has_text="[1]:").wait_for(timeout=300_000)
            measure_classes(opened)
            measure_matrix(opened)
            print("complaints:", opened.complaints())
            browser.close()


def tell_first_view(opened, name, *, cell, drawn):
    """Run a cell and tell how long it takes until something is drawn."""
    page = opened.page
    page.evaluate(FIRST, drawn)
    page.click(f".jp-Cell >> nth={cell} >> .jp-InputArea-editor")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("() => window.seen", timeout=60_000)
    tell(name, [page.evaluate("() => window.seen - window.started")])


def measure_classes(opened):
    page = opened.page
    drawn = ".js-plotly-plot .barlayer .point"
    tell_first_view(opened, "classes, first view", cell=2, drawn=drawn)
    page.wait_for_selector(".vl-videos", state="attached")
    page.wait_for_timeout(2000)
    opened.screenshot("hundred-classes-bars")
    orders = [3, 4, 2, 0] * 4
    tell("sorting", [page.evaluate(ROWS, ["select", order, "change"]) for order in orders])
    words = ["1", "10", "100", "", "class05", "7, 8", ""] * 2
    search = "input[type=text]"
    tell("searching", [page.evaluate(ROWS, [search, word, "input"]) for word in words])
    names = [f"Class{place:03d}" for place in range(0, 100, 5)]
    tell("a class", [page.evaluate(CLASS, name) for name in names])
    opened.screenshot("hundred-classes-opened")


def measure_matrix(opened):
    page = opened.page
    tell_first_view(opened, "matrix, first view", cell=1, drawn=".vl-matrix[data-first]")
    opened.screenshot("hundred-classes")
    tell("a cell", [page.evaluate(CLICK) for _ in range(20)])
    orders = ["clustered", "accuracy", "index"] * 4
    tell("sorting", [page.evaluate(ORDER, order) for order in orders])
    page.evaluate(CLICK)
    tell("the first video (the model is compiled)", [page.evaluate(VIDEO, 0)])
    tell("a video with the heat of two classes", [page.evaluate(VIDEO, n) for n in range(1, 13)])
    opened.screenshot("hundred-classes-video")
    server = psutil.Process()
    before = memory(page, server)
    for number in range(100):
        page.evaluate(CLICK)
        page.evaluate(VIDEO, number)
    after = memory(page, server)
    for what, held, holds in zip(("kernel", "page"), before, after, strict=True):
        print(f"memory of the {what} over 200 clicks: {held:.0f} -> {holds:.0f} MB")


if __name__ == "__main__":
    main()
