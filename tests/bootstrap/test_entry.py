"""``grade.py`` itself: what an old Python sees, and what may be imported."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import grade

SOURCE = Path(grade.__file__).read_text("utf-8")


def test_too_old_message_names_both_versions_the_place_and_a_cure() -> None:
    message = grade.too_old_message((3, 9), "/usr/bin/python3")
    assert "needs Python 3.11 or newer; found 3.9 at /usr/bin/python3." in message
    assert "try: run it with a newer one" in message


def test_old_python_gets_the_message_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grade, "OLDEST", (99, 0))
    assert grade.main() == 2
    assert "needs Python 99.0 or newer" in capsys.readouterr().err


def test_entry_parses_with_the_grammar_of_python_3_6() -> None:
    ast.parse(SOURCE, feature_version=(3, 6))


def test_entry_evaluates_no_annotation_that_python_3_6_lacks() -> None:
    functions = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.FunctionDef)]
    annotations = [argument.annotation for f in functions for argument in f.args.args]
    annotations += [function.returns for function in functions]
    assert not [a for a in annotations if isinstance(a, ast.Subscript | ast.BinOp)]


def test_entry_imports_only_what_python_has_already_loaded() -> None:
    imports = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.Import)]
    assert {alias.name for node in imports for alias in node.names} == {"os", "sys"}


def test_import_path_loses_the_entrys_own_folder_and_nothing_else() -> None:
    assert grade.leave_own_folder(["/lib", grade.ROOT, "/site"]) == ["/lib", "/site"]


def test_graders_are_importable_without_their_folder_on_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", grade.leave_own_folder(sys.path))
    monkeypatch.delitem(sys.modules, "graders", raising=False)
    grade.load_graders()
    assert sys.modules["graders"].__path__ == [str(Path(grade.ROOT) / "graders")]


def test_missing_graders_folder_is_told_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(grade, "ROOT", str(tmp_path))
    with pytest.raises(SystemExit, match="download the project again"):
        grade.load_graders()
