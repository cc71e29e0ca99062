"""What all scenarios of lesson05 need: threads that are begun, and all that is seen of them.

Must not know criteria.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from graders.engine.harness import (
    Finding,
    Listing,
    Order,
    Outcome,
    OverLimit,
    RanAway,
    Reply,
    Said,
    Scene,
    Stalled,
    Step,
    TookTooLong,
    attempt,
    expect,
    found,
    items_of,
    lacking,
    say,
    thread_ids_of,
)
from graders.engine.harness.rate_limits import within_limits

HOUR = 3_600.0
PAGE = 100
_MOST_SILENT = 2
_SILENT = (Stalled, RanAway, OverLimit, TookTooLong)


async def begin(scene: Scene, name: str, *steps: Step) -> Said:
    """Begin a thread with message ``name``; raises a :class:`Finding` if that does not work."""
    said = await scene.say(name, None, *steps)
    if not said.complete:
        raise Finding(f"A message in a new thread got {said.how}.", mark=said.mark)
    return said


def briefly(scene: Scene, name: str) -> Step:
    """Answer message ``name`` in one piece, where only ids and whole texts are looked at."""
    return say(scene.answer_word(name))


def steps_with_tool(scene: Scene, name: str, tool: Step) -> tuple[Step, Step]:
    """Return a tool call and then the answer to message ``name``."""
    return tool, say(*scene.chunks(name))


@dataclass(frozen=True)
class Views:
    """All that a client can read of one thread."""

    thread_id: str
    threads: Outcome[Reply]
    thread: Outcome[Reply]
    items: Outcome[Reply]

    @property
    def mark(self) -> int | None:
        """Where the transcript tells of the list."""
        return mark_of(self.threads)

    def show(self, word: str) -> bool:
        """Return whether the thread itself or its items hold ``word``."""
        outcomes = (self.thread, self.items)
        return any(each.finding is None and word.encode() in each.value.body for each in outcomes)


@contextmanager
def rests_on(*criteria: str) -> Iterator[None]:
    """Block what fails within by those of ``criteria`` that were not passed, if there are any."""
    try:
        yield
    except Finding as finding:
        finding.needs = (*finding.needs, *criteria)
        raise


class Patience:
    """Asks a server as long as it answers: a request that can be seen to have none takes long.

    What was silent about one thread is not asked about it again; once two threads got no answer, of
    which one is not among the ``bad`` ones, nothing is asked any more.
    """

    def __init__(self, *bad: str) -> None:
        self._bad = set(bad)
        self._silent: dict[str, Finding] = {}

    @property
    def over(self) -> bool:
        """Whether nothing more is asked."""
        return len(self._silent) >= _MOST_SILENT and bool(self._silent.keys() - self._bad)

    async def ask(self, request: Coroutine[Any, Any, Reply], thread_id: str = "") -> Outcome[Reply]:
        """Return what came of a request about a thread or, where none is named, about all."""
        if (known := self._known(thread_id)) is not None:
            request.close()
            return Outcome(finding=known)
        outcome = await attempt(request)
        self._note(thread_id, outcome.finding)
        return outcome

    async def say(self, scene: Scene, name: str, thread_id: str | None = None) -> Said:
        """Say a message, unless it is known that nothing comes of it."""
        if (known := self._known(thread_id or "")) is not None:
            return Said(scene, name, scene.script(name), Outcome(finding=known))
        said = await scene.say(name, thread_id)
        self._note(thread_id or "", silence_of(said))
        return said

    def _known(self, thread_id: str) -> Finding | None:
        if self.over:
            return next(reversed(self._silent.values()))
        return self._silent.get(thread_id)

    def _note(self, thread_id: str, finding: Finding | None) -> None:
        if isinstance(finding, _SILENT):
            self._silent[thread_id] = finding


def silence_of(said: Said) -> Finding | None:
    """Return why a message was never answered to its end, if the server fell silent."""
    begun = said.begun
    finding = begun.finding or begun.value.left
    return finding if isinstance(finding, _SILENT) else None


async def look(scene: Scene, thread_id: str, patience: Patience | None = None) -> Views:
    """Read the list of threads, the thread and its items."""

    async def ask(send: Callable[[], Awaitable[Reply]], about: str = "") -> Outcome[Reply]:
        request = within_limits(scene.student, send)
        return await (attempt(request) if patience is None else patience.ask(request, about))

    return Views(
        thread_id,
        threads=await ask(lambda: scene.chat.list(limit=PAGE)),
        thread=await ask(lambda: scene.chat.get(thread_id), thread_id),
        items=await ask(lambda: scene.chat.items(thread_id, limit=PAGE, order="asc"), thread_id),
    )


def shown_by(views: Views, said: Said) -> set[str]:
    """Name the requests that still show a thread: by its id, or by the words of ``said``."""
    found = set()
    if views.thread_id in _listed(views.threads):
        found.add("threads.list")
    if gives_thread(views.thread, views.thread_id):
        found.add("threads.get_by_id")
    for name, outcome in (("threads.get_by_id", views.thread), ("items.list", views.items)):
        if not is_gone(outcome) and len(lacking(outcome.value, said.words)) < len(said.words):
            found.add(name)
    return found


def _listed(outcome: Outcome[Reply]) -> list[str]:
    try:
        return thread_ids_of(outcome.value)
    except Finding:
        return []


def unhurried(scene: Scene, listing: Listing) -> Listing:
    """Return a list whose many pages are read no faster than a limit on requests allows."""

    async def ask(limit: int | None, order: Order, after: str | None) -> Reply:
        return await within_limits(scene.student, lambda: listing.ask(limit, order, after))

    return replace(listing, ask=ask)


def gives_thread(outcome: Outcome[Reply], thread_id: str) -> bool:
    """Return whether an answer is the thread itself, be it with items or without."""
    try:
        return outcome.value.status == 200 and outcome.value.object.get("id") == thread_id
    except Finding:
        return False


def is_gone(outcome: Outcome[Reply]) -> bool:
    """Return whether a request for a thread or its items was refused, or answered with no items."""
    if outcome.finding is not None or outcome.value.status != 200:
        return True
    try:
        return not items_of(outcome.value)
    except Finding:
        return True


def mark_of(outcome: Outcome[Reply]) -> int | None:
    """Return where the transcript tells of an answer, if there is one."""
    return None if outcome.finding is not None else outcome.value.serial


def expect_reply(
    outcome: Outcome[Reply], what: str, hint: str | None = None, *, status: str | None = None
) -> Reply:
    """Return a good answer; raises a finding that says what failed.

    ``status`` is the hint for an answer with a bad status, where that is another one.
    """
    if outcome.finding is not None:
        found(f"{what}: {outcome.finding.seen}.", at=outcome.finding.mark, hint=hint)
    reply = outcome.value
    expect(
        reply.status == 200,
        f"{what} was answered with status {reply.status}: {reply.excerpt}",
        at=reply.serial,
        hint=status or hint,
    )
    return reply


def places_of(scene: Scene, *words: str) -> list[str]:
    """Name the tables and files in which one of ``words`` is stored."""
    stores = scene.student.stores
    places = [each for word in words for each in stores.places_containing(word, logs=True)]
    return list(dict.fromkeys(places))
