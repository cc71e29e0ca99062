"""Two tabs, damaged rows, storage that is away: nothing is lost, and all works afterwards."""

from __future__ import annotations

import pytest

from graders.engine.harness import (
    Finding,
    Outcome,
    ProtocolBroken,
    RanAway,
    Reply,
    ServerDied,
    Stalled,
    criterion,
    expect,
    found,
    items_of,
)
from graders.lesson05.damaging import Damaged
from graders.lesson05.mishaps import DISTURBANCES, Away, TwoTabs
from graders.lesson05.talking import Said, ids_in, lacking, texts_in

_FATAL = (Stalled, RanAway, ServerDied, ProtocolBroken)
AWAY = dict(zip(DISTURBANCES, ("locked", "read_only", "moved"), strict=True))


@criterion("two-tabs")
async def test_messages_of_two_tabs_are_stored(tabs: TwoTabs) -> None:
    reply = tabs.items.value
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        expect(
            sum(said.word in text for text in texts_in(reply)) == 1,
            f"The message of the {which} tab is in `items.list` "
            f"{sum(said.word in text for text in texts_in(reply))} times.",
            at=reply.serial,
            hint="message",
        )
        expect(
            _answer_of(said) is None or _answer_of(said) in [item.id for item in items_of(reply)],
            f"The {which} tab got its whole answer, and `items.list` lacks it.",
            at=reply.serial,
            hint="answer",
        )
    ids = [item.id for item in items_of(reply)]
    expect(len(set(ids)) == len(ids), "Two items have the same id.", at=reply.serial, hint="answer")
    earlier = [tabs.first.word, tabs.first.answer_word]
    expect(
        not lacking(reply, earlier),
        "After two tabs wrote at once, earlier messages of the thread are gone.",
        at=reply.serial,
    )


def _answer_of(said: Said) -> str | None:
    """Give the id of the answer that a tab got whole, if it did."""
    if said.begun.finding is not None or said.stream.error or said.stream.assistant_item is None:
        return None
    return said.stream.assistant_item.item_id


@criterion("two-tabs-answered")
async def test_two_tabs_get_answers_and_no_errors(tabs: TwoTabs) -> None:
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        cut_short = which == "first" and said.turn.cancelled
        failed = said.begun.finding is not None or said.stream.status != 200 or said.stream.error
        expect(
            not failed and said.ends and (_answer_of(said) is not None or cut_short),
            f"Two tabs wrote in one thread at once, and the {which} got {said.how}.",
            at=said.mark,
        )
    expect(
        tabs.next.answered,
        f"After two tabs wrote at once, the next message got {tabs.next.how}.",
        at=tabs.next.mark,
        hint="next",
    )


@criterion("damage-contained", case="its messages")
async def test_other_thread_can_be_read(damaged: Damaged) -> None:
    _expect_started(damaged)
    words = [damaged.healthy.word, damaged.healthy.answer_word]
    views = damaged.views
    for outcome, what in ((views.thread, "`threads.get_by_id`"), (views.items, "`items.list`")):
        reply = _answered(outcome, f"With a damaged row in another thread, {what}")
        expect(
            not lacking(reply, words),
            f"With a damaged row in another thread, {what} lacks messages of a healthy one.",
            at=reply.serial,
        )


@criterion("damage-contained", case="the list")
async def test_other_thread_is_listed(damaged: Damaged) -> None:
    _expect_started(damaged)
    reply = _answered(damaged.views.threads, "With a damaged thread, `threads.list`", "list")
    expect(
        damaged.healthy.thread_id in ids_in(reply),
        "With a damaged thread, `threads.list` lacks a healthy one.",
        at=reply.serial,
        hint="list",
    )


@criterion("damage-contained", case="new messages")
async def test_other_threads_go_on(damaged: Damaged) -> None:
    _expect_started(damaged)
    for said, which in ((damaged.follow_up, "a healthy thread"), (damaged.new, "a new thread")):
        if said is damaged.new and damaged.has_old_id:
            continue  # another criterion judges ids
        expect(
            said.answered,
            f"With damaged rows in other threads, a message in {which} got {said.how}.",
            at=said.mark,
        )


def _expect_started(damaged: Damaged) -> None:
    if damaged.started.finding is not None:
        found("With damaged rows in its database, the server does not start.", hint="start")


def _answered(outcome: Outcome[Reply], what: str, hint: str | None = None) -> Reply:
    if outcome.finding is not None:
        found(f"{what}: {outcome.finding.seen}.", at=outcome.finding.mark, hint=hint)
    reply = outcome.value
    expect(
        reply.status == 200,
        f"{what} was answered with status {reply.status}: {reply.excerpt}",
        at=reply.serial,
        hint=hint,
    )
    return reply


