"""Who may come in: every kind of bad token is answered 401, and nothing is done before."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from graders.engine.harness import (
    TOO_MANY_REQUESTS,
    Finding,
    Outcome,
    criterion,
    expect,
    needed,
    some,
)
from graders.lesson06.intrusions import OWNERS
from graders.lesson06.ownership import ids_of
from graders.lesson06.people import WholeAnswer
from graders.lesson06.refusals import (
    ALGORITHM,
    AUDIENCE,
    ENDLESS,
    EXPIRED,
    FORGED,
    GOOD,
    IN_QUERY,
    LET_IN,
    LONG,
    MISSING,
    NOT_BEFORE,
    OTHER_SCHEMES,
    OUTDATED,
    SIGNATURE,
    SUBJECT,
    UNSIGNED,
    WITHOUT,
    Before,
    Refusals,
)

UNAUTHORIZED = 401
_TOO_LONG = frozenset({400, 413, 414, 431})
"""What a server may answer too where a header is longer than it reads at all."""
_EVERY_KIND = "every other kind of request"
_BEARER = re.compile(r"(?:^|,)\s*bearer(?:\s|,|$)", re.IGNORECASE)


@criterion("no-token-refused")
@pytest.mark.parametrize("case", [*MISSING, *UNSIGNED])
async def test_request_without_a_token_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A first message with {case}")


@criterion("no-token-refused", case=LONG)
async def test_long_garbage_is_refused(refused: Refusals) -> None:
    _need_a_door(refused)
    status = refused[LONG].value.status
    if status not in _TOO_LONG:
        _expect_401(refused, LONG, f"A first message with {LONG}")


@criterion("no-token-refused", case=_EVERY_KIND)
async def test_every_kind_of_request_needs_a_token(before: Before) -> None:
    _expect_401_for_all(before, WITHOUT)


@criterion("signature-checked", case=_EVERY_KIND)
async def test_every_kind_of_request_needs_a_good_signature(before: Before) -> None:
    _expect_401_for_all(before, FORGED)


@criterion("expiry-checked", case=_EVERY_KIND)
async def test_every_kind_of_request_needs_a_token_of_today(before: Before) -> None:
    _expect_401_for_all(before, OUTDATED)


def _expect_401_for_all(before: Before, how: str) -> None:
    without = before.answers[WITHOUT]
    for kind in some(before.answers[how]):
        open_to_all = how != WITHOUT and _is_let_in(without[kind])
        _expect_status_401(before.answers[how][kind], f"`{kind}` {how}", open_to_all=open_to_all)


@criterion("signature-checked")
@pytest.mark.parametrize("case", [*SIGNATURE, LET_IN])
async def test_bad_signature_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token {case}")


@criterion("algorithm-fixed")
@pytest.mark.parametrize("case", ALGORITHM)
async def test_other_algorithm_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token with the algorithm {case}")


@criterion("expiry-checked")
@pytest.mark.parametrize("case", [*EXPIRED, *ENDLESS])
async def test_expired_token_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token {case}")


@criterion("not-before-checked")
@pytest.mark.parametrize("case", NOT_BEFORE)
async def test_token_of_the_future_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token {case} (`nbf`)")


@criterion("audience-checked")
@pytest.mark.parametrize("case", AUDIENCE)
async def test_token_for_another_service_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token with {case} in `aud`")


@criterion("subject-required")
@pytest.mark.parametrize("case", SUBJECT)
async def test_token_without_a_user_is_refused(case: str, refused: Refusals) -> None:
    _expect_401(refused, case, f"A token with {case}")


@criterion("query-token-refused")
async def test_token_in_the_query_is_refused(refused: Refusals) -> None:
    answer = refused["no header"].value
    needed(
        answer.status in {UNAUTHORIZED, TOO_MANY_REQUESTS},
        f"A request without a token got status {answer.status}, so a token in its URL shows "
        "nothing.",
        by="no-token-refused",
        at=answer.mark,
    )
    _expect_401(refused, IN_QUERY, "A request whose token is only in the URL's query")


def _need_a_door(refused: Refusals) -> None:
    """Need a good token to open: who refuses everything does not show that tokens are checked."""
    good = refused[GOOD].value
    needed(
        good.status == 200,
        f"A first message with a good token got status {good.status}, so it does not show that "
        "bad ones are refused.",
        by="good-token",
        at=good.mark,
    )


def _expect_401(refused: Refusals, case: str, what: str) -> None:
    _need_a_door(refused)
    open_to_all = case not in _OF_NO_TOKEN and _is_let_in(refused["no header"])
    _expect_status_401(
        refused[case],
        what,
        open_to_all=open_to_all,
        accepted="scheme" if case in OTHER_SCHEMES else "accepted",
    )


def _expect_status_401(
    outcome: Outcome[WholeAnswer], what: str, *, open_to_all: bool, accepted: str = "accepted"
) -> None:
    """Expect a 401; ``open_to_all`` where the same request without a token is let in as well."""
    answer = outcome.value
    if answer.status in {UNAUTHORIZED, TOO_MANY_REQUESTS}:
        return
    if answer.status == 200 and open_to_all:
        raise Finding(
            f"{what} got status 200, as a request without any token does.",
            mark=answer.mark,
            advice=_BEGIN,
        )
    how = f"status {answer.status}" if answer.status else "no answer: the app raised an exception"
    expect(
        False,
        f"{what} got {how}, not 401.",
        at=answer.mark,
        hint=accepted if answer.status == 200 else _hint(answer.status),
    )


_OF_NO_TOKEN = frozenset({*MISSING, *UNSIGNED, LONG, IN_QUERY})
_BEGIN = (
    "The server lets everybody in, so this check says nothing yet. Begin with `no-token-refused`: "
    "once a request without a token gets 401, come back to this one."
)


def _is_let_in(bare: Outcome[WholeAnswer]) -> bool:
    """Return whether a request without any token was answered as if somebody had signed in."""
    return bare.finding is None and bare.value.status == 200


def _hint(status: int) -> str:
    if status < 400:
        return "crashed" if status == 0 else "accepted"
    return {403: "forbidden", 422: "unprocessable"}.get(
        status, "crashed" if status >= 500 else "other"
    )


_NO_TOKEN = frozenset({"no header", "an empty header", IN_QUERY})


@criterion("challenge", case="without a token")
async def test_401_without_a_token_says_what_is_wanted(refused: Refusals) -> None:
    _expect_challenges({case: refused[case] for case in _NO_TOKEN}, "no-token-refused")


@criterion("challenge", case="with a bad token")
async def test_401_for_a_bad_token_says_what_is_wanted(refused: Refusals) -> None:
    bad = {case: refused[case] for case in refused.keys() - _NO_TOKEN - {GOOD}}
    _expect_challenges(bad, "signature-checked")


@criterion("challenge", case=_EVERY_KIND)
async def test_every_kind_of_401_says_what_is_wanted(before: Before) -> None:
    for how, answers in before.answers.items():
        for kind, outcome in answers.items():
            _expect_challenge(outcome, f"`{kind}` {how}")
    got = [outcome for answers in before.answers.values() for outcome in answers.values()]
    _need_a_401(got, "no-token-refused")


def _expect_challenges(answers: Refusals, judge: str) -> None:
    for case in sorted(answers):
        _expect_challenge(answers[case], f"a first message (token: {case})")
    _need_a_401(answers.values(), judge)


def _need_a_401(answers: Iterable[Outcome[WholeAnswer]], judge: str) -> None:
    got = [each.value for each in answers if each.finding is None]
    needed(
        any(answer.status == UNAUTHORIZED for answer in got),
        "There was no 401, so nothing shows what it says.",
        by=judge,
        at=got[0].mark if got else None,
    )


def _expect_challenge(outcome: Outcome[WholeAnswer], what: str) -> None:
    """Look at a 401 only: whether it is one is judged elsewhere."""
    if outcome.finding is not None or outcome.value.status != UNAUTHORIZED:
        return
    value = outcome.value.headers.get("www-authenticate", "")
    expect(
        _BEARER.search(value) is not None,
        f"The 401 for {what} has `WWW-Authenticate: {value}`."
        if value
        else f"The 401 for {what} has no header `WWW-Authenticate`.",
        at=outcome.value.mark,
    )


_CHECKED_BY = {
    WITHOUT: "no-token-refused",
    FORGED: "signature-checked",
    OUTDATED: "expiry-checked",
}


def _need_refusals(before: Before) -> None:
    """Need every bad token to be refused: what is let in may do something."""
    for how, by in _CHECKED_BY.items():
        first = {"a first message": before.begun[how]}
        others = {kind: outcome.value for kind, outcome in before.answers[how].items()}
        for what, answer in {**first, **others}.items():
            needed(
                answer.status in {UNAUTHORIZED, TOO_MANY_REQUESTS},
                f"The request ({what}) {how} got status {answer.status}, not 401.",
                by=by,
                at=answer.mark,
            )


@criterion("nothing-before-401", case="the model is not asked")
async def test_model_is_not_asked_for_a_bad_token(before: Before) -> None:
    _need_refusals(before)
    for word, how in before.sent.items():
        for call in before.scene.model.calls:
            expect(
                not call.contains(word),
                f"The model was asked for {how}.",
                at=before.threads.mark,
            )


@criterion("nothing-before-401", case="no thread is made")
async def test_no_thread_is_made_for_a_bad_token(before: Before) -> None:
    _need_refusals(before)
    expect(
        set(ids_of(before.threads)) <= {before.thread.id},
        "After first messages with bad tokens, the user's list holds a thread that she never "
        "began.",
        at=before.threads.mark,
    )
    for how, places in before.stored.items():
        expect(
            not places,
            f"The text of a first message {how} was stored: it is in {' and '.join(places)}.",
            at=before.threads.mark,
        )


@criterion("nothing-before-401", case="nothing is changed")
async def test_nothing_is_changed_by_a_bad_token(before: Before) -> None:
    _need_refusals(before)
    seen = (before.items, before.loaded, before.threads)
    for answer in seen:
        for word, how in before.sent.items():
            expect(
                word not in answer.shown,
                f"`{word}`, which came with {how}, is in Alice's thread.",
                at=answer.mark,
            )
    for word in before.thread.words:
        needed(
            word in before.items.body,
            "After requests with bad tokens, Alice's thread has lost what was in it.",
            by=OWNERS,
            at=before.items.mark,
        )
    needed(
        before.loaded.status == 200,
        "After requests with bad tokens, Alice's thread cannot be loaded.",
        by=OWNERS,
        at=before.loaded.mark,
    )
