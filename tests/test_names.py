"""Names are data: brackets, dollars, underscores, tags, letters of any script and any length."""

import html
import json
import os
import warnings

import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph
from matplotlib import font_manager

from tests.drawn import labels, legend
from vidlab import plots
from vidlab.cli import console
from vidlab.evaluation import tables
from vidlab.evaluation.predictions import Predictions
from vidlab.files import file_name, unique_stems, write_text
from vidlab.plots import names
from vidlab.widgets import PerClassExplorer

AWKWARD = ["Tie [bold]", "Ba$$in", "_idle", "win $100 or $1_000 {now}", "<script>x</script>"]


@pytest.fixture
def font(tmp_path, monkeypatch):
    """Make an installed font of some letters: (letters, name) -> name; searches begin anew."""
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])

    def make(letters, name):
        glyphs = [".notdef", *(f"uni{ord(letter):04X}" for letter in letters)]
        made = FontBuilder(1000)
        made.setupGlyphOrder(glyphs)
        made.setupCharacterMap(dict(zip(map(ord, letters), glyphs[1:], strict=True)))
        made.setupGlyf({glyph: Glyph() for glyph in glyphs})
        made.setupHorizontalMetrics({glyph: (1000, 0) for glyph in glyphs})
        made.setupHorizontalHeader(ascent=800, descent=-200)
        made.setupNameTable({"familyName": name, "styleName": "Regular"})
        made.setupOS2()
        made.setupPost()
        made.save(tmp_path / f"{name}.ttf")
        font_manager.fontManager.addfont(tmp_path / f"{name}.ttf")
        return name

    names.fonts_with.cache_clear()
    yield make
    names.fonts_with.cache_clear()


def test_names_in_a_table_are_as_they_are(capsys):
    console.table(pd.DataFrame({"[red]": AWKWARD}, AWKWARD), title="Of [bold]x[/bold]")
    shown = capsys.readouterr().out
    assert all(shown.count(name) == 2 for name in AWKWARD)
    assert "[red]" in shown
    assert "Of [bold]x[/bold]" in shown


@pytest.mark.parametrize("styled", [True, False])
def test_names_in_a_figure_are_as_they_are_and_in_its_legend(styled):
    if styled:
        plots.use_style()
    values = pd.Series([0.0, 1.0])
    figure = plots.lines(dict.fromkeys(AWKWARD, values), title=AWKWARD[1], xlabel=AWKWARD[3])
    assert legend(figure) == AWKWARD
    assert figure._repr_png_()
    rows = pd.DataFrame({"top1": [0.5] * 5}, index=AWKWARD)
    assert plots.intervals(rows, title=AWKWARD[1])._repr_png_()
    timeline = plots.frame_timeline(np.full((4, 5), 0.2), AWKWARD, title=AWKWARD[3])
    assert sorted(legend(timeline)) == sorted(AWKWARD)
    confusion = pd.DataFrame(np.eye(5, dtype=int), AWKWARD, AWKWARD)
    assert plots.confusion_matrix(confusion)._repr_png_()
    cloud = plots.tsne(np.eye(5)[:, :2], range(5), classes=AWKWARD)
    assert legend(cloud) == AWKWARD


def test_long_names_leave_room_for_the_chart():
    long = [f"Pretending to put something behind something without touching it {n}" for n in "ab"]
    figures = [
        plots.confusion_matrix(pd.DataFrame([[3, 1], [0, 2]], long, long)),
        plots.intervals(pd.DataFrame({"top1": [0.2, 0.7]}, long)),
        plots.frame_timeline(np.eye(2), long),
    ]
    for figure in figures:
        figure._repr_png_()
        width, height = figure.axes[0].get_window_extent().size
        assert min(width / figure.bbox.width, height / figure.bbox.height) > 0.25
    for shown in (labels(figures[0].axes[0].yaxis), labels(figures[1].axes[0].yaxis)):
        assert [name[-17:] for name in shown] == [name[-17:] for name in long]
        assert len(shown[0]) == 40
    assert len(legend(figures[2])[0]) == 60


