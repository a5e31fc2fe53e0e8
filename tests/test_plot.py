from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from reports import report, said
from zongjie import plot
from zongjie.dataframes import Frames, frames
from zongjie.errors import ZongjieError
from zongjie.record import Record

matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib")
pytest.importorskip("pandas", reason="needs pandas")

from matplotlib.figure import Figure  # noqa: E402 - after it is known to be there

RATE = "毛入园率"


@pytest.fixture(autouse=True)
def _no_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is installed here, one family is."""
    plot._chinese.cache_clear()
    monkeypatch.setattr(plot, "_families", lambda: {"SimHei", "DejaVu Sans"})
    monkeypatch.setattr(plot, "_writes_chinese", lambda families: False)
    yield
    plot._chinese.cache_clear()
    if pyplot := sys.modules.get("matplotlib.pyplot"):  # another test may have imported it, and then it keeps figures
        pyplot.close("all")


def stated(place: str, year: int, number: str, role: str = "R", metric: str = RATE) -> Record:
    kind = "plan" if role == "T" else "summary"
    one = said(f"{metric}{number}%", role, metric=metric, number=f"{number}%", value=number)
    return report(one, region=place, year=year, kind=kind)


@pytest.fixture
def found() -> Frames:
    records = [stated("甲县", year, number) for year, number in ((2021, "90"), (2022, "92"), (2023, "95"))]
    records += [stated("乙市", 2021, "80"), stated("乙市", 2023, "85"), stated("丙区", 2023, "99")]
    return frames([*records, stated("甲县", 2023, "94", "T"), stated("乙市", 2024, "88", "T")])


def labels(ax: Any) -> list[str]:  # noqa: ANN401 - axes
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def ticks(axis: Any) -> list[str]:  # noqa: ANN401 - an axis
    return [text.get_text() for text in axis.get_ticklabels()]


def test_a_line_a_place(found: Frames) -> None:
    ax = plot.over_years(found.indicator(RATE))
    assert labels(ax) == ["丙区", "甲县", "乙市"]  # as the latest values stand
    lines = {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in ax.lines}
    assert lines["甲县"] == [(2021, 90), (2022, 92), (2023, 95)]
    assert lines["乙市"] == [(2021, 80), (2023, 85)]
    assert (ax.get_title(), ax.get_ylabel()) == (RATE, "%")
    assert all(float(at).is_integer() for at in ax.get_xticks())


def test_too_many_places_are_one_grey(found: Frames) -> None:
    ax = plot.over_years(found.indicator(RATE), most=1)
    assert labels(ax) == ["甲县", "其他 2 处"]
    assert len({line.get_color() for line in ax.lines if line.get_label() != "甲县"}) == 1
    assert labels(plot.over_years(found.indicator(RATE), places=["乙市"], language="en")) == ["乙市", "2 other places"]


def test_one_year_gives_bars(found: Frames) -> None:
    one = frames([stated("甲县", 2023, "90"), stated("乙市", 2023, "95")]).indicator(RATE)
    ax = plot.over_years(one)
    assert [bar.get_width() for bar in ax.patches] == [95, 90]
    assert ticks(ax.yaxis) == ["乙市", "甲县"]
    assert ax.get_title() == f"{RATE} 2023"
    assert "另有 1 项未画" in plot.over_years(one, most=1).get_xlabel()


def test_one_place_is_told_by_its_whole_name() -> None:
    two = frames([stated("甲县", 2022, "90"), stated("甲县", 2023, "91"), stated("甲县城区", 2023, "95")])
    assert labels(plot.over_years(two.indicator(RATE), places="甲县城区")) == ["甲县城区", "其他 1 处"]


def test_promises_stand_beside_what_was_reached(found: Frames) -> None:
    ax = plot.promises(found, RATE)
    assert ticks(ax.yaxis) == ["甲县 2023", "乙市 2024"]
    points = {dots.get_label(): dots.get_offsets().tolist() for dots in ax.collections if dots.get_label()[0] != "_"}
    assert points == {"承诺": [[94, 0], [88, 1]], "达到": [[95, 0]]}
    assert labels(ax) == ["承诺", "达到"]
    assert ticks(plot.promises(found, RATE, most=1).yaxis) == ["甲县 2023"]  # of which both are known


def test_measures_by_section() -> None:
    one, two = ["一、扩容"], ["二、提质", "（一）教学"]
    lines = [said(f"实施行动{at}", "M", section=section) for at, section in enumerate([two, two, one, []])]
    lines.append(said("成效明显", "R", section=one))
    ax = plot.by_section(frames([report(*lines)]))
    assert (ticks(ax.yaxis), [bar.get_width() for bar in ax.patches]) == (["二、提质", "一、扩容", "无标题"], [2, 1, 1])
    assert ticks(plot.by_section(frames([report(*lines)]), level=2).yaxis)[0] == "（一）教学"
    assert [bar.get_width() for bar in plot.by_section(frames([report(*lines)]), role="results").patches] == [1]
    several = plot.by_section(frames([report(*lines[2:]), report(*lines)]), most=2)
    assert [bar.get_width() for bar in several.patches] == [2, 2]
    assert several.get_xlabel() == "举措 · 另有 1 项未画"


def test_a_map_of_a_document() -> None:
    lines = [
        said("一、扩容", "M"),
        said("新建学校", "M"),
        said("学位增加", "R"),
        said("二、提质", "I"),
        said("将扩班", "T"),
    ]
    heads = [{"kind": "heading", "start": at, "end": at + 4, "level": 1} for at in (0, 15)]
    record = report(*lines, blocks=heads, title="某县总结")
    ax = plot.document_map(record)
    assert ticks(ax.yaxis) == ["举措 2", "成效 1", "目标 1", "问题 1"]
    drawn = [[path.get_extents().intervalx.tolist() for path in bars.get_paths()] for bars in ax.collections]
    assert drawn == [[[0, 4], [5, 9]], [[10, 14]], [[20, 23]], [[15, 19]]]
    (top,) = ax.child_axes
    assert (ticks(top.xaxis), ax.get_xlim()) == (["一、扩容", "二、提质"], (0, record.document.chars))
    bare = record.model_copy(update={"text": None})
    assert len(plot.document_map(bare).collections) == 4


def test_who_is_named_with_whom() -> None:
    def line(program: str, school: str) -> dict[str, Any]:
        return said(f"{school}入选{program}", program=program, school=school)

    named = [line("甲工程", "东校"), line("甲工程", "东校"), line("乙计划", "西校"), said("东校在建", school="东校")]
    ax = plot.co_occurrence(frames([report(*named)]))
    assert (ticks(ax.yaxis), ticks(ax.xaxis)) == (["甲工程", "乙计划"], ["东校", "西校"])
    assert ax.images[0].get_array().tolist() == [[2, 0], [0, 1]]
    assert [text.get_text() for text in ax.texts] == ["2", "1"]
    small = plot.co_occurrence(frames([report(*named)]), most=1)
    assert (ticks(small.yaxis), ticks(small.xaxis)) == (["甲工程"], ["东校"])


def test_nothing_to_draw_is_said() -> None:
    none = frames([])
    for ax in (
        plot.over_years(none.indicator(RATE)),
        plot.promises(none, RATE),
        plot.by_section(none),
        plot.co_occurrence(none),
        plot.co_occurrence(frames([report(said("东校入选甲工程", program="甲工程", school="东校"))]), most=0),
        plot.over_years(frames([stated("甲县", 2023, "90")]).indicator(RATE), places=["丙区"]),
    ):
        assert [text.get_text() for text in ax.texts] == ["没有可画的内容"]
    with pytest.raises(ZongjieError, match="role: 'goals' is not known"):
        plot.by_section(none, role="goals")  # type: ignore[arg-type]


def test_given_axes_are_drawn_on_and_no_setting_stays(found: Frames) -> None:
    before = dict(matplotlib.rcParams)
    given = Figure().add_subplot()
    assert plot.over_years(found.indicator(RATE), ax=given) is given
    assert given.title.get_fontfamily()[0] == given.get_legend().get_texts()[0].get_fontfamily()[0] == "SimHei"
    assert dict(matplotlib.rcParams) == before


def test_a_dollar_is_no_formula() -> None:
    lines = [said(f"行动{at}", "M", section=["投入$5和$6"]) for at in range(2)]
    ax = plot.by_section(frames([report(*lines)]))
    assert ticks(ax.yaxis) == [r"投入\$5和\$6"]


def test_pyplot_is_used_where_it_is_in_use() -> None:
    code = """
