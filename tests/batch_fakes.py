"""Extractors for the tests of ``batch``, which worker processes can import; as a script, one run over a folder.

What a document says is what happens to the process that extracts it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from conftest import FakeExtractor, Outcome
from zongjie.batch import Output, Summary, extract_files
from zongjie.engines import Plan
from zongjie.errors import ModelError
from zongjie.extractor import Batch
from zongjie.sources import find_sources
from zongjie.text import Text


class Hazardous(FakeExtractor):
    def __init__(self, pause: float = 0) -> None:
        self.pause = pause

    def pipe(self, sources: Iterable[Path | bytes | str | Text]) -> Iterator[Outcome]:
        for source in sources:
            said = source.content if isinstance(source, Text) else ""
            time.sleep(self.pause)
            if said.startswith("一次 "):  # the first time only
                path = Path(said.split()[1])
                if not path.exists():
                    path.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            if "崩溃" in said:
                os.kill(os.getpid(), signal.SIGSEGV)
            if "卡住" in said:
                time.sleep(600)
            if "内存" in said:
                bytearray(2**40)
            if "打断" in said:
                os.kill(os.getppid(), signal.SIGINT)
            yield from super().pipe([source])


def load(pause: float = 0) -> Hazardous:
    return Hazardous(pause)


def no_model() -> Hazardous:
    raise ModelError("there is no model. Get one.")


def no_start() -> Hazardous:
    os._exit(7)


def plan(key: str = "k", pause: float = 0, **limits: float) -> Plan:
    """Plan for worker processes, whatever the number of files."""
    return Plan(partial(load, pause), key, Batch.model_validate({"here_files": 0, **limits}))


def run(folder: Path, out: Path, jobs: int, pause: float = 0) -> Summary:
    return extract_files(plan(pause=pause), find_sources([folder], leave_out=out), Output(out), jobs=jobs)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
