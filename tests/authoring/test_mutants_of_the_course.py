"""All mutants of the course: a line that is added to a solution breaks none of them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.course_servers.mutants import FILES, Mutant, mutants_of

COURSE = Catalogue(Path(__file__).parents[2])
LINE = b"# A line that was added later.\n"


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what is in the files of a folder, by their names."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def built(mutant: Mutant) -> dict[str, bytes]:
    """Return the files of a mutant."""
    with mutant.built() as folder:
        return files_of(folder)


def with_a_line_more(base: Path, copy: Path, files: Collection[str]) -> Path:
    """Copy a solution; these of its files have a line more at the top."""
    shutil.copytree(base, copy)
    for name in files:
        (copy / name).write_bytes(LINE + (copy / name).read_bytes())
    return copy


@pytest.mark.parametrize("lesson", COURSE.ids())
def test_a_line_at_the_top_of_a_solution_breaks_no_mutant(lesson: str, tmp_path: Path) -> None:
    mutants = mutants_of(COURSE.lesson(lesson))
    assert mutants
    for mutant in mutants:
        before = built(mutant)
        # A patch that removes a file names all its lines, and is to fit no other file.
        kept = files_of(mutant.base).keys() & before.keys()
        base = with_a_line_more(mutant.base, tmp_path / mutant.name, kept)
        changed = kept - files_of(mutant.folder / FILES).keys()
        assert built(dataclasses.replace(mutant, base=base)) == {
            name: LINE + content if name in changed else content for name, content in before.items()
        }, mutant.name
        assert changed or (mutant.folder / FILES).exists()
