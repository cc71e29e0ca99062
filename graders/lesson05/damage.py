"""The scenario in which rows are damaged on the disk, and what the server makes of the rest.

Must not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Said,
    Scene,
    attempt,
    recorded_as,
    texts_of,
)
from graders.lesson05.threads import Patience, Views, begin, look


@dataclass(frozen=True)
class Damaged:
    """A server whose database has a damaged thread and a damaged item, and threads around them.

    ``healthy`` is a thread that nothing happened to, and that is newer; so is ``older``, which is
    only looked for in the list. ``bad_item`` and ``bad_thread`` are what a
    client gets of the damaged ones: one had a message replaced by rubbish, one its title.
    ``spared`` are the words of these two that the damage left in rows of their own; ``erased``
    those of them that are stored nowhere at the end. ``undamaged`` says that
    nothing was damaged that the server reads: a client still gets the message.
    """

    healthy: Said
    older: Said
    views: Views
    bad_answer: str
    bad_item: Views
    bad_thread: Views
    into_bad: tuple[Said, Said]
    follow_up: Said
    new: Said
    started: Outcome[None]
    spared: list[str]
    erased: list[str]
    undamaged: bool

    @property
    def has_old_id(self) -> bool:
        """Whether the new thread got the id of a damaged one."""
        if self.new.begun.finding is not None:
            return False
        old = (self.bad_item.thread_id, self.bad_thread.thread_id)
        return any(event.thread_id in old for event in self.new.stream.events)

    @property
    def hides_answer(self) -> bool:
        """Whether the thread is shown, and without the answer that has a sound row, as if empty."""
        outcome = self.bad_item.items
        return (
            self.bad_answer in self.spared
            and self.bad_item.thread.finding is None
            and self.bad_item.thread.value.status == 200
            and outcome.finding is None
            and outcome.value.status == 200
            and _is_empty(outcome.value)
        )


def _is_empty(reply: Reply) -> bool:
    """Return whether an answer is a page without texts; an error with status 200 is no page."""
    try:
        return not texts_of(reply)
    except Finding:
        return False


def _marks(*others: Said) -> list[str]:
    """Return what shows that a value belongs to other threads too: their words and quoted ids."""
    return [mark for said in others for mark in (*said.words, f'"{said.thread_id}"')]


@recorded_as("damaged")
async def play_damage(scene: Scene) -> Damaged:
    """Replace a message of one thread and the title of another by rubbish, on the disk."""
    older = await begin(scene, "older")
    bad_item = await begin(scene, "bad item")
    bad_thread = await begin(scene, "bad thread")
    healthy = await begin(scene, "healthy")
    title = scene.canary.word("title")
    await attempt(scene.chat.update(bad_thread.thread_id, f"About {title}"))
    await scene.student.kill()
    stores = scene.student.stores
    stores.damage(bad_item.word, _marks(older, bad_thread, healthy))
    is_title_hit = stores.damage(title, _marks(older, bad_item, healthy)) > 0
    own = (bad_item.answer_word, *bad_thread.words)
    left = [word for word in own if stores.places_containing(word)]
    started = await attempt(scene.student.start())
    patience = Patience(bad_item.thread_id, bad_thread.thread_id)
    damaged = Damaged(
        healthy=healthy,
        older=older,
        bad_answer=bad_item.answer_word,
        views=await look(scene, healthy.thread_id, patience),
        bad_item=await look(scene, bad_item.thread_id, patience),
        bad_thread=await look(scene, bad_thread.thread_id, patience),
        into_bad=(
            await patience.say(scene, "into bad item", bad_item.thread_id),
            await patience.say(scene, "into bad thread", bad_thread.thread_id),
        ),
        follow_up=await patience.say(scene, "follow-up", healthy.thread_id),
        new=await patience.say(scene, "new"),
        started=started,
        spared=left,
        erased=[],
        undamaged=False,
    )
    if not patience.over:
        await attempt(scene.student.rest())
    erased = [word for word in left if not stores.places_containing(word)]
    shows_item = damaged.bad_item.show(bad_item.word)
    lacks_title = is_title_hit and not damaged.bad_thread.show(title)
    undamaged = shows_item and not lacks_title
    return replace(damaged, erased=erased, undamaged=undamaged)
