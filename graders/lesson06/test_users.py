"""Those who may come in: good tokens, odd names, the end of a token, whom the agent serves."""

from __future__ import annotations

import pytest

from graders.engine.harness import TOO_MANY_REQUESTS, Outcome, criterion, expect, needed
from graders.lesson06.intrusions import OWNERS
from graders.lesson06.people import ANSWERED, WholeAnswer
from graders.lesson06.refusals import LONG_EXPIRED, Refusals
from graders.lesson06.signed_in import (
    ODD,
    PAIRS,
    PLAIN,
    SCHEMES,
    SEPARATORS,
    SPECIAL,
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
        hint="another" if names.others_in(named) else None,
    )
    if named.sub in SPECIAL:
        _expect_no_privilege(named, names)


def _expect_no_privilege(named: Named, names: Names) -> None:
    """Expect a special name to open no more, and to hide no less, than a plain one."""
    plain, another = PLAIN
    expect(
        not names.lists(named.sub, plain) or names.lists(another, plain),
        f"The user whose `sub` is {_short(named.sub)} finds the thread of {plain!r} in their list; "
        f"the user {another!r} does not.",
        at=named.threads.mark,
        hint="special",
    )
    for one, other in ((named.sub, plain), (plain, named.sub)):
        expect(
            not names.seen(one, other) or names.seen(another, plain),
            f"The user whose `sub` is {_short(one)} can read the thread of the user whose `sub` is "
            f"{_short(other)}; the user {another!r} cannot read that of {plain!r}.",
            at=names.crossed[one, other][0].mark,
            hint="special",
        )


@criterion("subs-exact")
@pytest.mark.parametrize("case", PAIRS)
async def test_each_sub_is_a_user_of_its_own(case: str, names: Names) -> None:
    pair = [names.users[sub] for sub in PAIRS[case]]
    for named in pair:
        _need_thread(named)
    _need_guards(names)
    for one, other in (pair, pair[::-1]):
        expect(
            other.thread_id not in one.threads.strings - {one.thread_id},
            f"The user whose `sub` is {_short(one.sub)} sees the thread of the user whose `sub` is "
            f"{_short(other.sub)}.",
            at=one.threads.mark,
        )
    one, other = pair
    expect(
        not names.seen(one.sub, other.sub),
        f"The user whose `sub` is {_short(one.sub)} can load the thread of the user whose `sub` "
        f"is {_short(other.sub)}.",
        at=names.crossed[one.sub, other.sub][0].mark,
    )


def _need_thread(named: Named) -> None:
    needed(
        bool(named.thread_id),
        f"The user whose `sub` is {_short(named.sub)} could not begin a thread.",
        by="odd-subs",
        at=named.begun.mark,
    )


def _need_guards(names: Names) -> None:
    """Need users of plain names to be apart: else no name makes a difference."""
    plain, another = PLAIN
    needed(
        not names.lists(another, plain),
        f"The user {another!r} finds the thread of {plain!r} in their list.",
        by="list-own",
        at=names.users[another].threads.mark,
    )
    for answer, by in zip(
        names.crossed[another, plain], ("get-refused", "items-refused"), strict=True
    ):
        needed(
            names.users[plain].word not in answer.shown,
            f"The user {another!r} can read the thread of {plain!r}.",
            by=by,
            at=answer.mark,
        )


@criterion("subs-exact")
@pytest.mark.parametrize(
    "mark", SEPARATORS, ids=lambda mark: f"`a` and `a{mark}b`, whose keys run together"
)
async def test_keys_of_users_and_threads_do_not_run_together(mark: str, names: Names) -> None:
    other = names.users[f"a{mark}b"]
    _need_thread(other)
    _need_guards(names)
    asked = (f"b{mark}{other.thread_id}", f"{other.thread_id}{mark}a")
    for answer, user, named in zip(
        names.joined[mark], "aabb", (asked[0],) * 2 + (asked[1],) * 2, strict=True
    ):
        expect(
            other.word not in answer.shown,
            f"The user {user!r} asks for the thread {_short(named)} and reads what the user "
            f"{other.sub!r} said in the thread {_short(other.thread_id)}.",
            at=answer.mark,
            hint="joined",
        )


