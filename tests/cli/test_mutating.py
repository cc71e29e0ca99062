"""``grade.py lesson mutant``: a change of a solution becomes a mutant, and is graded."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.main import main
from graders.engine.content.catalogue import Catalogue
from graders.engine.course_servers.mutants import load_mutant
from tests.cli.course import Outcome, run
from tests.miniature import COURSE, stand_in_servers

TOLD = ("--why", "The name is wrong.", "--loses", "remembers")
EDIT = """
import pathlib, sys
(server,) = sys.argv[3:]
path = pathlib.Path(server)
path.write_text(path.read_text().replace(sys.argv[1], sys.argv[2]))
"""

APPENDING = f"'{sys.executable}' -c 'import sys; open(sys.argv[1], \"a\").write(\"{{}}\\n\")'"
"""An editor that adds a line of one character."""


class Keys(io.StringIO):
    """What an author types at a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a copy of the miniature course, to be written to."""
    shutil.copytree(COURSE, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def editor(tmp_path: Path) -> str:
    """Return a command that changes the name in the one file that it is given."""
    script = tmp_path / "an editor.py"
    script.write_text(EDIT, encoding="utf-8")
    return f"'{sys.executable}' '{script}' Ada Bob"


def target(course: Path) -> Path:
    return course / "reference_solutions" / "greeting" / "mutants" / "confused"


def loses(course: Path) -> frozenset[str]:
    return load_mutant(target(course), Catalogue(course).lesson("greeting")).loses


def everything(course: Path) -> set[Path]:
    return {path for path in course.rglob("*") if "__pycache__" not in path.parts}


Make = Callable[..., Outcome]


@pytest.fixture
def make(course: Path, editor: str, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what runs the command for a mutant ``confused``, at a terminal with an editor."""

    def made(*words: str, typed: str = "", environment: dict[str, str] | None = None) -> Outcome:
        monkeypatch.setattr("sys.stdin", Keys(typed))
        told = ("lesson", "mutant", "greeting", *(words or ("confused", *TOLD)))
        surroundings = {"EDITOR": editor} if environment is None else environment
        return run(*told, root=course, environment=surroundings)

    return made


def test_mutant_is_made_and_graded(course: Path, make: Make) -> None:
    found = make()
    assert found.code == ExitCode.FULL_MARKS
    assert "Changed: server.py" in found.out
    assert f"Written: {target(course)}\n" in found.out
    assert "confused loses exactly what it must: `remembers`." in found.out
    assert "[1/1] confused: 70 points, ok" in found.err
    assert loses(course) == {"remembers"}
    assert "[8/8]" in run("lesson", "check", "greeting", "-j", "1", root=course).err


def test_what_is_not_given_is_asked_for(course: Path, make: Make) -> None:
    typed = "\nThe name is wrong.\nremember\n\nremembers\n"
    found = make("confused", typed=typed)
    assert found.code == ExitCode.FULL_MARKS
    assert "`why` must be one line of text." in found.out
    assert "A name is remembered" in found.out
    assert "Did you mean `remembers`?" in found.out
    assert "at least one criterion" in found.out
    mutant = load_mutant(target(course), Catalogue(course).lesson("greeting"))
    assert mutant.why == "The name is wrong."
    assert mutant.loses == {"remembers"}


def test_what_is_given_is_not_asked_for(make: Make) -> None:
    assert "?" not in make().out


def test_another_solution_may_be_changed(course: Path, make: Make) -> None:
    assert make("confused", *TOLD, "--from", "solution_terse").code == ExitCode.FULL_MARKS
    patch = (target(course) / "change.patch").read_text(encoding="utf-8")
    assert "The same in one line" in patch


def test_visual_comes_before_editor(make: Make, editor: str) -> None:
    found = make(environment={"VISUAL": editor, "EDITOR": "/no/such/editor"})
    assert found.code == ExitCode.FULL_MARKS


class Reader(io.StringIO):
    """An author, or a script, that reads which folder to change, changes it, presses Enter."""

    def __init__(self, out: io.StringIO, *, terminal: bool) -> None:
        super().__init__()
        self.out = out
        self.terminal = terminal

    def isatty(self) -> bool:
        """Return what the test wants."""
        return self.terminal

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        """Change the server in the folder that is shown."""
        del size
        server = Path(self.out.getvalue().splitlines()[1]) / "server.py"
        text = server.read_text(encoding="utf-8")
        server.write_text(text.replace("Ada", "Bob"), encoding="utf-8")
        return "\n"


