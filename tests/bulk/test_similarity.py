"""Pairs of submissions that share code: found across names, and not for what all were given."""

from __future__ import annotations

import importlib
import keyword
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.bulk.packing import packed, texts_in
from graders.engine.bulk.similarity import (
    LANGUAGES,
    LEAST_SHARE,
    MOST_AT_ONCE,
    MOST_SHARING,
    Code,
    Similarity,
    pieces,
    similar,
)
from graders.engine.bulk.similarity_page import render
from graders.engine.core.places import REPOSITORY

SOLUTIONS = REPOSITORY / "reference_solutions" / "lesson06"
STORE = (REPOSITORY / "assignments" / "lesson06" / "store.py").read_text(encoding="utf-8")
SERVER = (SOLUTIONS / "solution" / "server.py").read_text(encoding="utf-8")
OTHER = (SOLUTIONS / "solution_file_per_user" / "server.py").read_text(encoding="utf-8")


def code(student: str, text: str, name: str = "server.py") -> Code:
    """Return a submission with one file."""
    return Code(student, student, {name: text})


def renamed(text: str) -> str:
    """Return a program with other names, texts, comments and spaces."""
    other = re.sub(r"\b(?!self)([a-z_]{4,})\b(?=[^\n]*\n)", _another_name, text)
    return re.sub(r"\n(?=def |async def |class )", "\n# mine, all mine\n\n", other)


def _another_name(match: re.Match[str]) -> str:
    word = match[1]
    return word if keyword.iskeyword(word) else f"my_{word}"


def names(found: Similarity) -> list[tuple[str, str]]:
    """Return who is in which pair."""
    return [(each.first.student, each.second.student) for each in found.pairs]


def test_a_renamed_copy_is_found_with_its_lines_and_others_are_not() -> None:
    copy = renamed(SERVER)
    assert copy != SERVER
    found = similar([code("ada", SERVER), code("bob", OTHER), code("eve", copy)], {})
    assert names(found) == [("ada", "eve")]
    (pair,) = found.pairs
    assert pair.first.share > 0.95
    assert pair.second.share > 0.95
    mine, theirs = pair.blocks[0]
    assert mine.lines == tuple(SERVER.split("\n")[mine.first - 1 : mine.last])
    assert theirs.lines == tuple(copy.split("\n")[theirs.first - 1 : theirs.last])
    assert [each[0].first for each in pair.blocks] == sorted(each[0].first for each in pair.blocks)


def test_moved_functions_and_other_files_are_found_and_a_part_is_told_of_the_smaller() -> None:
    functions = re.split(r"\n\n\n", SERVER)
    half = len(functions) // 2
    moved = Code(
        "eve",
        "eve",
        {
            "app/one.py": "\n\n\n".join(functions[half:]),
            "server.py": "\n\n\n".join(functions[:half]) + "\n\n\n" + OTHER,
        },
    )
    (pair,) = similar([code("ada", SERVER), moved], {}).pairs
    assert pair.first.share > 0.9
    assert pair.second.share < pair.first.share
    assert {theirs.path for _, theirs in pair.blocks} == {"app/one.py", "server.py"}


def test_what_the_assignment_gives_counts_for_nothing() -> None:
    both = [code("ada", STORE), code("bob", STORE)]
    assert names(similar(both, {})) == [("ada", "bob")]
    assert not similar(both, {"store.py": STORE}).pairs
    shown = f"Write this:\n\n```python\n{STORE}\n```\n\n```console\n$ python\n```\n"
    assert not similar(both, {"README.md": shown}).pairs


def test_what_many_have_counts_for_nothing() -> None:
    many = [code(f"s{number}", SERVER) for number in range(MOST_SHARING + 1)]
    assert not similar(many, {}).pairs
    assert len(similar(many[:MOST_SHARING], {}).pairs) == MOST_SHARING * (MOST_SHARING - 1) / 2


def test_a_part_just_below_the_bound_is_not_told() -> None:
    lines = SERVER.split("\n")
    for part, is_told in ((LEAST_SHARE - 0.15, False), (LEAST_SHARE + 0.15, True)):
        some = "\n".join(lines[: int(len(lines) * part)])
        found = similar([code("ada", SERVER), code("bob", f"{some}\n{OTHER}" * 1)], {})
        shares = [pair.first.share for pair in found.pairs]
        assert bool(shares) == is_told, shares


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("server.py", SERVER.replace("):", ")", 3)),
        ("web/src/ChatWidget.tsx", "export function A() { return <p>{b}</p>; }\n" * 30),
    ],
)
def test_what_does_not_parse_and_web_code_are_compared(name: str, text: str) -> None:
    found = similar([code("ada", text, name), code("bob", text, name)], {})
    assert names(found) == [("ada", "bob")]


