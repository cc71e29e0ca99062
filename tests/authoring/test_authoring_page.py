"""``graders/AUTHORING.md``: what it tells an author to do is done, block by block, and works.

A lesson is made by the command, checked on real servers, changed as the page says, and checked
again.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graders.engine.course_servers.patches import apply_patch
from graders.engine.grading.folder import OpenFactory, servers_of
from graders.engine.sandbox.process import Launcher
from tests.cli.course import Outcome, run

PAGE = (Path(__file__).parents[2] / "graders" / "AUTHORING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
LINES_OF_TWO_PAGES = 210


@dataclass(frozen=True)
class Block:
    """A block of the page: its language, the text that introduces it, and what is in it."""

    language: str
    before: str
    text: str


def blocks() -> Iterator[Block]:
    """Yield the blocks of the page in order."""
    end = 0
    for found in BLOCK.finditer(PAGE):
        yield Block(found[1], PAGE[end : found.start()], found[2])
        end = found.end()


class Author(io.StringIO):
    """Makes a mutant in the folder that the command shows, and presses Enter."""

    def __init__(self, change: Path, out: io.StringIO) -> None:
        super().__init__()
        self._change = change
        self._out = out

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        """Change the solution in the folder that was shown."""
        del size
        apply_patch(self._change, Path(self._out.getvalue().splitlines()[-2]))
        return "\n"


@dataclass
class Desk:
    """A course without lessons in which the page is followed."""

    root: Path
    launcher: Launcher
    monkeypatch: pytest.MonkeyPatch
    said: list[str] = field(default_factory=list)

    def follow(self) -> None:
        """Do what each block says."""
        left = blocks()
        for block in left:
            match block.language:
                case "sh":
                    for line in block.text.splitlines():
                        self._command(line, left)
                case "yaml":
                    with self._named(block).open("a", encoding="utf-8") as file:
                        file.write(f"\n{block.text}" if "criterion" in block.before else block.text)
                case "python":
                    self._named(block).write_text(block.text, encoding="utf-8")
                case "diff":
                    apply_patch(self._patch(block), self.root)
                case _:
                    pytest.fail(f"Nobody runs a block of {block.language!r}.")

    def _named(self, block: Block) -> Path:
        name: str = re.findall(r"`(graders/[^`]+)`", block.before)[-1]
        return self.root / name

    def _patch(self, block: Block) -> Path:
        file = self.root / "block.patch"
        file.write_text(block.text, encoding="utf-8")
        return file

    def _command(self, line: str, left: Iterator[Block]) -> None:
        python, grade, *words = shlex.split(line)
        assert (python, grade) == ("python", "grade.py")
        out = io.StringIO()
        if words[:2] == ["lesson", "mutant"]:
            self.monkeypatch.setattr("sys.stdin", Author(self._patch(next(left)), out))
        done = self._run([*words, "-j", "1"] if words[:2] == ["lesson", "check"] else words, out)
        assert done.code == 0, f"{line}\n{done.out}{done.err}"
        self.said.append(done.out)

    def _run(self, words: list[str], out: io.StringIO) -> Outcome:
        @contextmanager
        def servers() -> Iterator[OpenFactory]:
            yield servers_of(self.launcher)

        return run(*words, servers=servers, root=self.root, out=out)


def test_what_the_page_says_makes_a_lesson_with_a_criterion_of_its_own(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, launcher, monkeypatch)
    desk.follow()
    made, first, mutant, last, told = desk.said
    assert "lesson09 is there" in made
    assert "1/1 stub, 2/2 solutions, 2/2 mutants; all as it must be." in first
    assert "title-not-listed loses exactly what it must: `title-kept`." in mutant
    assert "1/1 stub, 2/2 solutions, 3/3 mutants; all as it must be." in last
    assert "People find an old conversation by its name." in told


def test_page_has_blocks_and_is_short() -> None:
    assert {block.language for block in blocks()} == {"sh", "yaml", "python", "diff"}
    assert PAGE.count("```") == 2 * len(list(blocks()))
    assert len(PAGE.splitlines()) <= LINES_OF_TWO_PAGES
