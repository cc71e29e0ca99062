"""Scenarios in which time passes: the clock of the server is moved by hours and days."""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import Outcome, Talk, attempt
from graders.engine.harness.stored import holders
from graders.lesson05.talking import HOUR, PAGE, Said, Views, begin, look, tell

TTL = 24
SHORT_TTL = 2
LONG_TTL = 72


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


async def play_pauses(talk: Talk) -> Resumed:
    """Go on in one thread after an hour, and in another an hour before it expires."""
    early = await begin(talk, "early")
    left = await begin(talk, "left alone")
    await talk.student.advance(HOUR)
    resumed = await tell(talk, "an hour later", early.thread_id)
    await talk.student.advance((TTL - 2) * HOUR)
    views = await look(talk, left.thread_id)
    late = await tell(talk, "an hour before the end", left.thread_id)
    return Resumed(early, resumed, left, views, late)


@dataclass(frozen=True)
class Expired:
    """A thread an hour past its time, and one that was renewed meanwhile.

    ``still_stored`` names where the first one's text still stands after all chances to clean up.
    """

    left: Said
    renewed: Said
    renewing: Said
    left_views: Views
    revived: Said
    renewed_views: Views
    still_stored: list[str]


async def play_expiry(talk: Talk) -> Expired:
    """Leave one thread alone for longer than it lives; write in the other an hour before."""
    left = await begin(talk, "left alone")
    renewed = await begin(talk, "renewed")
    title = talk.canary.word("title")
    await attempt(talk.chat.update(left.thread_id, f"About {title}"))
    await talk.student.advance((TTL - 1) * HOUR)
    renewing = await tell(talk, "renewing", renewed.thread_id)
    await talk.student.advance(2 * HOUR)
    left_views = await look(talk, left.thread_id)
    renewed_views = await look(talk, renewed.thread_id)
    revived = await tell(talk, "too late", left.thread_id)
    await _give_chances_to_clean_up(talk)
    words = (left.word, left.answer_word, title)
    still = [place for word in words for place in holders(talk.student.own_dirs, word)]
    return Expired(
        left, renewed, renewing, left_views, revived, renewed_views, list(dict.fromkeys(still))
    )


async def _give_chances_to_clean_up(talk: Talk) -> None:
    """Let a day pass, read and write, start again: whatever makes a server forget what is old."""
    await attempt(talk.chat.list(limit=PAGE))
    await talk.student.advance((TTL + 1) * HOUR)
    await attempt(talk.chat.list(limit=PAGE))
    await tell(talk, "something new")
    await talk.student.restart()
    await attempt(talk.chat.list(limit=PAGE))
    await talk.student.settle()


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


async def play_other_ttls(talk: Talk) -> OtherTtls:
    """Leave a thread alone past a short TTL, and another for nearly as long as a long one."""
    return OtherTtls(
        short=await attempt(_play_ttl(talk, SHORT_TTL, SHORT_TTL + 1)),
        long=await attempt(_play_ttl(talk, LONG_TTL, LONG_TTL - 1)),
    )


async def _play_ttl(talk: Talk, hours: int, passed: int) -> OtherTtl:
    await talk.student.restart(variables={"SESSION_TTL_HOURS": str(hours)})
    left = await begin(talk, f"left alone for {passed} hours")
    await talk.student.advance(passed * HOUR)
    return OtherTtl(hours, passed, left, await look(talk, left.thread_id))
