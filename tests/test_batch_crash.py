"""Whatever ends a run, or a worker of it, loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from zongjie.batch import Output, Progress, Summary, extract_files
from zongjie.engines import Plan
from zongjie.errors import ZongjieError
from zongjie.sources import find_sources
from zongjie.store import HOME, open_store

TESTS = Path(__file__).parent
GOOD = "新增学位{}个。"
FILES = 150

posix = pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
Make = Callable[..., Path]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TESTS)  # workers look where this process does
    import batch_fakes

    return batch_fakes


@pytest.fixture
def make_folder(tmp_path: Path) -> Make:
    def make(*texts: str, name: str = "in") -> Path:
        (tmp_path / name).mkdir()
        for number, text in enumerate(texts):
            (tmp_path / name / f"{number:04}.txt").write_text(text, "utf-8")
        return tmp_path / name

    return make


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def written(out: Path) -> bytes:
    return (out / "records.jsonl").read_bytes() + (out / "failures.jsonl").read_bytes()


def run(plan: Plan, folder: Path, out: Path, jobs: int = 1) -> Summary:
    return extract_files(plan, find_sources([folder]), Output(out), jobs=jobs)


def quick(*, key: str = "k") -> Plan:
    """Plan to read in this process."""
    from batch_fakes import load

    return Plan(load, key)


# documents that end their worker


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_ends_a_worker_costs_that_document_only(fakes: ModuleType, make_folder: Make, jobs: int) -> None:
    texts = [GOOD.format(number) for number in range(12)]
    texts[3], texts[7] = "崩溃", "内存"
    folder = make_folder(*texts)
    out = folder.parent / "out"
    summary = run(fakes.plan(), folder, out, jobs)
    assert (summary.totals.documents, summary.totals.failed) == (10, 2)
    crashed, starved = lines(out / "failures.jsonl")
    assert (crashed["source"], starved["source"]) == tuple(f"{folder.as_posix()}/{n:04}.txt" for n in (3, 7))
    assert "SIGSEGV" in crashed["reason"]
    assert "memory was not enough" in starved["reason"]
    assert "max_memory" in starved["remedy"]


@posix
def test_what_is_stuck_is_given_up(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(GOOD.format(1), "卡住", GOOD.format(2))
    plan = fakes.plan(seconds=5, seconds_a_megabyte=0)
    for _ in range(2):  # it may have been the machine, so the next run tries it again, and it alone
        summary = run(plan, folder, folder.parent / "out", 2)
        assert (summary.totals.documents, summary.totals.failed) == (2, 1)
        assert "longer than 5 seconds" in lines(summary.failures)[0]["reason"]
    assert (summary.listed.kept, summary.listed.waiting) == (2, 1)


@posix
def test_a_worker_that_is_killed_is_no_failure(fakes: ModuleType, make_folder: Make, tmp_path: Path) -> None:
    folder = make_folder(
        *(f"一次 {tmp_path / str(n)} {GOOD.format(n)}" if n % 4 == 0 else GOOD.format(n) for n in range(9))
    )
    summary = run(fakes.plan(), folder, folder.parent / "out", 2)
    assert (summary.totals.documents, summary.totals.failed) == (9, 0)


@posix
def test_a_document_of_many_in_a_file_costs_itself_only(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(GOOD.format(1))
    texts = [GOOD.format(1), "崩溃", GOOD.format(2), "坏", "崩溃", GOOD.format(3)]
    rows = (json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    (folder / "many.jsonl").write_text("\n".join(rows), "utf-8")
    summary = run(fakes.plan(), folder, folder.parent / "out", 2)
    assert [row["document"]["source"][-2:] for row in lines(summary.records)] == ["xt", "#1", "#3", "#6"]
    failures = [(row["source"][-2:], row["error"]) for row in lines(summary.failures)]
    assert failures == [("#2", "WorkerEnded"), ("#4", "UnreadableDocument"), ("#5", "WorkerEnded")]


def test_workers_are_replaced(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(*map(GOOD.format, range(7)))
    assert run(fakes.plan(max_documents=3), folder, folder.parent / "out").totals.documents == 7


@pytest.mark.parametrize(("load", "said"), [("no_model", "there is no model"), ("no_start", "exit code 7")])
def test_workers_that_cannot_start_are_no_failures(fakes: ModuleType, make_folder: Make, load: str, said: str) -> None:
    folder = make_folder(GOOD.format(1))
    plan = Plan(getattr(fakes, load), "k", fakes.plan().limits)
    with pytest.raises(ZongjieError, match=said):
        run(plan, folder, folder.parent / "out")
    assert run(fakes.plan(), folder, folder.parent / "out").totals.documents == 1


def test_however_many_workers_the_bytes_are_the_same(fakes: ModuleType, make_folder: Make, tmp_path: Path) -> None:
    folder = make_folder(*(GOOD.format(number) * (number % 5 + 1) for number in range(20)))
    outs = [tmp_path / name for name in ("here", "one", "three")]
    for out, plan, jobs in zip(outs, (quick(), fakes.plan(), fakes.plan()), (1, 1, 3), strict=True):
        run(plan, folder, out, jobs)
    assert len({written(out) for out in outs}) == 1


# runs that end


def start(folder: Path, out: Path, jobs: int = 2, pause: float = 0.01) -> subprocess.Popen[bytes]:
    argv = [sys.executable, str(TESTS / "batch_fakes.py"), str(folder), str(out), str(jobs), str(pause)]
    return subprocess.Popen(argv, stderr=subprocess.DEVNULL)


def children(pid: int) -> list[int]:
    """Give the worker processes of a run."""
    found = []
    for home in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((home / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and b"spawn_main" in (home / "cmdline").read_bytes():
                found.append(int(home.name))
        except OSError:
            continue
    return found


def wait_for_work(process: subprocess.Popen[bytes], out: Path) -> None:
    """Wait until something more has been done, or the run is over."""
    log = out / HOME / "state.sqlite-wal"

    def size() -> int:
        return log.stat().st_size if log.exists() else 0

    begun = None
    while process.poll() is None:
        begun = size() if begun is None and children(process.pid) else begun
        if begun is not None and size() > begun:
            return
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_kills_at_random_lose_nothing_and_double_nothing(make_folder: Make, tmp_path: Path) -> None:
    folder = make_folder(*(GOOD.format(number) for number in range(FILES)))
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    assert start(folder, calm).wait(300) == 0
    dice = random.Random(5)
    kills = 0
    for turn in range(12):
        process = start(folder, rough)
        if turn % 3 == 0:
            time.sleep(dice.uniform(0, 0.5))  # while it starts
        else:
            wait_for_work(process, rough)
            time.sleep(dice.uniform(0, 0.1))
        if turn % 3 == 2:
            for worker in children(process.pid):
                os.kill(worker, signal.SIGKILL)
            time.sleep(dice.uniform(0, 0.5))
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert start(folder, rough).wait(300) == 0
    assert kills > 3
    assert written(rough) == written(calm)
    assert len(lines(rough / "records.jsonl")) == FILES


@posix
def test_ctrl_c_keeps_and_writes_what_is_done(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(
        *([GOOD.format(1)] * 30), "打断" + "。" * 200, *([GOOD.format(2)] * 30)
    )  # the largest is first
    out = folder.parent / "out"
    stopped = run(fakes.plan(pause=0.05), folder, out)
    assert stopped.interrupted
    assert len(lines(out / "records.jsonl")) == stopped.totals.documents < 61
    (folder / "0030.txt").write_text(GOOD.format(3), "utf-8")
    assert not run(fakes.plan(), folder, out).interrupted
    run(quick(), folder, folder.parent / "calm")
    assert written(out) == written(folder.parent / "calm")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
@pytest.mark.parametrize("stage", ["listing", "writing"])
def test_ctrl_c_at_other_times_leaves_the_outputs(fakes: ModuleType, make_folder: Make, stage: str) -> None:
    folder = make_folder(GOOD.format(1))
    out = folder.parent / "out"
    run(quick(), folder, out)
    before = written(out)
    (folder / "new.txt").write_text(GOOD.format(2), "utf-8")

    def interrupt(progress: Progress) -> None:
        if progress.stage == stage:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        extract_files(quick(), find_sources([folder]), Output(out), report=interrupt)
    assert written(out) == before
    assert run(quick(), folder, out).totals.documents == 2


def test_the_command_exits_130_when_interrupted(
    fakes: ModuleType, make_folder: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zongjie.cli import main

    def interrupted(*_: object, **__: object) -> Summary:
        raise KeyboardInterrupt

    folder = make_folder(GOOD.format(1))
    monkeypatch.setattr("zongjie.batch.extract_files", interrupted)
    with pytest.raises(SystemExit) as leaving:
        main(["extract", str(folder), "-o", str(folder.parent / "out")])
    assert leaving.value.code == 130
    assert "kept" in capsys.readouterr().err


# folders that cannot be written to


@posix
def test_a_full_disk_is_said_and_the_next_run_goes_on(fakes: ModuleType, make_folder: Make, tmp_path: Path) -> None:
    import resource

    # what a zip cannot make small, so that the store outgrows the limit, and later the output does
    texts = ["".join(chr(random.Random(n * 999 + i).randrange(0x4E00, 0x9000)) for i in range(3000)) for n in range(40)]
    folder, out = make_folder(*texts), tmp_path / "out"
    run(quick(), folder, tmp_path / "calm")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (60_000, 200_000, 2_000_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            if limit < 2_000_000:
                with pytest.raises(ZongjieError, match=r"out.*goes on"):
                    run(quick(), folder, out)
                assert [path.name for path in out.iterdir()] == [HOME]
            else:
                run(quick(), folder, out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert written(out) == written(tmp_path / "calm")


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("attempt to write a readonly database"), OSError(30, "Read-only file system")]
)
def test_a_folder_that_turns_read_only_is_said(
    fakes: ModuleType, make_folder: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    folder = make_folder(*map(GOOD.format, range(5)))
    out = folder.parent / "out"
    run(quick(), folder, out)
    before = written(out)
    (folder / "new.txt").write_text(GOOD.format(9), "utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        name = "zongjie.store.Store.commit" if isinstance(error, sqlite3.Error) else "zongjie.batch.open_atomic"
        patch.setattr(name, refuse)
        with pytest.raises(ZongjieError, match=r"out.*writable.*goes on"):
            run(quick(), folder, out)
    assert written(out) == before
    assert run(quick(), folder, out).totals.documents == 6


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_folder_is_said(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(GOOD.format(1))
    (out := folder.parent / "out").mkdir(mode=0o500)
    with pytest.raises(ZongjieError, match=r"out.*writable"):
        run(quick(), folder, out)


def test_two_runs_do_not_share_a_folder(fakes: ModuleType, make_folder: Make) -> None:
    folder = make_folder(GOOD.format(1))
    out = folder.parent / "out"
    with open_store(out):
        for force in (False, True):
            with pytest.raises(ZongjieError, match="another run"):
                extract_files(quick(), find_sources([folder]), Output(out, force=force))


def test_after_a_bad_end_files_are_read_in_workers(
    fakes: ModuleType, make_folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(GOOD.format(1))
    with open_store(folder.parent / "out") as store:
        store.mark("reading", 1)
    monkeypatch.setattr("zongjie.batch.read_here", None)
    for name in ("0000.txt", "new.txt"):
        (folder / name).write_text(GOOD.format(2), "utf-8")
        if name == "new.txt":
            with pytest.raises(TypeError, match="NoneType"):
                run(quick(), folder, folder.parent / "out")
        else:
            assert run(quick(), folder, folder.parent / "out").totals.documents == 1
