"""Scenarios in which time passes: the clock of the server is moved by hours and days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from graders.engine.harness import (
    Outcome,
    Page,
    Reply,
    Said,
    Scene,
    attempt,
    lacking,
    recorded_as,
    threads_of,
)
from graders.lesson05.threads import (
    HOUR,
    PAGE,
    Views,
    begin,
    briefly,
    is_gone,
    look,
    places_of,
    start_again,
)

TTL = 24
SHORT_TTL = 2
LONG_TTL = 72
T = TypeVar("T")


@dataclass(frozen=True)
class Resumed:
    """A thread that went on after an hour, and one that was left alone up to an hour before TTL.

    ``early`` and ``resumed`` are messages of the first, ``left`` and ``late`` of the second.
    """

    early: Said
    resumed: Said
    left: Said
    views: Views
    late: Said


@recorded_as("pauses")
async def play_pauses(scene: Scene) -> Resumed:
    """Go on in one thread after an hour, and in another an hour before it expires."""
    early = await begin(scene, "early")
    left = await begin(scene, "left alone")
    await scene.student.advance(HOUR)
    resumed = await scene.say("an hour later", early.thread_id)
    await scene.student.advance((TTL - 2) * HOUR)
    views = await look(scene, left.thread_id)
    late = await scene.say("an hour before the end", left.thread_id)
    return Resumed(early, resumed, left, views, late)


@dataclass(frozen=True)
class LeftAlone(Generic[T]):
    """A thread an hour past its time, and what the first request then got, which is about it."""

    said: Said
    got: T


@dataclass(frozen=True)
class Expired:
    """Threads an hour past their time, one that was renewed meanwhile, and a ``young`` one.

    ``left`` and another were left alone, and are newer than ``renewed``; ``walk`` then reads all
    threads one by one, before anything else is asked. ``given``, ``read`` and ``revived`` are of
    later threads, left alone too, each with another first request after its time. ``still_stored``
    names where the text of ``left`` is still stored after all chances to clean up, which were given
    if ``cleaned_up`` has no finding.
    ``asked_database`` says that a statement has asked a database server for the time.
    """

    left: Said
    renewed: Said
    renewing: Said
    young: Said
    left_views: Views
    renewed_views: Views
    walk: Outcome[list[Page]]
    given: Outcome[LeftAlone[Outcome[Reply]]]
    read: Outcome[LeftAlone[Outcome[Reply]]]
    revived: Outcome[LeftAlone[Said]]
    cleaned_up: Outcome[None]
    still_stored: list[str]
    asked_database: bool


@recorded_as("expired")
async def play_expiry(scene: Scene) -> Expired:
    """Leave threads alone for longer than they live; write in an older one an hour before."""
    renewed = await begin(scene, "renewed")
    left = await begin(scene, "left alone")
    await begin(scene, "left alone, too", briefly(scene, "left alone, too"))
    title = scene.canary.word("title")
    await attempt(scene.chat.update(left.thread_id, f"About {title}"))
    await scene.student.advance((TTL - 1) * HOUR)
    renewing = await scene.say("renewing", renewed.thread_id)
    young = await scene.say("young")
    await scene.student.advance(2 * HOUR)
    walk = await attempt(threads_of(scene.chat).walk(1, "desc"))
    left_views = await look(scene, left.thread_id)
    renewed_views = await look(scene, renewed.thread_id)
    given = await attempt(
        _leave_alone(scene, "asked for", lambda name: attempt(scene.chat.get(name)))
    )
    read = await attempt(_leave_alone(scene, "read", lambda name: attempt(_items(scene, name))))
    revived = await attempt(_leave_alone(scene, "revived", lambda name: scene.say("late", name)))
    cleaned_up = await attempt(_give_chances_to_clean_up(scene))
    return Expired(
        left=left,
        renewed=renewed,
        renewing=renewing,
        young=young,
        left_views=left_views,
        renewed_views=renewed_views,
        walk=walk,
        given=given,
        read=read,
        revived=revived,
        cleaned_up=cleaned_up,
        still_stored=places_of(scene, *left.words, title),
        asked_database=scene.student.stores.takes_time_from_sql,
    )


async def _leave_alone(scene: Scene, name: str, ask: Callable[[str], Awaitable[T]]) -> LeftAlone[T]:
    """Begin a thread, let its time pass and an hour more, and then ask about it first."""
    said = await begin(scene, name, briefly(scene, name))
    await scene.student.advance((TTL + 1) * HOUR)
    return LeftAlone(said, await ask(said.thread_id))


async def _items(scene: Scene, thread_id: str) -> Reply:
    return await scene.chat.items(thread_id, limit=PAGE, order="asc")


async def _give_chances_to_clean_up(scene: Scene) -> None:
    """Read and write, start again: what makes a server forget what is old, after days passed."""
    await attempt(scene.chat.list(limit=PAGE))
    await scene.say("something new")
    await start_again(scene)
    await attempt(scene.chat.list(limit=PAGE))
    await scene.student.rest()


@dataclass(frozen=True)
class Untouched:
    """Threads that nobody wrote in for longer than they live, though they were used in other ways.

    ``done`` has, for each thread, what was done with it an hour before its time was over, and what
    is seen of it an hour after.
    """

    done: list[tuple[str, Said, Views]]


@recorded_as("untouched")
async def play_untouched(scene: Scene) -> Untouched:
    """Open a thread, read one and rename one, list them all: none of this is a message."""
    opened = await begin(scene, "opened", briefly(scene, "opened"))
    read = await begin(scene, "read again", briefly(scene, "read again"))
    renamed = await begin(scene, "renamed", briefly(scene, "renamed"))
    listed = await begin(scene, "listed", briefly(scene, "listed"))
    await scene.student.advance((TTL - 1) * HOUR)
    await attempt(scene.chat.get(opened.thread_id))
    await attempt(_items(scene, read.thread_id))
    await attempt(scene.chat.update(renamed.thread_id, f"About {scene.canary.word('new title')}"))
    await attempt(scene.chat.list(limit=PAGE))
    await scene.student.advance(2 * HOUR)
    done = (("opened", opened), ("read", read), ("renamed", renamed), ("listed", listed))
    return Untouched([(how, said, await look(scene, said.thread_id)) for how, said in done])


@dataclass(frozen=True)
class StartedAgain:
    """A server that was started again an hour before the time of a thread was over.

    ``left`` and ``early`` were left alone, ``renewed`` got a message just before the start, and
    ``fresh`` began then. Of ``early`` and ``fresh`` it is told what a client can read after the
    start, of ``left`` and ``renewed`` what it can read two hours later, and not before.
    """

    early: tuple[Said, Outcome[Reply]]
    fresh: tuple[Said, Outcome[Reply]]
    left: tuple[Said, Views]
    renewed: tuple[Said, Outcome[Reply]]

    @property
    def keeps(self) -> bool:
        """Whether a start keeps messages at all; if it does not, no time can be seen to pass."""
        said, items = self.fresh
        return not is_gone(items) and not lacking(items.value, said.words)


@recorded_as("started_again")
async def play_started_again(scene: Scene) -> StartedAgain:
    """Kill the server and start it again while the time of a session passes."""
    early = await begin(scene, "early")
    left = await begin(scene, "left alone")
    renewed = await begin(scene, "renewed")
    await scene.student.advance((TTL - 1) * HOUR)
    await scene.say("renewing", renewed.thread_id)
    fresh = await begin(scene, "fresh")
    await start_again(scene)
    early_kept = await attempt(_items(scene, early.thread_id))
    fresh_kept = await attempt(_items(scene, fresh.thread_id))
    await scene.student.advance(2 * HOUR)
    return StartedAgain(
        early=(early, early_kept),
        fresh=(fresh, fresh_kept),
        left=(left, await look(scene, left.thread_id)),
        renewed=(renewed, await attempt(_items(scene, renewed.thread_id))),
    )


@dataclass(frozen=True)
class OtherTtl:
    """A thread of a server that was started with another ``SESSION_TTL_HOURS``."""

    hours: int
    passed: int
    left: Said
    views: Views


@dataclass(frozen=True)
class OtherTtls:
    """One server, started with a short TTL and then with a long one."""

    short: Outcome[OtherTtl]
    long: Outcome[OtherTtl]


@recorded_as("other_ttls")
async def play_other_ttls(scene: Scene) -> OtherTtls:
    """Leave a thread alone past a short TTL, and another for nearly as long as a long one."""
    return OtherTtls(
        short=await attempt(_play_ttl(scene, SHORT_TTL, SHORT_TTL + 1)),
        long=await attempt(_play_ttl(scene, LONG_TTL, LONG_TTL - 1)),
    )


async def _play_ttl(scene: Scene, hours: int, passed: int) -> OtherTtl:
    await start_again(scene, {"SESSION_TTL_HOURS": str(hours)})
    left = await begin(scene, f"left alone for {passed} hours")
    await scene.student.advance(passed * HOUR)
    return OtherTtl(hours, passed, left, await look(scene, left.thread_id))
