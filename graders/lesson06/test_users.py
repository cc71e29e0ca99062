"""Those who may come in: good tokens, odd names, the end of a token, whom the agent serves."""

from __future__ import annotations

import pytest

from graders.engine.harness import TOO_MANY_REQUESTS, Outcome, criterion, expect
from graders.lesson06.people import WholeAnswer
from graders.lesson06.signed_in import (
    ODD,
    PAIRS,
    SCHEMES,
    AtOnce,
    Expiry,
    GoodToken,
    Named,
    Names,
    Told,
)


@criterion("good-token")
async def test_good_token_opens(good_token: GoodToken) -> None:
    _expect_answered(good_token.first, "A first message with a good token")


@criterion("scheme-case")
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_case_of_the_scheme_does_not_matter(scheme: str, good_token: GoodToken) -> None:
    _expect_answered(good_token.schemes[scheme], f"A good token after the scheme `{scheme}`")


def _expect_answered(outcome: Outcome[WholeAnswer], what: str) -> None:
    answer = outcome.value
    error = answer.stream.error if answer.stream else None
    expect(
        answer.status == 200,
        f"{what} got status {answer.status}."
        if answer.status
        else f"{what} got no answer: the app raised an exception.",
        at=answer.mark,
        hint={401: "refused", 403: "refused", 501: "not-written"}.get(answer.status),
    )
    expect(error is None, f"{what} got an `error` event.", at=answer.mark, hint="error-event")
    expect(answer.answered, f"{what} got no assistant message.", at=answer.mark)


@criterion("odd-subs")
@pytest.mark.parametrize("case", ODD)
async def test_user_may_have_any_name(case: str, names: Names) -> None:
    named = names.users[ODD[case]]
    expect(
        named.begun.answered,
        f"The user whose `sub` is {_short(named.sub)} sent a first message and got "
        + (
            f"status {named.begun.status}."
            if named.begun.status != 200
            else "no assistant message."
        ),
        at=named.begun.mark,
    )
    expect(
        named.thread_id in named.threads.strings,
        f"The user whose `sub` is {_short(named.sub)} began a thread, and it is not in their list.",
        at=named.threads.mark,
        hint="another" if _strangers(named, names) else None,
    )


def _strangers(named: Named, names: Names) -> list[str]:
    """Return the ids in a user's list that others got for theirs."""
    others = {other.thread_id for other in names.users.values() if other is not named}
    return [each for each in others & named.threads.strings if each != named.thread_id]


@criterion("subs-exact")
@pytest.mark.parametrize("case", PAIRS)
async def test_each_sub_is_a_user_of_its_own(case: str, names: Names) -> None:
    pair = [names.users[sub] for sub in PAIRS[case]]
    for one, other in (pair, pair[::-1]):
        expect(
            other.thread_id not in one.threads.strings - {one.thread_id},
            f"The user whose `sub` is {_short(one.sub)} sees the thread of the user whose `sub` is "
            f"{_short(other.sub)}.",
            at=one.threads.mark,
        )
    one, other = pair
    crossed = names.crossed[one.sub, other.sub]
    expect(
        other.word not in crossed.shown,
        f"The user whose `sub` is {_short(one.sub)} can load the thread of the user whose `sub` "
        f"is {_short(other.sub)}.",
        at=crossed.mark,
    )


def _short(sub: str) -> str:
    return repr(sub) if len(sub) <= 40 else f"{sub[:10]!r}, in all {len(sub)} characters"


@criterion("token-ends", case="the token that has ended")
async def test_token_that_has_ended_is_refused(expiry: Expiry) -> None:
    for name, answer in expiry.after.items():
        expect(
            answer.status in {401, TOO_MANY_REQUESTS},
            f"The token ended while an answer was streamed. {name} with the same token then got "
            f"status {answer.status}, not 401.",
            at=answer.mark,
            hint="ended",
        )