def test_large_web_code_is_divided_before_a_definition_and_is_whole() -> None:
    function = "function a() {\n  return 1;\n}\n"
    text = function * 2_000
    found = list(pieces("a.ts", text))
    assert "".join(found) == text
    assert len(found) == len(text) // MOST_AT_ONCE + 1
    assert all(each.startswith("function") for each in found)
    assert list(pieces("a.py", text)) == [text]
    assert list(pieces("a.ts", function)) == [function]
    for odd in ("x" * 50_000, "x\n" * 30_000, "let a\n" + "x\n" * 30_000, "\n" + "x" * 60_000):
        found = list(pieces("a.ts", odd))
        assert "".join(found) == odd
        assert max(map(len, found)) <= MOST_AT_ONCE


@pytest.mark.parametrize("line", ["/*\n", '"a\n\\'], ids=["comment", "text"])
def test_of_what_nobody_ends_a_lexer_gets_little_at_once(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    of_pygments = importlib.import_module("pygments.lexers.javascript").JavascriptLexer
    lexed = of_pygments.get_tokens

    def get_tokens(lexer: object, text: str) -> Iterator[tuple[object, str]]:
        lengths.append(len(text))
        yield from lexed(lexer, text)

    monkeypatch.setattr(of_pygments, "get_tokens", get_tokens)
    similar([code("ada", line * 4_000, "a.js")], {})
    assert len(lengths) > 1
    assert max(lengths) <= MOST_AT_ONCE


def test_divided_code_is_compared_as_the_whole_is() -> None:
    function = "export function A{0}() {{\n  const b = c({0});\n  return [b, ...d].map(e);\n}}\n"
    text = "".join(function.format(n) for n in range(400))
    assert len(list(pieces("a.ts", text))) > 1
    found = similar([code("ada", text, "a.ts"), code("bob", "\n\n" + text, "a.ts")], {})
    assert names(found) == [("ada", "bob")]
    ((mine, other),) = found.pairs[0].blocks
    assert (mine.first, mine.last, other.first, other.last) == (1, 1600, 3, 1602)


def test_nothing_and_what_is_no_program_are_compared_with_nothing() -> None:
    nothing = [Code("ada", "ada", {}), code("bob", ""), code("cyd", "\0\0"), code("d", "x=1\n")]
    assert not similar(nothing, {}).pairs


def test_what_is_too_long_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.engine.bulk.similarity.MOST_TOKENS", 300)
    found = similar([code("ada", SERVER), code("bob", "x = 1\n")], {})
    assert found.cut == ("ada",)
    assert "Too long to be compared whole: ada." in render("lesson06", found)


def test_files_after_the_last_token_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.engine.bulk.similarity.MOST_TOKENS", 300)
    files = {"server.py": SERVER, "a.py": "x = 1\n", "b.py": "x = 1\n"}
    assert similar([Code("ada", "ada", files)], {}).cut == ("ada",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("server.js", "a." * 100_000),
        ("server.py", "\n   " * 300_000 + '"""'),
        ("server.py", SERVER + f"# {'x' * 1_000_000}"),
        ("server.py", "x = 1\n" * 200_000),
    ],
    ids=["names", "blanks", "line", "length"],
)
def test_only_so_much_of_a_line_and_of_a_submission_is_compared(name: str, text: str) -> None:
    found = similar([code("ada", text, name), code("bob", text, name)], {})
    assert found.cut == ("ada", "bob")
    assert len(render("lesson06", found)) < 2_000_000


def test_more_pairs_and_places_than_are_shown_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.engine.bulk.similarity.MOST_PAIRS", 1)
    monkeypatch.setattr("graders.engine.bulk.similarity.MOST_BLOCKS", 1)
    halves = re.split(r"\n\n\n", SERVER)
    moved = "\n\n\n".join(halves[len(halves) // 2 :] + halves[: len(halves) // 2])
    found = similar([code("ada", SERVER), code("bob", moved), code("cyd", SERVER)], {})
    assert (len(found.pairs), found.more) == (1, 2)
    assert len(found.pairs[0].blocks) == 1
    page = render("lesson06", found)
    assert (
        "3 submissions compared, 3 pairs to look at, of which the 1 most similar are here" in page
    )


def test_page_lets_nothing_in_from_a_submission() -> None:
    text = "".join(f'rude_{n} = "<script>alert({n})</script>" + other({n})\n' for n in range(60))
    found = similar([code("<b>ada", text), code("bob", text)], {})
    page = render("lesson06", found)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;ada" in page
    assert 'href="reports/bob.html"' in page


def test_texts_of_a_packed_project_have_plain_line_ends(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = '\xff'\rc = 2\n")
    (tmp_path / "data.bin").write_bytes(b"\0")
    assert texts_in(packed(tmp_path).data, LANGUAGES) == {
        "server.py": "a = 1\nb = '\N{REPLACEMENT CHARACTER}'\nc = 2\n"
    }
    assert texts_in(b"", LANGUAGES) == {}
