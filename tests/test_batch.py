from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from zongjie.batch import Output, Summary, extract_files, find_sources
from zongjie.errors import OutputExists, ZongjieError
from zongjie.record import Record

if TYPE_CHECKING:
    from zongjie.extractor import Extractor

GOOD = "新增学位300个。"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good, bad, unsupported and hidden files."""
    home = tmp_path / "reports"
    (home / "b").mkdir(parents=True)
    (home / "a.txt").write_text(GOOD, "utf-8")
    (home / "b" / "c.TXT").write_text("没有数。", "utf-8")
    (home / "b" / "bad.txt").write_text("坏", "utf-8")
    (home / "b" / "two.jsonl").write_text(f"{GOOD}\n坏\n{GOOD}", "utf-8")
    (home / "photo.xyz").write_bytes(b"\0")
    (home / ".hidden.txt").write_text(GOOD, "utf-8")
    (home / "~$a.docx").write_bytes(b"\0")
    return home


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def run(fake: Extractor, inputs: Sequence[str | Path], out: Path, **options: str | bool) -> Summary:
    return extract_files(fake, find_sources(inputs, leave_out=out), Output(out, **options))


def test_every_input_comes_out_exactly_once(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    summary = run(fake, [folder], tmp_path / "out")
    records = [row["document"]["source"] for row in lines(summary.records)]
    failures = [(row["source"], row["error"]) for row in lines(summary.failures)]
    home = folder.as_posix()
    assert records == [f"{home}/a.txt", f"{home}/b/c.TXT", f"{home}/b/two.jsonl", f"{home}/b/two.jsonl"]
    bad = "UnreadableDocument"
    assert failures == [(f"{home}/photo.xyz", "Unsupported"), (f"{home}/b/bad.txt", bad), (f"{home}/b/two.jsonl", bad)]
    assert (summary.documents, summary.failed, summary.facts, summary.without_facts) == (4, 3, 3, 1)


def test_a_file_that_is_named_goes_by_its_content(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    odd = folder / "report.backup"
    odd.write_text(GOOD, "utf-8")
    assert run(fake, [odd], tmp_path / "one").documents == 1
    assert run(fake, [odd, folder], tmp_path / "two").failed == 3
    assert run(fake, [folder], tmp_path / "three").failed == 4


def test_failures_say_why_and_what_to_do(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    unsupported, bad, _ = lines(run(fake, [folder], tmp_path / "out").failures)
    assert "unsupported" in unsupported["reason"]
    assert ".docx" in unsupported["remedy"]
    assert (bad["reason"], bad["remedy"]) == ("it is damaged", "Save it again")


def test_hidden_and_lock_files_are_skipped_with_a_note(folder: Path) -> None:
    sources = find_sources([folder])
    assert [os.path.basename(file) for file in sources.files] == ["a.txt", "photo.xyz", "bad.txt", "c.TXT", "two.jsonl"]
    assert [os.path.basename(note) for note in sources.skipped] == [
        ".hidden.txt: hidden",
        "~$a.docx: lock file of an office program",
    ]


def test_a_file_given_twice_is_read_once(folder: Path) -> None:
    sources = find_sources([folder / "a.txt", folder, folder / "b" / ".." / "a.txt"])
    assert sum(file.endswith("a.txt") for file in sources.files) == 1
    assert sum("given twice" in note for note in sources.skipped) == 2


def test_output_inside_an_input_is_not_read(fake: Extractor, folder: Path) -> None:
    first = run(fake, [folder], folder / "out")
    second = run(fake, [folder], folder / "out", force=True)
    assert (first.documents, first.failed) == (second.documents, second.failed)
    assert any("the output folder" in note for note in second.skipped)


def test_a_missing_input_stops_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt: no such file"):
        find_sources([tmp_path / "nowhere.txt"])


def test_standard_input_is_read(fake: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert run(fake, ["-"], tmp_path).facts == 1


@pytest.mark.parametrize(("format_", "name"), [("jsonl", "records.jsonl"), ("json", "records"), ("csv", "facts.csv")])
def test_each_format_has_its_place(fake: Extractor, folder: Path, tmp_path: Path, format_: str, name: str) -> None:
    summary = run(fake, [folder], tmp_path / "out", format=format_)
    assert summary.records == tmp_path / "out" / name
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name, "failures.jsonl"}


@pytest.mark.parametrize("existing", ["records.jsonl", "failures.jsonl"])
def test_an_output_is_refused_before_reading(fake: Extractor, folder: Path, tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match="--force"):
        run(fake, [folder], tmp_path)
    assert (tmp_path / existing).read_text("utf-8") == "mine"
    assert run(fake, [folder], tmp_path, force=True).documents == 4


def test_a_crash_leaves_no_half_output(folder: Path, tmp_path: Path) -> None:
    class Crashing:
        def pipe(self, sources: Iterator[Path]) -> Iterator[Record]:
            raise RuntimeError(f"cannot go on after {next(sources)}")

    with pytest.raises(RuntimeError, match="cannot go on"):
        run(Crashing(), [folder], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_text_can_be_left_out(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    assert all("text" not in row for row in lines(run(fake, [folder], tmp_path / "out", text=False).records))


def test_two_runs_give_the_same_bytes(fake: Extractor, folder: Path, tmp_path: Path) -> None:
    one, two = (run(fake, [folder], tmp_path / name) for name in ("one", "two"))
    assert one.records.read_bytes() == two.records.read_bytes()
    assert one.failures.read_bytes() == two.failures.read_bytes()


def test_what_a_folder_hides_is_told(tmp_path: Path) -> None:
    """Links to folders and hidden folders are noted; a folder that is input and output at once is refused."""
    (tmp_path / "a.txt").write_text("新建学校3所。", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    sources = find_sources([tmp_path])
    assert sources.files == (str(tmp_path / "a.txt"),)
    assert [note.rsplit(": ")[-1] for note in sources.skipped] == ["hidden", "link to a folder"]
    with pytest.raises(ZongjieError, match="another"):
        find_sources([tmp_path], leave_out=tmp_path)
