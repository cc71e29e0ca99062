"""An exception is told by the student's own files, whatever the exception is like."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from graders.engine.host.tracebacks import describe, own_traceback, sendable

SERVER = """
    import json
    from backend.store import load


    def parse(text):
        return json.loads(text)


    def chained(cause):
        try:
            load({})
        except KeyError as error:
            raise RuntimeError("no thread") from (error if cause else None)


    def while_handling():
        try:
            load({})
        except KeyError:
            parse("{")


    def for_ever():
        for_ever()


    class Odd(Exception):
        def __str__(self):
            raise ValueError("no text")

        def __eq__(self, other):
            raise ValueError("no comparison")

        __hash__ = None


    def odd():
        try:
            raise Odd
        except Odd as error:
            raise Odd from error


    def in_a_loop():
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first


    def in_a_string():
        exec("1 / 0")
"""
STORE = """
    def load(threads):
        return threads["thr_1"]
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Yield the module ``server`` of a submission, which is the working folder too."""
    (tmp_path / "backend").mkdir()
    (tmp_path / "server.py").write_text(dedent(SERVER), encoding="utf-8")
    (tmp_path / "backend" / "store.py").write_text(dedent(STORE), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("server")
    for name in ("server", "backend", "backend.store"):
        sys.modules.pop(name, None)


def told(server: ModuleType, function: str, *arguments: object) -> str:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - any, and told here
        getattr(server, function)(*arguments)
    return own_traceback(raised.value, str(Path.cwd()))


def test_frames_of_others_are_left_out(server: ModuleType) -> None:
    text = told(server, "parse", "{")
    assert text.startswith('  File "server.py", line 7, in parse\n    return json.loads(text)\n')
    assert text.count("File") == 1
    assert text.splitlines()[-1].startswith("json.decoder.JSONDecodeError: Expecting property")


@pytest.mark.parametrize("cause", [True, False])
def test_cause_comes_first_unless_it_is_suppressed(server: ModuleType, cause: bool) -> None:
    lines = told(server, "chained", cause).splitlines()
    outer = [
        '  File "server.py", line 14, in chained',
        '    raise RuntimeError("no thread") from (error if cause else None)',
        "RuntimeError: no thread",
    ]
    inner = [
        '  File "server.py", line 12, in chained',
        "    load({})",
        '  File "backend/store.py", line 3, in load',
        '    return threads["thr_1"]',
        "KeyError: 'thr_1'",
    ]
    assert lines == (inner + outer if cause else outer)


def test_exception_that_was_being_handled_comes_first(server: ModuleType) -> None:
    lines = told(server, "while_handling").splitlines()
    assert lines.index("KeyError: 'thr_1'") < len(lines) - 1
    assert "JSONDecodeError" in lines[-1]


def test_endless_recursion_is_cut(server: ModuleType) -> None:
    text = told(server, "for_ever")
    assert len(text) <= 20_000
    assert text.endswith("RecursionError: maximum recursion depth exceeded\n")


def test_exceptions_in_a_loop(server: ModuleType) -> None:
    text = told(server, "in_a_loop")
    assert text.index("second") < text.rindex("ValueError: first")


def test_exception_that_resists(server: ModuleType) -> None:
    text = told(server, "odd")
    assert text.count("server.Odd: <exception str() failed>") == 2


def test_frames_without_a_file_are_left_out(server: ModuleType) -> None:
    text = told(server, "in_a_string")
    assert "<string>" not in text
    assert 'File "server.py"' in text


def test_syntax_error_names_the_file_and_the_line(server: ModuleType) -> None:
    Path("broken.py").write_text("x = (\n", encoding="utf-8")
    with pytest.raises(SyntaxError) as raised:
        importlib.import_module("broken")
    text = own_traceback(raised.value, str(Path.cwd()))
    assert text.startswith('  File "broken.py", line 1\n')
    assert "importlib" not in text
    assert str(Path.cwd()) not in text
    assert server is not None


def test_message_is_capped_and_survives() -> None:
    class NoTextError(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt if self.args else ValueError

    assert describe(ValueError("x" * 2_000)) == "x" * 1_500
    assert describe(NoTextError()) == ""


@pytest.mark.parametrize(
    ("text", "sent"),
    [("plain ö 🥝", "plain ö 🥝"), ("half \ud83d", "half \\ud83d"), ("\udcff", "\\udcff")],
)
def test_text_that_has_no_utf8_is_escaped(text: str, sent: str) -> None:
    assert sendable(text) == sent
    assert describe(ValueError(text)) == sent
    assert own_traceback(ValueError(text), "/nowhere") == f"ValueError: {sent}\n"
