"""When an environment is made anew, added to, or left as it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from graders.bootstrap import build as building
from graders.bootstrap import installers
from graders.bootstrap.build import build, clear, reason
from graders.bootstrap.installers import Command, Installer
from graders.bootstrap.lock import holding
from graders.bootstrap.notices import Notices
from graders.bootstrap.stamp import Stamp, read_stamp, remove_stamp, stands, wanted_stamp
from graders.bootstrap.trouble import SetupError
from tests.bootstrap.conftest import DIGEST, make_environment

Call = tuple[tuple[str, ...], bool]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Replace pip by one that only makes folders; return what it was asked for: groups, anew."""
    calls: list[Call] = []

    def commands(root: Path, venv: Path, groups: Sequence[str], new: bool) -> list[Command]:
        assert root.is_dir()
        assert read_stamp(venv) is None
        calls.append((tuple(groups), new))
        return [Command(str(venv), (), lambda _: None, {})]

    def run(command: Command, _: object) -> None:
        make_environment(Path(command.name))

    monkeypatch.setattr(installers, "choose_installer", lambda: Installer("pip", "soon", commands))
    monkeypatch.setattr(installers, "run", run)
    return calls


def test_first_run_installs_says_what_it_does_and_stamps_last(
    project: Path, notices: Notices, said: io.StringIO, installed: list[Call]
) -> None:
    venv, wanted = project / ".venv", wanted_stamp(project, ())
    build(project, venv, wanted, notices)
    assert installed == [((), True)]
    assert stands(venv, wanted)
    first, last = said.getvalue().splitlines()
    assert first == (
        "grade.py: first run: installing the locked packages into .venv with pip (soon)."
    )
    assert "the environment is ready after" in last


def test_environment_that_another_run_has_just_made_is_left_alone(
    project: Path, venv: Path, notices: Notices, installed: list[Call]
) -> None:
    build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == []


def test_half_made_environment_is_made_anew(
    project: Path, venv: Path, notices: Notices, said: io.StringIO, installed: list[Call]
) -> None:
    remove_stamp(venv)
    (venv / "lib" / "rest").mkdir(parents=True)
    build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == [((), True)]
    assert not (venv / "lib").exists()
    assert "the environment is half-made" in said.getvalue()


def test_missing_group_is_added_to_what_stands(
    project: Path, venv: Path, notices: Notices, installed: list[Call]
) -> None:
    build(project, venv, wanted_stamp(project, ("test",)), notices)
    assert installed == [(("test",), False)]
    assert stands(venv, wanted_stamp(project, ("test",)))


def test_another_installer_makes_the_environment_anew(
    project: Path, notices: Notices, installed: list[Call]
) -> None:
    venv = project / ".venv"
    make_environment(venv, wanted_stamp(project, ())._replace(installer="uv"))
    build(project, venv, wanted_stamp(project, ("test",)), notices)
    assert installed == [(("test",), True)]


def test_changed_lock_makes_it_anew_and_keeps_its_groups(
    project: Path, notices: Notices, said: io.StringIO, installed: list[Call]
) -> None:
    venv = project / ".venv"
    make_environment(venv, wanted_stamp(project, ("test",))._replace(installer="pip"))
    (project / "uv.lock").write_text((project / "uv.lock").read_text() + "# changed\n")
    build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == [(("test",), True)]
    assert "the locked packages have changed" in said.getvalue()


PANDAS = f"# packages: pandas\npandas==2.0 \\\n    --hash={DIGEST}\n"


def test_package_of_a_class_is_added_to_what_stands(
    project: Path, venv: Path, notices: Notices, said: io.StringIO, installed: list[Call]
) -> None:
    (project / "course.lock").write_text(PANDAS)
    build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == [((), False)]
    assert "the packages of the class have changed" in said.getvalue()
    assert stands(venv, wanted_stamp(project, ()))


