"""Which criteria are tried."""

from __future__ import annotations

import pytest

from graders.engine.core.errors import UsageError
from graders.engine.core.results import Status
from graders.engine.grading.plan import chosen, unmet
from tests.grading.rubrics import criterion

CRITERIA = (
    criterion("start"),
    criterion("answer", "start"),
    criterion("stream", "answer"),
    criterion("list", "start"),
)


def test_everything_is_chosen_when_nothing_is_asked_for() -> None:
    assert chosen(CRITERIA, ()) == {"start", "answer", "stream", "list"}


def test_only_brings_everything_that_it_needs() -> None:
    assert chosen(CRITERIA, ["stream"]) == {"stream", "answer", "start"}


def test_only_can_be_several() -> None:
    assert chosen(CRITERIA, ["list", "answer"]) == {"list", "answer", "start"}


def test_word_with_which_ids_begin_stands_for_all_of_them() -> None:
    criteria = (*CRITERIA, criterion("page-list", "start"), criterion("page-order"))
    assert chosen(criteria, ["page"]) == {"page-list", "page-order", "start"}
    assert chosen(criteria, ["list"]) == {"list", "start"}


def test_unknown_criterion_is_answered_with_close_ones() -> None:
    with pytest.raises(UsageError, match="no criterion") as caught:
        chosen(CRITERIA, ["straem"])
    assert "stream" in caught.value.cure


def test_unknown_criterion_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(UsageError) as caught:
        chosen(CRITERIA, ["zzzzz"])
    assert "`start`, `answer`, `stream`, `list`" in caught.value.cure


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PASSED])
def test_need_is_unmet_unless_it_was_passed(status: Status) -> None:
    assert unmet(CRITERIA[1], {"start": status}) == ("start",)


def test_need_that_was_passed_is_met() -> None:
    assert unmet(CRITERIA[1], {"start": Status.PASSED}) == ()


def test_need_that_is_not_decided_is_unmet() -> None:
    assert unmet(CRITERIA[1], {}) == ("start",)
