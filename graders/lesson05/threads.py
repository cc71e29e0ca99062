"""What all scenarios of lesson05 need: threads that are begun, and all that is seen of them.

Must not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Said,
    Scene,
    Step,
    attempt,
    expect,
    found,
    items_of,
    lacking,
    say,
    thread_ids_of,
)
from graders.engine.harness.storage import places_containing

HOUR = 3_600.0
PAGE = 100


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


async def look(scene: Scene, thread_id: str) -> Views:
    """Read the list of threads, the thread and its items."""
    return Views(
        thread_id,
        threads=await attempt(scene.chat.list(limit=PAGE)),
        thread=await attempt(scene.chat.get(thread_id)),
        items=await attempt(scene.chat.items(thread_id, limit=PAGE, order="asc")),
    )


def shown_by(views: Views, said: Said) -> set[str]:
    """Name the requests that still show a thread: by its id, or by the words of ``said``."""
    found = set()
    if views.thread_id in _listed(views.threads):
        found.add("threads.list")
    for name, outcome in (("threads.get_by_id", views.thread), ("items.list", views.items)):
        if not is_gone(outcome) and len(lacking(outcome.value, said.words)) < len(said.words):
            found.add(name)
    return found


def _listed(outcome: Outcome[Reply]) -> list[str]:
    try:
        return thread_ids_of(outcome.value)
    except Finding:
        return []


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
    """Name the places on the disk where one of ``words`` is stored."""
    folders = scene.student.own_dirs
    places = [each for word in words for each in places_containing(folders, word, logs=True)]
    return list(dict.fromkeys(places))
