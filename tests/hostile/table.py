"""Which layer stops which attack: each tried with every layer alone, and with every layer off.

``python grade.py test tests/hostile/table.py -s -q`` prints the table, for the user and the kernel
that it is run with. An attack that nothing stops fails; so does one that nothing has to stop.
"""

from __future__ import annotations

import itertools
import os
import platform
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from graders.engine.core.results import Result
from graders.engine.isolation.layers import Layer
from graders.engine.isolation.levels import isolation_of
from graders.engine.sandbox.fork_client import ForkLauncher
from tests.hostile.attack import Attack
from tests.hostile.families import FAMILIES
from tests.hostile.submissions import HONEST, graded, write_submission
from tests.hostile.targets import Bystanders
from tests.hostile.test_submissions import assert_ended_as_expected, graded_attack
from tests.hostile.test_web_code import secrets_in
from tests.hostile.unlayered import ALL, SUCCEEDED, Launchers, Tried, open_launchers, tried
from tests.hostile.web_rows import THROUGH, bundler_rows, node_rows, page_rows

NEEDED, ALONE, NOT, UNKNOWN = "#", "+", ".", "?"
REAL_ATTACKS = 12
"""So many attacks of web code go through at least where there is no wall."""
LEGEND = (
    f"{NEEDED} it goes through without this one   {ALONE} this one alone stops it   "
    f"{NOT} not stopped by this one   {UNKNOWN} cannot be had alone"
)
# What some need to be available at all: without the first an ordinary user has no other, and the
# rest are made within the namespaces of the fork server.
_COMPANIONS: tuple[frozenset[Layer], ...] = (
    frozenset(),
    frozenset({Layer.PRIVILEGES}),
    frozenset({Layer.PROCESSES, Layer.USERS, Layer.PRIVILEGES}),
)
_Try = Callable[[Collection[Layer]], Tried]


@dataclass(frozen=True)
class Row:
    """One attack: its cell for each layer, and what is wrong with it."""

    name: str
    cells: str
    complaint: str = ""


@pytest.fixture(scope="module")
def launchers() -> Iterator[Launchers]:
    """Yield fork servers that leave off what a row asks for."""
    with open_launchers() as made:
        yield made


@pytest.fixture
def ground() -> Iterator[Path]:
    """Yield a folder that every user may pass through, as to servers; pytest's are closed."""
    with tempfile.TemporaryDirectory(prefix="chatkit-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@dataclass(frozen=True)
class Field:
    """What every row is tried on."""

    launchers: Launchers
    beside: Bystanders
    folder: Path
    numbers: Iterator[int]

    def fresh(self) -> Path:
        """Return a new folder."""
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        return folder

    def trying(self, attack: Attack) -> _Try:
        """Return what tries ``attack`` without some layers."""

        def attempt(without: Collection[Layer]) -> Tried:
            folder = self.fresh()
            targets = self.beside.around(folder / "around")
            return tried(attack, targets, self.launchers, folder, without=without)

        return attempt


def test_table(launchers: Launchers, beside: Bystanders, ground: Path) -> None:
    field = Field(launchers, beside, ground, itertools.count())
    held = field.trying(FAMILIES["reading"][0])(()).held
    layers = [layer for layer in Layer if layer in held]
    print_head(held, layers)
    honest = graded(HONEST, launchers.without(ALL)).result
    rows = []
    for family, attacks in FAMILIES.items():
        print(f"\n{family}")
        for attack in attacks:
            if attack.stopped_by_grader:
                row = graded_row(attack, field, honest, layers)
            else:
                row = layered_row(attack, field.trying(attack), layers)
            print(f"  {row.name:<42}{row.cells}   {row.complaint}".rstrip(), flush=True)
            rows.append(row)
    print(f"\n{LEGEND}\n{len(rows)} attacks")
    assert not [row for row in rows if row.complaint]


def test_table_of_web_code(port: int, tmp_path: Path) -> None:
    print("\nWeb code: ! goes through, . is stopped; with all walls, without namespaces, with none")
    rows = [
        *bundler_rows(tmp_path / "bundler", secrets_in(tmp_path / "outside")),
        *node_rows(port),
        *page_rows(port),
    ]
    for row in rows:
        print(f"  {row.name:<62}{'  '.join(row.cells)}   {row.complaint}".rstrip())
    print(f"{len(rows)} attacks")
    assert not [row for row in rows if row.complaint]
    # What nothing would have to stop is no attack: these at least are real.
    assert sum(row.cells[-1] == THROUGH for row in rows) >= REAL_ATTACKS


def print_head(held: Collection[str], layers: Collection[Layer]) -> None:
    """Say what the table is true for, and what its columns are."""
    machine = platform.uname()
    level = isolation_of(ForkLauncher.kind, tuple(held), root=os.getuid() == 0).level
    print(f"\n{machine.system} {machine.release} {machine.machine}, uid {os.getuid()}, {level}")
    absent = [layer for layer in Layer if layer not in layers]
    print(f"not available here: {', '.join(absent) or 'nothing'}\n")
    for place, name in enumerate(["the grader itself", *layers]):
        print(f"  {' ' * 42}{'| ' * place}{name}")


def layered_row(attack: Attack, attempt: _Try, layers: Collection[Layer]) -> Row:
    """Try an attack that only layers stop."""
    cells = [NOT, *(cell(layer, attempt) for layer in layers)]
    complaint = ""
    if not attempt(()).stopped:
        complaint = "NOTHING STOPS IT"
    elif attempt(ALL).stopped:
        complaint = "" if attack.is_refused_by_the_system else "NOTHING HAS TO STOP IT"
    return Row(attack.name, " ".join(cells), complaint)


def cell(layer: Layer, attempt: _Try) -> str:
    """Say what ``layer`` has to do with an attack."""
    if not attempt({layer}).stopped:
        return NEEDED
    for companions in _COMPANIONS:
        became = attempt(ALL - {layer} - companions)
        if layer in became.held:
            return ALONE if became.stopped else NOT
    return UNKNOWN


def graded_row(attack: Attack, field: Field, honest: Result, layers: Collection[Layer]) -> Row:
    """Grade an attack that the grader itself stops, without any layer."""
    folder = field.fresh()
    submission = write_submission(folder, attack, field.beside.around(folder / "around"))
    outcome = graded_attack(attack, submission, field.launchers.without(ALL), without=ALL)
    complaint = ""
    try:
        assert_ended_as_expected(attack, outcome.result, honest)
        assert SUCCEEDED not in outcome.outcomes, "it went through"
    except AssertionError as error:
        complaint = f"THE GRADER DOES NOT STOP IT: {str(error).splitlines()[0]}"
    return Row(attack.name, " ".join([NEEDED, *(NOT for _ in layers)]), complaint)
