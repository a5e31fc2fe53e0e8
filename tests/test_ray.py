from __future__ import annotations

import os
import pickle
import textwrap
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("ray.data", reason="needs zongjie[ray]")

from zongjie.batch import Output, extract_files
from zongjie.cluster import Job, _listed, extract_on_cluster
from zongjie.engines import Plan
from zongjie.engines.ray import _Reader, _Store, cut, is_remote, list_remote, local_path, open_system
from zongjie.errors import OutputExists, ZongjieError
from zongjie.extractor import Batch, Settings
from zongjie.sources import Selection, find_sources

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray warns of itself

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
MEMORY = 200 * 2**20
RULES = Settings.model_validate(
    {"makers": dict.fromkeys(("spans", "roles", "facts"), "rules"), "batch": Batch(partition=2)}
)

# An extractor that some documents are the end of. It stands in a module of its own, as the nodes import it by name.
DEADLY = """
    import os, signal, time
    from pathlib import Path
    import zongjie

    class Deadly:
        def __init__(self, settings, home):
            self.extract, self.home = zongjie.load(settings), Path(home)

        def pipe(self, texts):
            for text in texts:
                if "attacks" in text.content:
                    os.kill(os.getpid(), signal.SIGKILL)
                if "sleeps" in text.content:
                    time.sleep(3600)
                if "once" in text.content and not (flag := self.home / "killed").exists():
                    flag.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                yield from self.extract.pipe([text])

    def read(plan, home, part):
        import pickle
        from zongjie.engines.ray import _Reader, _Store

        store = _Store(str(home))
        store.names()
        _Reader(plan, store)({"partition": pickle.dumps(part)})
"""


