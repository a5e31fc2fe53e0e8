from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from zongjie.batch import Output, Summary, extract_files
from zongjie.engines import Plan
from zongjie.errors import OutputExists, ZongjieError
from zongjie.record import Record
from zongjie.sources import Selection, find_sources
from zongjie.store import HOME
from zongjie.writers import FORMATS

if TYPE_CHECKING:
    from zongjie.extractor import Extractor, Outcome
    from zongjie.text import Text

GOOD = "新增学位300个。"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good, bad, unsupported and hidden files."""
    home = tmp_path / "reports"
    (home / "b").mkdir(parents=True)
    (home / "a.txt").write_text(GOOD, "utf-8")
    (home / "b" / "c.TXT").write_text("没有数。", "utf-8")
    (home / "b" / "bad.txt").write_text("坏", "utf-8")
    two = (json.dumps({"text": text}, ensure_ascii=False) for text in (GOOD, "坏", GOOD))
    (home / "b" / "two.jsonl").write_text("\n".join(two), "utf-8")
    (home / "photo.xyz").write_bytes(b"\0")
    (home / ".hidden.txt").write_text(GOOD, "utf-8")
    (home / "~$a.docx").write_bytes(b"\0")
    return home


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def run(
    fake: Extractor | Counting, inputs: Sequence[str | Path], out: Path, *, key: str = "k", **options: str | bool
) -> Summary:
    return extract_files(Plan(lambda: fake, key), find_sources(inputs, leave_out=out), Output(out, **options))


class Counting:
    """Passes documents on to another extractor and counts them."""

    def __init__(self, inner: Extractor) -> None:
        self.inner, self.seen = inner, 0

    def pipe(self, sources: Iterable[Text]) -> Iterator[Outcome]:
        for source in sources:
            self.seen += 1
            yield from self.inner.pipe([source])


@pytest.fixture
def counting(fake: Extractor) -> Counting:
    return Counting(fake)


def test_every_input_comes_out_exactly_once(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    summary = run(fake, [folder], tmp_path / "out")
    records = [row["document"]["source"] for row in lines(summary.records)]
    failures = [(row["source"], row["error"]) for row in lines(summary.failures)]
    home = folder.as_posix()
    assert records == [f"{home}/a.txt", f"{home}/b/c.TXT", f"{home}/b/two.jsonl#1", f"{home}/b/two.jsonl#3"]
    bad = "UnreadableDocument"
    assert failures == [
        (f"{home}/photo.xyz", "Unsupported"),
        (f"{home}/b/bad.txt", bad),
        (f"{home}/b/two.jsonl#2", bad),
    ]
    assert summary.totals[:4] == (4, 1, 3, 3)


def test_a_file_that_is_named_goes_by_its_content(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    odd = folder / "report.backup"
    odd.write_text(GOOD, "utf-8")
    assert run(fake, [odd], tmp_path / "one").totals.documents == 1
    assert run(fake, [odd, folder], tmp_path / "two").totals.failed == 3
    assert run(fake, [folder], tmp_path / "three").totals.failed == 4


def test_failures_say_why_and_what_to_do(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    unsupported, bad, _ = lines(run(fake, [folder], tmp_path / "out").failures)
    assert "unsupported" in unsupported["reason"]
    assert ".docx" in unsupported["remedy"]
    assert (bad["reason"], bad["remedy"]) == ("it is damaged", "Save it again")


def test_output_inside_an_input_is_not_read(fake: Extractor, folder: Path) -> None:
    first = run(fake, [folder], folder / "out")
    second = run(fake, [folder], folder / "out", force=True)
    assert first.totals == second.totals
    assert any("the output folder" in note for note in second.skipped)


def test_standard_input_is_read(counting: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
        summary = run(counting, ["-"], tmp_path)
        assert (summary.totals.facts, counting.seen) == (1, 1)
    assert lines(summary.records)[0]["document"]["source"] == "<bytes>"


@pytest.mark.parametrize("name", ["jsonl", "json", "csv"])
def test_each_format_has_its_place(fake: Extractor, folder: Path, tmp_path: Path, name: str) -> None:
    summary = run(fake, [folder], tmp_path / "out", format=name)
    assert summary.records == tmp_path / "out" / FORMATS[name].name
    assert {path.name for path in (tmp_path / "out").iterdir()} == {summary.records.name, "failures.jsonl", HOME}


@pytest.mark.parametrize("existing", ["records.jsonl", "failures.jsonl"])
def test_an_output_is_refused_before_reading(fake: Extractor, folder: Path, tmp_path: Path, existing: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / existing).write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match="--force"):
        run(fake, [folder], out)
    assert [(path.name, path.read_text("utf-8")) for path in out.iterdir()] == [(existing, "mine")]
    assert run(fake, [folder], out, force=True).totals.documents == 4


def test_an_output_of_another_format_that_is_not_ours_is_refused(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    run(fake, [folder], tmp_path / "out")
    (tmp_path / "out" / "facts.csv").write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match="--force"):
        run(fake, [folder], tmp_path / "out", format="csv")


def test_a_crash_leaves_no_half_output(folder: Path, tmp_path: Path) -> None:
    class Crashing:
        def pipe(self, sources: Iterable[Text]) -> Iterator[Outcome]:
            raise SystemExit("cannot go on")

    with pytest.raises(SystemExit, match="cannot go on"):
        run(Crashing(), [folder], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [HOME]


def test_what_an_extractor_raises_costs_one_document(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    class Raising(Counting):
        def pipe(self, sources: Iterable[Text]) -> Iterator[Outcome]:
            for source in sources:
                if source.source.endswith("a.txt"):
                    raise MemoryError
                yield from self.inner.pipe([source])

    summary = run(Raising(fake), [folder], tmp_path / "out")
    assert (summary.totals.documents, summary.totals.failed) == (3, 4)
    assert "MemoryError" in {row["error"] for row in lines(summary.failures)}


def test_text_can_be_left_out(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    assert all("text" not in row for row in lines(run(fake, [folder], tmp_path / "out", text=False).records))


def test_two_runs_give_the_same_bytes(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    one, two = (run(fake, [folder], tmp_path / name) for name in ("one", "two"))
    assert one.records.read_bytes() == two.records.read_bytes()
    assert one.failures.read_bytes() == two.failures.read_bytes()


# going on from what an earlier run did


def test_nothing_is_read_twice_but_what_failed(counting: Counting, folder: Path, tmp_path: Path) -> None:
    first = run(counting, [folder], tmp_path / "out")
    before, seen = first.records.read_bytes() + first.failures.read_bytes(), counting.seen
    again = run(counting, [folder], tmp_path / "out")
    assert again.records.read_bytes() + again.failures.read_bytes() == before
    assert (seen, counting.seen - seen) == (6, 2)
    assert (again.listed.kept, again.listed.changed, again.totals) == (2, 0, first.totals)


def test_changed_new_and_gone_files_are_taken_up(counting: Counting, folder: Path, tmp_path: Path) -> None:
    (folder / "b" / "two.jsonl").unlink()
    (folder / "b" / "bad.txt").unlink()
    run(counting, [folder], tmp_path / "out")
    (folder / "a.txt").write_text("新增学位500个。", "utf-8")
    (folder / "b" / "new.txt").write_text(GOOD, "utf-8")
    (folder / "b" / "c.TXT").unlink()
    seen = counting.seen
    summary = run(counting, [folder], tmp_path / "out")
    assert counting.seen - seen == 2
    assert (summary.listed.changed, summary.listed.gone, summary.totals.documents) == (1, 1, 2)
    fresh = run(counting, [folder], tmp_path / "fresh")
    assert summary.records.read_bytes() == fresh.records.read_bytes()


def test_a_touched_file_is_looked_at_but_not_read(counting: Counting, folder: Path, tmp_path: Path) -> None:
    first = run(counting, [folder / "a.txt"], tmp_path / "out")
    os.utime(folder / "a.txt", ns=(1, 1))
    for waiting in (1, 0):
        again = run(counting, [folder / "a.txt"], tmp_path / "out")
        assert (again.listed.waiting, again.totals, counting.seen) == (waiting, first.totals, 1)


def test_another_key_has_all_read_again_and_the_first_is_not_lost(
    counting: Counting, folder: Path, tmp_path: Path
) -> None:
    run(counting, [folder / "a.txt", folder / "b" / "c.TXT"], tmp_path / "out")
    other = run(counting, [folder / "a.txt"], tmp_path / "out", key="other")
    assert (other.listed.stale, counting.seen, other.totals.documents) == (1, 3, 1)
    back = run(counting, [folder / "a.txt", folder / "b" / "c.TXT"], tmp_path / "out")
    assert (back.listed.stale, back.listed.kept, counting.seen) == (1, 1, 4)


def test_another_format_needs_no_reading(counting: Counting, folder: Path, tmp_path: Path) -> None:
    run(counting, [folder / "a.txt"], tmp_path / "out")
    summary = run(counting, [folder / "a.txt"], tmp_path / "out", format="json", text=False)
    assert counting.seen == 1
    assert [path.suffix for path in summary.records.iterdir() if path.suffix == ".json"] == [".json"]


def test_a_file_that_is_named_later_is_no_longer_refused(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    (folder / "photo.xyz").write_text(GOOD, "utf-8")
    assert run(fake, [folder], tmp_path / "out").totals[::3] == (4, 3)
    assert run(fake, [folder / "photo.xyz", folder], tmp_path / "out").totals[::3] == (5, 2)
    assert run(fake, [folder], tmp_path / "out").totals[::3] == (4, 3)


def test_the_same_words_from_elsewhere_are_read_anew(
    counting: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(f"新增学位{len(name) + counting.seen}个。", "utf-8")
        os.utime(tmp_path / name / "a.txt", ns=(1, 1))
        monkeypatch.chdir(tmp_path / name)
        summary = run(counting, ["a.txt"], tmp_path / "out")
        assert lines(summary.records)[0]["text"].startswith(f"新增学位{len(name) + counting.seen - 1}")
    assert counting.seen == 2


def test_names_need_not_be_utf8(fake: Extractor, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    name = os.fsencode(tmp_path / "in") + b"/\xb1\xa8.txt"
    try:
        with open(name, "wb") as stream:
            stream.write(GOOD.encode())
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    for _ in range(2):
        (row,) = lines(run(fake, [tmp_path / "in"], tmp_path / "out").records)
        assert row["document"]["source"].endswith("/in/\\udcb1\\udca8.txt")


def test_records_keep_their_characters_through_the_store(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    (record,) = run(fake, [folder / "a.txt"], tmp_path / "out").records.read_text("utf-8").splitlines()
    assert Record.from_json(record).to_json() == record


# what is read and what is not


def names(inputs: Sequence[str | Path], select: Selection) -> list[str]:
    return [os.path.basename(found.path) for found in find_sources(inputs, select=select) if not found.passed_over]


@pytest.mark.parametrize(
    ("include", "exclude", "found"),
    [
        ((), (), ["a.txt", "photo.xyz", "bad.txt", "c.TXT", "two.jsonl"]),
        (("*.txt",), (), ["a.txt", "bad.txt"]),
        (("*.txt", "*.jsonl"), ("b*.txt",), ["a.txt", "two.jsonl"]),
        (("b/*.txt",), (), ["bad.txt"]),
        (("**/*.TXT",), (), ["c.TXT"]),
        ((), ("b",), ["a.txt", "photo.xyz"]),
        ((), ("b/",), ["a.txt", "photo.xyz"]),
        ((), ("/b/**",), ["a.txt", "photo.xyz"]),
        (("*/*",), (), ["bad.txt", "c.TXT", "two.jsonl"]),
    ],
)
def test_patterns_choose(folder: Path, include: tuple[str, ...], exclude: tuple[str, ...], found: list[str]) -> None:
    assert names([folder], Selection(include, exclude)) == found
    notes = [one.passed_over for one in find_sources([folder], select=Selection(include, exclude))]
    assert any("--include" in note for note in notes) == bool(include or exclude)
    assert names([folder / "a.txt"], Selection(include, exclude)) == ["a.txt"]


def test_hidden_and_lock_files_are_skipped_with_a_note(folder: Path) -> None:
    notes = [(os.path.basename(one.path), one.passed_over) for one in find_sources([folder]) if one.passed_over]
    assert notes == [(".hidden.txt", "hidden"), ("~$a.docx", "lock file of an office program")]


def test_a_file_given_twice_is_read_once(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    given = [folder / "a.txt", folder, folder / "b" / ".." / "a.txt"]
    summary = run(fake, given, tmp_path / "out")
    assert sum(row["document"]["source"].endswith("a.txt") for row in lines(summary.records)) == 1
    assert sum("given twice" in note for note in summary.skipped) == 2


def test_links_are_not_followed_out_of_a_folder(folder: Path, tmp_path: Path) -> None:
    (outside := tmp_path / "secret.txt").write_text(GOOD, "utf-8")
    (folder / "link.txt").symlink_to(outside)
    (folder / "same.txt").symlink_to(folder / "a.txt")
    (folder / "b" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "broken.txt").symlink_to(tmp_path / "nowhere")
    found = {os.path.basename(one.path): one.passed_over for one in find_sources([folder])}
    inside = "a link to what is in the folder anyway"
    assert (found["same.txt"], found["loop"]) == (inside, inside)
    assert found["link.txt"] == f"a link that leads out of the folder, to {os.path.realpath(outside)}"
    assert "leads out" in found["broken.txt"]
    assert [one.passed_over for one in find_sources([folder / "link.txt"])] == [""]  # it was named


def test_a_missing_input_stops_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt: no such file"):
        find_sources([tmp_path / "nowhere.txt"])


def test_a_folder_cannot_be_input_and_output(tmp_path: Path) -> None:
    with pytest.raises(ZongjieError, match="another"):
        find_sources([tmp_path], leave_out=tmp_path)


def test_many_notes_are_cut_short(fake: Extractor, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(60):
        (tmp_path / "in" / f".{number}").touch()
    skipped = run(fake, [tmp_path / "in"], tmp_path / "out").skipped
    assert (len(skipped), skipped[-1]) == (51, "and 10 more")
