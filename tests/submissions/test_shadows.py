"""Files that hide another module are named; others are not."""

from __future__ import annotations

from pathlib import Path

from graders.engine.submissions.shadows import shadowing_names


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_modules_and_packages_that_hide_others_are_named(tmp_path: Path) -> None:
    root = make(tmp_path, "server.py", "logging.py", "agents/__init__.py", "mcp.py")
    assert shadowing_names(root, {"agents", "mcp", "openai"}) == ["agents", "logging", "mcp"]


def test_folder_without_init_does_not_hide_an_installed_package(tmp_path: Path) -> None:
    assert shadowing_names(make(tmp_path, "agents/mine.py"), {"agents"}) == []


def test_module_deeper_down_hides_nothing(tmp_path: Path) -> None:
    assert shadowing_names(make(tmp_path, "app/logging.py", "app/mcp/__init__.py"), {"mcp"}) == []


def test_module_built_into_the_interpreter_cannot_be_hidden(tmp_path: Path) -> None:
    assert shadowing_names(make(tmp_path, "sys.py", "builtins.py"), {"sys"}) == []
