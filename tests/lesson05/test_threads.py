"""What the scenarios of lesson05 share: patience with a silent server, and what shows a thread."""

from __future__ import annotations

import json

import httpx
import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import Outcome, RanAway, Reply, Said, Stalled
from graders.lesson05.threads import Patience, Views, rests_on, shown_by
from tests.grading.empty_recordings import Empty

GOOD, BAD, WORSE = "thr_good", "thr_bad", "thr_worse"


def reply(body: object, status: int = 200) -> Outcome[Reply]:
    return Outcome(result=Reply(status, httpx.Headers(), json.dumps(body).encode(), 1))


class Server:
    """Answers, or does not; ``asked`` has what it was asked."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent
        self.asked: list[str] = []

    async def answer(self, name: str) -> Reply:
        """Answer, unless it is silent about this thread."""
        self.asked.append(name)
        if name in self.silent:
            raise RanAway("the server computed for 4 s without an answer")
        return reply({}).value


async def ask(patience: Patience, server: Server, *names: str) -> list[Finding | None]:
    return [(await patience.ask(server.answer(name), name)).finding for name in names]


async def test_a_thread_that_was_silent_is_not_asked_again() -> None:
    server = Server(BAD)
    first, second, other = await ask(Patience(BAD), server, BAD, BAD, GOOD)
    assert first is second
    assert other is None
    assert server.asked == [BAD, GOOD]


async def test_two_silent_threads_that_are_bad_say_nothing_of_others() -> None:
    server = Server(BAD, WORSE)
    patience = Patience(BAD, WORSE)
    await ask(patience, server, BAD, WORSE, GOOD)
    assert not patience.over
    assert server.asked == [BAD, WORSE, GOOD]


async def test_a_server_that_never_answers_is_asked_twice_at_most() -> None:
    server = Server(BAD, GOOD, WORSE)
    patience = Patience(BAD, WORSE)
    findings = await ask(patience, server, GOOD, BAD, WORSE, GOOD)
    assert patience.over
    assert all(isinstance(finding, RanAway) for finding in findings)
    assert server.asked == [GOOD, BAD]


async def test_a_request_that_is_refused_is_an_answer() -> None:
    async def refuse() -> Reply:
        raise Finding("refused")

    patience = Patience()
    for _ in range(3):
        assert (await patience.ask(refuse(), GOOD)).finding is not None
    assert not patience.over


def test_what_rests_on_a_criterion_needs_it() -> None:
    with pytest.raises(Stalled) as caught, rests_on("page-form", "thread-pages"):
        raise Stalled("nothing came")
    assert caught.value.needs == ("page-form", "thread-pages")


def views(threads: Outcome[Reply], thread: Outcome[Reply], items: Outcome[Reply]) -> Views:
    return Views(GOOD, threads, thread, items)


def test_a_thread_is_shown_by_its_id_in_the_list_and_by_its_words() -> None:
    said: Said = Empty(1).of(Said)
    item = {"id": "m", "type": "user_message", "content": [{"text": said.message}]}
    page = reply({"data": [item]})
    assert shown_by(views(reply({"data": [{"id": GOOD}]}), page, page), said) == {
        "threads.list",
        "threads.get_by_id",
        "items.list",
    }


@pytest.mark.parametrize(
    "nothing",
    [
        reply({"data": []}),
        reply({"error": "there is no such thread"}, 404),
        reply(["no object"]),
        Outcome[Reply](finding=Finding("the connection broke")),
    ],
)
def test_what_was_refused_or_is_empty_shows_no_thread(nothing: Outcome[Reply]) -> None:
    assert shown_by(views(nothing, nothing, nothing), Empty(1).of(Said)) == set()