def test_the_numbers_of_a_log_scale_stay_formulas():
    figure = plots.lines({"a": pd.Series([1.0, 1000.0])})
    figure.axes[0].set_yscale("log")
    figure._repr_png_()
    powers = [t for t in figure.axes[0].get_yticklabels() if "mathdefault" in t.get_text()]
    assert powers
    assert all(text.get_parse_math() for text in powers)


def test_letters_are_drawn_in_fonts_of_this_machine(font, caplog):
    plots.use_style()
    font("跑步", "One Half"), font("打篮球", "Other Half")
    figure = plots.lines({"跑步": pd.Series([0, 1]), "打篮球": pd.Series([1, 0])}, title="跑步")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure._repr_png_()
    assert not caplog.records
    for text in [figure.axes[0]._left_title, *figure.axes[0].get_legend().get_texts()]:
        assert {"One Half", "Other Half"} <= set(text.get_fontfamily())


def test_letters_that_no_font_has_are_one_sentence(font):
    cuneiform = "\U00012000\U00012001"
    figure = plots.lines({cuneiform: pd.Series([0, 1]), "b": pd.Series([1, 0])}, title=cuneiform)
    with pytest.warns(UserWarning, match="Install one") as told:
        figure._repr_png_(), figure._repr_png_()
    assert [str(one.message).split(".")[0] for one in told] == [
        "Expected a font for CUNEIFORM letters"
    ]


def test_files_of_long_or_like_names_have_short_names_of_their_own():
    long = "跑" * 80
    stems = unique_stems([f"{long}1.avi", f"{long}2.avi", "a/x.avi", "a/x.mp4", "b/x.avi", "y.avi"])
    assert len(set(stems)) == 6
    assert all(len(stem.encode()) <= 200 for stem in stems)
    assert stems[5] == "y"
    assert len(set(unique_stems(["U\u0308bung.avi", "\u00dcbung.avi"]))) == 2
    assert file_name("a/b\udcff") == "a_b_"


def test_a_name_that_is_not_utf_8_can_be_drawn(tmp_path):
    plots.use_style()
    name = os.fsdecode(b"film\xff.avi")
    figure = plots.lines({name: pd.Series([0, 1]), "b": pd.Series([1, 0])}, title=name)
    assert [file.stat().st_size > 0 for file in plots.save(figure, tmp_path / "one")] == [True] * 3
    assert figure.axes[0].get_title(loc="left") == r"film\udcff.avi"


def test_a_name_that_is_not_utf_8_is_written_as_an_escape(tmp_path):
    text = json.dumps({"file": os.fsdecode(b"film\xff.avi")}, ensure_ascii=False)
    file = write_text(tmp_path / "one.json", text)
    assert json.loads(file.read_text(encoding="utf-8"))["file"] == "film\udcff.avi"


def test_names_in_markdown_are_escaped(tmp_path):
    table = pd.DataFrame({"class": AWKWARD, "n": range(5)})
    text = tables.export(table, tmp_path / "t.md").read_text()
    for name in ("Tie [bold]", r"Ba\$\$in", r"\_idle", r"\<script>x\</script>"):
        assert f"| {name} |" in text


def test_names_in_charts_of_explorers_are_no_code():
    shares = np.full((5, 5), 0.2)
    one = Predictions.of(range(5), shares, classes=AWKWARD)
    explored = PerClassExplorer(one, against=one, names=("<b>$m$</b>", "%{x}"))
    axis = explored.chart.layout.yaxis
    shown = [html.unescape(text) for text in axis.ticktext]
    assert dict(zip(axis.tickvals, shown, strict=True)) == {name: name for name in AWKWARD}
    written = [*axis.ticktext, *(trace.name for trace in explored.chart.data if trace.name)]
    assert not [text for text in written if set("<$") & set(text) or "%{" in text]
    assert any(html.unescape(text).startswith("%{x} top-1") for text in written)
    assert explored._repr_mimebundle_()["image/png"]
