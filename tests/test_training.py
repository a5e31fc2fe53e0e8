from __future__ import annotations

import json
import logging
import sys
import tomllib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from zongjie.alphabet import MASK, PAD, UNKNOWN, Alphabet
from zongjie.cli import main
from zongjie.corpus import GoldError, Passage, read_gold
from zongjie.decoding import Scores
from zongjie.errors import ConfigError, ModelError
from zongjie.model import open_model, read_card
from zongjie.reading import Reading
from zongjie.tagger import Mix
from zongjie.text import Text, fold
from zongjie.windows import Said, Window, windows

pytest.importorskip("torch", reason="torch is not installed: pip install 'zongjie[train]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install 'zongjie[train]'")
pytest.importorskip("datasets", reason="datasets is not installed: pip install 'zongjie[train]'")
pytest.importorskip("safetensors", reason="safetensors is not installed: pip install 'zongjie[train]'")
pytest.importorskip("sklearn", reason="sklearn is not installed: pip install 'zongjie[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'zongjie[train]'")

import torch
from datasets import Dataset, load_from_disk
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from zongjie.training import train as training
from zongjie.training.calibrate import extract
from zongjie.training.completion import completed, nearest
from zongjie.training.encoders import BiLstm, Borrowed
from zongjie.training.export import export
from zongjie.training.fit import Fit, Task, TorchScorer, fit, fit_all, mean
from zongjie.training.network import Encoder, Network, Shape
from zongjie.training.objective import Lesson
from zongjie.training.rows import Collate, dataset_of, silver_texts
from zongjie.training.silver import main as make_silver
from zongjie.training.silver import marked

