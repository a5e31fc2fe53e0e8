"""Words: the segmenter that ships, how it is trained, and what is mined with it."""

from __future__ import annotations

import random
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.zh import ChineseTokenizer
from spacy.language import Language

from zongjie.corpus import read_gold
from zongjie.errors import ConfigError, ZongjieError
from zongjie.extractor import Extractor, Settings
from zongjie.language import WORDS_SUMS, blank, to_doc, words_model
from zongjie.text import Text
from zongjie.training.mine import contrast, frames, is_known, known_words, mine

segmenter = pytest.importorskip("zongjie.training.segmenter", reason="needs spacy-pkuseg, of the extra words")

ROOT = Path(__file__).parents[1]
RULES = dict.fromkeys(("spans", "roles", "facts"), "rules")
LESSONS = [
    line.split()
    for line in (
        "临溪 县 新建 学校 3 所 , 新增 学位 900 个 .",
        "全 县 学校 开展 活动 12 次 .",
        "学校 新增 教师 30 名 , 培训 教师 200 人 .",
        "全 县 新建 幼儿园 5 所 .",
        "教师 培训 覆盖 学校 40 所 .",
        "活动 覆盖 全 县 教师 .",
    )
]
LESSONS *= 20  # pkuseg lowers its rates so fast on few sentences that it learns nothing


@cache
def words_of_ours() -> Language:
    return blank("pkuseg")


def cut(text: str) -> list[str]:
    return [token.text for token in words_of_ours().make_doc(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\n",
        "全市新增学位3.28万个。",
        "  一、基本情况\n\n　　全县共有 学校\t12 所。\r\n",
        "全角　空格\u2028行\x1c符\x85号\u200b",
        "A-B_C.D|E/F*G:H，Ａ１％",
        "😀新建学校𠮷12所",
    ],
)
def test_words_make_up_the_text(text: str) -> None:
    content = Text.of(text).content
    doc = to_doc(Text.of(text), words_of_ours())
    assert doc.text == content
    assert "".join(token.text for token in doc) == content
    assert all(content[token.idx : token.idx + len(token)] == token.text for token in doc)


@given(
    st.text(
        st.sampled_from("全市新建学校12所，。 \n\t\r\u3000\u2003\x1f3.5%AＢ（）、")
        | st.characters(exclude_categories=["Cs"])
    )
)
def test_words_make_up_any_text(text: str) -> None:
    doc = words_of_ours().make_doc(text)
    assert doc.text == text
    assert all(token.is_space or not set(token.text) & set(" \n\t\u3000") for token in doc)


def test_the_shipped_model_finds_words() -> None:
    found = cut("全市教育系统新增学位900个，培训教师")
    assert {"教育", "系统", "新增", "学位", "培训", "教师"} <= set(found)


def test_the_tokenizer_is_spacys_own() -> None:
    assert isinstance(words_of_ours().tokenizer, ChineseTokenizer)
    copy = blank("pkuseg")
    copy.tokenizer.from_bytes(words_of_ours().tokenizer.to_bytes())
    assert [t.text for t in copy("全市新增学位")] == [t.text for t in words_of_ours()("全市新增学位")]


def test_plain_spacy_reads_the_folder() -> None:
    tokenizer = ChineseTokenizer(words_of_ours().vocab, segmenter="pkuseg")
    tokenizer.from_disk(words_model())
    assert [t.text for t in tokenizer("新增学位900个")] == [t.text for t in words_of_ours()("新增学位900个")]


def test_characters_stay_the_default() -> None:
    assert [token.text for token in blank().make_doc("新增 学位")] == list("新增 学位")


def test_no_pickle_ships_and_all_is_small() -> None:
    files = [file for file in words_model().rglob("*") if file.is_file()]
    assert {file.name for file in files} == {
        "README.md", WORDS_SUMS, "cfg", "pkuseg_processors", "features.msgpack", "weights.npz"
    }  # fmt: skip
    assert sum(file.stat().st_size for file in files) < 8_000_000


@pytest.mark.parametrize("sample", sorted(path.name for path in (ROOT / "data" / "samples").iterdir()))
def test_records_do_not_depend_on_the_segmenter(sample: str) -> None:
    told = []
    for name in ("char", "pkuseg"):
        settings = Settings.model_validate({"makers": RULES, "tokenizer": {"segmenter": name}})
        outcomes = Extractor(settings).pipe([ROOT / "data" / "samples" / sample])
        told.append([outcome.record.to_json() for outcome in outcomes if outcome.record])
    assert told[0] == told[1] != []