@pytest.fixture(scope="module")
def deadly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A module that other processes can import too."""
    modules = tmp_path_factory.mktemp("modules")
    (modules / "deadly.py").write_text(textwrap.dedent(DEADLY), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")]))
        patch.syspath_prepend(modules)
        yield import_module("deadly")


@pytest.fixture(scope="module")
def cluster(deadly: ModuleType) -> Iterator[None]:
    """Two nodes of one CPU each."""
    import ray
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else workers starve on a machine that is busy with other things
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes: dict[str, Any] = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=nodes)
        try:
            cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
            yield
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "reports"
    (home / "b").mkdir(parents=True)
    for number in range(5):
        (home / f"{number}.txt").write_text(f"2023年，云川市新增小学学位{number + 1}00个。\n", "utf-8")
    (home / "b" / "two.jsonl").write_text('{"text": "新建学校3所。"}\n{"text": 1}\n', "utf-8")
    (home / "b" / "bad.docx").write_bytes(b"PK\x03\x04 broken")
    (home / "photo.xyz").write_bytes(b"\0")
    (home / ".hidden.txt").write_text("新建学校3所。", "utf-8")
    return home


def outputs(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "records.jsonl").read_bytes(), (folder / "failures.jsonl").read_bytes()


def locally(plan: Plan, folder: Path, out: Path) -> tuple[bytes, bytes]:
    extract_files(plan, find_sources([folder]), Output(out))
    return outputs(out)


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_and_goes_on_where_it_stopped(
    cluster: Path, folder: Path, tmp_path: Path
) -> None:
    for sample in SAMPLES.iterdir():
        (folder / sample.name).write_bytes(sample.read_bytes())
    plan, told, out = Plan.of(RULES), [], tmp_path / "out"
    job = Job([str(folder)], str(out))
    summary = extract_on_cluster(plan, job, actors=2, report=lambda progress: told.append(progress.files))
    assert outputs(out) == locally(plan, folder, tmp_path / "local")
    assert told[-1] == summary.listed.waiting == summary.listed.files - 1
    assert summary.totals.documents > 6
    assert any("hidden" in note for note in summary.skipped)
    kept = {path.name: path.stat().st_mtime_ns for path in (out / "partitions").iterdir()}
    # nothing is to be read, then one file
    assert extract_on_cluster(plan, job).listed.waiting == 0
    (folder / "2.txt").write_text("2023年，云川市新建中学7所。\n", "utf-8")
    again = extract_on_cluster(plan, job, actors=1)
    assert 0 < again.listed.waiting < again.listed.kept
    (tmp_path / "local" / "records.jsonl").unlink()
    assert outputs(out) == locally(plan, folder, tmp_path / "local")
    same = [path for path in (out / "partitions").iterdir() if kept.get(path.name) == path.stat().st_mtime_ns]
    assert len(same) == len(kept) - 1 == len(list((out / "partitions").iterdir())) - 1


@pytest.mark.slow
def test_a_document_that_ends_its_process_costs_that_document_only(
    cluster: None, deadly: ModuleType, folder: Path, tmp_path: Path
) -> None:
    (folder / "1.txt").write_text("It attacks. 新建学校3所。", "utf-8")
    (folder / "3.txt").write_text("It attacks once. 新建学校3所。".replace("attacks", "falls"), "utf-8")
    limits = Batch(partition=2, here_files=0)
    plan = Plan(partial(deadly.Deadly, RULES, tmp_path), "key", limits)
    out = tmp_path / "out"
    job = Job([folder.as_uri()], out.as_uri())
    summary = extract_on_cluster(plan, job)
    assert (tmp_path / "killed").exists()
    assert outputs(out) == locally(plan, folder, tmp_path / "local")
    failed = [line for line in outputs(out)[1].decode().splitlines() if "WorkerEnded" in line]
    assert len(failed) == 1
    assert "1.txt" in failed[0]
    assert "SIGKILL" in failed[0]
    assert summary.totals.failed == 4
    # what died is tried again, and nothing else
    (again,) = (out / "partitions").glob("*.again.parquet")
    assert 0 < extract_on_cluster(plan, job).listed.waiting <= 8
    assert [*(out / "partitions").glob("*.again.parquet")] == [again]


def test_a_document_that_takes_too_long_ends_its_actor(deadly: ModuleType, tmp_path: Path) -> None:
    (file := tmp_path / "a.txt").write_text("It sleeps.", "utf-8")
    plan = Plan(partial(deadly.Deadly, RULES, tmp_path), "key", Batch(seconds=0.5))
    (part,) = cut(plan.key, [str(file)], 1)
    process = get_context("spawn").Process(target=deadly.read, args=(plan, tmp_path / "out", part))
    process.start()
    process.join(120)
    assert process.exitcode == 1
    assert not list((tmp_path / "out" / "partitions").iterdir())


def test_files_from_elsewhere_give_what_files_from_here_give(folder: Path) -> None:
    system, _ = open_system("memory://")
    system.put(str(folder), "/reports", recursive=True)
    try:
        listed = list(list_remote("memory://reports"))
        assert "memory://reports/b/two.jsonl" in listed
        plan, store = Plan.of(RULES), _Store("memory://out/here")
        store.names()
        read = _Reader(plan, store)
        pieces = {}
        for root, paths in (("memory://reports", listed), (str(folder), [str(p) for p in folder.rglob("*.*")])):
            for part in cut(plan.key, sorted(paths), 3):
                read({"partition": pickle.dumps(part)})
                for path, piece in store.read(part, store.names()):
                    line = piece.line.decode().replace(root, "")
                    pieces.setdefault((path.removeprefix(root), piece.number), set()).add(line)
        assert len(pieces) == 10
        assert {len(lines) for lines in pieces.values()} == {1}
        (part,) = cut(plan.key, ["memory://reports/none.txt"], 1)
        read({"partition": pickle.dumps(part)})
        (outcome,) = store.read(part, store.names())
        assert outcome.piece.failed
        assert "there is no such file" in outcome.piece.line.decode()
        store.sweep([part])
        assert store.names() == {f"{part.key}.parquet"}
    finally:
        system.rm("/", recursive=True)


def test_a_new_file_changes_one_partition(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number:03}.txt") for number in range(200)]
    before = list(cut("key", paths, 10))
    assert [path for part in before for path in part.paths] == paths
    assert 10 < len(before) < 40
    after = list(cut("key", sorted([*paths, str(tmp_path / "100a.txt")]), 10))
    assert len(set(after) - set(before)) <= 2
    Path(paths[3]).write_text("新", "utf-8")
    assert len(set(cut("key", paths, 10)) - set(before)) == 1
    assert not set(cut("other", paths, 10)) & set(before)


@pytest.mark.parametrize(
    ("path", "remote", "local"),
    [
        ("s3://bucket/a", True, "s3://bucket/a"),
        ("file:///srv/a", True, "/srv/a"),
        ("/srv/a", False, "/srv/a"),
        ("a b://c", False, "a b://c"),
    ],
)
def test_paths_of_elsewhere_are_told_from_those_of_here(path: str, remote: bool, local: str) -> None:
    assert is_remote(path) == remote
    assert local_path(path) == local


def test_what_cannot_be_done_is_said_at_once(folder: Path, tmp_path: Path) -> None:
    plan = Plan.of(RULES)
    with pytest.raises(FileNotFoundError, match="no such file"):
        extract_on_cluster(plan, Job([str(tmp_path / "none")], str(tmp_path / "out")))
    with pytest.raises(FileNotFoundError, match="no such file"):
        extract_on_cluster(plan, Job(["memory://none"], str(tmp_path / "out")))
    with pytest.raises(ZongjieError, match="cannot be opened"):
        extract_on_cluster(plan, Job(["nonsense://none"], str(tmp_path / "out")))
    with pytest.raises(ZongjieError, match="standard input"):
        extract_on_cluster(plan, Job(["-"], str(tmp_path / "out")))
    (tmp_path / "failures.jsonl").write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match="--force"):
        extract_on_cluster(plan, Job([str(folder)], str(tmp_path)))


def test_patterns_and_rules_of_folders_hold_elsewhere(folder: Path) -> None:
    system, _ = open_system("memory://")
    system.put(str(folder), "/reports", recursive=True)
    try:
        job = Job(
            ["memory://reports", "memory://reports/0.txt"], "memory://reports/out", select=Selection(exclude=("b",))
        )
        found = {one.path.removeprefix("memory://reports/"): one for one in _listed(job)}
        assert found["photo.xyz"].refused
        reasons = {name: one.passed_over.split()[0] for name, one in found.items() if one.passed_over}
        assert reasons == {".hidden.txt": "hidden", "b/two.jsonl": "left", "b/bad.docx": "left", "0.txt": "given"}
    finally:
        system.rm("/", recursive=True)
