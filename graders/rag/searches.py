"""The searches of rag, each the answer to a message of its own; checks judge the record.

The scripted model calls the tool with queries whose words decide what matches: vectors are as near
as the texts share words. Their order is another one in each run, and decides nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.engine.harness import (
    Outcome,
    Said,
    Scene,
    Stalled,
    Step,
    Stream,
    attempt,
    call_tool,
    quote,
    recorded_as,
    say,
    say_held,
    user_input,
)
from graders.engine.harness.storage import is_sqlite, opened_copy, regular_files
from graders.rag.passages import CoursePassage, OpenPage, found_in, holds

TOOL = "search_content"
WHISTLE = "one long blast every two minutes: blow a whistle slowly"
"""Nearest to `fog-1`; `bowline-3` follows far behind."""
SIGNAL = "blow whistle one blast"
"""Matches `fog-1` 2.2 times as well as `bowline-3`."""
WEAR = "inspect fibre wear: flattened strands, loose yarns, dark stains, stiff places"
"""Matches `bowline-2`, `hitch-2` and `moorings-2` equally well."""
FROM_MANY = (
    "anvil squalls canvas masts lightning cirrus feathery veil trawling nets berth fid twine knife "
    "buoy boathook bow twelfth hull gusts violent stains yarns"
)
"""Six passages match it better than any of the lesson `bowline` does."""
SPLICE = "unlay three strands, tuck each against the twist, taper the ends"
"""Nearest to `splice-1`."""
MANY = tuple(
    f"{query} {number}"
    for number, query in enumerate((WHISTLE, "a whistle in fog, one blast", SPLICE))
)
PAGES: Mapping[str, OpenPage | None] = {
    "nowhere": None,
    "hitch": OpenPage("knots", "hitch"),
    "splice": OpenPage("knots", "splice"),
    "bowline": OpenPage("knots", "bowline"),
    "lights": OpenPage("harbour", "lights"),
    "moorings": OpenPage("harbour", "moorings"),
}


class PageScene(Scene):
    """A scene whose user is on a page, which each message says."""

    page: OpenPage | None = None

    async def send(self, name: str, thread_id: str | None = None) -> Stream:
        """Send message ``name`` in a new thread or in ``thread_id``, and read nothing yet."""
        thread = {} if thread_id is None else {"thread_id": thread_id}
        kind = "threads.create" if thread_id is None else "threads.add_user_message"
        params: dict[str, Any] = {**thread, "input": user_input(self.message(name))}
        return await self.chat.stream(kind, params, metadata_of(self.page))

    def on_page(self, page: OpenPage | None, name: str = "user") -> PageScene:
        """Return a scene on the same server whose user is on another page."""
        scene = PageScene(self.student, self.model, self.canary, name=name, sub=name)
        scene.page = page
        return scene


def metadata_of(page: OpenPage | None) -> dict[str, Any]:
    """Return what the client says of the page, as the assignment's README has it."""
    if page is None:
        return {}
    return {"page": {"chapter": page.chapter, "lesson": page.lesson}}


def search(queries: Sequence[str], scope: str) -> Step:
    """Return the step in which the model calls the tool."""
    return call_tool(TOOL, {"queries": list(queries), "scope": scope})


@dataclass(frozen=True)
class Search:
    """A message for which the model called the tool, and the requests for vectors meanwhile."""

    said: Said
    queries: tuple[str, ...]
    scope: str
    page: OpenPage | None
    embedded: tuple[tuple[str, ...], ...] = ()

    @property
    def result(self) -> str | None:
        """What the tool gave back to the model, if the model was asked again."""
        for call in self.said.turn.requests[1:]:
            outputs = [item.text for item in call.input if item.kind == "function_call_output"]
            if outputs:
                return outputs[-1]
        return None

    @property
    def passages(self) -> list[CoursePassage]:
        """The passages in the result, in its order."""
        return found_in(self.result or "")

    @property
    def came(self) -> str:
        """What came of it instead of passages, in words."""
        if self.result is None:
            return f"gave nothing back to the model: the message got {self.said.how}"
        return f"gave back no passage: {quote(self.result, 200)!r}"

    @property
    def told(self) -> str:
        """The call in words."""
        queries = ", ".join(repr(each) for each in self.queries)
        where = f"on the page {self.page}" if self.page else "without a page"
        return f"`{TOOL}([{queries}], {self.scope!r})` {where}"


async def look_up(
    scene: PageScene,
    name: str,
    queries: Sequence[str],
    scope: str,
    page: OpenPage | None = None,
    *,
    thread_id: str | None = None,
) -> Search:
    """Say message ``name`` on a page, and let the model search for its answer."""
    before = len(scene.model.embeddings.calls)
    own = scene.on_page(page, scene.name)
    queries = [shuffled(scene, each) for each in queries]
    said = await own.say(name, thread_id, search(queries, scope), say(own.answer(name)))
    asked = tuple(call.texts for call in scene.model.embeddings.calls[before:])
    return Search(said, tuple(queries), scope, page, asked)


def shuffled(scene: Scene, query: str) -> str:
    """Return a query with its words in the order of this run, so that nobody can know it."""
    seed = scene.canary.word("order of words")
    words = list(enumerate(query.split()))
    words.sort(key=lambda word: hashlib.sha256(f"{seed} {word}".encode()).digest())
    return " ".join(word for _, word in words)