import sys, warnings; warnings.simplefilter("ignore")
import matplotlib; matplotlib.use("Agg")
from zongjie import frames, plot
ax = plot.by_section(frames([])); assert "matplotlib.pyplot" not in sys.modules
import matplotlib.pyplot as plt
plot.by_section(frames([])); print(len(plt.get_fignums()))
plot.by_section(frames([]), ax=ax); print(len(plt.get_fignums()))
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["1", "1"]


def test_without_a_chinese_font_one_warning_says_what_to_install(
    found: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "_families", lambda: {"DejaVu Sans"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            ax = plot.over_years(found.indicator(RATE))
            ax.figure.set_canvas(matplotlib.backends.backend_agg.FigureCanvasAgg(ax.figure))
            ax.figure.draw_without_rendering()
    assert len(labels(ax)) == 3
    (warning,) = (one for one in caught if issubclass(one.category, UserWarning))
    assert "fonts-noto-cjk" in str(warning.message)


def test_a_font_that_the_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plot.fonts() == ["SimHei", *matplotlib.rcParams["font.family"]]
    monkeypatch.setattr(plot, "_writes_chinese", lambda families: True)
    assert plot.fonts() == list(matplotlib.rcParams["font.family"])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, found: Frames) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ZongjieError, match=r"zongjie\[explore\]"):
        plot.by_section(found)
