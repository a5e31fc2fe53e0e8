import json
import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zongjie.almanac import lunar_day, month_end, shift_months, solar_term
from zongjie.period import Period, find_periods, parse_period
from zongjie.period_grammar import grammar
from zongjie.text import fold

CASES = tomllib.loads((Path(__file__).parent / "cases" / "periods.toml").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[1].parent / "shared"
NEUTRAL = "，我校。"

# strings near the grammar, where random characters would hardly ever lead
PIECES = st.sampled_from(CASES["pieces"])
NEAR = st.lists(PIECES, max_size=12).map("".join)
ANY = st.one_of(NEAR, st.text(max_size=60))
DAYS = st.one_of(st.none(), st.dates())


def day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.mark.parametrize(("text", "base", "start", "end", "kind"), CASES["parse"])
def test_parse(text: str, base: str, start: str, end: str, kind: str) -> None:
    assert parse_period(text, base=day(base)) == Period(day(start), day(end), True, kind)


@pytest.mark.parametrize(("text", "base", "kind"), CASES["open"])
def test_parse_without_days(text: str, base: str, kind: str) -> None:
    assert parse_period(text, base=day(base)) == Period(None, None, False, kind)


@pytest.mark.parametrize("text", CASES["none"])
def test_parse_refuses(text: str) -> None:
    assert parse_period(text, base=date(2024, 4, 13)) is None


@pytest.mark.parametrize("marked", CASES["find"])
def test_find(marked: str) -> None:
    mentions = find_periods(re.sub("[‹›]", "", marked))
    assert [m.text for m in mentions] == re.findall("‹(.*?)›", marked)


@pytest.mark.parametrize("row", CASES["garbled"], ids=lambda row: row[0][:12])
def test_garbled_dates_are_read_and_keep_their_places(row: list[str]) -> None:
    marked, *read = row
    text = re.sub("[‹›]", "", marked)
    mentions = find_periods(text)
    assert [m.text for m in mentions] == re.findall("‹(.*?)›", marked)
    assert [m.repaired or "" for m in mentions] == read
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert all(parse_period(m.text) == parse_period(m.repaired or m.text) for m in mentions)


@pytest.mark.parametrize("text", [row[0] for row in CASES["parse"] + CASES["open"] if row[0] not in CASES["unfound"]])
def test_what_is_read_is_found(text: str) -> None:
    assert [m.text for m in find_periods(f"，{text}，")] == [text]


@settings(max_examples=300)
@given(ANY, DAYS)
def test_parse_never_raises_and_keeps_order(text: str, base: date | None) -> None:
    period = parse_period(text, base=base)
    if period is not None and period.start and period.end:
        assert period.start <= period.end
    if period is not None and not period.resolved:
        assert period.start is None
        assert period.end is None


@settings(max_examples=300)
@given(ANY)
def test_mentions_are_slices_in_order(text: str) -> None:
    end = 0
    for m in find_periods(text):
        assert end <= m.start < m.end <= len(text)
        assert text[m.start : m.end] == m.text
        end = m.end


@settings(max_examples=300)
@given(st.lists(st.sampled_from([re.sub("[‹›]", "", s) for s in CASES["find"]]), max_size=4), st.data())
def test_neutral_text_around_changes_nothing(sentences: list[str], data: st.DataObject) -> None:
    text = "".join(sentences)
    shift = len(NEUTRAL)
    inside = [(m.start + shift, m.end + shift) for m in find_periods(text)]
    assert [(m.start, m.end) for m in find_periods(NEUTRAL + text + NEUTRAL)] == inside


@pytest.mark.parametrize(
    "piece",
    ["2021年", "1", "2021", "一二三四五六七八九十", "百", "每", "自", "《", "（2021", "“十四", "1月2日至3月4日"],
)
def test_long_runs_end(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert all(len(m.text) < 40 for m in find_periods(text))
    assert parse_period(text) is None


def test_nested_nonsense_ends() -> None:
    assert parse_period("从至" * 11 + "前" * 22) is None


def test_the_guard_lets_every_word_through() -> None:
    find = grammar().table.find
    for word in find.words:
        assert re.match(f"{find.start}|[%\\[(]", word), word


@pytest.mark.parametrize(
    ("year", "month", "which", "expected"),
    [
        (2023, 1, 1, date(2023, 1, 22)),
        (2024, 1, 1, date(2024, 2, 10)),
        (2023, 8, 15, date(2023, 9, 29)),  # 2023 has a leap second month
        (2023, 13, 0, date(2024, 2, 9)),
        (1850, 1, 1, None),
    ],
)
def test_lunar_day(year: int, month: int, which: int, expected: date | None) -> None:
    assert lunar_day(year, month, which) == expected


def test_almanac() -> None:
    assert month_end(2024, 2) == date(2024, 2, 29)
    assert month_end(2024, 12) == date(2024, 12, 31)
    assert shift_months(date(2024, 3, 31), -1) == date(2024, 2, 29)
    assert shift_months(date(2024, 12, 31), 2) == date(2025, 2, 28)
    assert solar_term(2021, grammar().table.solar_terms["立春"]) == date(2021, 2, 3)


def shared_rows(name: str) -> list[dict[str, str]]:
    path = SHARED / "normalisation" / name
    if not path.exists():
        pytest.skip(f"the shared suite {name} is not here")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_report_periods_of_the_shared_suite() -> None:
    rows = shared_rows("report_periods.jsonl")
    right = 0
    for row in rows:
        base = day(row["base"])
        period = parse_period(row["input"], base=base)
        if period is None and (found := find_periods(row["input"])):
            period = parse_period(found[0].text, base=base)
        right += period is not None and (str(period.start), str(period.end)) == (row["start"], row["end"])
    assert right / len(rows) >= 0.95


def test_absolute_dates_of_the_shared_suite() -> None:
    rows = shared_rows("unified/absolute_date.jsonl")
    periods = [parse_period(row["input"]) for row in rows]
    days = [(row["start"][:10], row["end"][:10]) for row in rows]
    right = sum(p is not None and (str(p.start), str(p.end)) == d for p, d in zip(periods, days, strict=True))
    assert right / len(rows) >= 0.93


@cache
def whole_finder() -> re.Pattern[str]:
    """The grammar put together as one pattern, with nothing standing in for expressions within expressions."""
    rules, find = grammar(), grammar().table.find
    skip, opening, take = ("|".join(map(rules._expand, group)) for group in (find.skip, find.opening, find.take))
    opening = f"{rules._expand('%open%')}(?:{opening})"
    return re.compile(f"(?={find.skip_start})(?P<skip>{skip})|{opening}|(?={find.start})(?:{take})")


@example("自2021年9月开始，全县试点。从2020年到2023年底，新建学校5所。自国家启动课程改革以来，成效明显。")
@example("截至2023年12月底，在校生3.2万人。截止2022年（含）前的账目已清。截至全县动员会召开。")
@example("2021年（民国110年）3月至2023年6月起至2024年底，连续三年（2021年至2023年）达标，2023年（第二批）立项。")
@example("从多个方面看，从今年秋季学期起，从全县范围内遴选；从2022年起实施。")
@example("\n".join(re.sub("[‹›]", "", text) for text in CASES["find"]))
@settings(deadline=None)
@given(NEAR)
def test_the_scout_finds_what_the_whole_grammar_finds(text: str) -> None:
    folded = fold(text)
    found = [m.span() for m in whole_finder().finditer(folded) if m.lastgroup != "skip"]
    assert list(grammar().find(folded)) == found
