"""Pictures of what was found, with matplotlib.

In: ``Frames``, an ``Indicator`` or a ``Record``. Out: matplotlib ``Axes``, to be changed further or saved
(``axes.figure.savefig("a.png")``). Not for: reckoning; what is drawn is in the tables.

Without ``ax`` a figure is made: one of pyplot where pyplot is in use or a notebook shows it, else one that nothing else
holds. No setting of matplotlib stays changed. A font with Chinese letters is looked for among those installed
(``configs/plot.toml``); to write Chinese into a picture afterwards, set ``rcParams["font.family"] = plot.fonts()``.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from re import Pattern
from typing import TYPE_CHECKING, Any, Final, Literal

from zongjie.indicator import Indicator, one_of
from zongjie.looks import Language, Word, looks
from zongjie.ontology import Table, load_table
from zongjie.record import Record
from zongjie.writers.libraries import library
from zongjie.writers.tables import ROLES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from zongjie.dataframes import Frames

Role = Literal["measures", "results", "targets", "issues"]

_GREY: Final = "#767c85"
_PALE: Final = "#d5d8dd"
_LONGEST = 16  # characters of a label
_TITLE = 36
_ROW = 0.3  # inches of a row with a label
_NEAREST = 0.04  # of the width of a map: labels nearer to each other would overlap
_OPAQUE = 0.6  # of a colour map: from here on letters on it are white


class PlotTable(Table):
    """``configs/plot.toml``: fonts, the best first; what to say where there is none; a Chinese letter; words."""

    fonts: tuple[str, ...]
    hint: str
    letter: str
    words: Mapping[str, Word]


@cache
def _table() -> PlotTable:
    return load_table("plot.toml", PlotTable)


def over_years(
    indicator: Indicator,
    *,
    places: str | Collection[str] | None = None,
    most: int = 8,
    ax: Axes | None = None,
    language: Language = "zh",
) -> Axes:
    """Draw an indicator over the years, a line a place; of one year alone, a bar a place.

    Args:
        indicator: What ``Frames.indicator`` gave.
        places: The place, or the places, to tell apart; if not given, those known in most years, then those with the
            highest latest values. The other places are grey lines, or have no bar.
        most: How many places to tell apart if ``places`` is not given.
        ax: Where to draw.
        language: ``zh`` or ``en``, of the words that are not the documents'.

    Returns:
        The axes.

    Raises:
        ZongjieError: If matplotlib is not installed.
    """
    table = indicator.table.astype("float64")
    table.columns = [period.year for period in table.columns]
    latest = {place: row.dropna().iloc[-1] for place, row in table.iterrows()}
    if places is None:
        ranked = sorted(table.index, key=lambda place: (-table.loc[place].count(), -latest[place], place))
        places = ranked[:most]
    elif isinstance(places, str):  # else every part of its name would be told apart
        places = (places,)
    told = sorted((place for place in table.index if place in places), key=lambda place: -latest[place])
    others = [place for place in table.index if place not in places]
    one_year = len(table.columns) == 1
    with _drawing(ax, 7.5, _height(len(told)) if one_year else 4.2) as drawn:
        title = f"{indicator.name} {table.columns[0]}" if one_year else indicator.name
        drawn.set_title(_short(title, _TITLE))
        if _blank(drawn, not told if one_year else table.empty, language):
            return drawn
        if one_year:
            _bars(drawn, told, [latest[place] for place in told], "C0")
            drawn.set_xlabel(_joined(indicator.unit, _more(len(others), language)))
        else:
            _lines(drawn, table, told, others, _word("others", language, count=len(others)))
            drawn.set_ylabel(indicator.unit)
        return drawn


def promises(
    frames: Frames,
    pattern: str | Pattern[str],
    *,
    unit: str | Collection[str] | None = None,
    most: int = 20,
    ax: Axes | None = None,
    language: Language = "zh",
) -> Axes:
    """Draw what was promised and what was reached, a row a place and year for which there is a promise.

    Args:
        frames: The tables, of plans and of reports.
        pattern: The indicator, as for ``Frames.indicator``.
        unit: Its unit, or several that count as one; that of most promises if not given.
        most: How many rows to draw; those of which both are known come first.
        ax: Where to draw.
        language: ``zh`` or ``en``, of the words that are not the documents'.

    Returns:
        The axes: a ring is a promise, a point what was reached.

    Raises:
        ZongjieError: If matplotlib is not installed.
    """
    promised = frames.indicator(pattern, status="target", unit=unit)
    reached = frames.indicator(pattern, unit=unit or promised.units or None)
    due, done = (_cells(one) for one in (promised, reached))
    rows = sorted(due, key=lambda key: key not in done)[:most]
    rows.sort(key=lambda key: (key[0], -key[1]), reverse=True)
    with _drawing(ax, 7.5, _height(len(rows))) as drawn:
        drawn.set_title(_word("promises", language, name=_short(promised.name, _TITLE)))
        if _blank(drawn, not rows, language):
            return drawn
        both = [(at, due[key], done[key]) for at, key in enumerate(rows) if key in done]
        drawn.hlines([at for at, *_ in both], [b[1] for b in both], [b[2] for b in both], color=_PALE, lw=3, zorder=1)
        ink = looks().marks["targets"].light.ink
        ring: dict[str, Any] = {"facecolors": "white", "edgecolors": ink, "linewidths": 1.5, "s": 55, "zorder": 2}
        drawn.scatter([due[key] for key in rows], range(len(rows)), label=_word("promised", language), **ring)
        if both:
            dot: dict[str, Any] = {"color": looks().marks["results"].light.ink, "s": 24, "zorder": 3}
            drawn.scatter([b[2] for b in both], [b[0] for b in both], label=_word("reached", language), **dot)
        drawn.set_yticks(range(len(rows)), labels=[f"{place} {year}" for place, year in rows])
        drawn.set_ylim(-0.7, len(rows) - 0.3)
        drawn.margins(x=0.08)
        drawn.grid(axis="x", color=_PALE, lw=0.5)
        drawn.set_axisbelow(True)
        drawn.set_xlabel(_joined(promised.unit, _more(len(due) - len(rows), language)))
        _legend(drawn)
        return drawn


def by_section(
    frames: Frames,
    *,
    role: Role = "measures",
    level: int = 1,
    most: int = 15,
    ax: Axes | None = None,
    language: Language = "zh",
) -> Axes:
    """Draw how many measures stand in each section.

    Args:
        frames: The tables; of one document the sections stay in its order, of several the largest come first.
        role: Which statements to count: ``measures``, ``results``, ``targets`` or ``issues``.
        level: Of how many headings, the outermost first, a section is told by; 1 or more.
        most: How many sections to draw.
        ax: Where to draw.
        language: ``zh`` or ``en``, of the words that are not the documents'.

    Returns:
        The axes.

    Raises:
        ZongjieError: If there is no such role, or matplotlib is not installed.
    """
    one_of("role", role, ROLES)
    chosen = frames.statements[frames.statements["role"] == role]
    untitled = _word("untitled", language)
    counts = Counter(section[:level][-1] if section else untitled for section in chosen["section"])
    ranked = counts.most_common(most)
    if frames.documents["doc"].nunique() == 1:  # in the text's order
        kept = dict(ranked)
        ranked = [(section, counts[section]) for section in counts if section in kept]
    with _drawing(ax, 7.5, _height(len(ranked))) as drawn:
        name = getattr(looks().names[role], language)
        drawn.set_title(_word("sections", language, name=name))
        if not _blank(drawn, not ranked, language):
            labels, values = zip(*ranked, strict=True)
            _bars(drawn, labels, values, looks().marks[role].light.ink)
            drawn.xaxis.set_major_locator(_whole())
            drawn.set_xlabel(_joined(name, _more(len(counts) - len(ranked), language)))
        return drawn


def document_map(record: Record, *, ax: Axes | None = None, language: Language = "zh") -> Axes:
    """Draw which part of a document holds its measures, results, targets and issues.

    Args:
        record: The record; its text is not needed.
        ax: Where to draw.
        language: ``zh`` or ``en``, of the words that are not the document's.

    Returns:
        The axes: a row a role, the text from left to right in characters, with the outermost headings above.

    Raises:
        ZongjieError: If matplotlib is not installed.
    """
    with _drawing(ax, 9, 2.6) as drawn:
        for row, role in enumerate(ROLES):
            spans = [(one.start, one.end - one.start) for one in getattr(record, role)]
            ink = looks().marks[role].light.ink  # the edge keeps what is short in a long text in sight
            drawn.broken_barh(spans, (row - 0.38, 0.76), facecolor=ink, edgecolor=ink, linewidth=0.8, label=role)
        names = [f"{getattr(looks().names[role], language)} {len(getattr(record, role))}" for role in ROLES]
        drawn.set_yticks(range(len(ROLES)), labels=names)
        drawn.set_ylim(len(ROLES) - 0.5, -0.5)
        drawn.set_xlim(0, max(record.document.chars, 1))
        drawn.set_xlabel(_joined(_short(record.document.title or "", _TITLE), _word("position", language)))
        for edge in (row + 0.5 for row in range(len(ROLES) - 1)):
            drawn.axhline(edge, color=_PALE, lw=0.6)
        headings = _headings(record)
        for start, _ in headings:
            drawn.axvline(start, color=_GREY, lw=0.8, ls=":", zorder=0)
        _headed(drawn, headings, record.document.chars * _NEAREST)
        return drawn


def co_occurrence(frames: Frames, *, most: int = 12, ax: Axes | None = None, language: Language = "zh") -> Axes:
    """Draw which programmes and schools are named in the same statement, and how often.

    Args:
        frames: The tables.
        most: How many programmes, and how many schools, to draw: those named together most often.
        ax: Where to draw.
        language: ``zh`` or ``en``, of the words that are not the documents'.

    Returns:
        The axes: a row a programme, a column a school, in each cell the number of statements.

    Raises:
        ZongjieError: If matplotlib is not installed.
    """
    named = dict(
        zip(zip(frames.entities["doc"], frames.entities["id"], strict=True), frames.entities["name"], strict=True)
    )
    pairs: Counter[tuple[str, str]] = Counter()
    for doc, programs, schools in frames.statements[["doc", "programs", "schools"]].itertuples(index=False):
        names = [dict.fromkeys(named[doc, one] for one in ones) for ones in (programs, schools)]
        pairs.update((program, school) for program in names[0] for school in names[1])
    programs = _most((pair[0], times) for pair, times in pairs.items())[:most]
    schools = _most((pair[1], times) for pair, times in pairs.items() if pair[0] in programs)[:most]
    programs = [program for program in programs if any(pairs[program, school] for school in schools)]
    with _drawing(ax, 3 + 0.45 * len(schools), 2 + 0.34 * len(programs)) as drawn:
        drawn.set_title(_word("together", language))
        if _blank(drawn, not programs, language):
            return drawn
        grid = [[pairs[program, school] for school in schools] for program in programs]
        highest = max(map(max, grid))
        drawn.imshow(grid, cmap="Blues", vmin=0, vmax=max(highest, 2), aspect="auto")
        for y, row in enumerate(grid):
            for x, times in enumerate(row):
                if times:
                    color = "white" if times > _OPAQUE * max(highest, 2) else "black"
                    drawn.text(x, y, str(times), ha="center", va="center", color=color, size="small")
        drawn.set_yticks(range(len(programs)), labels=[_short(name) for name in programs])
        turned: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        drawn.set_xticks(range(len(schools)), labels=[_short(name) for name in schools], **turned)
        drawn.tick_params(length=0)
        return drawn


def fonts() -> list[str]:
    """Give the families of fonts that pictures are written in.

    Returns:
        The one with Chinese letters first, if there is any; then those that are set in matplotlib.

    Raises:
        ZongjieError: If matplotlib is not installed.
    """
    families = list(library("matplotlib", "explore").rcParams["font.family"])
    return families if _writes_chinese(families) else [*_chinese(), *families]


def _writes_chinese(families: Sequence[str]) -> bool:
    """Say whether the user has seen to it: whether the font that is set has Chinese letters."""
    manager = library("matplotlib.font_manager", "explore")
    path = manager.findfont(manager.FontProperties(family=families))
    return ord(_table().letter) in manager.get_font(path).get_charmap()


@cache
def _chinese() -> tuple[str, ...]:
    """Find a family with Chinese letters; if there is none, say so, once."""
    installed = _families()
    found = next((name for name in _table().fonts if name in installed), None)
    if found:
        return (found,)
    warnings.warn(_table().hint, stacklevel=2)
    # it has been said; matplotlib would say it again of every letter
    warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
    return ()


def _families() -> set[str]:
    """List the families of installed fonts, those too that were installed after matplotlib last looked."""
    module = library("matplotlib.font_manager", "explore")
    manager = module.fontManager
    known = {font.fname for font in manager.ttflist}
    for path in sorted(set(module.findSystemFonts()) - known):
        try:
            manager.addfont(path)
        except (OSError, RuntimeError, ValueError):  # a file that matplotlib cannot use
            continue
    return {font.name for font in manager.ttflist}


@contextmanager
def _drawing(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """Give axes on which texts are written in Chinese; width and height in inches, of a figure that is made."""
    families = fonts()
    # before the context: pyplot's first figure turns the backend of a notebook on, which the context's end would undo
    drawn = _axes(width, height) if ax is None else ax
    with library("matplotlib", "explore").rc_context({"font.family": families}):
        plain = drawn.title.get_fontfamily()
        yield drawn
        for text in drawn.findobj(library("matplotlib.text", "explore").Text):
            if text.get_fontfamily() == plain:  # of axes that were there before
                text.set_fontfamily(families)


def _axes(width: float, height: float) -> Axes:
    """Make a figure: of pyplot if that is in use, or if this is a notebook's kernel, which then shows it."""
    options = {"figsize": (width, height), "layout": "constrained"}
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        figure = library("matplotlib.pyplot", "explore").figure(**options)
    else:
        figure = library("matplotlib.figure", "explore").Figure(**options)
    axes: Axes = figure.add_subplot()
    return axes


