"""One run of pytest inside pytest, steered by its arguments only."""

from __future__ import annotations

import os
import reprlib
import sys
from pathlib import Path

import pytest

from graders.engine.grading.session import run_tests


class Listener:
    """A plugin that notes what ran."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.markers: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """Note the configuration."""
        self.markers = list(config.getini("markers"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the tests that passed."""
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)


def ran(folder: Path, *names: str) -> Listener:
    """Run files of a folder."""
    listener = Listener()
    run_tests([folder / name for name in names], folder, [listener])
    return listener


def test_async_tests_run_without_a_mark(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("async def test_one():\n    pass\n", encoding="utf-8")
    assert ran(tmp_path, "test_a.py").passed == ["test_a.py::test_one"]


def test_no_text_is_made_of_what_a_fixture_returned(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "texts = []\n"
        "class Large:\n"
        "    def __repr__(self):\n"
        "        texts.append('megabytes')\n"
        "        return texts[0]\n"
        "@pytest.fixture\n"
        "async def large():\n"
        "    return Large()\n"
        "async def test_one(large):\n"
        "    assert texts == []\n",
        encoding="utf-8",
    )
    before = dict(vars(reprlib.aRepr))
    assert ran(tmp_path, "test_a.py").passed == ["test_a.py::test_one"]
    assert vars(reprlib.aRepr) == before


def test_own_ini_file_holds(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = foreign\n", encoding="utf-8")
    markers = ran(tmp_path, "test_a.py").markers
    assert any(marker.startswith("criterion(") for marker in markers)
    assert "foreign" not in markers


def test_files_are_read_anew_in_each_run(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    for name in ("first", "second"):
        file.write_text(f"def test_{name}():\n    pass\n", encoding="utf-8")
        assert ran(tmp_path, "test_a.py").passed == [f"test_a.py::test_{name}"]


def test_modules_of_the_lesson_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("", encoding="utf-8")
    (tmp_path / "test_a.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    before = set(sys.modules)
    ran(tmp_path, "test_a.py")
    left = {name for name in set(sys.modules) - before if "conftest" in name or "test_a" in name}
    assert left == set()


def test_environment_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_a.py").write_text(
        "import os\ndef test_one():\n    assert 'PYTEST_ADDOPTS' not in os.environ\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    assert len(ran(tmp_path, "test_a.py").passed) == 1
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ


def test_complaints_of_pytest_are_returned_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complaints = run_tests([tmp_path / "test_none.py"], tmp_path, [])
    assert "test_none.py" in complaints
    assert capsys.readouterr() == ("", "")
