"""Scenarios in which something goes wrong: two tabs at once, a storage that cannot be used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    Scene,
    Stalled,
    attempt,
    recorded_as,
    say_held,
    threads_of,
)
from graders.engine.harness.stores import Stores
from graders.lesson05.threads import PAGE, Patience, begin

_PAUSE_SECONDS = 60.0
_LOCK_SECONDS = 12.0
"""How long a lock is held at most: a server that waits longer gets it, and is right too.

Some `lock_seconds` (lesson.yaml), as one message may take a handful of statements, and each waits.
"""


@dataclass(frozen=True)
class TwoTabs:
    """Two messages that were under way in one thread at the same time, and what is stored then.

    Which words the model answered with says nothing: either request may hold both messages.
    """

    first: Said
    tabs: tuple[Said, Said]
    items: Outcome[Reply]
    next: Said


@recorded_as("tabs")
async def play_two_tabs(scene: Scene) -> TwoTabs:
    """Send a message from each of two tabs before either of them has an answer."""
    first = await begin(scene, "first")
    thread_id = first.thread_id
    names = ("tab one", "tab two")
    turns = [scene.script(name, say_held(*scene.chunks(name))) for name in names]
    starting = [asyncio.ensure_future(attempt(scene.send(name, thread_id))) for name in names]
    await scene.rest()
    for turn in turns:
        await turn.release_all()
    started = await asyncio.gather(*starting)
    await asyncio.gather(
        *(begun.value.finish_or_leave() for begun in started if begun.finding is None)
    )
    one, two = (
        Said(scene, name, turn, begun)
        for name, turn, begun in zip(names, turns, started, strict=True)
    )
    items = await attempt(_items(scene, thread_id))
    return TwoTabs(first, (one, two), items, await scene.say("next", thread_id))


@dataclass(frozen=True)
class UnderWay:
    """An answer that the model holds back, and what was said meanwhile.

    ``held`` is the message with this answer, in the thread that ``first`` began; ``second`` was
    said in the same thread, ``elsewhere`` in one that was there, ``new`` in a new one. Each comes
    with what is stored of its thread at the end.
    """

    first: Said
    held: Said
    second: Said
    elsewhere: Said
    new: Said
    items: Outcome[Reply]
    items_elsewhere: Outcome[Reply]
    items_new: Outcome[Reply]
    next: Said


@recorded_as("under_way")
async def play_under_way(scene: Scene) -> UnderWay:
    """Say messages while the first words of an answer are out, and the model is silent then."""
    first = await begin(scene, "first")
    other = await begin(scene, "other")
    turn = scene.script("held", say_held(*scene.chunks("held")))
    starting = asyncio.ensure_future(attempt(scene.send("held", first.thread_id)))
    await attempt(turn.wait_asked())
    await turn.release(1)
    await scene.rest()
    second = await _say_meanwhile(scene, "second", first.thread_id)
    elsewhere = await _say_meanwhile(scene, "elsewhere", other.thread_id)
    new = await _say_meanwhile(scene, "new", None)
    await turn.release_all()
    held = Said(scene, "held", turn, await starting)
    for said in (held, second, elsewhere, new):
        if said.begun.finding is None:
            await said.stream.finish_or_leave()
    return UnderWay(
        first=first,
        held=held,
        second=second,
        elsewhere=elsewhere,
        new=new,
        items=await attempt(_items(scene, first.thread_id)),
        items_elsewhere=await attempt(_items(scene, other.thread_id)),
        items_new=await attempt(new.items(limit=PAGE, order="asc")),
        next=await scene.say("next", first.thread_id),
    )


async def _say_meanwhile(scene: Scene, name: str, thread_id: str | None) -> Said:
    """Say a message, and read as far as anything comes.

    A server may let it wait for the answer that is under way, and may do so before it sends the
    head of its own.
    """
    turn = scene.script(name)
    sending = asyncio.ensure_future(attempt(scene.send(name, thread_id)))
    await scene.rest()
    begun = await sending
    if begun.finding is None:
        with contextlib.suppress(Stalled):
            await begun.value.finish()
    return Said(scene, name, turn, begun)


@dataclass(frozen=True)
class Outage:
    """A thread before, while and after the storage could not be used; ``what`` had happened.

    ``leaves_empty_folder`` says that the data folder itself was there meanwhile, and empty.
    ``read``, ``listed``, ``renamed`` (to ``title``) and ``tries`` are what a client tried
    meanwhile. ``back`` and ``new`` are messages afterwards, in the thread and in a new one. After
    one more start, ``kept`` has each message with the items of its thread, ``kept_thread`` is the
    thread, and ``kept_ids`` are the ids in the list of threads.
    """

    what: str
    leaves_empty_folder: bool
    before: Said
    read: Outcome[Reply]
    listed: Outcome[Reply]
    renamed: Outcome[Reply]
    tries: tuple[Said, Said]
    items: Outcome[Reply]
    back: Said
    new: Said
    kept: list[tuple[Said, Outcome[Reply]]]
    title: str
    kept_thread: Outcome[Reply]
    kept_ids: Outcome[list[str]]


LOCKED = "locked by another program"
READ_ONLY = "a store that is read-only"
AWAY = "a store that is not there"


class StorageFault(NamedTuple):
    """What happens to a storage, and how it is told of files and of a database server."""

    told_of_files: str
    told_of_database: str
    to: Callable[[Stores], AbstractContextManager[None]]

    def told(self, stores: Stores) -> str:
        """Return what has happened."""
        return self.told_of_database if stores.is_database else self.told_of_files


STORAGE_FAULTS: dict[str, StorageFault] = {
    LOCKED: StorageFault(
        "another program had locked the database",
        "another program had locked the tables",
        Stores.locked,
    ),
    READ_ONLY: StorageFault(
        "the data folder was read-only",
        "the database was read-only",
        Stores.read_only,
    ),
    AWAY: StorageFault(
        "the data folder was not there",
        "the database server was away",
        Stores.away,
    ),
}


@recorded_as("locked")
async def play_locked(scene: Scene) -> Outage:
    """Lock the database, as a backup does."""
    return await _play_outage(scene, LOCKED)


@recorded_as("read_only")
async def play_read_only(scene: Scene) -> Outage:
    """Take away the right to write."""
    return await _play_outage(scene, READ_ONLY)


@recorded_as("moved")
async def play_moved(scene: Scene) -> Outage:
    """Move the folder, as when a disk is no longer mounted."""
    return await _play_outage(scene, AWAY)


async def _play_outage(scene: Scene, case: str) -> Outage:
    fault = STORAGE_FAULTS[case]
    what = fault.told(scene.student.stores)
    before = await begin(scene, "before")
    thread_id = before.thread_id
    await scene.student.rest()
    longest = _LOCK_SECONDS if case == LOCKED else None
    title = f"About {scene.canary.word('title')}"
    meanwhile = await _meanwhile(scene, before, title, fault, longest)
    there, elsewhere = meanwhile.tries
    items = await _with_second_try(scene, thread_id)
    back = await _tell_twice(scene, "back again", thread_id)
    new = await _tell_twice(scene, "new thread", None)
    await attempt(scene.student.restart())
    return Outage(
        what=what,
        leaves_empty_folder=case == AWAY and not scene.student.stores.is_database,
        before=before,
        read=meanwhile.read,
        listed=meanwhile.listed,
        renamed=meanwhile.renamed,
        tries=(there, elsewhere),
        items=items,
        back=back,
        new=new,
        kept=[
            *[(said, await attempt(_items(scene, thread_id))) for said in (before, there, back)],
            *[
                (said, await attempt(said.items(limit=PAGE, order="asc")))
                for said in (elsewhere, new)
            ],
        ],
        title=title,
        kept_thread=await attempt(scene.chat.get(thread_id)),
        kept_ids=await attempt(_all_thread_ids(scene)),
    )


@dataclass(frozen=True)
class _Meanwhile:
    read: Outcome[Reply]
    listed: Outcome[Reply]
    renamed: Outcome[Reply]
    tries: tuple[Said, Said]


async def _all_thread_ids(scene: Scene) -> list[str]:
    pages = await threads_of(scene.chat).walk(PAGE, "desc")
    return [name for page in pages for name in page.ids]


async def _meanwhile(
    scene: Scene, before: Said, title: str, fault: StorageFault, longest: float | None
) -> _Meanwhile:
    """Try to read and to write while the storage cannot be used, as long as there are answers."""
    thread_id, patience = before.thread_id, Patience()

    async def tries() -> _Meanwhile:
        return _Meanwhile(
            read=await patience.ask(_items(scene, thread_id), thread_id),
            listed=await patience.ask(scene.chat.list(limit=PAGE)),
            renamed=await patience.ask(scene.chat.update(thread_id, title), thread_id),
            tries=(
                await patience.say(scene, "meanwhile", thread_id),
                await patience.say(scene, "meanwhile, a new thread"),
            ),
        )

    with fault.to(scene.student.stores):
        trying = asyncio.ensure_future(tries())
        # Not to judge anything: whoever waits for a lock for longer, gets what it waits for.
        await asyncio.wait({trying}, timeout=longest)
    return await trying


async def _with_second_try(scene: Scene, thread_id: str) -> Outcome[Reply]:
    """Read a thread's items; where that fails, once more after a minute."""
    items = await attempt(_items(scene, thread_id))
    if items.finding is None and items.value.status == 200:
        return items
    await attempt(scene.student.advance(_PAUSE_SECONDS))
    return await attempt(_items(scene, thread_id))


async def _tell_twice(scene: Scene, name: str, thread_id: str | None) -> Said:
    """Say a message; where that fails, another one after a minute."""
    said = await scene.say(name, thread_id)
    if said.complete:
        return said
    await attempt(scene.student.advance(_PAUSE_SECONDS))
    return await scene.say(f"{name}, again", thread_id)


async def _items(scene: Scene, thread_id: str) -> Reply:
    return await scene.chat.items(thread_id, limit=PAGE, order="asc")
