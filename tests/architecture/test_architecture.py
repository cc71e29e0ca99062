"""The project keeps to its own map: who imports whom, and what no file may hold."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.table import (
    closure,
    cycles,
    engine_package,
    file_graph,
    imports_of,
    modules_in_student,
    modules_under,
    packages_of_table,
    student_column,
    upward_imports,
    with_parents,
)

ROOT = Path(__file__).parents[2]
GRADERS = ROOT / "graders"
MAP = (GRADERS / "ARCHITECTURE.md").read_text("utf-8")
PACKAGES = packages_of_table(MAP)
GRAPH = file_graph(ROOT)
STUDENT_STARTS = ("graders.engine.sandbox.fork_server", "graders.engine.sandbox.fresh_main")
"""The two modules that a student's process begins with, forked or not."""
LESSONS = sorted(file.parent for file in GRADERS.glob("*/lesson.yaml"))
FOR_LESSONS = {"harness", "specification", "model", "submissions", "protocol", "content", "web"}
DOES_IO = {
    *("asyncio", "http", "multiprocessing", "selectors", "shutil", "signal", "socket", "ssl"),
    *("subprocess", "tempfile", "urllib", "httpx", "httpx2"),
}
IO_CALLS = {"open", "system", "popen", "read_text", "read_bytes", "write_text", "write_bytes"}


def sources() -> list[Path]:
    """Return every Python file of the project itself, not of students or solutions."""
    own = [ROOT / "grade.py"]
    return [*own, *modules_under(GRADERS), *modules_under(ROOT / "tests")]


def shown(paths: list[Path]) -> list[str]:
    """Return paths as they stand in the project."""
    return [str(path.relative_to(ROOT)) for path in paths]


def test_table_lists_just_the_packages_that_exist() -> None:
    on_disk = {path.parent.name for path in (GRADERS / "engine").glob("*/__init__.py")}
    assert len(PACKAGES) == len(set(PACKAGES))
    assert set(PACKAGES) == on_disk


def test_every_package_imports_only_what_stands_above_it() -> None:
    assert upward_imports(ROOT, PACKAGES) == []


def test_no_file_imports_itself_in_a_circle() -> None:
    assert len(GRAPH) > 100
    assert cycles(GRAPH) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_student_process_loads_only_what_the_table_says(package: str) -> None:
    start = f"graders.engine.{package}."
    own = {name.removeprefix(start) for name in GRAPH if name.startswith(start)}
    loaded = {
        name.removeprefix(start)
        for name in closure(with_parents(GRAPH), STUDENT_STARTS)
        if name.startswith(start)
    }
    assert loaded == modules_in_student(student_column(MAP)[package], own)


def test_imports_by_name_bring_nothing_more_into_the_student_process() -> None:
    warm_up = "graders.engine.sandbox.preload.warm_up"
    code = (
        f"import sys, {', '.join(STUDENT_STARTS)}, {warm_up};"
        f"[__import__(name) for name in {warm_up}._PRELOADED if name.startswith('graders')];"
        "print(*(name for name in sys.modules if name.startswith('graders')))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    assert "graders.engine.host.serve" in loaded
    assert set(loaded) <= closure(with_parents(GRAPH), STUDENT_STARTS)


def test_lesson_graders_import_only_what_is_for_them() -> None:
    assert LESSONS
    found = [found for lesson in LESSONS for path in modules_under(lesson)
             for found in imports_of(path, ROOT)]  # fmt: skip
    assert [
        one.place()
        for one in found
        if one.name.startswith("graders.engine") and engine_package(one.name) not in FOR_LESSONS
    ] == []


@pytest.mark.parametrize("package", ["core", "protocol"])
def test_packages_without_io_import_and_call_none(package: str) -> None:
    for path in modules_under(GRADERS / "engine" / package):
        imported = {found.name.split(".")[0] for found in imports_of(path, ROOT)}
        assert not imported & DOES_IO, path
        assert not called_names(path) & IO_CALLS, path


def called_names(path: Path) -> set[str]:
    """Return the last part of every name that a file calls."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.Call)]  # fmt: skip
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    return names | {call.attr for call in calls if isinstance(call, ast.Attribute)}


def test_bootstrap_needs_only_the_standard_library_and_itself() -> None:
    late = {"pytest"}  # imported when the environment stands
    for path in modules_under(GRADERS / "bootstrap"):
        for found in imports_of(path, ROOT):
            top = found.name.split(".")[0]
            own = found.name.startswith("graders.bootstrap.")
            assert own or top in sys.stdlib_module_names | late, found.place()


def test_engine_does_not_import_the_bootstrap() -> None:
    found = [found for path in modules_under(GRADERS / "engine")
             for found in imports_of(path, ROOT)]  # fmt: skip
    assert [one.place() for one in found if one.name.startswith("graders.bootstrap")] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in sources() if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert shown(silent) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_that_a_package_promises_exists(package: str) -> None:
    module = importlib.import_module(f"graders.engine.{package}")
    promised = getattr(module, "__all__", [])
    assert [name for name in promised if not hasattr(module, name)] == []
    assert len(promised) == len(set(promised))


def texts() -> list[Path]:
    """Return every text file that belongs to the project."""
    shown_parts = {".ci", ".github", ".gitignore"}
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in {"", ".md", ".patch", ".py", ".toml", ".txt", ".yaml", ".yml"}
        and all(part in shown_parts or part[0] != "." for part in path.relative_to(ROOT).parts)
        and path.is_file()
    ]


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.~/])/(?:root|work|home/\w+|Users/\w+)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if place.search(line)
    ]
    assert found == []


def test_no_package_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    named = [path for path in sources() if {path.stem, path.parent.name} & empty]
    assert shown(named) == []


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules_under(GRADERS):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
