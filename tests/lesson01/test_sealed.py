"""A copy of the grader for students judges files of lesson01 as the whole project does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness import Recordings
from graders.engine.harness.server_factory import ProcessFactory
from graders.engine.sandbox.process import Launcher
from graders.engine.server.settings import ServerSettings
from graders.lesson01.lifecycle import Conversations, compare
from graders.lesson01.questions import BANK_FILE, SHEET_FILE, questions_from
from graders.lesson01.scenarios import REFERENCE, Lifecycles, play_lifecycles
from graders.lesson01.sealed import NAMES, SEALED_FILE, UNKNOWN, load_sealed, sealed
from tests.lesson_checks import checks_of

BANK = questions_from(BANK_FILE, SHEET_FILE)
SHEET = questions_from(Path("no-bank.yaml"), SHEET_FILE)


@contextmanager
def told() -> Iterator[list[str]]:
    """Collect what a check says of a mistake."""
    said: list[str] = []
    try:
        yield said
    except Finding as finding:
        said.append(f"{finding.sentence} {finding.hint} {finding.share}")


async def test_sealed_sequences_are_what_the_installed_sdk_sends(launcher: Launcher) -> None:
    """`CHATKIT_GRADER_WRITE_GOLDEN=1` writes the file anew."""
    settings = ServerSettings(source=REFERENCE, variables={"OPENAI_API_KEY": "k"})
    factory = ProcessFactory(launcher, settings)
    sent = await Recordings(factory, Canaries(7)).of_reference(play_lifecycles, REFERENCE)
    if os.environ.get("CHATKIT_GRADER_WRITE_GOLDEN"):
        SEALED_FILE.write_text(sealed(sent), encoding="utf-8")
    assert SEALED_FILE.read_text("utf-8") == sealed(sent)
    everything = Conversations(**{name: tuple(getattr(sent, name)) for name in NAMES})
    assert load_sealed(SEALED_FILE).opened(everything) == sent


@pytest.mark.parametrize("written", ["abcd", "abc", "bacd", "abxcd", "dcba", "abcde", "x", ""])
def test_sealed_sequences_are_judged_as_open_ones_are(tmp_path: Path, written: str) -> None:
    sent = Lifecycles(list("abcd"), list("bc"), list("abbc"))
    file = tmp_path / "sealed.yaml"
    file.write_text(sealed(sent), encoding="utf-8")
    mine = Conversations(**dict.fromkeys(NAMES, tuple(written)))
    opened = load_sealed(file).opened(mine)
    for name in NAMES:
        with told() as open_sentence:
            compare(getattr(mine, name), getattr(sent, name))
        with told() as sealed_sentence:
            compare(getattr(mine, name), getattr(opened, name))
        assert sealed_sentence == open_sentence


def test_steps_that_were_not_written_stay_sealed() -> None:
    opened = load_sealed(SEALED_FILE).opened(Conversations())
    assert {step for name in NAMES for step in getattr(opened, name)} == {UNKNOWN}
    assert "thread" not in SEALED_FILE.read_text("utf-8").partition("format_version")[2]


@pytest.mark.usefixtures("criterion_marker")
@pytest.mark.parametrize(("number", "letters"), [(0, "a"), (1, "b"), (6, "ab"), (12, "cd")])
def test_answer_is_judged_alike_by_bank_and_sheet(number: int, letters: str) -> None:
    judge = checks_of("lesson01", "quiz").judge
    assert [each.id for each in SHEET] == [each.id for each in BANK]
    given = {BANK[number].id: frozenset(letters)}
    with told() as by_bank:
        judge(BANK[number], given)
    with told() as by_sheet:
        judge(SHEET[number], given)
    assert by_sheet == by_bank
    right = frozenset(x for x in BANK[number].texts if not BANK[number].why_not({x}))
    with told() as of_right_answer:
        judge(SHEET[number], {SHEET[number].id: right})
        judge(BANK[number], {BANK[number].id: right})
    assert of_right_answer == []
