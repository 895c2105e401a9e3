"""An executed notebook, for tests that look at what it shows."""

import re

from vidlab.course import notebook_files


class Executed:
    """An executed notebook, as a reader sees it."""

    def __init__(self, path):
        self.cells = notebook_files.read(path).cells
        self.outputs = [out for cell in self.cells for out in cell.get("outputs", [])]
        self.data = [out["data"] for out in self.outputs if "data" in out]

    @property
    def closing(self):
        """The text of the last displayed markdown: what was learned, with this run's numbers."""
        return [data["text/markdown"] for data in self.data if "text/markdown" in data][-1]

    @property
    def text(self):
        """All that is printed, and the closing words."""
        return self.printed + self.closing

    @property
    def printed(self):
        return "".join(out["text"] for out in self.outputs if out.get("name") == "stdout")

    @property
    def pictures(self):
        return [data["image/png"] for data in self.data if "image/png" in data]

    def shown(self, cell_id):
        """The results a cell displays, as plain text."""
        (cell,) = [cell for cell in self.cells if cell.id == cell_id]
        return "".join(out["data"]["text/plain"] for out in cell.outputs if "data" in out)

    def table(self, cell_id):
        """The words of each row of a table that a cell displays in colours or with own formats."""
        (cell,) = [cell for cell in self.cells if cell.id == cell_id]
        held = (out.get("data", {}).get("text/html") for out in cell.outputs)
        page = next(filter(None, held))
        rows = re.findall(r"<tr>(.*?)</tr>", page.split("<tbody>")[1], flags=re.DOTALL)
        return [re.findall(r"<t[hd][^>]*>\s*([^<]*?)\s*<", row) for row in rows]
