"""Two tabs, damaged rows, outages of the storage: nothing is lost, and all works afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graders.engine.harness import (
    Finding,
    NotMeasurable,
    Outcome,
    OverLimit,
    ProtocolBroken,
    RanAway,
    Reply,
    Said,
    ServerDied,
    Stalled,
    TookTooLong,
    criterion,
    expect,
    found,
    item_ids_of,
    items_of,
    lacking,
    needed,
    texts_of,
    thread_ids_of,
)
from graders.lesson05.damage import Damaged
from graders.lesson05.faults import STORAGE_FAULTS, Outage, TwoTabs, UnderWay
from graders.lesson05.threads import expect_reply, mark_of, rests_on

_FATAL = (Stalled, RanAway, ServerDied, ProtocolBroken, OverLimit, TookTooLong)
RECORDINGS = dict(zip(STORAGE_FAULTS, ("locked", "read_only", "moved"), strict=True))


@criterion("two-tabs", case="at once")
async def test_messages_of_two_tabs_are_stored(tabs: TwoTabs) -> None:
    reply = tabs.items.value
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        expect(
            sum(said.word in text for text in texts_of(reply)) == 1,
            f"The message of the {which} tab is in `items.list` "
            f"{sum(said.word in text for text in texts_of(reply))} times.",
            at=reply.serial,
            hint="message",
        )
        expect(
            _answer_of(said) is None or _answer_of(said) in item_ids_of(reply),
            f"The {which} tab got its whole answer, and `items.list` lacks it.",
            at=reply.serial,
            hint="answer",
        )
    one, two = map(_answer_of, tabs.tabs)
    expect(
        one is None or one != two,
        "The answers that two tabs got have the same id.",
        at=reply.serial,
        hint="ids",
    )
    ids = item_ids_of(reply)
    expect(len(set(ids)) == len(ids), "Two items have the same id.", at=reply.serial, hint="answer")
    expect(
        not lacking(reply, tabs.first.words),
        "After two tabs wrote at once, earlier messages of the thread are gone.",
        at=reply.serial,
    )


def _answer_of(said: Said) -> str | None:
    """Return the id of the answer that a tab got whole, if it did."""
    if said.begun.finding is not None or said.stream.error or said.stream.assistant_item is None:
        return None
    return said.stream.assistant_item.item_id


@criterion("two-tabs", case="while an answer is under way")
async def test_messages_are_stored_while_an_answer_is_under_way(under_way: UnderWay) -> None:
    told = (
        (under_way.held, under_way.items, "The message whose answer was under way"),
        (under_way.second, under_way.items, f"A message in the same thread {_MEANWHILE}"),
        (under_way.elsewhere, under_way.items_elsewhere, f"A message elsewhere {_MEANWHILE}"),
        (under_way.new, under_way.items_new, f"A message in a new thread {_MEANWHILE}"),
    )
    for said, items, what in told:
        if _waits(said):
            continue  # nobody knows what became of it
        _expect_stored(said, items.value, what)
    for reply, strangers in (
        (under_way.items.value, (under_way.elsewhere, under_way.new)),
        (under_way.items_elsewhere.value, (under_way.held, under_way.second, under_way.new)),
    ):
        texts = texts_of(reply)
        mixed = [word for said in strangers for word in said.words if any(word in t for t in texts)]
        expect(
            not mixed,
            f"What was said in one thread {_MEANWHILE} is in `items.list` of another.",
            at=reply.serial,
            hint="mixed",
        )


_MEANWHILE = "while an answer was under way"


def _waits(said: Said) -> bool:
    """Return whether a server let a message wait before it sent anything: its client gave up."""
    return isinstance(said.begun.finding, Stalled)


def _expect_stored(said: Said, reply: Reply, what: str) -> None:
    times = sum(said.word in text for text in texts_of(reply))
    expect(
        times == 1,
        f"{what} is in `items.list` {times} times.",
        at=reply.serial,
        hint="message",
    )
    answer = _answer_of(said)
    texts = [item.text for item in items_of(reply) if item.id == answer]
    expect(
        answer is None or texts == [_text_of_answer(said)],
        f"{what} was answered, and `items.list` "
        + ("lacks the answer." if not texts else "has another answer under its id."),
        at=reply.serial,
        hint="ids" if texts else "answer",
    )


def _text_of_answer(said: Said) -> str:
    """Return the text of the last assistant message that came; a stream may bring several."""
    item = said.stream.assistant_item
    return item.text if item is not None else ""


@criterion("two-tabs-answered", case="while an answer is under way")
async def test_messages_are_answered_while_an_answer_is_under_way(under_way: UnderWay) -> None:
    told = (
        (under_way.second, "in the same thread"),
        (under_way.elsewhere, "in another thread"),
        (under_way.new, "in a new thread"),
    )
    for said, where in told:
        expect(
            _waits(said) or (_answer_of(said) is not None and said.ends),
            f"{_MEANWHILE.capitalize()}, a message {where} got {said.how}.",
            at=said.mark,
            hint="meanwhile",
        )
    if not _waits(under_way.held):
        _expect_not_failed(under_way.held, "The answer that was under way when others wrote")
    expect(
        under_way.next.complete,
        f"After messages {_MEANWHILE}, the next one got {under_way.next.how}.",
        at=under_way.next.mark,
        hint="next",
    )


def _expect_not_failed(said: Said, what: str) -> None:
    """Expect a stream that ends without an error: a later message may have cut its answer short."""
    failed = said.begun.finding is not None or said.stream.status != 200 or said.stream.error
    expect(
        not failed and said.ends,
        f"{what} came to {said.how}.",
        at=said.mark,
        hint="meanwhile",
    )


@criterion("two-tabs-answered", case="at once")
async def test_two_tabs_get_answers_and_no_errors(tabs: TwoTabs) -> None:
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        later_answered = _answer_of(tabs.tabs[1]) is not None
        cut_short = which == "first" and (said.turn.cancelled or later_answered)
        failed = said.begun.finding is not None or said.stream.status != 200 or said.stream.error
        expect(
            not failed and said.ends and (_answer_of(said) is not None or cut_short),
            f"Two tabs wrote in one thread at once, and the {which} got {said.how}.",
            at=said.mark,
        )
    expect(
        tabs.next.complete,
        f"After two tabs wrote at once, the next message got {tabs.next.how}.",
        at=tabs.next.mark,
        hint="next",
    )


@criterion("damage-contained", case="its messages")
async def test_other_thread_can_be_read(damaged: Damaged) -> None:
    _expect_started(damaged)
    words = damaged.healthy.words
    views = damaged.views
    with rests_on("messages-survive", "threads-survive"):
        for outcome, what in ((views.thread, "`threads.get_by_id`"), (views.items, "`items.list`")):
            reply = expect_reply(outcome, f"With a damaged row in another thread, {what}")
            expect(
                not lacking(reply, words),
                f"With a damaged row in another thread, {what} lacks messages of a healthy one.",
                at=reply.serial,
            )


@criterion("damage-contained", case="the list")
async def test_other_thread_is_listed(damaged: Damaged) -> None:
    _expect_started(damaged)
    reply = expect_reply(damaged.views.threads, "With a damaged thread, `threads.list`", "list")
    for said, which in ((damaged.healthy, "one"), (damaged.older, "one that is older")):
        needed(
            said.thread_id in thread_ids_of(reply),
            f"With a damaged thread, `threads.list` lacks a healthy {which}.",
            by="threads-survive",
            at=reply.serial,
            hint="list",
        )


@criterion("damage-contained", case="new messages")
async def test_other_threads_go_on(damaged: Damaged) -> None:
    _expect_started(damaged)
    for said, which in ((damaged.follow_up, "a healthy thread"), (damaged.new, "a new thread")):
        if said is damaged.new and damaged.has_old_id:
            continue  # another criterion judges ids
        needed(
            said.complete,
            f"With damaged rows in other threads, a message in {which} got {said.how}.",
            by="threads-survive",
            at=said.mark,
        )


def _expect_started(damaged: Damaged) -> None:
    if damaged.started.finding is not None:
        with rests_on("messages-survive"):
            found(_DOES_NOT_START, hint="start")
    _measure(damaged)


_DOES_NOT_START = "With damaged rows in its database, the server does not start."


def _need_started(damaged: Damaged) -> None:
    needed(damaged.started.finding is None, _DOES_NOT_START, by="damage-contained")


def _measure(damaged: Damaged, *, others_decide: bool = False) -> None:
    """Refuse to judge where there is no damage that could be contained."""
    if damaged.undamaged:
        raise NotMeasurable(
            "The grader could not damage what the server stores: it looks for texts in rows, in "
            "files and on shelves, also in base64 and compressed.",
            others_decide=others_decide,
        )


@criterion("damage-answered")
async def test_damaged_threads_get_an_answer(damaged: Damaged) -> None:
    _need_started(damaged)
    _measure(damaged)
    for views in (damaged.bad_item, damaged.bad_thread):
        for outcome in (views.thread, views.items):
            _expect_bounded(outcome.finding, "A request for a damaged thread")
    for said in damaged.into_bad:
        _expect_said_bounded(said, "A message in a damaged thread")
    expect(
        not damaged.erased,
        "A row of a thread was damaged, and the server has erased the thread's sound messages.",
        at=mark_of(damaged.bad_item.items),
        hint="erased",
    )
    expect(
        not damaged.hides_answer,
        "One message of a thread was damaged, and `items.list` shows no items and no error.",
        at=mark_of(damaged.bad_item.items),
        hint="hidden",
    )
    _need_stored(damaged)


def _need_stored(damaged: Damaged) -> None:
    """Need a server that keeps messages: where nothing is stored, nothing was damaged."""
    items = damaged.views.items
    if items.finding is None:
        needed(
            items.value.status != 200 or not lacking(items.value, damaged.healthy.words),
            "After a new start no message is stored, so none could be damaged.",
            by="messages-survive",
            at=items.value.serial,
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
def outage(request: pytest.FixtureRequest) -> Outage:
    """Return the recording that a case names."""
    recording: Outage = request.getfixturevalue(RECORDINGS[request.param])
    return recording


def each_case(name: str) -> pytest.MarkDecorator:
    """Return the cases of a criterion, one for each kind of outage."""
    return pytest.mark.parametrize(
        "outage",
        [pytest.param(case, marks=criterion(name, case=case)) for case in STORAGE_FAULTS],
        indirect=True,
    )


@each_case("away-bounded")
async def test_requests_end_while_the_storage_cannot_be_used(outage: Outage) -> None:
    when = f"While {outage.what.replace('had locked', 'locked')}"
    for outcome in (outage.read, outage.listed, outage.renamed):
        _expect_bounded(outcome.finding, f"{when}, a request")
    for said in outage.tries:
        _expect_said_bounded(said, f"{when}, a message")


@each_case("away-recovers")
async def test_all_works_again_afterwards(outage: Outage) -> None:
    when = f"After {outage.what} for a while"
    expect_reply(outage.items, f"{when}, `items.list`")
    for said, where in ((outage.back, "the thread"), (outage.new, "a new thread")):
        expect(
            said.complete,
            f"{when}, a message in {where} got {said.how}, also a minute later.",
            at=said.mark,
        )


@each_case("away-nothing-lost")
async def test_nothing_confirmed_is_lost(outage: Outage) -> None:
    for said, outcome in outage.kept:
        if not said.confirmed:
            continue
        with rests_on("messages-survive"):
            reply = expect_reply(outcome, f"After {outage.what} and a new start, `items.list`")
            missing = lacking(reply, said.confirmed)
            expect(
                not missing,
                f"The client got a finished message {_when(outage, said)}, and after a new start "
                "`items.list` lacks it.",
                at=reply.serial,
                hint="meanwhile" if said in outage.tries else None,
            )
    with rests_on("threads-survive"):
        _expect_threads_kept(outage)
    with rests_on("titles-survive"):
        _expect_title_kept(outage)


def _expect_threads_kept(outage: Outage) -> None:
    """Expect the thread of each finished message in the list, and that none was only told of."""
    for said in (outage.before, outage.tries[1], outage.new):
        if said.confirmed:
            expect(
                said.thread_id in outage.kept_ids.value,
                f"The client got a finished message in a new thread {_when(outage, said)}, and "
                "after a new start `threads.list` lacks the thread.",
                at=said.mark,
                hint="meanwhile" if said in outage.tries else None,
            )


def _expect_title_kept(outage: Outage) -> None:
    renamed = outage.renamed
    if renamed.finding is not None or not _confirms(renamed.value, outage.before.thread_id):
        return
    reply = expect_reply(outage.kept_thread, f"After {outage.what}, `threads.get_by_id`")
    got = reply.object.get("title")
    expect(
        got == outage.title,
        f"`threads.update` was answered with status 200 while {outage.what}; after a new start the "
        f"title is {got!r}, not {outage.title!r}.",
        at=renamed.value.serial,
        hint="meanwhile",
    )


def _confirms(reply: Reply, thread_id: str) -> bool:
    """Return whether an answer says that a thread was changed: an error may have status 200 too."""
    thread = _json(reply)
    return reply.status == 200 and type(thread) is dict and thread.get("id") == thread_id


def _when(outage: Outage, said: Said) -> str:
    if said in outage.tries:
        return f"while {outage.what}"
    return f"before {outage.what}" if said is outage.before else f"after {outage.what}"


@each_case("clean-errors")
async def test_errors_in_an_outage_are_clean(outage: Outage) -> None:
    needed(outage.before.complete, "A message was not answered.", by="session-answers")
    for outcome in (outage.read, outage.listed, outage.renamed):
        _need_answer(outcome.finding, "away-bounded")
    _expect_clean(outage.read, f"While {outage.what}, `items.list`")
    _expect_clean(outage.listed, f"While {outage.what}, `threads.list`")
    _expect_clean(outage.renamed, f"While {outage.what}, `threads.update`")
    _expect_not_empty(outage)
    for said in outage.tries:
        with rests_on("away-bounded"):
            _expect_said_clean(said, f"While {outage.what}, a message")


@criterion("clean-errors", case="damaged rows")
async def test_errors_of_damaged_rows_are_clean(damaged: Damaged) -> None:
    needed(damaged.healthy.complete, "A message was not answered.", by="session-answers")
    _need_started(damaged)
    _measure(damaged, others_decide=True)
    _need_stored(damaged)
    for views in (damaged.bad_item, damaged.bad_thread):
        for outcome in (views.thread, views.items):
            _need_answer(outcome.finding, "damage-answered")
        _expect_clean(views.thread, "`threads.get_by_id` of a damaged thread")
        _expect_clean(views.items, "`items.list` of a damaged thread")
    for said in damaged.into_bad:
        with rests_on("damage-answered"):
            _expect_said_clean(said, "A message in a damaged thread")


def _need_answer(finding: Finding | None, by: str) -> None:
    needed(not isinstance(finding, _FATAL), "A request was never answered.", by=by)


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


def _expect_not_empty(outage: Outage) -> None:
    """Expect that what could not be read is not told to be nothing."""
    for outcome, what, shows in (
        (outage.read, "items.list", lambda reply: not lacking(reply, outage.before.words)),
        (outage.listed, "threads.list", _lists(outage.before.thread_id)),
    ):
        if outcome.finding is None and outcome.value.status == 200:
            expect(
                shows(outcome.value),
                f"While {outage.what}, `{what}` got the status 200 and a page that lacks what is "
                "stored.",
                at=outcome.value.serial,
                hint="unmounted" if outage.leaves_empty_folder else "empty",
            )


def _lists(thread_id: str) -> Callable[[Reply], bool]:
    return lambda reply: thread_id in thread_ids_of(reply)


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
    expect(
        not said.ends or stream.status != 200 or said.answered or stream.error is not None,
        f"{what} got neither an answer nor an `error` event: its stream just ended.",
        at=said.mark,
        hint="silent",
    )
