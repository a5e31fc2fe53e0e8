from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate", Path(__file__).with_name("gate.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures(core: float, digest: str = "a" * 64) -> dict[str, object]:
    return {"gold": digest, "passages": 2, "floors": {"fact.core": core, "value": 0.9}}


def test_no_figure_is_below_its_floor(gate: ModuleType) -> None:
    pinned = json.loads(gate.FLOORS.read_text("utf-8"))
    assert gate.complaints(pinned, gate.measure(gate.GOLD)) == []


@pytest.mark.parametrize(
    ("core", "digest", "said"),
    [
        (0.7, "a" * 64, []),
        (0.8, "a" * 64, []),
        (0.6999, "a" * 64, ["fact.core: F1 0.6999 is below its floor 0.7000"]),
        (0.9, "b" * 64, ["data/gold has changed"]),
    ],
)
def test_gate_says_what_shuts_it(gate: ModuleType, core: float, digest: str, said: list[str]) -> None:
    found = gate.complaints(figures(0.7), figures(core, digest))
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True))
    assert all("make pin" in line or "--allow-lower" in line for line in found)


@pytest.mark.parametrize(
    ("core", "digest", "allow_lower", "floor"),
    [
        (0.8, "a" * 64, False, 0.8),
        (0.6, "a" * 64, False, 0.7),
        (0.6, "a" * 64, True, 0.6),
        (0.6, "b" * 64, False, 0.6),
    ],
)
def test_pinning_never_lowers_a_floor_unasked(
    gate: ModuleType, core: float, digest: str, allow_lower: bool, floor: float
) -> None:
    now = gate.raised(figures(0.7), figures(core, digest), allow_lower=allow_lower)
    assert (now["floors"]["fact.core"], now["gold"]) == (floor, digest)


def test_gate_pins_and_opens(
    gate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "FLOORS", tmp_path / "gate.json")
    monkeypatch.setattr(gate, "measure", lambda _: figures(0.7))
    assert gate.main([]) == 1
    assert "make pin" in capsys.readouterr().out
    assert [gate.main(["--pin"]), gate.main([])] == [0, 0]
    monkeypatch.setattr(gate, "measure", lambda _: figures(0.6))
    assert [gate.main([]), gate.main(["--pin"]), gate.main(["--pin", "--allow-lower"]), gate.main([])] == [1, 1, 0, 0]
    assert "the gate is shut" in capsys.readouterr().out
