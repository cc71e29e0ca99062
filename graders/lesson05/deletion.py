"""The scenario in which a thread is deleted."""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import Outcome, Reply, Talk, attempt
from graders.engine.harness.stored import holders
from graders.lesson05.talking import Said, Views, begin, look, tell


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
    words = (deleted.word, deleted.answer_word, talk.word("more"))
    still = [place for word in words for place in holders(talk.student.own_dirs, word)]
    into = await tell(talk, "too late", thread_id)
    later = await look(talk, thread_id)
    return Deleted(
        deleted, kept, deletion, views, kept_views, into, later, list(dict.fromkeys(still))
    )
