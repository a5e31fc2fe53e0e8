from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zongjie
from zongjie.cli import OutputFormat, main
from zongjie.writers import FORMATS

if TYPE_CHECKING:
    from zongjie.extractor import Extractor

GOOD = "新增学位300个，新增学位20个。"


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Extractor) -> Path:
    monkeypatch.setitem(vars(zongjie), "load", lambda *_, **__: fake)
    path = tmp_path / "report.txt"
    path.write_text(GOOD, "utf-8")
    return path


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main([str(part) for part in argv])
    return int(leaving.value.code or 0)


def test_extract_exits_0_when_all_is_done(report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("extract", report, "-o", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(tmp_path / "out" / name) for name in ("records.jsonl", "failures.jsonl")]
    assert "documents: 1 (0 without facts), facts: 2, failed: 0" in said.err


def test_extract_exits_1_when_a_document_fails(report: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("坏", "utf-8")
    assert run("extract", report, tmp_path / "bad.txt", "-o", tmp_path / "out") == 1
    assert len((tmp_path / "out" / "failures.jsonl").read_text("utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    "argv",
    [
        ["extract", "nowhere.txt", "-o", "out"],
        ["extract", "-o", "out"],
        ["extract", "report.txt"],
        ["extract", "report.txt", "-o", "out", "--format", "docx"],
        ["evaluate", "nowhere.jsonl"],
        ["show", "nowhere.txt"],
        ["sing"],
    ],
)
@pytest.mark.usefixtures("report")
def test_wrong_usage_exits_2(argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*argv) == 2
    assert not (tmp_path / "out").exists()


def test_extract_replaces_what_is_not_its_own_only_when_forced(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "records.jsonl").touch()
    argv = ("extract", report, "-o", tmp_path / "out")
    assert [run(*argv), run(*argv, "--force"), run(*argv)] == [2, 0, 0]
    said = capsys.readouterr().err
    assert "--force" in said
    assert "kept from before: 1 files; to be read: 0" in said


def test_extract_says_that_the_config_changed(report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("extract", report, "-o", tmp_path / "out", "--include", "*.txt", "--exclude", "b*", "--jobs", 2)
    assert [run(*argv), run(*argv, "--min-confidence", "0.5")] == [0, 0]
    assert "model, config or version changed" in capsys.readouterr().err


def test_extract_says_how_much_was_not_sure_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file := tmp_path / "report.txt").write_text("2023年，全市新增学位300个。", "utf-8")
    assert run("extract", file, "-o", tmp_path / "out", "--min-confidence", "1") == 0
    assert "less sure than asked for" in capsys.readouterr().err


def test_extract_can_leave_the_text_out(report: Path, tmp_path: Path) -> None:
    run("extract", report, "-o", tmp_path, "--format", "json", "--no-text")
    (written,) = (tmp_path / "records").glob("*.json")
    assert "text" not in json.loads(written.read_text("utf-8"))


def test_extract_offers_every_format() -> None:
    assert [str(format_) for format_ in OutputFormat] == list(FORMATS)


def test_show_prints_the_facts(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", report) == 0
    said = capsys.readouterr().out
    assert "300个" in said
    assert "事实 2 · 举措 0 · 成效 1 · 目标 0 · 问题 0 · 提示 0" in said


def test_show_takes_no_markup_from_a_document(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = report.rename(report.with_name("[red]a.txt"))
    assert run("show", report) == 0
    assert "[red]a.txt" in capsys.readouterr().out.replace("\n", "")


def test_show_exits_1_when_the_document_fails(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.write_text("坏", "utf-8")
    assert run("show", report) == 1
    assert "it is damaged" in capsys.readouterr().err


@pytest.fixture
def passages(tmp_path: Path) -> Path:
    entities = [{"id": "M1", "type": "METRIC", "start": 2, "end": 4, "text": "学位"}]
    entities += [{"id": "N1", "type": "NUMBER", "start": 4, "end": 8, "text": "300个"}]
    value = {"low": 300, "high": 300, "unit": "个", "flag": "="}
    fact = {"number": "N1", "metric": "M1", "status": "actual", "kind": "level", "value": value}
    clauses = [{"start": 0, "end": 9, "role": "R"}, {"start": 9, "end": 17, "role": "R"}]
    row = {"id": "p1", "source": "made-up", "text": GOOD, "entities": entities, "facts": [fact], "clauses": clauses}
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(row) + "\n", "utf-8")
    return path


@pytest.mark.usefixtures("report")
def test_evaluate_extracts_and_measures(passages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", passages, "--json") == 0
    core = json.loads(capsys.readouterr().out)["measures"]["fact.core"]
    assert (core["tp"], core["fp"], core["fn"]) == (1, 1, 0)


def test_evaluate_measures_the_config_it_is_given(
    passages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('[makers]\nspans = "nobody"\n', "utf-8")
    assert run("evaluate", passages, "--config", config) == 2
    assert "mine.toml" in capsys.readouterr().err
    config.write_text('[makers]\nspans = "rules"\nroles = "rules"\nfacts = "rules"\n', "utf-8")
    assert run("evaluate", passages, "--config", config) == 0


def test_evaluate_reads_predictions(passages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", passages.parent, "--predicted", passages) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 passages\n")
    assert "F1  1.000" in said


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Record"


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"zongjie {zongjie.__version__}\n"


@pytest.mark.parametrize("module", ["zongjie", "zongjie.cli"])
def test_import_is_cheap(module: str) -> None:
    heavy = "{'spacy', 'pydantic', 'lxml', 'docx', 'trafilatura', 'numpy', 'torch', 'transformers'}"
    code = f"import {module}, sys; print(sorted({heavy} & set(sys.modules)))"
    run_ = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run_.stdout == "[]\n"


def test_a_closed_pipe_is_no_crash() -> None:
    code = "import sys, os; from zongjie.cli import main; os.close(0); main(['schema'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert b"Traceback" not in said


@pytest.mark.parametrize("name", sorted(set(zongjie.__all__)))
def test_every_name_on_the_face_is_there(name: str) -> None:
    assert getattr(zongjie, name) is not None
    assert name in dir(zongjie)


def test_a_name_not_on_the_face_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sing'"):
        zongjie.sing  # noqa: B018