@pytest.mark.parametrize(
    ("terminal", "environment"), [(True, {}), (False, {}), (False, {"EDITOR": "/no/such/editor"})]
)
def test_without_editor_or_terminal_the_folder_is_shown_and_enter_awaited(
    course: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str]
) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", Reader(out, terminal=terminal))
    context = CommandContext(course, stand_in_servers, out, io.StringIO(), environment)
    assert main(["lesson", "mutant", "greeting", "confused", *TOLD], context) == ExitCode.FULL_MARKS
    assert "Change the files in this folder:\n/" in out.getvalue()
    assert loses(course) == {"remembers"}


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (("Confused", *TOLD), None, "cannot be the name of a mutant"),
        (("rude", *TOLD), None, "has a mutant `rude` already"),
        (("confused", *TOLD, "--from", "solution_ters"), None, "Did you mean `solution_terse`?"),
        (("confused", "--loses", "remember"), None, "Did you mean `remembers`?"),
        (("confused", "--why", " "), None, "must be one line of text"),
        (("confused", *TOLD), {"EDITOR": "/no/such/editor"}, "cannot be started"),
        (("confused", *TOLD), {"EDITOR": "'"}, "cannot be started"),
        (("confused", *TOLD), {"EDITOR": sys.executable + " -c raise(SystemExit(3))"}, "with 3"),
        (("confused", *TOLD), {"EDITOR": sys.executable + " -c 0"}, "Nothing was changed"),
        (("confused", *TOLD), {}, "input ended before Enter was pressed, so nothing is written"),
        (("confused",), None, "input ended before `why` was given"),
        (("confused", "--why", "W."), None, "input ended before `loses` was given"),
    ],
)
def test_what_cannot_be_is_a_usage_error_and_nothing_is_written(
    course: Path,
    make: Make,
    words: tuple[str, ...],
    environment: dict[str, str] | None,
    message: str,
) -> None:
    before = everything(course)
    found = make(*words, environment=environment)
    assert found.code == ExitCode.USAGE
    assert message in found.err
    assert everything(course) == before


def test_wrong_words_are_told_before_the_editor_is_opened(make: Make) -> None:
    found = make("confused", "--loses", "remember", environment={"EDITOR": "/no/such/editor"})
    assert "Did you mean `remembers`?" in found.err


def test_ctrl_c_in_the_editor_leaves_nothing(
    course: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("graders.engine.cli.mutating.subprocess.run", interrupted)
    before = everything(course)
    assert make().code == ExitCode.INTERRUPTED
    assert everything(course) == before


@pytest.mark.parametrize("typed", ["y\n", "Yes\n"])
def test_what_it_really_loses_may_be_written_instead(course: Path, make: Make, typed: str) -> None:
    found = make("confused", "--why", "W.", "--loses", "polite", typed=typed)
    assert "confused: was to lose `polite` and did not." in found.out
    assert "confused: lost `remembers`, undeclared. Seen: The name was forgotten." in found.out
    assert "Write `loses: [remembers]` instead? [y/N]" in found.out
    assert "confused loses exactly what it must: `remembers`." in found.out
    assert found.code == ExitCode.FULL_MARKS
    assert loses(course) == {"remembers"}


@pytest.mark.parametrize("typed", ["", "\n", "n\n"])
def test_what_was_said_stays_if_the_author_does_not_agree(
    course: Path, make: Make, typed: str
) -> None:
    found = make("confused", "--why", "W.", "--loses", "polite", "--seed", "7", typed=typed)
    assert found.code == ExitCode.CONTENT
    assert "then run `grade.py lesson check greeting --seed 7`." in " ".join(found.out.split())
    assert loses(course) == {"polite"}


def test_nothing_is_offered_for_a_mutant_that_loses_nothing(make: Make) -> None:
    found = make("confused", *TOLD, typed="y\n", environment={"EDITOR": APPENDING.format("#")})
    assert found.code == ExitCode.CONTENT
    assert "was to lose `remembers` and did not." in found.out
    assert "instead?" not in found.out


def test_nothing_is_offered_for_a_mutant_that_cannot_be_graded(course: Path, make: Make) -> None:
    found = make("confused", *TOLD, typed="y\n", environment={"EDITOR": APPENDING.format("=")})
    assert found.code == ExitCode.CONTENT
    assert "confused: could not be graded: `server.py` is not Python" in found.out
    assert "instead?" not in found.out
    assert loses(course) == {"remembers"}
