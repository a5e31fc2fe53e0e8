import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.clauses import split_clauses

SHARED = Path(__file__).parents[1].parent / "shared"

# Each case shows its clauses: "|" stands where one ends and the next begins.
CASES = [
    "",
    "全县教育工作要点",
    "全县新建学校3所，|新增学位1200个；|投入1.2亿元。",
    "全县新建学校3所,|新增学位1200个;|投入1.2亿元.入学率94.37%!|办学条件明显改善?",
    "落实《临溪县教育规划，（2021—2025年）。》，|推进“县管校聘，先试点”改革。",
    "小学（公办30所，民办2所)，|初中(公办9所；民办1所）。",
    "“一校一策，分类推进（含乡村，县城）”机制，|逐步建立。",
    "培训教师1,286人次,|其中线上12,345,678分钟,|线下20场",
    "到2025,|200所学校达标",
    "2021,|2022年,|300所",
    "标题\n|正文，|续行\n|",
    "办学条件改善。\n \n|下一段，，|再下一段。",
    "，开头就是逗号",
    "括号（没有闭合，|不应吞掉后文。|第二句，|第三句。",
    "引号“换行后\n|才闭合，|”后文。",
    "多出的右括号），|照常切分。",
    "交叉（甲《乙，丙），|丁》戊，|己。",
    "“" + "长" * 57 + "，内。”，|后",
    "“" + "长" * 58 + "，|内。|”，|后",
    "……",
]


@pytest.mark.parametrize("case", CASES)
def test_split_clauses_cuts_where_the_guide_says(case: str) -> None:
    text = case.replace("|", "")
    assert [text[start:end] for start, end in split_clauses(text)] == [part for part in case.split("|") if part]


@pytest.mark.parametrize("opening", ["（", "(", "“", "《", "【"])
def test_split_clauses_gives_up_an_opening_mark_that_never_closes(opening: str) -> None:
    text = f"甲{opening}乙，丙。" + "丁，" * 100
    assert len(split_clauses(text)) == 102


@given(st.text(alphabet="甲乙1,，。；;\n “”《》（）()!? "))
def test_split_clauses_covers_any_text(text: str) -> None:
    clauses = split_clauses(text)
    assert "".join(text[start:end] for start, end in clauses) == text
    assert all(start < end for start, end in clauses)


@pytest.mark.parametrize("name", ["train", "dev"])
def test_split_clauses_reproduces_the_gold_offsets(name: str) -> None:
    path = SHARED / "gold" / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("the shared gold data are not beside the repository")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wrong = [r["id"] for r in rows if split_clauses(r["text"]) != [(c["start"], c["end"]) for c in r["clauses"]]]
    assert not wrong