@dataclass(frozen=True)
class Searches:
    """All that was searched for on one server.

    ``indexed`` are the requests for vectors up to the first search, ``points`` the points that
    Qdrant had stored after it; ``restarted`` is the search after a restart.
    """

    plain: Said
    first: Search
    indexed: tuple[tuple[str, ...], ...]
    points: int
    others: Mapping[str, Search]
    failing: Search
    recovered: Search
    started_again: Outcome[None]
    restarted: Search | None


_OTHERS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "several": (MANY, "course", "nowhere"),
    "many": ((f"{WEAR} {FROM_MANY}",), "course", "nowhere"),
    "lesson": ((WEAR,), "lesson", "hitch"),
    "lesson, better elsewhere": ((FROM_MANY,), "lesson", "bowline"),
    "chapter": ((WEAR,), "chapter", "splice"),
    "course": ((WEAR,), "course", "splice"),
    "no page": ((WEAR,), "lesson", "nowhere"),
    "boost hitch": ((WEAR,), "course", "hitch"),
    "boost bowline": ((WEAR,), "course", "bowline"),
    "boost moorings": ((WEAR,), "course", "moorings"),
    "boost lights": ((WEAR,), "course", "lights"),
    "far better": ((SIGNAL,), "course", "bowline"),
}
"""Queries, scope and page of each search."""


@recorded_as("searches")
async def play_searches(scene: Scene) -> Searches:
    """Say something, search in every way, let the vectors fail once, and restart the server."""
    pages = PageScene(scene.student, scene.model, scene.canary)
    plain = await pages.say("plain")
    first = await look_up(pages, "first", [WHISTLE], "course")
    indexed = tuple(
        call.texts
        for call in scene.model.embeddings.calls
        if not any(holds(text, first.queries[0]) for text in call.texts)
    )
    points = stored_points(scene)
    others = {
        name: await look_up(pages, name, queries, scope, PAGES[page])
        for name, (queries, scope, page) in _OTHERS.items()
    }
    scene.model.embeddings.failing = True
    failing = await look_up(pages, "failing", [SPLICE], "course")
    scene.model.embeddings.failing = False
    recovered = await look_up(pages, "recovered", [SPLICE], "course")
    again = await attempt(scene.student.restart())
    restarted = (
        await look_up(pages, "restarted", [WHISTLE], "course") if again.finding is None else None
    )
    return Searches(plain, first, indexed, points, others, failing, recovered, again, restarted)


def stored_points(scene: Scene) -> int:
    """Return how many points Qdrant's local mode has stored in the data folder."""
    return sum(
        _points_in(path)
        for path in regular_files([scene.student.data_dir])
        if path.name == "storage.sqlite" and is_sqlite(path)
    )


def _points_in(path: Path) -> int:
    try:
        with opened_copy(path) as (_, connection):
            return int(connection.execute("SELECT count(*) FROM points").fetchone()[0])
    except sqlite3.Error:
        return 0


@dataclass(frozen=True)
class SideBySide:
    """A search during which another user, on another page, said something.

    ``before`` was said while the model had not called the tool yet, ``meanwhile`` while the vectors
    of the query were still to come; ``waited`` says whether they were asked for. ``moved`` is the
    first user's second search in the same thread, on the other page.
    """

    search: Search
    before: Said
    waited: bool
    meanwhile: Said
    moved: Search | None


SLOW_PAGE = OpenPage("knots", "hitch")
OTHER_PAGE = OpenPage("harbour", "moorings")


@recorded_as("side_by_side")
async def play_side_by_side(scene: Scene) -> SideBySide:
    """Let one user's search wait, twice, while another user on another page says something."""
    pages = PageScene(scene.student, scene.model, scene.canary)
    await look_up(pages, "warm", [SPLICE], "course")
    slow, other = pages.on_page(SLOW_PAGE, "alice"), pages.on_page(OTHER_PAGE, "bob")
    hold = say_held("One moment, please. ")
    query = shuffled(scene, WEAR)
    turn = slow.script("slow", hold, search([query], "lesson"), say(slow.answer("slow")))
    gone_on = asyncio.Event()

    async def read(stream: Stream) -> None:
        try:
            await stream.finish()
        except Stalled:
            # Its silence means nothing as long as the model or the vectors are held back.
            await gone_on.wait()
            await stream.finish_or_leave()

    saying = asyncio.ensure_future(slow.say("slow", turn=turn, once=True, read=read))
    await slow.rest()
    before = await other.say("before")
    embeddings = scene.model.embeddings
    # What the other user says may be searched for as well, at once and by itself.
    embeddings.hold(but=lambda text: holds(text, other.message("meanwhile")))
    await turn.release_all()
    waited = await attempt(scene.student.until(lambda: embeddings.waiting > 0))
    meanwhile = await other.say("meanwhile")
    embeddings.release()
    gone_on.set()
    said = await saying
    found = Search(said, (query,), "lesson", SLOW_PAGE)
    thread = said.stream.new_thread_id if said.begun.finding is None else ""
    moved = (
        await look_up(slow, "moved", [WEAR], "lesson", OTHER_PAGE, thread_id=thread)
        if thread
        else None
    )
    return SideBySide(found, before, waited.finding is None, meanwhile, moved)
