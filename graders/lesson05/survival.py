"""Scenarios in which the power fails: `kill -9`, and a start on the same data folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Page,
    Reply,
    Said,
    Scene,
    attempt,
    call_tool,
    recorded_as,
    threads_of,
)
from graders.lesson05.threads import (
    PAGE,
    Views,
    begin,
    briefly,
    look,
    silence_of,
    start_again,
    steps_with_tool,
    unhurried,
)

SAVE_PREFERENCE = "save_preference"
THREADS = 100
AT_ONCE = 5
_DELETED = 3
LIST_PAGE = 2


@dataclass(frozen=True)
class PowerFailure:
    """Two threads before and after the server was killed; a preference, titles, half a listing.

    ``offered`` tells whether the model could save the preference.
    ``said`` are the messages of the first thread, ``other`` that of the second. ``half`` is the
    first page of the items, ``rest`` the page after it, read after the start.
    """

    scene: Scene
    preference: tuple[str, str]
    offered: bool
    titles: tuple[str, str]
    said: list[Said]
    other: Said
    titled: Outcome[Reply]
    half: Outcome[Reply]
    before: tuple[Views, Views]
    started: Outcome[None]
    seen_after: tuple[Views, Views]
    rest: Outcome[Reply]
    resumed: Said

    @property
    def after(self) -> tuple[Views, Views]:
        """What a client can read after the start; raises the finding that there was none."""
        _ = self.started.value
        return self.seen_after

    @property
    def words(self) -> list[str]:
        """The words of the first thread before the failure, in order."""
        return [word for said in self.said for word in said.words]


@recorded_as("failure")
async def play_power_failure(scene: Scene) -> PowerFailure:
    """Say messages in two threads, kill the server, start it, read all back and go on."""
    key, value = scene.canary.word("key").replace("-", "_"), scene.canary.word("value")
    tool = call_tool(SAVE_PREFERENCE, {"key": key, "value": value})
    first = await begin(scene, "first")
    thread_id = first.thread_id
    # A tool that the model was not offered cannot be called.
    offered = any(SAVE_PREFERENCE in call.tools for call in first.calls)
    steps = steps_with_tool(scene, "second", tool) if offered else ()
    second = await scene.say("second", thread_id, *steps)
    other = await begin(scene, "other")
    titles = (f"About {scene.canary.word('title')}", f"On {scene.canary.word('other title')}")
    titled = await attempt(scene.chat.update(thread_id, titles[0]))
    await attempt(scene.chat.update(other.thread_id, titles[1]))
    half = await attempt(scene.chat.items(thread_id, limit=LIST_PAGE, order="asc"))
    before = (await look(scene, thread_id), await look(scene, other.thread_id))
    third = await scene.say("third", thread_id)
    started = await attempt(start_again(scene))
    after = (await look(scene, thread_id), await look(scene, other.thread_id))
    return PowerFailure(
        scene=scene,
        preference=(key, value),
        offered=offered,
        titles=titles,
        said=[first, second, third],
        other=other,
        titled=titled,
        half=half,
        before=before,
        started=started,
        seen_after=after,
        rest=await attempt(_next_page(scene, thread_id, half)),
        resumed=await scene.say("fourth", thread_id),
    )


async def _next_page(scene: Scene, thread_id: str, half: Outcome[Reply]) -> Reply:
    after = half.value.object.get("after")
    return await scene.chat.items(thread_id, limit=PAGE, order="asc", after=str(after))


@dataclass(frozen=True)
class Hundred:
    """A hundred threads, some of which were ``deleted``; the server was killed half-way.

    There are fewer if a message was never answered: nothing was begun after it.

    ``walks`` are through the list of all, for each `limit`; ``None`` says that none was sent.
    """

    said: list[Said]
    deleted: list[Said]
    walks: dict[int | None, Outcome[list[Page]]]

    @property
    def alive(self) -> list[str]:
        """The ids of the threads that were not deleted."""
        gone = [said.thread_id for said in self.deleted]
        names = [said.thread_id for said in self.said if said.complete]
        # An id that was given again belongs to a thread that is there; another criterion says so.
        return list(dict.fromkeys(name for name in names if names.count(name) > gone.count(name)))

    def item_ids(self) -> list[str]:
        """Return the ids of all items that came."""
        streams = [said.stream for said in self.said]
        items = [item for s in streams for item in (s.user_item, s.assistant_item)]
        return [item.item_id for item in items if item is not None]


@recorded_as("hundred")
async def play_hundred_threads(scene: Scene) -> Hundred:
    """Begin a hundred threads, a few at a time; delete some, and kill the server, half-way.

    No more are begun once a message was never answered.
    """
    said: list[Said] = []
    await _begin_many(scene, range(THREADS // 2), said)
    deleted = [each for each in said[:_DELETED] if each.complete]
    for each in deleted:
        await attempt(scene.chat.delete(each.thread_id))
    await start_again(scene)
    await _begin_many(scene, range(THREADS // 2, THREADS), said)
    listing = unhurried(scene, threads_of(scene.chat))
    walks = {limit: await attempt(listing.walk(limit, "desc")) for limit in (PAGE, None)}
    return Hundred(said, deleted, walks)


async def _begin_many(scene: Scene, numbers: range, said: list[Said]) -> None:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        # Each that is never answered takes seconds, and one decides.
        if any(silence_of(each) is not None for each in said):
            return
        some = range(start, min(start + AT_ONCE, numbers.stop))
        said += await asyncio.gather(*(_begin_briefly(scene, f"thread {n}") for n in some))


async def _begin_briefly(scene: Scene, name: str) -> Said:
    return await scene.say(name, None, briefly(scene, name))
