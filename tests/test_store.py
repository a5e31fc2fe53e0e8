from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from zongjie.engines import Failure, Piece, Stamp, failed
from zongjie.errors import ZongjieError
from zongjie.normalise import LeftOut
from zongjie.store import HOME, Found, Store, open_store

STAMP = Stamp(10, 20, b"digest")


def found(*names: str, size: int = 10, mtime: int = 20) -> list[Found]:
    return [Found(name, f"/real/{name}", size, mtime) for name in names]


def do(store: Store, *names: str) -> None:
    """Read the files that wait: each gives one piece."""
    for task in store.tasks():
        if not names or task.path in names:
            store.begin(task.id, STAMP, fresh=True)
            store.put(task.id, Piece(0, task.path.encode(), facts=2, left_out=LeftOut(1, 2, 3)))
            store.end(task.id)


def listed(store: Store) -> list[str]:
    return [line.path for line in store.lines()]


def waiting(store: Store) -> list[str]:
    return [task.path for task in store.tasks()]


def test_what_is_done_comes_back_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.list(found("b", "a", "c"), "k")
        do(store)
        store.commit()
    with open_store(tmp_path) as store:
        assert store.list(found("c", "b", "a"), "k").kept == 3
        assert [(line.path, line.packed) for line in store.lines()] == [("c", b"c"), ("b", b"b"), ("a", b"a")]
        assert store.totals() == (3, 0, 6, 0, LeftOut(3, 6, 9))
        assert waiting(store) == []


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.list(found("a", "b"), "k")
        do(store, "a")
        store.commit()
        do(store, "b")
    with open_store(tmp_path) as store:
        assert store.list(found("a", "b"), "k").waiting == 1
        assert (listed(store), waiting(store)) == (["a"], ["b"])


@pytest.mark.parametrize("change", [{"size": 11}, {"mtime": 21}])
def test_a_change_is_noticed(tmp_path: Path, change: dict[str, int]) -> None:
    with open_store(tmp_path) as store:
        store.list(found("a"), "k")
        do(store)
        listing = store.list(found("a", **change), "k")
        assert (listing.changed, listing.waiting, waiting(store)) == (1, 1, ["a"])


def test_the_largest_come_first_and_each_once(tmp_path: Path) -> None:
    files = [Found(str(number), str(number), number % 7, 1) for number in range(600)]
    with open_store(tmp_path) as store:
        store.list(files, "k")
        tasks = list(store.tasks())
        assert [task.size for task in tasks] == sorted((task.size for task in tasks), reverse=True)
        assert sorted(int(task.path) for task in tasks) == list(range(600))


def test_a_listing_that_fails_changes_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield from found("z")
        raise KeyboardInterrupt

    with open_store(tmp_path) as store:
        store.list(found("a"), "k")
        do(store)
        with pytest.raises(KeyboardInterrupt):
            store.list(broken(), "k")  # type: ignore[arg-type]
        assert listed(store) == ["a"]


def test_what_failed_is_tried_again_and_what_died_alone(tmp_path: Path) -> None:
    failure = Failure("a", "E", "r", "m")
    with open_store(tmp_path) as store:
        store.list(found("a", "b"), "k")
        for task in store.tasks():
            store.begin(task.id, STAMP, fresh=True)
            store.put(task.id, Piece(0, b"fine"))
            store.put(task.id, failed(1, failure, died=task.path == "a"))
            store.put(task.id, Piece(2, b"fine"))
            store.end(task.id)
        assert waiting(store) == []  # once a run
        assert store.list(found("a", "b"), "k").waiting == 2
        tasks = {task.path: task for task in store.tasks()}
        assert [(tasks[name].have, set(tasks[name].again), tasks[name].alone) for name in "ab"] == [
            (3, {1}, True),
            (3, {1}, False),
        ]
        assert (tasks["a"].sha256, tasks["a"].complete, store.totals().failed) == (b"digest", False, 2)
        assert (tasks["a"].next, tasks["a"].wants(0), tasks["a"].wants(1), tasks["a"].wants(3)) == (
            1,
            False,
            True,
            True,
        )


def test_doubles_are_told(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.list([*found("a"), Found("b", "/real/a"), *found("a"), Found("c", "c", passed_over="hidden")], "k")
        assert store.passed_over(5) == ("b: given twice, read once", "a: given twice, read once", "c: hidden")
        assert store.passed_over(1) == ("b: given twice, read once", "and 2 more")
        assert waiting(store) == ["a"]


def test_a_damaged_store_is_said_and_force_mends_it(tmp_path: Path) -> None:
    (tmp_path / HOME).mkdir()
    (tmp_path / HOME / "state.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ZongjieError, match=r"--force"), open_store(tmp_path):
        pass
    with open_store(tmp_path, anew=True) as store:
        assert listed(store) == []


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / HOME / "state.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ZongjieError, match="another version"), open_store(tmp_path):
        pass