@criterion("damage-answered")
async def test_damaged_threads_get_an_answer(damaged: Damaged) -> None:
    for views in (damaged.bad_item, damaged.bad_thread):
        for outcome in (views.thread, views.items):
            _expect_bounded(outcome.finding, "A request for a damaged thread")
    for said in damaged.into_bad:
        _expect_said_bounded(said, "A message in a damaged thread")
    expect(
        not damaged.erased,
        "A row of a thread was damaged, and the server has erased the thread's sound messages.",
        at=damaged.bad_item.items.value.serial if damaged.bad_item.items.finding is None else None,
        hint="erased",
    )
    expect(
        not damaged.hides_answer,
        "One message of a thread was damaged, and `items.list` shows no items and no error.",
        at=damaged.bad_item.items.value.serial if damaged.bad_item.items.finding is None else None,
        hint="hidden",
    )


def _expect_bounded(finding: Finding | None, what: str) -> None:
    if isinstance(finding, _FATAL):
        found(f"{what} was never answered: {finding.seen}.", at=finding.mark, hint="hang")


def _expect_said_bounded(said: Said, what: str) -> None:
    _expect_bounded(said.begun.finding, what)
    if said.begun.finding is None:
        _expect_bounded(said.stream.broke, what)
        expect(said.ends, f"{what} got a stream that did not end.", at=said.mark, hint="hang")


@pytest.fixture
def away(request: pytest.FixtureRequest) -> Away:
    """Give the recording that a case names."""
    recording: Away = request.getfixturevalue(AWAY[request.param])
    return recording


def each_case(name: str) -> pytest.MarkDecorator:
    """Give the cases of a criterion, one for each way in which storage may be away."""
    return pytest.mark.parametrize(
        "away",
        [pytest.param(case, marks=criterion(name, case=case)) for case in DISTURBANCES],
        indirect=True,
    )


@each_case("away-bounded")
async def test_requests_end_while_storage_is_away(away: Away) -> None:
    when = f"While {away.what.replace('had locked', 'locked')}"
    _expect_bounded(away.read.finding, f"{when}, a request")
    for said in away.tries:
        _expect_said_bounded(said, f"{when}, a message")


@each_case("away-recovers")
async def test_all_works_again_afterwards(away: Away) -> None:
    when = f"After {away.what} for a while"
    _answered(away.items, f"{when}, `items.list`")
    for said, where in ((away.back, "the thread"), (away.new, "a new thread")):
        expect(
            said.answered,
            f"{when}, a message in {where} got {said.how}, also a minute later.",
            at=said.mark,
        )


@each_case("away-nothing-lost")
async def test_nothing_confirmed_is_lost(away: Away) -> None:
    for said, outcome in away.kept:
        if not said.confirmed:
            continue
        reply = _answered(outcome, f"After {away.what} and a new start, `items.list`")
        missing = lacking(reply, said.confirmed)
        expect(
            not missing,
            f"The client got a finished message {_when(away, said)}, and after a new start "
            "`items.list` lacks it.",
            at=reply.serial,
            hint="meanwhile" if said in away.tries else None,
        )


def _when(away: Away, said: Said) -> str:
    if said in away.tries:
        return f"while {away.what}"
    return f"before {away.what}" if said is away.before else f"after {away.what}"


@criterion("clean-errors", case="storage away")
async def test_errors_while_away_are_clean(locked: Away, read_only: Away, moved: Away) -> None:
    for away in (locked, read_only, moved):
        _expect_clean(away.read, f"While {away.what}, `items.list`")
        for said in away.tries:
            _expect_said_clean(said, f"While {away.what}, a message")


@criterion("clean-errors", case="damaged rows")
async def test_errors_of_damaged_rows_are_clean(damaged: Damaged) -> None:
    for views in (damaged.bad_item, damaged.bad_thread):
        _expect_clean(views.thread, "`threads.get_by_id` of a damaged thread")
        _expect_clean(views.items, "`items.list` of a damaged thread")
    for said in damaged.into_bad:
        _expect_said_clean(said, "A message in a damaged thread")


def _expect_clean(outcome: Outcome[Reply], what: str) -> None:
    if outcome.finding is not None:
        found(f"{what}: {outcome.finding.seen}.", at=outcome.finding.mark)
    reply = outcome.value
    expect(
        reply.status == 200 or type(_json(reply)) is dict,
        f"{what} got the status {reply.status} with a body that is no JSON object: {reply.excerpt}",
        at=reply.serial,
        hint="json",
    )


def _json(reply: Reply) -> object:
    try:
        return reply.json
    except Finding:
        return None


def _expect_said_clean(said: Said, what: str) -> None:
    stream = said.stream
    expect(
        stream.broke is None,
        f"{what} got a stream that broke off without an `error` event.",
        at=said.mark,
        hint="stream",
    )
