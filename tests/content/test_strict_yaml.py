"""Strict YAML gives texts with lines, and nothing but a ContentError for what is wrong."""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.content.nodes import MappingNode, Node, PlainText, ScalarNode, to_data
from graders.engine.content.strict_yaml import MAX_BYTES, MAX_NODES, load, parse
from graders.engine.core.errors import ContentError
from graders.engine.core.text import visible

PATH = Path("file.yaml")

YAML_PIECES = st.sampled_from(
    [
        *("a", ": ", "- ", "\n", "\n  ", "\t", "{", "}", "[", "]", ", ", "'", '"', "|", ">", "&a "),
        *("*a", "!!str ", "!t ", "? ", "---\n", "...\n", "#", "%YAML 1.1\n", "%TAG ! x\n", "<<: "),
        *("@", "`", "\\", '"\\x', '"\\ud83d"', '"\\UFFFFFFFF"', "é", "\r", "=", "~"),
        *("\x00", "\x85", "\u2028", "\ufeff"),
    ]
)


def error_in(text: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        parse(text, PATH)
    return caught.value


@pytest.mark.parametrize("word", ["no", "on", "yes", "12:30", "1.10", "01", "0x1F", "~", "null"])
def test_scalar_that_yaml_would_convert_stays_a_text(word: str) -> None:
    assert to_data(parse(f"key: {word}", PATH)) == {"key": word}


@pytest.mark.parametrize("word", ["no", "on", "12:30", "01", "null", "2026-11-20"])
def test_key_that_yaml_would_convert_stays_a_text(word: str) -> None:
    assert to_data(parse(f"{word}: x", PATH)) == {word: "x"}


def test_nodes_know_their_lines() -> None:
    node = parse("first: 1\nsecond:\n  - a\n  - deep: x\n", PATH)
    assert isinstance(node, MappingNode)
    assert node.key_lines == {"first": 1, "second": 2}
    assert node.fields["second"].line == 3


@pytest.mark.parametrize(
    ("written", "plain"), [("40", True), ("'40'", False), ('"40"', False), ("|\n  40", False)]
)
def test_only_a_text_without_quotes_is_plain(written: str, plain: bool) -> None:
    node = parse(f"key: {written}", PATH)
    assert isinstance(node, MappingNode)
    value = node.fields["key"]
    assert isinstance(value, ScalarNode)
    assert value.plain is plain
    assert isinstance(to_data(value), PlainText) is plain


def test_duplicate_key_names_both_lines() -> None:
    error = error_in("a: 1\nb: 2\na: 3\n")
    assert error.line == 3
    assert "on line 1" in error.message


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "\ufeff"]
)
def test_empty_file_is_refused(text: str) -> None:
    assert "is empty" in error_in(text).message or "holds the character" in error_in(text).message


@pytest.mark.parametrize("text", ["a: &x 1", "a: *x", "a: [&b c]"])
def test_anchors_and_aliases_are_refused(text: str) -> None:
    assert "aliases" in error_in(text).message


@pytest.mark.parametrize(
    "text", ["a: !!python/object:os.system x", "a: !x {}", "! a: b", "!!map {}"]
)
def test_tags_are_refused(text: str) -> None:
    assert "Tags" in error_in(text).message


@pytest.mark.parametrize(
    ("text", "line", "cure"),
    [
        ("a: 1\n\tb: 2", 2, "Indent with spaces"),
        ("a: b: c", 1, "in quotes"),
        ("a: @x", 1, "in quotes"),
        ("a: 1\nb", 2, "`key: value`"),
        ("a: 'x", 1, "Close the quotes"),
        ("a: [1, 2", 1, "Close the bracket"),
        ("- a\nb: c", 2, "indented alike"),
        ("a: {canary.x}", 1, "quotes"),
        ("a:\n  b:\nc: 1", 2, "Write `"),
        ("a:\n  -\n", 2, "Write `"),
        ("a: 1\n---\nb: 2", 2, "Remove what comes after"),
        ('a: "\\ud83d\\ude00"', 1, r"`\U0001F600`"),
        ("a: 1\nb: \x1b[31m", 2, "Remove it"),
    ],
)
def test_mistake_has_its_line_and_a_cure(text: str, line: int, cure: str) -> None:
    error = error_in(text)
    assert error.line == line
    assert cure in error.cure


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', 'a: "\\U00110000"', f"%YAML {'9' * 5000}.1\n---\na: 1"]
)
def test_what_pyyaml_itself_trips_over_is_a_content_error(text: str) -> None:
    assert error_in(text).line == 1


@pytest.mark.parametrize("text", ["[a]: b", "? {a: b}\n: c", '"": a'])
def test_key_that_is_no_text_is_refused(text: str) -> None:
    assert "key" in error_in(text).message


def test_file_nested_too_deep_is_refused() -> None:
    assert "nested" in error_in("[" * 100_000).message


def test_file_with_too_many_values_is_refused() -> None:
    assert "values" in error_in("[" + "a," * MAX_NODES + "]").message


def test_load_reads_utf8_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    assert to_data(load(path)) == {"a": "é"}


def test_load_of_other_encodings_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(ContentError, match=r"file.yaml:2: is not UTF-8"):
        load(path)


def test_load_of_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ContentError, match="larger than"):
        load(path)


def test_load_of_no_file_a_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "pipe"):
        with pytest.raises(ContentError, match="is not a file"):
            load(path)


def test_load_of_a_file_that_may_not_be_read_tells_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = tmp_path / "x.yaml"
    path.write_text("a: b\n", encoding="utf-8")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ContentError, match=r"x\.yaml: cannot be read \(Permission denied\)"):
        load(path)


def outcome(text: str) -> Node | ContentError:
    try:
        return parse(text, PATH)
    except ContentError as error:
        return error


@settings(deadline=None)
@given(st.lists(YAML_PIECES, max_size=40).map("".join))
def test_any_mixture_of_yaml_gives_nodes_or_a_content_error(text: str) -> None:
    outcome(text)  # raises nothing else


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_text_gives_nodes_or_a_content_error(text: str) -> None:
    message = str(outcome(text)) if isinstance(outcome(text), ContentError) else ""
    assert len(message) < 1000
    assert visible(message) == message


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_nodes_or_a_content_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    with suppress(ContentError):
        load(path)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text("ab \"'\n:#-{}é🎉")))
def test_quoted_texts_come_back_as_they_were_written(data: dict[str, str]) -> None:
    text = "\n".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()
    )
    assert to_data(parse(text or "{}", PATH)) == data