@criterion("token-ends", case="a fresh token")
async def test_conversation_goes_on_with_a_fresh_token(expiry: Expiry) -> None:
    expect(
        expiry.fresh.answered,
        "With a fresh token of the same user, a message in the thread was not answered (status "
        f"{expiry.fresh.status}).",
        at=expiry.fresh.mark,
        hint="fresh",
    )
    expect(
        expiry.thread.message in expiry.items.body,
        "With a fresh token of the same user, the thread no longer holds the first message.",
        at=expiry.items.mark,
        hint="fresh",
    )


@criterion("agent-told-user")
@pytest.mark.parametrize(
    "case",
    ["a first message", "a follow-up", "another answer", "another user's first message"],
)
async def test_agent_is_told_the_user(case: str, told: dict[str, Told]) -> None:
    seen, what = told[case], case.replace("another user's", "a")
    if not seen.answer.answered:
        # Whether owners get answers is judged elsewhere.
        return
    expect(
        bool(seen.answer.calls),
        f"For {what} of {seen.user.name} the model was not asked.",
        at=seen.answer.mark,
        hint="not-asked",
    )
    expect(
        any(call.contains(seen.user.sub) for call in seen.answer.calls),
        f"The request to the model for {what} of {seen.user.name} does not hold the user's id, "
        f"`{seen.user.sub}`.",
        at=seen.answer.mark,
    )
    expect(
        not any(call.contains(seen.other.sub) for call in seen.answer.calls),
        f"The request to the model for {what} of {seen.user.name} holds the id of "
        f"{seen.other.name}, `{seen.other.sub}`.",
        at=seen.answer.mark,
        hint="another",
    )


@criterion("fifty-at-once", case="what the model is asked")
async def test_fifty_requests_reach_the_model_apart(at_once: list[AtOnce]) -> None:
    for each in _measured(at_once):
        for other in _others(each, at_once):
            for secret, what in ((other.user.sub, "id"), (other.word, "message")):
                expect(
                    not any(call.contains(secret) for call in each.calls),
                    f"50 requests came at once. The request to the model for {each.user.name} "
                    f"holds the {what} of {other.user.name}, `{secret}`.",
                    at=each.answer.mark,
                )


@criterion("fifty-at-once", case="what the client gets")
async def test_fifty_clients_get_their_own_answer(at_once: list[AtOnce]) -> None:
    for each in _measured(at_once):
        for other in _others(each, at_once):
            for secret in (other.said, other.word):
                expect(
                    secret not in each.answer.shown,
                    f"50 requests came at once. {each.user.name} sees `{secret}`, which belongs "
                    f"to {other.user.name}.",
                    at=each.answer.mark,
                )


@criterion("fifty-at-once", case="whose threads they are")
async def test_fifty_threads_have_the_right_owner(at_once: list[AtOnce]) -> None:
    # `list-own` judges whether a list holds other threads.
    for each in _measured(at_once):
        expect(
            each.answer.thread_id in each.threads.strings,
            f"50 requests came at once. {each.user.name} began a thread, and it is not in the "
            "user's list: it went to another user.",
            at=each.threads.mark,
        )


def _measured(at_once: list[AtOnce]) -> list[AtOnce]:
    """Leave out those that were not answered: nothing can be seen of them.

    A limit on requests may refuse any number; a database that is busy may fail some.
    """
    free = [each for each in at_once if each.answer.status != TOO_MANY_REQUESTS]
    answered = [each for each in free if each.answer.answered]
    expect(
        2 * len(answered) >= len(free),
        f"50 requests came at once, and {len(free) - len(answered)} of them were not answered.",
        at=next((each.answer.mark for each in free if not each.answer.answered), None),
        hint="unanswered",
    )
    return answered


def _others(each: AtOnce, at_once: list[AtOnce]) -> list[AtOnce]:
    return [other for other in _measured(at_once) if other.user is not each.user]
