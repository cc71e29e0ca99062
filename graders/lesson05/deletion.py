"""The scenario in which a thread is deleted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import Outcome, Reply, Talk, attempt, say_held
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


async def play_deletion(talk: Talk) -> Deleted:
    """Delete one of two threads, look, write into it, look again, also into the files."""
    kept = await begin(talk, "kept")
    deleted = await begin(talk, "deleted")
    thread_id = deleted.thread_id
    await tell(talk, "more", thread_id)
    deletion = await attempt(talk.chat.delete(thread_id))
    views = await look(talk, thread_id)
    kept_views = await look(talk, kept.thread_id)
    await talk.student.settle()
    still = _stored(talk, deleted.word, deleted.answer_word, talk.word("more"))
    into = await tell(talk, "too late", thread_id)
    later = await look(talk, thread_id)
    half_way = await attempt(_delete_half_way(talk))
    return Deleted(deleted, kept, deletion, views, kept_views, into, later, still, half_way)


async def _delete_half_way(talk: Talk) -> HalfWay:
    """Delete a thread while the model is silent in the middle of its answer."""
    name = "half-way"
    turn = talk.script(name, say_held(*talk.chunks(name)))
    stream = await talk.chat.create(talk.message(name))
    await stream.until("thread.created")
    await turn.wait_asked()
    # A server may let the deletion wait for the answer.
    deleting = asyncio.ensure_future(attempt(talk.chat.delete(stream.thread_id)))
    for _ in range(_TURNS):
        await attempt(talk.student.settle())
    await turn.release_all()
    deletion, _ = await asyncio.gather(deleting, attempt(stream.finish_or_leave()))
    await talk.student.settle()
    return HalfWay(
        stream.thread_id,
        deletion,
        views=await look(talk, stream.thread_id),
        still_stored=_stored(talk, talk.chunks(name)[1]),
    )


def _stored(talk: Talk, *words: str) -> list[str]:
    """Name where one of the words still stands."""
    places = [place for word in words for place in places_containing(talk.student.own_dirs, word)]
    return list(dict.fromkeys(places))
