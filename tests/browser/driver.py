"""A JupyterLab of our own and a page of it, driven as a student would.

Gives `serving` and `Page` to the tests of this folder. Everything lies in a folder that is thrown
away afterwards: settings, runtime files and the notebook.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = (
    "needs the browser chromium. On Debian or Ubuntu: sudo apt install chromium. Then run "
    "python -m pytest tests/browser"
)
SCREENSHOTS = Path(__file__).resolve().parents[2] / "runs" / "browser"

# What JupyterLab's own parts say in the console, whatever the notebook holds.
_NOT_OURS = ("favicon", "net::ERR_NAME_NOT_RESOLVED", "net::ERR_INTERNET_DISCONNECTED")


@contextlib.contextmanager
def serving(folder, *, env=None):
    """Run a server on a free port over `folder`; give its address."""
    folder = Path(folder)
    private = folder / ".jupyter"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
    ]
    asking = private / "settings" / "@jupyterlab" / "apputils-extension"
    asking.mkdir(parents=True, exist_ok=True)
    (asking / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    with (private / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **own, **(env or {})}, stdout=log, stderr=log, cwd=folder
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, private / "log.txt")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address, process, log):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def write_notebook(path, cells):
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)


class Page:
    """A notebook open in the browser."""

    def __init__(self, browser, address, notebook, *, size=(1366, 820)):
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.errors = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address}/doc/tree/{notebook}?reset", wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        idle = self.page.locator("#jp-main-statusbar", has_text="| Idle")
        idle.wait_for(timeout=60_000)  # without a kernel, cells that are run do nothing

    def _heard(self, message):
        if message.type == "error" and not any(part in message.text for part in _NOT_OURS):
            self.errors.append(message.text)

    def run_all(self):
        self.page.click(".lm-MenuBar-item:has-text('Run')")
        self.page.click(".lm-Menu-item:has-text('Run All Cells')")

    def wait_until_idle(self, *, seconds=300):
        """Wait until no cell runs and none waits to run."""
        end, calm = time.monotonic() + seconds, 0
        idle = self.page.locator("#jp-main-statusbar", has_text="| Idle")
        while calm < 8:
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds} s: {self.complaints()}")
            self.page.wait_for_timeout(250)
            calm = calm + 1 if idle.count() else 0

    def scroll_to(self, selector):
        """Scroll down until an element is there: cells out of sight are none of the page's.

        A widget needs a moment to be drawn once its cell is in sight, a busy machine a longer one:
        where it was passed too fast, the notebook is gone through again, more slowly.
        """
        found = self.page.locator(selector)
        panel = self.page.locator(".jp-WindowedPanel-outer").first
        for patience in (100, 400, 1200):
            panel.evaluate("one => { one.scrollTop = 0; }")
            is_at_end = False
            while not is_at_end:
                self.page.wait_for_timeout(patience)
                if found.count():
                    found.first.scroll_into_view_if_needed()
                    return found.first
                is_at_end = panel.evaluate(
                    "one => { const from = one.scrollTop; one.scrollBy(0, 500);"
                    " return one.scrollTop === from; }"
                )
        raise AssertionError(f"{selector} is nowhere: {self.complaints()}")

    def wait_for(self, selector, *, seconds=90):
        """Wait for an element; where it does not come, tell what the cells complain about."""
        from playwright.sync_api import TimeoutError

        try:
            return self.page.wait_for_selector(selector, timeout=1000 * seconds, state="attached")
        except TimeoutError as error:
            raise AssertionError(f"{selector}: {self.complaints()}") from error

    def complaints(self):
        """Give the errors that stand in the notebook's outputs and in the console."""
        outputs = self.page.locator("[data-mime-type*=error], [data-mime-type*=stderr]")
        return [*outputs.all_inner_texts(), *self.errors]

    @contextlib.contextmanager
    def dark(self):
        """Look at the page in JupyterLab's dark theme."""
        self._choose_theme("JupyterLab Dark")
        try:
            self.page.wait_for_selector("[data-jp-theme-light=false]", state="attached")
            self.page.wait_for_timeout(500)
            yield
        finally:
            self._choose_theme("JupyterLab Light")

    def dark_chart(self, name):
        """Look at a chart of plotly in the dark theme; give the colour painted behind it."""
        with self.dark():
            self.screenshot(name, of=".js-plotly-plot")
            chart = self.page.locator(".js-plotly-plot .main-svg").first
            return chart.evaluate("svg => getComputedStyle(svg).backgroundColor")

    def _choose_theme(self, name):
        self.page.click(".lm-MenuBar-item:has-text('Settings')")
        self.page.hover(".lm-Menu-item:has-text('Theme') >> nth=0")
        self.page.click(f".lm-Menu-item:has-text('{name}') >> nth=0")

    def screenshot(self, name, *, of=None):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        target = self.page.locator(of).first if of else self.page
        target.screenshot(path=SCREENSHOTS / f"{name}.png")


def click_cell(page, row, column):
    """Click a cell of the confusion matrix."""
    matrix = page.locator(".vl-matrix")
    left, top, cell = map(float, matrix.get_attribute("data-first").split())
    position = {"x": left + column * cell, "y": top + row * cell}
    matrix.scroll_into_view_if_needed()
    matrix.hover(position=position)
    matrix.click(position=position)


def pixels(page, selector):
    """The sum over all pixels of a canvas, read off a copy: the browser warns about else."""
    return page.locator(selector).evaluate(
        """one => {
          const copy = new OffscreenCanvas(one.width, one.height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(one, 0, 0);
          const { data } = context.getImageData(0, 0, one.width, one.height);
          return data.reduce((sum, value) => sum + value, 0);
        }"""
    )