CONFIG = """
[data]
gold = [{gold}]
pretrained = "{pretrained}"

[network]
width = 32
layers = 1
heads = 2
inner = 64
pairs = 512
pair_width = 8
dropout = 0.0

[calibration]
folds = 0

[fit]
seed = 1
epochs = 4
batch = 4
rate = 5e-3
head_rate = 5e-3
warmup = 0
decay = 0.0
hide = 0.0
weak_hide = 0.0
blank = 0.0
copies = 0
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def passages(gold: Path) -> list[Passage]:
    return read_gold(gold / "bureau.txt")[:8]


@pytest.fixture
def alphabet(passages: list[Passage]) -> Alphabet:
    return Alphabet.of((p.text for p in passages), at_least=1)


@pytest.fixture
def config(tmp_path: Path, gold: Path) -> Path:
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.format(gold=f"'{tmp_path / 'absent.jsonl'}', '{gold}'", pretrained="absent"), "utf-8")
    return path


@pytest.fixture
def bert(tmp_path: Path, gold: Path) -> Path:
    """A tiny encoder as it would lie on the Hugging Face hub, with small letters only."""
    folder = tmp_path / "bert"
    characters = sorted({c.lower() for p in read_gold(gold) for c in fold(p.text) if not c.isspace()} | {"a"})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(1)
    BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=260, **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    return folder


def cut(passages: list[Passage], alphabet: Alphabet, longest: int = 40) -> list[Window]:
    readings = [Reading(Text.of(p.text)) for p in passages]
    return [w for r in readings for w in windows(r, Said.of(r), alphabet, longest=longest)]


def network(name: str, alphabet: Alphabet, bert: Path) -> Network:
    how = training.TrainConfig.model_validate(tomllib.loads(CONFIG.format(gold="", pretrained="")))
    torch.manual_seed(2)
    encoder = {"ours": None, "bilstm": "bilstm", "bert": str(bert)}[name]
    return training.network_for(how, alphabet, None, encoder, how.mix.longest)


def alike(one: list[Scores], two: list[Scores]) -> bool:
    return all(
        np.allclose(getattr(a, part), getattr(b, part), atol=1e-4)
        for a, b in zip(one, two, strict=True)
        for part in ("spans", "numbers", "others", "tokens")
    )


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main([str(part) for part in argv])
    return int(leaving.value.code or 0)


@pytest.mark.parametrize("name", ["ours", "bilstm", "bert"])
def test_the_exported_network_scores_as_the_one_in_memory(
    name: str, passages: list[Passage], alphabet: Alphabet, bert: Path, tmp_path: Path
) -> None:
    net = network(name, alphabet, bert)
    export(net, alphabet, tmp_path / "model", mix=Mix(), int8=False)
    tagger = open_model(tmp_path / "model")
    batch = cut(passages, alphabet)
    assert len({len(w.ids) for w in batch}) > 3  # so that there is padding
    assert alike(tagger.scorer(batch), TorchScorer(net)(batch))
    for passage, _, record in extract(tagger, passages):
        assert record.text == passage.text
        assert all(record.text[e.start : e.end] == e.text for e in record.entities)
        assert type(record).model_validate(record.to_dict()) == record


@pytest.mark.parametrize("name", ["ours", "bilstm", "bert"])
def test_loss_falls(name: str, passages: list[Passage], alphabet: Alphabet, bert: Path, config: Path) -> None:
    net, rows = network(name, alphabet, bert), dataset_of(passages, alphabet)
    batch = Collate()(list(rows))

    @torch.inference_mode()
    def loss() -> float:
        return float(Lesson(net).eval()(**batch)["loss"])

    before = loss()
    fit(net, rows, training.read_settings(config).fit)
    assert loss() < 0.95 * before


def test_fits_made_at_once_are_those_made_one_by_one_and_are_kept(
    passages: list[Passage], alphabet: Alphabet, bert: Path, config: Path, tmp_path: Path
) -> None:
    net, how = network("ours", alphabet, bert), training.read_settings(config).fit.model_copy(update={"epochs": 1.0})
    rows = partial(dataset_of, passages[:8], alphabet)
    tasks = [Task(net, rows, how.model_copy(update={"seed": seed})) for seed in (1, 2)]
    both = fit_all(tasks, str(tmp_path / "fits"))
    assert not torch.equal(both[0]["tokens.2.weight"], both[1]["tokens.2.weight"])
    (alone,) = fit_all(tasks[1:])
    for name, value in alone.items():
        torch.testing.assert_close(both[1][name], value, atol=2e-2, rtol=2e-2)  # threads round in their own order
        torch.testing.assert_close(mean(both)[name], (both[0][name] + value) / 2, atol=2e-2, rtol=2e-2)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "fits").iterdir()}
    fit_all(tasks, str(tmp_path / "fits"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "fits").iterdir()} == kept
    assert len(kept) == 2
    other = deepcopy(net)
    for part in other.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.3
    fit_all([replace(tasks[0], start=other)], str(tmp_path / "fits"))  # no weight says how much is dropped
    assert len(list((tmp_path / "fits").iterdir())) == 3


@pytest.mark.parametrize("kind", [Encoder, BiLstm])
def test_padding_changes_nothing(kind: type, passages: list[Passage], alphabet: Alphabet) -> None:
    encoder = kind(Shape(len(alphabet), 64, width=32, layers=1, heads=2, inner=64, pairs=512, pair_width=8)).eval()
    window = cut(passages, alphabet)[0]
    ids, marks = torch.from_numpy(window.ids)[None], torch.from_numpy(window.marks)[None]
    padded = torch.nn.functional.pad(ids, (0, 7)), torch.nn.functional.pad(marks, (0, 0, 0, 7))
    with torch.inference_mode():
        assert torch.allclose(encoder(ids, marks), encoder(*padded)[:, : ids.shape[1]], atol=1e-5)
        assert not torch.allclose(encoder(ids), encoder(ids, torch.ones_like(marks)), atol=1e-5)


def test_a_borrowed_encoder_reads_a_token_a_character(bert: Path, alphabet: Alphabet) -> None:
    letters = Alphabet(alphabet.characters + "A☃")
    encoder = Borrowed(str(bert), letters, longest=240)
    vocabulary = (bert / "vocab.txt").read_text("utf-8").split("\n")
    read = [vocabulary[i] for i in encoder.get_buffer("table").tolist()]
    assert (read[PAD], read[UNKNOWN], read[MASK]) == ("[PAD]", "[UNK]", "[MASK]")
    assert read[3:-2] == ["[UNK]" if c.isspace() else c for c in alphabet.characters]
    assert read[-2:] == ["a", "[UNK]"]


def test_a_borrowed_encoder_must_hold_a_window(bert: Path, alphabet: Alphabet) -> None:
    assert Borrowed(str(bert), alphabet, longest=258).width == 32
    with pytest.raises(ModelError, match="at most 260 tokens; expected 261"):
        Borrowed(str(bert), alphabet, longest=259)


def test_a_borrowed_encoder_must_know_characters(bert: Path) -> None:
    with pytest.raises(ModelError, match="knows less than 50% of our 4 characters"):
        Borrowed(str(bert), Alphabet("☀☁☂☃"), longest=240)


def test_no_such_encoder(tmp_path: Path, alphabet: Alphabet) -> None:
    with pytest.raises(ModelError, match="no encoder could be loaded"):
        Borrowed(str(tmp_path / "absent"), alphabet, longest=240)


def test_train_writes_a_model_that_says_where_it_comes_from(
    config: Path, tmp_path: Path, gold: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "model"
    with caplog.at_level(logging.WARNING):
        assert training.train(config, out, smoke=True) == out
    assert [r.getMessage() for r in caplog.records if r.name == training.__name__] == [
        f"{tmp_path / 'absent.jsonl'} is not there and is left out",
        "absent is not there and is left out",
    ]
    origin = read_card(out).training
    assert origin["passages"] == {"gold": 16, "apart": 0, "loose": 0, "silver": 0, "own": 0}
    assert [Path(file).name for file in origin["files"]] == sorted(p.name for p in gold.iterdir())
    assert (origin["seed"], origin["encoder"], origin["smoke"]) == (1, "zongjie", True)
    assert {len(digest) for digest in (*origin["files"].values(), origin["config"])} == {64}
    assert origin["libraries"]["torch"] == torch.__version__.split("+")[0] or "+" in origin["libraries"]["torch"]
    assert open_model(out).alphabet.characters


def test_silver_holds_a_line_of_two_files_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(f"全县新增学位{n}个，学校{n}所。" * 9 for n in range(120, 130)), "utf-8")
    argv = ["silver", str(corpus), str(corpus), "-o", str(tmp_path / "silver"), "--processes", "1"]
    monkeypatch.setattr("sys.argv", argv)
    make_silver()
    lines = [line for text in load_from_disk(tmp_path / "silver")["text"] for line in text.split("\n")]
    assert sorted(lines) == sorted(set(lines))
    assert "".join(lines).count("全县新增学位125个") == 9


def test_train_reads_silver_first_and_a_pretrained_encoder(
    tmp_path: Path, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alphabet = Alphabet.of((p.text for p in read_gold(gold)), at_least=2)
    shape = Shape(len(alphabet), 64, width=16, layers=1, heads=2, inner=32, pairs=64, pair_width=4)
    pretrained = tmp_path / "pretrained"
    pretrained.mkdir()
    encoder = Encoder(shape)
    save_file(encoder.state_dict(), pretrained / "encoder.safetensors")
    (pretrained / "shape.json").write_text(json.dumps(shape.to_dict()), "utf-8")
    alphabet.write(pretrained / "alphabet.txt")
    config = tmp_path / "train.toml"
    text = CONFIG.format(gold=f"'{gold / 'schools.txt'}'", pretrained=pretrained)
    config.write_text(text.replace("[network]", f"silver = ['{tmp_path / 'silver'}']\n[network]"), "utf-8")
    texts = [p.text for p in read_gold(gold / "bureau.txt")]
    Dataset.from_list([{"text": text, **marked({"text": text})} for text in texts]).save_to_disk(tmp_path / "silver")
    telling = silver_texts([tmp_path / "silver"], len(texts))
    assert 0 < len(telling) < len(texts)

    seen: list[tuple[int, float, bool]] = []

    def watch(net: Network, rows: Dataset, how: Fit) -> Network:
        same = torch.equal(net.encoder.get_parameter("character.weight"), encoder.character.weight)
        seen.append((len(rows), how.epochs, same))
        return net

    monkeypatch.setattr("zongjie.training.fit.fit", watch)
    training.train(config, tmp_path / "model")
    assert seen == [(len(telling), 1.0, True), (len(read_gold(gold / "schools.txt")), 4.0, True)]
    assert open_model(tmp_path / "model").alphabet.characters == alphabet.characters


def test_own_completion_comes_between_two_fits_to_gold(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"全县新建公办幼儿园{n}所，改造乡村小学{n + 2}所，学前三年毛入园率达{n}%。" for n in range(60, 90)]
    silver = tmp_path / "silver"
    Dataset.from_list([{"text": text, **marked({"text": text})} for text in texts]).save_to_disk(silver)
    written = config.read_text("utf-8").replace("[network]", f"silver = ['{silver}']\n[network]")
    config.write_text(written.replace("folds = 0", "folds = 2") + "\n[own]\npassages = 5\nblank = 0.04\n", "utf-8")
    rounds: list[list[Task]] = []

    def sign(network: Network) -> float:
        return network.encoder.get_parameter("character.weight")[0, 0].item()

    def fitted(tasks: Sequence[Task], keep: str | None) -> list[dict[str, torch.Tensor]]:
        rounds.append(list(tasks))
        states = [{name: value.clone() for name, value in task.start.state_dict().items()} for task in tasks]
        for i, state in enumerate(states):
            state["encoder.character.weight"][0, 0] = len(rounds) * 10 + i
        return states

    monkeypatch.setattr(training, "fit_all", fitted)
    training.train(config, tmp_path / "model")
    weak, gold_first, own, gold_last = rounds
    fresh = sign(weak[0].start)
    assert [sign(task.start) for task in gold_first] == [10, 10]
    assert [sign(task.rows.args[0]) for task in own] == [20, 21]  # each lot has its own teacher
    assert [sign(task.start) for task in own] == [fresh, fresh]
    assert [sign(task.start) for task in gold_last] == [30, 31]
    assert [task.how.blank for task in own] == [0.04, 0.04]
    assert len(own[0].rows()) == 5
    known, part = (len(task.rows()) for task in gold_last)
    assert part < known
    assert read_card(tmp_path / "model").training["passages"]["own"] == 5


def test_the_nearest_texts_are_of_the_same_kind(passages: list[Passage]) -> None:
    reports = [p.text for p in passages]
    tales = [f"他在雪夜里独自走过第{n}座桥，想起童年的歌谣，忽然落下泪来。" for n in range(200)]
    like, among = reports[::2], reports[1::2]
    assert set(nearest([*tales, *among], like, len(among), seed=1)) == set(among)
    known = "今年" + like[0]  # what holds a passage of gold is left out
    assert set(nearest([*tales, known], like, 300, seed=1)) == set(tales)


def test_a_model_annotates_texts(config: Path, tmp_path: Path, passages: list[Passage]) -> None:
    config.write_text(config.read_text("utf-8") + '\n[mix]\ngrammar = ["NUMBER"]\n', "utf-8")
    tagger = open_model(training.train(config, tmp_path / "model", smoke=True))
    texts = [p.text for p in passages if len(p.text) >= 30]
    found = completed(tagger, [*texts, "短。"])
    assert "".join(p.text for p in found).replace("\n", "") == "".join(texts).replace("\n", "")
    assert any(p.facts for p in found)


def test_train_command_takes_an_encoder_without_the_network(
    config: Path, bert: Path, tmp_path: Path, passages: list[Passage], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", config, "--encoder", bert, "-o", tmp_path / "model", "--smoke") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model'}\n"
    assert read_card(tmp_path / "model").training["encoder"] == "bert"
    found = extract(open_model(tmp_path / "model"), passages)
    assert [one.record.text for one in found] == [p.text for p in passages]


def test_train_command_measures_on_documents_that_were_held_out(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", config, "--folds", 2, "--smoke", "-o", tmp_path / "model") == 0
    assert capsys.readouterr().out.startswith("16 passages\n")
    assert not (tmp_path / "model").exists()


def test_train_command_says_what_to_install(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import zongjie.training

    monkeypatch.delattr(zongjie.training, "train")
    for name in [name for name in sys.modules if name.startswith("zongjie.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("train", config) == 2
    assert "pip install 'zongjie[train]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("gold = [", "gold = [] #"), r"\[data\] gold: nothing at no path"),
        (("width = 32", "wide = 32"), r"\[network.wide\]"),
        (("seed = 1", "seed = 1 1"), "not valid TOML"),
        (("seed = 1\n", ""), r"\[fit.seed\]"),
        (("[network]", "[mix.shift]\nMETRICS = 1.0\n[network]"), r"\[mix.shift.METRICS"),
    ],
)
def test_a_wrong_config_is_an_error(change: tuple[str, str], said: str, config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(ConfigError, match=said):
        training.train(config, tmp_path / "model")


def test_a_passage_longer_than_the_network_reads_is_named(config: Path, tmp_path: Path) -> None:
    row = {"id": "long", "source": "x", "text": "学" * 600, "entities": [], "facts": []}
    row["clauses"] = [{"start": 0, "end": 600, "role": "O"}]
    (tmp_path / "absent.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(GoldError, match="passage long: 600 characters"):
        training.train(config, tmp_path / "model")


def test_no_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such config file"):
        training.train(tmp_path / "absent.toml", tmp_path / "model")


def test_the_config_that_ships_fits() -> None:
    training.read_settings(Path(__file__).parents[1] / "configs" / "train.toml")


def test_no_document_stands_on_both_sides(passages: list[Passage]) -> None:
    of_four = [p.model_copy(update={"source": f"d{i % 4}"}) for i, p in enumerate(passages)]
    parts = list(training.held_out(of_four, 3, seed=1))
    assert len(parts) == 3
    assert sorted(p.id for _, unseen in parts for p in unseen) == sorted(p.id for p in passages)
    for known, unseen in parts:
        assert len(known) + len(unseen) == len(passages)
        assert not {p.source for p in known} & {p.source for p in unseen}
    assert parts == list(training.held_out(of_four, 3, seed=1))
    with pytest.raises(ConfigError, match="5 folds of 4 documents"):
        next(training.held_out(of_four, 5, seed=1))


@pytest.fixture
def model(tmp_path: Path, alphabet: Alphabet, bert: Path) -> Path:
    export(network("ours", alphabet, bert), alphabet, tmp_path / "model", mix=Mix(), int8=False)
    return tmp_path / "model"


@pytest.mark.parametrize("name", ["network.onnx", "alphabet.txt"])
def test_a_damaged_model_is_an_error(model: Path, name: str) -> None:
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}: damaged"):
        open_model(model)
    (model / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: missing"):
        open_model(model)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("format", 99, "another version"), ("marks", [1, 2], "another version"), ("files", None, "model.json")],
)
def test_a_model_of_another_version_is_an_error(model: Path, key: str, value: object, said: str) -> None:
    card = json.loads((model / "model.json").read_text("utf-8"))
    (model / "model.json").write_text(json.dumps(card | {key: value}), "utf-8")
    with pytest.raises(ModelError, match=said):
        open_model(model)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        open_model(tmp_path)