def _lines(ax: Axes, table: pd.DataFrame, told: Sequence[str], others: Sequence[str], rest: str) -> None:
    """Draw a line a row: those told apart in colours, the others in grey under one name."""
    styles = cycle(["-"] * 10 + ["--"] * 10 + [":"] * 10)  # there are ten colours
    for place, style in zip(told, styles, strict=False):
        row = table.loc[place].dropna()
        ax.plot(row.index, row.to_numpy(), ls=style, marker="o", ms=4.5, zorder=2, label=place)
    for place in others:
        row = table.loc[place].dropna()
        label = rest if place == others[0] else None
        ax.plot(row.index, row.to_numpy(), color=_PALE, lw=1, marker=".", ms=4, zorder=1, label=label)
    ax.xaxis.set_major_locator(_whole())
    ax.grid(axis="y", color=_PALE, lw=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    _legend(ax)


def _bars(ax: Axes, labels: Sequence[str], values: Sequence[float], color: str) -> None:
    """Draw a bar a label, the first on top, with its value."""
    bars = ax.barh(range(len(labels)), values, height=0.7, color=color)
    ax.bar_label(bars, [f"{value:,.12g}" for value in values], padding=3, size="small")
    ax.set_yticks(range(len(labels)), labels=[_short(label) for label in labels])
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.spines[["top", "right"]].set_visible(False)


def _headed(ax: Axes, headings: Sequence[tuple[int, str]], nearest: float) -> None:
    """Write headings above a map, none nearer to the one before than ``nearest``."""
    kept: list[tuple[int, str]] = []
    for start, words in headings:
        if not kept or start - kept[-1][0] >= nearest:
            kept.append((start, words))
    top = ax.secondary_xaxis("top")
    turned: dict[str, Any] = {"rotation": 25, "ha": "left", "rotation_mode": "anchor", "size": "small"}
    top.set_xticks([start for start, _ in kept], labels=[_short(words) for _, words in kept], **turned)
    top.tick_params(length=0)


def _headings(record: Record) -> list[tuple[int, str]]:
    """Give where the outermost headings stand, of those levels that have more than one, and their first words."""
    found = [block for block in record.blocks if block.kind == "heading"]
    levels = Counter(block.level or 1 for block in found)
    level = min((level for level, times in levels.items() if times > 1), default=None)
    starts = [block for block in found if (block.level or 1) == level]
    text = record.text
    return [(block.start, text[block.start : block.end].strip(" #") if text else "") for block in starts]


def _cells(indicator: Indicator) -> dict[tuple[str, int], float]:
    """Give the values of a table by place and year."""
    chosen = indicator.facts[indicator.facts["why"].isna()]
    keys = zip(chosen["place"], (year.year for year in chosen["year"]), strict=True)
    return dict(zip(keys, map(float, chosen["value"]), strict=True))


def _most(counted: Iterator[tuple[str, int]]) -> list[str]:
    """Give names by how often they were counted, the most frequent first."""
    counts: Counter[str] = Counter()
    for name, times in counted:
        counts[name] += times
    return [name for name, _ in counts.most_common()]


def _blank(ax: Axes, empty: bool, language: Language) -> bool:
    """Say on the axes that there is nothing to draw, if so."""
    if empty:
        ax.set_axis_off()
        ax.text(0.5, 0.5, _word("nothing", language), ha="center", va="center", color=_GREY, transform=ax.transAxes)
    return empty


def _legend(ax: Axes) -> None:
    """Put a legend beside the axes, where it covers nothing."""
    if len(ax.get_legend_handles_labels()[1]) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, borderaxespad=0)


def _whole() -> Any:  # noqa: ANN401 - a locator of a library that may be missing
    return library("matplotlib.ticker", "explore").MaxNLocator(integer=True, min_n_ticks=1)


def _height(rows: int) -> float:
    """Give the height in inches of a figure with rows."""
    return 1.3 + _ROW * max(rows, 3)


def _word(name: str, language: Language, /, **parts: object) -> str:
    return str(getattr(_table().words[name], language)).format(**parts)


def _more(count: int, language: Language) -> str:
    return _word("more", language, count=count) if count else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _short(words: str, longest: int = _LONGEST) -> str:
    """Cut a label; a dollar sign is one, not the start of a formula."""
    cut = words if len(words) <= longest else f"{words[: longest - 1]}…"
    return cut.replace("$", r"\$")