def test_spans_show_on_words() -> None:
    settings = Settings.model_validate({"makers": RULES, "tokenizer": {"segmenter": "pkuseg"}})
    doc = Extractor(settings).doc("2023年全市新增学位900个。")
    assert any("900个" in span.text for span in doc.spans["entities"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    segmenter.learn(LESSONS, LESSONS, folder / "weights", passes=4)
    segmenter.save(folder / "weights", folder / "model", card="# words\n")
    return folder


def test_training_learns_and_repeats_itself(trained: Path, tmp_path: Path) -> None:
    state = random.getstate()
    segmenter.learn(LESSONS, [], tmp_path / "again", passes=4)
    segmenter.save(tmp_path / "again", tmp_path / "model", card="# words\n")
    random.setstate(state)
    assert (tmp_path / "model" / WORDS_SUMS).read_bytes() == (trained / "model" / WORDS_SUMS).read_bytes()
    nlp = blank("pkuseg", model=trained / "model")
    assert [token.text for token in nlp.make_doc("全县新增教师60名")] == ["全", "县", "新增", "教师", "60", "名"]
    assert segmenter.score(LESSONS, segmenter.load_cut(trained / "weights")).f1 > 0.95


def test_shrinking_leaves_features_out(trained: Path, tmp_path: Path) -> None:
    before, after = segmenter.save(trained / "weights", tmp_path, floor=0.3)
    assert 0 < after < before
    assert blank("pkuseg", model=tmp_path).make_doc("新增学位").text == "新增学位"


@pytest.mark.parametrize("name", ["cfg", "pkuseg_model/weights.npz"])
def test_a_damaged_model_is_refused(trained: Path, tmp_path: Path, name: str) -> None:
    segmenter.save(trained / "weights", tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ConfigError, match="expected SHA-256"):
        blank("pkuseg", model=tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match="no file"):
        blank("pkuseg", model=tmp_path)


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no word segmenter"):
        blank("pkuseg", model=tmp_path)


def test_without_spacy_pkuseg_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy_pkuseg", None)
    with pytest.raises(ConfigError, match=r"zongjie\[words\]"):
        blank("pkuseg")


def test_too_little_to_learn_from_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZongjieError, match="at least 10"):
        segmenter.learn(LESSONS[:3], [], tmp_path, passes=1)


def test_the_script_trains_measures_and_writes_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, gold, out = tmp_path / "lessons.txt", ROOT / "data" / "gold" / "county.txt", tmp_path / "out"
    text.write_text("".join(" ".join(words) + "\n" for words in LESSONS), encoding="utf-8")
    options = ["--gold", gold, "--spans", gold, "--dev", text, "--passes", "1", "--more", "1"]
    segmenter.main([str(part) for part in [text, "-o", out, *options]])
    card = (out / "README.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.split("\n\n")[0] in card
    assert "CC BY-SA 4.0" in card
    assert str(ROOT / "pipeline") not in card


def test_segmented_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("新增 学位\n\n 900  个\n", encoding="utf-8")
    assert segmenter.read_segmented(tmp_path / "a.txt") == [["新增", "学位"], ["900", "个"]]


def test_every_second_sentence_is_widened() -> None:
    assert list(segmenter.widen([[",", "."], [",", ".", "(", "学校", "3.5"]])) == [
        [",", "."],
        ["，", "。", "（", "学校", "3.5"],
    ]


def test_words_of_passages_do_not_cross_spans() -> None:
    passages = read_gold(ROOT / "data" / "gold" / "bureau.txt")[:40]
    for passage, words in zip(
        passages, segmenter.cut_at_spans(passages, segmenter.longest_match(segmenter.domain_words())), strict=True
    ):
        assert "".join(words) == passage.text
        assert {tag.start for tag in passage.entities} <= set(segmenter.edges_of(words))


def test_scores() -> None:
    gold = [["新增", "学位", "900", "个"]]
    assert segmenter.score(gold, list) == segmenter.Score(right=1, gold=4, given=8)
    assert segmenter.score(gold, segmenter.longest_match(["新增", "学位", "900", "学位9"])).f1 == pytest.approx(4 / 9)
    assert segmenter.Score(0, 0, 0).f1 == segmenter.Score(0, 0, 0).precision == segmenter.Score(0, 0, 0).recall == 0
    assert segmenter.span_edges(read_gold(ROOT / "data" / "gold" / "bureau.txt")[:20], list) == (1.0, 1.0)


def test_the_segmenter_respects_the_spans_of_real_reports(shared: Path) -> None:
    passages = read_gold(shared / "gold" / "dev.jsonl")[:150]
    assert segmenter.span_edges(passages, cut)[0] > 0.98


@pytest.mark.parametrize(
    ("kind", "line", "found"),
    [
        ("heads", "全县学生营养达标面积达到3.5万平方米。", ["面积"]),
        ("heads", "新增学位900个。", ["学位"]),
        ("heads", "新建12所学校。", []),
        ("actions", "新建12所学校。", ["新建"]),
        ("actions", "全县新建学校12所。", ["新建"]),
        ("actions", "学校12所。", []),
    ],
)
def test_frames(kind: str, line: str, found: list[str]) -> None:
    words = [(token.text, token.idx) for token in words_of_ours().make_doc(line)]
    told = [word for word, _ in frames(line, words, kind)]
    assert told == found


def test_what_the_lexicon_knows_is_not_mined() -> None:
    assert {"新建", "率", "幼儿园"} <= known_words()
    assert is_known("入园率", "heads")
    assert is_known("增加到", "actions")
    assert not is_known("孔雀", "heads")
    line = "全县孔雀增加到12只。全县学校增加到12所。"
    words = [c.word for c in mine([line] * 5, words_of_ours(), "heads")]
    assert "孔雀" in words


def test_contrast_is_signed() -> None:
    assert contrast(10, 100, 20, 10_000) > 0 > contrast(0, 100, 2000, 10_000)
