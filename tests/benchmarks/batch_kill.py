"""Whether a large batch comes through kills, how much memory it takes, and what a second worker brings.

In: nothing; small reports are made up, each different. Out: tables. Nothing is asserted but that outputs are the same.
Run: ``python tests/benchmarks/batch_kill.py --documents 500`` to try it, without ``--documents`` for 20,000.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zongjie.batch import Output, Progress, extract_files
from zongjie.engines import Plan
from zongjie.sources import find_sources

_PLACES = "云川安岚林溪青原石河东屏"
_SENTENCES = (
    "{year}年，{place}市新增学位{n}个，完成投资{m}万元。",
    "全市学前三年毛入园率达{p}%，较上年提高{q}个百分点。",
    "一是实施“{place}强校计划”，新建改扩建中小学{q}所。",
    "组织教师培训{n}人次，选派{m}名骨干教师支教。",
    "存在的问题：城区学位仍缺{n}个，农村教师结构性缺编。",
    "{year}年力争新增公办幼儿园{q}所，普惠率保持在{p}%以上。",
)


def make(folder: Path, documents: int) -> None:
    """Make up reports, a thousand a subfolder."""
    dice = random.Random(11)
    for number in range(documents):
        home = folder / f"{number // 1000:03}"
        home.mkdir(exist_ok=True, parents=True)
        at = dice.randrange(0, len(_PLACES), 2)
        words = {"place": _PLACES[at : at + 2], "year": dice.randrange(2015, 2025)}
        figures = {"n": 1000 + number, "m": dice.randrange(10, 9999), "p": dice.randrange(600, 999) / 10}
        picked = dice.choices(_SENTENCES, k=dice.randrange(3, 15))
        body = "\n".join(s.format(**words, **figures, q=dice.randrange(1, 90)) for s in picked)
        (home / f"{number:06}.txt").write_text(f"{words['place']}市教育局{words['year']}年工作总结\n{body}\n", "utf-8")


def workers(parent: int) -> Iterator[int]:
    """Give the worker processes of a run, where there is ``/proc``."""
    for home in Path("/proc").glob("[0-9]*"):
        try:
            above = int((home / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if above == parent and b"spawn_main" in (home / "cmdline").read_bytes():
                yield int(home.name)
        except OSError:
            continue


def resident(pid: int) -> int:
    """Give the resident memory of a process in bytes; 0 if it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Memory:
    """The most that a worker, and this process, took so far; by number of documents."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int]] = []
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._last > 0.5:
            self._last = time.monotonic()
            most = max(map(resident, workers(os.getpid())), default=0)
            self.seen.append((progress.documents, most, resident(os.getpid())))

    def most(self, first: int, last: int) -> tuple[int, int]:
        """Give the most that a worker and this process took between two numbers of documents."""
        window = [seen[1:] for seen in self.seen if first <= seen[0] <= last] or [(0, 0)]
        return max(worker for worker, _ in window), max(here for _, here in window)


def run(folder: Path, out: Path, jobs: int, memory: Memory | None = None) -> float:
    """Extract without disturbance; give the seconds it took."""
    start = time.perf_counter()
    quiet = memory or (lambda progress: None)
    extract_files(Plan.of(), find_sources([folder]), Output(out), jobs=jobs, report=quiet)
    return time.perf_counter() - start


def run_with_kills(folder: Path, out: Path, kills: int, longest: float) -> int:
    """Extract in a process that is killed again and again, then to the end; give the number of kills that hit."""
    argv = [sys.executable, "-m", "zongjie.cli", "extract", str(folder), "-o", str(out), "--jobs", "2"]
    dice = random.Random(7)
    hit = 0
    for turn in range(kills):
        with (out.parent / "log").open("ab") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log)
            time.sleep(dice.uniform(0.5, longest))
            if turn % 3 == 2:  # its workers first
                for worker in workers(process.pid):
                    os.kill(worker, signal.SIGKILL)
                time.sleep(dice.uniform(0, longest / 4))
            hit += process.poll() is None
            process.kill()
            process.wait()
    with (out.parent / "log").open("ab") as log:
        subprocess.run(argv, stdout=log, stderr=log, check=True)
    return hit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--subset", type=int, default=1000, help="documents for one worker against two; 0 for none")
    args = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        make(home / "in", args.documents)
        memory = Memory()
        took = run(home / "in", home / "calm", 2, memory)
        hit = run_with_kills(home / "in", home / "rough", args.kills, max(4.0, 2 * took / args.kills))
        calm, rough = ((home / which / "records.jsonl").read_bytes() for which in ("calm", "rough"))
        times = Counter(json.loads(line)["document"]["source"] for line in rough.splitlines())
        table = Table("documents", "kills", "doubled", "lost", "same bytes", "seconds undisturbed")
        doubled, lost = sum(times.values()) - len(times), args.documents - len(times)
        table.add_row(f"{args.documents:,}", f"{hit}", f"{doubled}", f"{lost}", f"{calm == rough}", f"{took:.0f}")
        console.print(table)
        table = Table("documents", "most memory of a worker, MB", "of the parent, MB", "worker × first row")
        first = memory.most(0, min(1000, args.documents // 2))
        for label, seen in (
            (f"first {min(1000, args.documents // 2):,}", first),
            (f"last {args.documents // 4:,}", memory.most(args.documents - args.documents // 4, args.documents)),
            ("all", memory.most(0, args.documents)),
        ):
            table.add_row(label, *(f"{size / 1e6:.0f}" for size in seen), f"{seen[0] / max(first[0], 1):.2f}")
        console.print(table)
        if args.subset:
            make(home / "subset", args.subset)
            one, two = (run(home / "subset", home / f"jobs{jobs}", jobs) for jobs in (1, 2))
            table = Table("documents", "--jobs 1, s", "--jobs 2, s", "times as fast")
            table.add_row(f"{args.subset:,}", f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}")
            console.print(table)
        if calm != rough:
            raise SystemExit("the outputs differ")


if __name__ == "__main__":
    main()
