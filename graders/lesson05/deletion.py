"""The scenario in which a thread is deleted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import Outcome, Reply, Scene, attempt, recorded_as, say_held
from graders.engine.harness.storage import places_containing
from graders.lesson05.talking import Said, Views, begin, look, tell

_TURNS = 5


@dataclass(frozen=True)
class HalfWay:
    """A thread that was deleted while an answer in it was under way; how that ends is open.

    ``still_stored`` names where the answer's text stands afterwards.
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
    """A thread that was deleted, one that was not, and a message into the deleted one.

    ``still_stored`` names where the deleted one's text still stands.
    """

    deleted: Said
    kept: Said
    deletion: Outcome[Reply]
    views: Views
    kept_views: Views
    into: Said
    later_views: Views
    still_stored: list[str]
    half_way: Outcome[HalfWay]


@recorded_as("deleted")
async def play_deletion(scene: Scene) -> Deleted:
    """Delete one of two threads, look, write into it, look again, also into the files."""
    kept = await begin(scene, "kept")
    deleted = await begin(scene, "deleted")
    thread_id = deleted.thread_id
    await tell(scene, "more", thread_id)
    deletion = await attempt(scene.chat.delete(thread_id))
    views = await look(scene, thread_id)
    kept_views = await look(scene, kept.thread_id)
    await scene.student.settle()
    still = _stored(scene, deleted.word, deleted.answer_word, scene.word("more"))
    into = await tell(scene, "too late", thread_id)
    later = await look(scene, thread_id)
    half_way = await attempt(_delete_half_way(scene))
    return Deleted(deleted, kept, deletion, views, kept_views, into, later, still, half_way)


async def _delete_half_way(scene: Scene) -> HalfWay:
    """Delete a thread while the model is silent in the middle of its answer."""
    name = "half-way"
    turn = scene.script(name, say_held(*scene.chunks(name)))
    stream = await scene.chat.create(scene.message(name))
    await stream.until("thread.created")
    await turn.wait_asked()
    # A server may let the deletion wait for the answer.
    deleting = asyncio.ensure_future(attempt(scene.chat.delete(stream.thread_id)))
    for _ in range(_TURNS):
        await attempt(scene.student.settle())
    await turn.release_all()
    deletion, _ = await asyncio.gather(deleting, attempt(stream.finish_or_leave()))
    await scene.student.settle()
    return HalfWay(
        stream.thread_id,
        deletion,
        views=await look(scene, stream.thread_id),
        still_stored=_stored(scene, scene.chunks(name)[1]),
    )


def _stored(scene: Scene, *words: str) -> list[str]:
    """Name where one of the words still stands."""
    places = [place for word in words for place in places_containing(scene.student.own_dirs, word)]
    return list(dict.fromkeys(places))