def _short(sub: str) -> str:
    return repr(sub) if len(sub) <= 40 else f"{sub[:10]!r}, in all {len(sub)} characters"


def _need_an_end(refused: Refusals) -> None:
    """Need tokens to end at all: where the end is not looked at, nothing ends."""
    old = refused[LONG_EXPIRED].value
    needed(
        old.status in {401, TOO_MANY_REQUESTS},
        f"A token {LONG_EXPIRED} got status {old.status}, so no token ends.",
        by="expiry-checked",
    )


@criterion("token-ends", case="the answer that streams")
async def test_stream_does_not_hang_when_its_token_ends(refused: Refusals, expiry: Expiry) -> None:
    _need_an_end(refused)
    begun = expiry.thread.begun
    stream = begun.stream
    left = stream.left if stream is not None else None
    expect(
        left is None or expiry.answer in begun.stream_text,
        "The token ended while an answer was streamed. The stream then neither went on nor ended.",
        at=left.mark if left is not None else begun.mark,
        hint="stream",
    )


@criterion("token-ends", case="the token that has ended")
async def test_token_that_has_ended_is_refused(refused: Refusals, expiry: Expiry) -> None:
    _need_an_end(refused)
    for name, answer in expiry.after.items():
        needed(
            answer.status in {401, TOO_MANY_REQUESTS},
            f"The token ended while an answer was streamed. {name} with the same token then got "
            f"status {answer.status}, not 401.",
            by="expiry-checked",
            at=answer.mark,
            hint="ended",
        )


@criterion("token-ends", case="a fresh token")
async def test_conversation_goes_on_with_a_fresh_token(refused: Refusals, expiry: Expiry) -> None:
    _need_an_end(refused)
    needed(
        expiry.fresh.answered,
        "With a fresh token of the same user, a message in the thread was not answered (status "
        f"{expiry.fresh.status}).",
        by=OWNERS,
        at=expiry.fresh.mark,
        hint="fresh",
    )
    needed(
        expiry.thread.message in expiry.items.body,
        "With a fresh token of the same user, the thread no longer holds the first message.",
        by=OWNERS,
        at=expiry.items.mark,
        hint="fresh",
    )


_JUDGED_BY = {
    "a first message": ANSWERED,
    "a follow-up": OWNERS,
    "another answer": "retry-refused",
    "another user's first message": ANSWERED,
}


@criterion("agent-told-user")
@pytest.mark.parametrize("case", _JUDGED_BY)
async def test_agent_is_told_the_user(case: str, told: dict[str, Told]) -> None:
    seen, what = told[case], case.replace("another user's", "a")
    needed(
        seen.answer.answered or bool(seen.answer.calls),
        f"{what[:1].upper()}{what[1:]} of {seen.user.name} was not answered.",
        by=_JUDGED_BY[case],
        at=seen.answer.mark,
    )
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


@criterion("fifty-at-once", case="what is stored")
async def test_fifty_threads_hold_their_own_answer(at_once: list[AtOnce]) -> None:
    for each in _measured(at_once):
        for other in _others(each, at_once):
            for secret in (other.said, other.word):
                expect(
                    secret not in each.items.shown,
                    f"50 requests came at once. Afterwards the thread of {each.user.name} holds "
                    f"`{secret}`, which belongs to {other.user.name}.",
                    at=each.items.mark,
                    hint="stored",
                )
        needed(
            each.items.status == 200 and each.word in each.items.body,
            f"50 requests came at once. Afterwards the thread of {each.user.name} does not hold "
            f"`{each.word}`, which {each.user.name} wrote in it.",
            by=OWNERS,
            at=each.items.mark,
            hint="stored",
        )
        expect(
            each.said in each.items.body or each.said not in each.answer.shown,
            f"50 requests came at once. Afterwards the thread of {each.user.name} does not hold "
            f"`{each.said}`, which the agent said in it.",
            at=each.items.mark,
            hint="stored",
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
        bool(answered) and 2 * len(answered) >= len(free),
        f"50 requests came at once, and {len(free) - len(answered)} of them were not answered.",
        at=next((each.answer.mark for each in free if not each.answer.answered), None),
        hint="unanswered",
    )
    return answered


def _others(each: AtOnce, at_once: list[AtOnce]) -> list[AtOnce]:
    return [other for other in _measured(at_once) if other.user is not each.user]
