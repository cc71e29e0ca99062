"""What is to be graded is plain data: it can go to another process, and nothing changes it."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import IsolationLevel
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from tests.miniature import COURSE, stand_in_servers

SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"
REQUEST = GradingRequest(
    Catalogue(COURSE).lesson("greeting"), SOLUTION, 7, ("polite",), IsolationLevel.PRACTICE
)


def test_request_comes_out_of_a_pickle_as_it_went_in() -> None:
    assert pickle.loads(pickle.dumps(REQUEST)) == REQUEST


def test_request_that_was_sent_is_graded_as_the_one_that_was_not() -> None:
    with stand_in_servers() as open_factory:
        ours, sent = (
            grade_folder(request, open_factory)
            for request in (REQUEST, pickle.loads(pickle.dumps(REQUEST)))
        )
    assert ours.score == 70
    assert [(row.id, row.status, row.score) for row in sent.criteria] == [
        (row.id, row.status, row.score) for row in ours.criteria
    ]


def test_request_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        REQUEST.seed = 8  # type: ignore[misc]


def test_submission_is_called_as_its_folder_wherever_it_is_named_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(SOLUTION)
    request = dataclasses.replace(REQUEST, submission=Path())
    assert request.name == "solution"
