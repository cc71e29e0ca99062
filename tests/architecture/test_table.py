"""The test of the tests: a wrong import is seen wherever it hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.table import engine_package, packages_of_table, upward_imports

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