@pytest.mark.parametrize("now", ["", PANDAS.replace("2.0", "3.0")], ids=["gone", "other"])
def test_package_that_a_class_no_longer_has_goes(
    now: str, project: Path, notices: Notices, installed: list[Call]
) -> None:
    (project / "course.lock").write_text(PANDAS)
    venv = project / ".venv"
    make_environment(venv, wanted_stamp(project, ("test",))._replace(installer="pip"))
    (project / "course.lock").write_text(now)
    if not now:
        (project / "course.lock").unlink()
    build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == [(("test",), True)]


def test_lock_of_a_class_that_is_wrong_leaves_the_environment_alone(
    project: Path, venv: Path, notices: Notices, installed: list[Call]
) -> None:
    (project / "course.lock").write_text(PANDAS.replace("pandas==2.0", "sql==1.0"))
    with pytest.raises(SetupError, match=r"course\.lock names sql, which the grader has"):
        build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == []
    assert read_stamp(venv) is not None


def test_change_that_touches_no_package_only_renews_the_stamp(
    project: Path, venv: Path, notices: Notices, said: io.StringIO, installed: list[Call]
) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 99\n")
    wanted = wanted_stamp(project, ())
    build(project, venv, wanted, notices)
    assert installed == []
    assert stands(venv, wanted)
    assert said.getvalue() == ""


def test_lock_that_does_not_match_leaves_the_environment_alone(
    project: Path, venv: Path, notices: Notices, installed: list[Call]
) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace('"lint"', '"lint", "more"'))
    with pytest.raises(SetupError, match=r"uv\.lock does not match pyproject\.toml"):
        build(project, venv, wanted_stamp(project, ()), notices)
    assert installed == []
    assert read_stamp(venv) is not None


@pytest.fixture(params=[KeyboardInterrupt(), SetupError("no network")])
def early_end(
    request: pytest.FixtureRequest, installed: list[Call], monkeypatch: pytest.MonkeyPatch
) -> BaseException:
    """Let every installation end with an exception."""
    assert installed == []
    end: BaseException = request.param

    def run(*_: object) -> None:
        raise end

    monkeypatch.setattr(installers, "run", run)
    return end


def test_installation_that_ends_early_leaves_no_stamp(
    project: Path, venv: Path, notices: Notices, early_end: BaseException
) -> None:
    with pytest.raises(type(early_end)):
        build(project, venv, wanted_stamp(project, ("test",)), notices)
    assert read_stamp(venv) is None


def test_second_run_says_that_it_waits(
    project: Path,
    venv: Path,
    notices: Notices,
    said: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy_turn(path: Path, on_wait: Callable[[], None]) -> object:
        on_wait()
        return holding(path, on_wait)

    monkeypatch.setattr(building, "holding", busy_turn)
    build(project, venv, wanted_stamp(project, ()), notices)
    assert said.getvalue() == "grade.py: another run is setting up .venv; waiting for it.\n"


def test_folder_that_is_no_environment_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "home" / "thesis").mkdir(parents=True)
    with pytest.raises(SetupError, match="is not a virtual environment"):
        clear(tmp_path / "home")
    assert (tmp_path / "home" / "thesis").exists()


def test_beginnings_of_an_environment_are_removed(tmp_path: Path) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    clear(tmp_path / "env")
    assert list(tmp_path.iterdir()) == []


def test_rest_of_an_interrupted_removal_is_removed(tmp_path: Path) -> None:
    (tmp_path / "env.old" / "lib").mkdir(parents=True)
    clear(tmp_path / "env")
    assert list(tmp_path.iterdir()) == []


def test_reason_names_the_other_python(venv: Path) -> None:
    old = Stamp("cpython-311-linux", "l", "s", ())
    assert "another Python (cpython-311-linux)" in reason(venv, old, old._replace(python="new"))


def test_environment_elsewhere_is_shown_in_full(tmp_path: Path) -> None:
    assert building.shown(tmp_path / "env", tmp_path / "project") == str(tmp_path / "env")
