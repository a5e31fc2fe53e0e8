"""One indicator over places and years, with what could not be placed.

In: the tables of ``dataframes.py``. Out: ``Indicator``, the facts that state it, and a table of places by years.
Not for: finding out that two names mean one indicator; the name that is asked for is searched in the facts' own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from zongjie.errors import ZongjieError
from zongjie.looks import Language, Word
from zongjie.ontology import Table, load_table
from zongjie.period import find_periods, parse_period
from zongjie.quantity import parse_quantity
from zongjie.record import Kind, Status
from zongjie.writers.libraries import library

if TYPE_CHECKING:
    import pandas as pd

    from zongjie.dataframes import Frames

YEARS: Final = "Y"
"""What pandas calls the frequency of calendar years."""

Why = Literal["value", "unit", "school", "place", "time", "other"]
_PLACE_BY: Final = ("fact", "document")  # the nearest first
_YEAR_BY: Final = ("time", "section", "document")
_EXACT: Final = ("=", "~")  # the better first, then all others
_LISTED = 5  # names that a note gives


class Words(Table):
    """``configs/indicator.toml``."""

    whole_year: tuple[str, ...]
    why: Mapping[Why, Word]
    note: Mapping[Literal["placed", "left_out", "names"], Word]


@cache
def _words() -> Words:
    return load_table("indicator.toml", Words)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Indicator:
    """Every fact that states an indicator, and the table that some of them make up.

    Attributes:
        name: What was asked for.
        units: The units of the values, which count as one; none if no value was found.
        facts: The facts, one a row: ``place``, ``year`` and ``value`` as they stand in the table; ``why`` the fact is
            not in the table, missing if it is (``value``: it has none; ``unit``: another unit; ``school``: it is about
            a school; ``place``, ``time``: not known; ``other``: another fact of that place and year is nearer);
            ``place_by`` (``fact``, ``document``) and ``year_by`` (``time``, ``section``, ``document``) say by what
            these are known; and what the fact says, in which sentence of which document.
    """

    name: str
    units: tuple[str, ...]
    facts: pd.DataFrame

    @property
    def unit(self) -> str:
        """The unit, or several, separated by 、."""
        return "、".join(self.units)

    @property
    def table(self) -> pd.DataFrame:
        """The values, a row a place and a column a year (pandas ``Period``); missing where nothing is stated."""
        chosen = self.facts[self.facts["why"].isna()]
        return chosen.pivot(index="place", columns="year", values="value").sort_index().sort_index(axis=1)

    def at(self, place: str, year: int | str) -> pd.DataFrame:
        """Give what is said of one place in one year.

        Args:
            place: A place, as in the table.
            year: A year.

        Returns:
            The rows of ``facts``, the one in the table first.
        """
        when = library("pandas", "explore").Period(str(year), YEARS)
        there = self.facts[(self.facts["place"] == place) & (self.facts["year"] == when)]
        return there.sort_values("why", na_position="first", kind="stable")

    def note(self, language: Language = "zh") -> str:
        """Say how many facts are in the table, under which names, and how many are not, and why.

        Args:
            language: ``zh`` or ``en``.

        Returns:
            One line.
        """
        words = _words()

        def say(what: Literal["placed", "left_out", "names"], count: int, parts: Mapping[Any, int]) -> str:
            listed = [f"{part} {times}" for part, times in list(parts.items())[:_LISTED]]
            more = ["…"] if len(parts) > _LISTED else []
            counted = str(getattr(words.note[what], language)).format(count=count)
            return f"{counted} ({', '.join(listed + more)})" if parts else counted

        chosen = self.facts[self.facts["why"].isna()]
        names = chosen["metric"].fillna(chosen["indicator"]).astype("object").value_counts().to_dict()
        lost = {why: times for why, times in self.facts["why"].value_counts(sort=False).items() if times}
        said = [say("placed", len(chosen), {})]
        if len(names) > 1:
            said.append(say("names", len(names), names))
        if lost:
            reasons = {getattr(words.why[why], language): times for why, times in lost.items()}
            said.append(say("left_out", sum(lost.values()), reasons))
        return f"{self.name}{f' ({self.unit})' if self.unit else ''}: {'; '.join(said)}"

    def __repr__(self) -> str:
        return f"{self.table}\n{self.note()}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"{self.table._repr_html_()}<p>{escape(self.note())}</p>"


def find(
    frames: Frames,
    pattern: str | re.Pattern[str],
    *,
    status: Status = "actual",
    kind: Kind = "level",
    unit: str | Collection[str] | None = None,
) -> Indicator:
    """Find one indicator; ``Frames.indicator`` says how.

    Args:
        frames: The tables.
        pattern: Part of the indicator's name, or a compiled regular expression that is searched in it.
        status: ``actual`` or ``target``.
        kind: ``level``, ``up``, ``down`` or ``rank``.
        unit: The unit, or several that count as one; the most frequent if not given.

    Returns:
        The indicator.

    Raises:
        ZongjieError: If there is no such status or kind, or the tables have the unit as another (万元 as 元).
    """
    one_of("status", status, get_args(Status))
    one_of("kind", kind, get_args(Kind))
    pd = library("pandas", "explore")
    named = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
    search = pattern.search if isinstance(pattern, re.Pattern) else re.compile(re.escape(pattern)).search
    asked = frames.facts[(frames.facts["status"] == status) & (frames.facts["kind"] == kind)]
    asked = asked[pd.array([search(name) is not None for name in asked["indicator"]], "boolean")].reset_index(drop=True)
    units = _units(asked["unit"], unit)
    placer = _Placer(frames, units)
    placed = [placer(fact) for fact in asked.to_dict("records")]

    def series(name: str, dtype: Any) -> Any:  # noqa: ANN401 - of a library that may be missing
        return pd.Series([getattr(one, name) for one in placed], dtype=dtype)

    text = pd.StringDtype()
    facts = pd.DataFrame(
        {
            "place": series("place", text),
            "year": pd.Series(periods(one.year for one in placed), dtype=pd.PeriodDtype(YEARS)),
            "value": series("value", frames.facts["low"].dtype),
            **{name: asked[name] for name in ("unit", "flag", "number", "indicator", "metric")},
            "why": series("why", pd.CategoricalDtype(get_args(Why))),
            "place_by": series("place_by", pd.CategoricalDtype(_PLACE_BY)),
            "year_by": series("year_by", pd.CategoricalDtype(_YEAR_BY)),
            **{name: asked[name] for name in ("confidence", "sentence")},
            "title": series("title", text),
            "source": series("source", text),
            **{name: asked[name] for name in ("doc", "document_id", "id")},
        }
    )
    facts.loc[_further(facts), "why"] = "other"
    return Indicator(named, units, facts)


def one_of(argument: str, given: str, known: Collection[str]) -> None:
    """Refuse an argument that is none of the words that are known.

    Args:
        argument: What the argument is called.
        given: What was given for it.
        known: What may be.

    Raises:
        ZongjieError: If it is none of these.
    """
    if given not in known:
        raise ZongjieError(f"{argument}: {given!r} is not known. Give one of: {', '.join(known)}.")


def periods(years: Iterable[int | None]) -> list[Any]:
    """Give years as pandas knows them.

    Args:
        years: Years, ``None`` where one is not known.

    Returns:
        A ``Period`` each, or ``NaT``.
    """
    pd = library("pandas", "explore")
    return [pd.NaT if year is None else pd.Period(year=year, freq=YEARS) for year in years]


def year_of(start: date | None, end: date | None) -> int | None:
    """Say in which calendar year a period lies.

    Args:
        start: Its first day, ``None`` if that is open or unknown.
        end: Its last day, likewise.

    Returns:
        The year; of a period without a beginning (截至…) the year in which it ends; ``None`` if it lies in several or
        has no end.
    """
    return end.year if end and (start is None or start.year == end.year) else None


def _units(stated: pd.Series, wanted: str | Collection[str] | None) -> tuple[str, ...]:
    """Say which units count: those asked for, or the most frequent; of several the one that is met first."""
    met = stated.dropna().to_list()
    if wanted is not None:
        units = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        for unit in units:
            base = parse_quantity(f"1{unit}")
            if unit not in met and base and base.unit in met:
                raise ZongjieError(f"unit: values in {unit} stand in the tables in {base.unit}. Ask for {base.unit}.")
        return units
    return (max(met, key=met.count),) if met else ()


def _further(facts: pd.DataFrame) -> Any:  # noqa: ANN401 - an index of pandas
    """Say which facts give way to a nearer one of the same place and year."""
    able = facts[facts["why"].isna()]
    name = able["metric"].fillna(able["indicator"]).astype("object")
    met = able.assign(name=name).drop_duplicates(["name", "place", "year"])["name"].value_counts()
    order = {
        "met": -name.map(met),  # under the name that most places and years have, figures can be compared
        "name": name.str.len(),
        "year_by": able["year_by"].cat.codes,
        "place_by": able["place_by"].cat.codes,
        "flag": [_EXACT.index(flag) if flag in _EXACT else len(_EXACT) for flag in able["flag"]],
        "confidence": -able["confidence"],
    }
    ranked = able.assign(**order).sort_values(list(order), kind="stable", na_position="last")
    return ranked.index[ranked.duplicated(["place", "year"])]


class _Placed(NamedTuple):
    """What is found out about one fact."""

    value: Any
    place: str | None
    place_by: str | None
    year: int | None
    year_by: str | None
    why: Why | None
    title: str | None
    source: str


class _Placer:
    """Finds the value, the place and the year of facts."""

    def __init__(self, frames: Frames, units: Collection[str]) -> None:
        self.units = units
        self.documents = {row["doc"]: row for row in frames.documents.drop(columns="text").to_dict("records")}
        schools = frames.entities[frames.entities["type"] == "SCHOOL"]
        self.schools = set(zip(schools["doc"], schools["name"], strict=True))
        based = frames.facts[frames.facts["base"].notna()]
        keys = zip(*(based[name] for name in ("doc", "base_start", "metric")), strict=True)
        self.later = dict(zip(keys, based["time_start"], strict=True))  # 由80%提高到85%: of the 80% the time of the 85%

    def __call__(self, fact: Mapping[Any, Any]) -> _Placed:
        document = self.documents[fact["doc"]]
        value = _value(_known(fact["low"]), _known(fact["high"]))
        place, place_by = self._place(fact, document)
        year, year_by = (None, None) if self._is_earlier(fact) else _when(fact, document)
        reasons: dict[Why, bool] = {
            "value": value is None,
            "unit": fact["unit"] not in self.units,
            "school": _known(fact["school"]) is not None,
            "place": place is None,
            "time": year is None,
        }
        why = next((why for why, holds in reasons.items() if holds), None)
        return _Placed(value, place, place_by, year, year_by, why, document["title"], document["source"])

    def _is_earlier(self, fact: Mapping[Any, Any]) -> bool:
        """Say whether the fact is what another one started from, and has no time of its own."""
        key = (fact["doc"], fact["number_start"], fact["metric"])
        if key not in self.later:
            return False
        own = _known(fact["time_start"])
        return own is None or own == _known(self.later[key])

    def _place(self, fact: Mapping[Any, Any], document: Mapping[Any, Any]) -> tuple[str | None, str | None]:
        """Give the fact's place; if it names none, the document's, unless a school speaks there."""
        if _known(fact["place"]) is not None:
            name = _known(fact["place_name"])
            return name, name and "fact"
        region = _known(document["region"])
        if region is None or (fact["doc"], document["issuer"]) in self.schools:
            return None, None
        return region, "document"


def _known(cell: Any) -> Any:  # noqa: ANN401 - a cell of a table
    """Give a cell, ``None`` if it is missing."""
    return None if library("pandas", "explore").isna(cell) else cell


def _value(low: Any, high: Any) -> Any:  # noqa: ANN401 - float or Decimal
    """Give one number for a value: the number, of a bound the bound, of a range its middle."""
    if low is None or high is None:
        return high if low is None else low
    return low if low == high else (low + high) / 2


def _when(fact: Mapping[Any, Any], document: Mapping[Any, Any]) -> tuple[int | None, str | None]:
    """Give the year of a fact, and by what it is known."""
    if (said := _known(fact["time"])) is not None:
        start, end = _known(fact["period_start"]), _known(fact["period_end"])
        if start is not None or end is not None:
            year = year_of(start, end)
            return year, "time" if year else None
    year, by = _setting(fact, document, told=said is not None)
    if said is not None and year is not None:
        year = _understood(said, year)
    return year, by if year else None


def _setting(fact: Mapping[Any, Any], document: Mapping[Any, Any], *, told: bool) -> tuple[int | None, str | None]:
    """Give the year that a fact stands under: that of the nearest heading which names a time, or the document's.

    Under 2023年和“十三五”时期 only what is ``told`` by a time of its own (全年) is surely of the one year.
    """
    for heading in reversed(fact["section"]):
        if named := _heading(heading):
            years = [year for year in named if year]
            return (years[0], "section") if len(years) == 1 and (told or len(named) == 1) else (None, None)
    # a plan speaks of what is promised for its period, every other document of what was reached in its own
    if (document["kind"] == "plan") != (fact["status"] == "target"):
        return None, None
    return year_of(_known(document["period_start"]), _known(document["period_end"])), "document"


@cache
def _heading(heading: str) -> tuple[int | None, ...]:
    """Give the years that a heading names, ``None`` for a time that is not one year."""
    read = (parse_period(mention.text) for mention in find_periods(heading))
    return tuple(dict.fromkeys(year_of(p.start, p.end) for p in read if p and p.resolved))


@cache
def _understood(said: str, year: int) -> int | None:
    """Give the year of a time that is told from its setting (全年, 11月底, 每月)."""
    if said in _words().whole_year:
        return year
    period = parse_period(said, base=date(year, 12, 31))
    if period is None:
        return None
    return year if period.kind == "frequency" else year_of(period.start, period.end)
