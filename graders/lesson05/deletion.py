"""The scenario in which a thread is deleted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    Scene,
    attempt,
    recorded_as,
    say_held,
    threads_of,
    within_limits,
)
from graders.lesson05.threads import PAGE, Views, begin, briefly, look, places_of, unhurried

_THREADS = 12


@dataclass(frozen=True)
class HalfWay:
    """A thread that was deleted while an answer in it was under way; how that ends is open.

    ``still_stored`` names where the answer's text is stored afterwards.
    """

    thread_id: str
    deletion: Outcome[Reply]
    views: Views
    still_stored: list[str]

    @property
    def is_deleted(self) -> bool:
        """Whether the server said that it deleted the thread; it may also say that it is busy."""
        return self.deletion.finding is None and self.deletion.value.status == 200


@dataclass(frozen=True)
class Deleted:
    """A thread that was deleted, some that were not, and a message into the deleted one.

    The second thread of ``all`` was deleted, too; ``before`` has the items of these two as they
    were. ``listed`` are the ids on all pages of the list afterwards, ``still_stored`` names where
    the deleted one's text is still stored.
    """

    all: list[Said]
    before: list[tuple[Said, Outcome[Reply]]]
    deleted: Said
    kept: list[tuple[Said, Outcome[Reply]]]
    deletion: Outcome[Reply]
    views: Views
    listed: Outcome[list[str]]
    into: Said
    later_views: Views
    still_stored: list[str]
    half_way: Outcome[HalfWay]


@recorded_as("deleted")
async def play_deletion(scene: Scene) -> Deleted:
    """Delete the first two threads, look, write into one, look again, also into the files."""
    deleted = await begin(scene, "deleted")
    thread_id = deleted.thread_id
    await scene.say("more", thread_id)
    # So many that the number of a deleted one is the beginning of another's: 1 and 10.
    names = [f"thread {number}" for number in range(2, _THREADS + 1)]
    others = [await begin(scene, name, briefly(scene, name)) for name in names]
    before = [(said, await attempt(_items(scene, said))) for said in (deleted, others[0])]
    deletion = await attempt(scene.chat.delete(thread_id))
    await attempt(scene.chat.delete(others[0].thread_id))
    views = await look(scene, thread_id)
    listed = await attempt(_all_listed(scene))
    kept = [(said, await attempt(_items(scene, said))) for said in others[1:]]
    await scene.student.rest()
    still = places_of(scene, *deleted.words, scene.word("more"))
    into = await scene.say("too late", thread_id)
    later = await look(scene, thread_id)
    half_way = await attempt(_delete_half_way(scene))
    return Deleted(
        all=[deleted, *others],
        before=before,
        deleted=deleted,
        kept=kept,
        deletion=deletion,
        views=views,
        listed=listed,
        into=into,
        later_views=later,
        still_stored=still,
        half_way=half_way,
    )


async def _items(scene: Scene, said: Said) -> Reply:
    return await within_limits(
        scene.student, lambda: scene.chat.items(said.thread_id, limit=PAGE, order="asc")
    )


async def _all_listed(scene: Scene) -> list[str]:
    """Return the ids of all threads; a server may cut a page of many short."""
    pages = await unhurried(scene, threads_of(scene.chat)).walk(PAGE, "desc")
    return [each for page in pages for each in page.ids]


async def _delete_half_way(scene: Scene) -> HalfWay:
    """Delete a thread while the model is silent in the middle of its answer."""
    name = "half-way"
    thread_id = (await begin(scene, "before half-way")).thread_id
    turn = scene.script(name, say_held(*scene.chunks(name)))
    # A server may send nothing before the answer is whole, or let the deletion wait for it.
    starting = asyncio.ensure_future(attempt(scene.send(name, thread_id)))
    await attempt(turn.wait_asked())
    deleting = asyncio.ensure_future(attempt(scene.chat.delete(thread_id)))
    await scene.rest()
    await turn.release_all()
    deletion, started = await asyncio.gather(deleting, starting)
    if started.finding is None:
        await attempt(started.value.finish_or_leave())
    await scene.student.rest()
    return HalfWay(
        thread_id,
        deletion,
        views=await look(scene, thread_id),
        still_stored=places_of(scene, scene.answer_word(name)),
    )
