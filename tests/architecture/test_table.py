"""The test of the tests: a wrong import is seen wherever it hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.table import (
    closure,
    cycles,
    engine_package,
    file_graph,
    modules_in_student,
    packages_of_table,
    student_column,
    upward_imports,
    with_parents,
)

TABLE = """
| file | what |
|---|---|
| `other` | no package |

| package | what it is |
|---|---|
| `core` | values |
| `wire` | frames |

| `later` | another table |
"""


def test_table_is_read_in_order_and_alone() -> None:
    assert packages_of_table(TABLE) == ["core", "wire"]


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """Return an engine of two packages."""
    for package in ("core", "wire"):
        (tmp_path / "graders/engine" / package).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    "source",
    [
        "import graders.engine.wire",
        "import graders.engine.wire.frames as frames",
        "from graders.engine.wire.frames import Frame",
        "from graders.engine import wire",
        "from ..wire import frames",
        "def f():\n    from graders.engine.wire import frames",
        "if TYPE_CHECKING:\n    from graders.engine.wire import frames",
        "from graders.engine.unlisted import x",
    ],
)
def test_import_upward_is_found_in_every_form(engine: Path, source: str) -> None:
    (engine / "graders/engine/core/values.py").write_text(source)
    [found] = upward_imports(engine, ["core", "wire"])
    assert "values.py:" in found


@pytest.mark.parametrize(
    "source",
    [
        "from graders.engine.core import errors",
        "from graders.engine.wire.frames import Frame",
        "from . import frames",
        "import json",
    ],
)
def test_import_downward_and_sideways_is_fine(engine: Path, source: str) -> None:
    (engine / "graders/engine/wire/more.py").write_text(source)
    assert upward_imports(engine, ["core", "wire"]) == []


@pytest.mark.parametrize(
    ("name", "package"),
    [("graders.engine.wire.frames", "wire"), ("graders.engine", None), ("graders.lesson02", None)],
)
def test_package_of_a_name(name: str, package: str | None) -> None:
    assert engine_package(name) == package


@pytest.mark.parametrize(
    "source",
    [
        "from graders.engine.core import errors",
        "def f():\n    import graders.engine.core.errors",
        "if TYPE_CHECKING:\n    from graders.engine.core.errors import Finding",
        "from . import between",
    ],
)
def test_circle_of_files_is_found_however_it_is_closed(engine: Path, source: str) -> None:
    core = engine / "graders/engine/core"
    (core / "errors.py").write_text("from graders.engine.core.limits import MOST")
    (core / "limits.py").write_text(source)
    (core / "between.py").write_text("import graders.engine.core.errors")
    [circle] = cycles(file_graph(engine))
    assert {"graders.engine.core.errors", "graders.engine.core.limits"} <= set(circle)


def test_package_of_a_module_is_loaded_with_it(engine: Path) -> None:
    for name, source in {"core": "import graders.engine.wire.frames", "wire": ""}.items():
        (engine / f"graders/engine/{name}/__init__.py").write_text(source)
    (engine / "graders/engine/core/errors.py").write_text("")
    (engine / "graders/engine/wire/frames.py").write_text("")
    graph = file_graph(engine)
    assert cycles(graph) == []
    assert "graders.engine.wire.frames" in closure(
        with_parents(graph), ["graders.engine.core.errors"]
    )


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("all", {"a", "b", "b.c"}),
        ("all but `a`", {"b", "b.c"}),
        ("`b`", {"b", "b.c"}),
        ("nothing", set()),
    ],
)
def test_cell_about_the_student_process_is_read(cell: str, meant: set[str]) -> None:
    assert modules_in_student(cell, {"a", "b", "b.c"}) == meant


def test_last_column_is_read_by_package() -> None:
    table = "| package | what | last |\n|---|---|---|\n| `core` | values | all but `a` |\n"
    assert student_column(table) == {"core": "all but `a`"}
