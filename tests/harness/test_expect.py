"""The words that a lesson's tests are written with."""

from __future__ import annotations

import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import difference, expect, found, needed


def test_what_holds_raises_nothing() -> None:
    expect(True, seen="never told")


class AlwaysEqual:
    """Claims to be whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("truthy", [False, 1, "yes", AlwaysEqual()])
def test_only_true_itself_holds(truthy: bool) -> None:
    with pytest.raises(Finding) as finding:
        expect(truthy, seen="two items came", at=3, hint="twice")
    assert (finding.value.seen, finding.value.mark, finding.value.hint) == (
        "two items came",
        3,
        "twice",
    )


def test_a_finding_can_be_raised_outright() -> None:
    with pytest.raises(Finding, match="nothing came"):
        found("nothing came")


def test_what_is_needed_names_the_criterion_that_judges_it() -> None:
    needed(True, "no thread came", by="threads")
    with pytest.raises(Finding) as raised:
        needed(False, "no thread came", by="threads", at=7)
    assert (raised.value.needs, raised.value.mark) == (("threads",), 7)


@pytest.mark.parametrize(
    ("wanted", "got", "told"),
    [
        ("one two", "one tow", "From character 6 on, the model's words are 'one two', and the"),
        ("a b", "a\u00a0b", "and the client got 'a\\xa0b'."),
        ("a b ", "a b", "From character 4 on, the model's words are 'a b ', and the client got"),
        ("x" * 50 + "y", "x" * 50 + "z", "are '…xxxxxxxxxxxxxxxxxxxxy', and"),
        ("word", "", "The model's words are 'word', and the client got nothing."),
    ],
)
def test_two_texts_are_shown_where_they_first_differ(wanted: str, got: str, told: str) -> None:
    assert told in difference(wanted, got)
