"""Walks through pages while entries come and go, checked against a model of the list.

Must not know Hypothesis, nor criteria.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from graders.engine.harness import (
    MOST_PAGES,
    Finding,
    Listing,
    Order,
    Page,
    Said,
    Scene,
    attempt,
    items_in,
    threads_of,
)
from graders.lesson05.threads import begin, briefly

NOTHING, ADD, DELETE_READ, DELETE_UNREAD = "", "add", "delete read", "delete unread"
SAY_READ, SAY_UNREAD = "say in a read one", "say in an unread one"
RENAME_UNREAD = "rename an unread one"


@dataclass(frozen=True)
class Plan:
    """A walk: how many entries there are, how it reads, and what happens after each page."""

    count: int
    limit: int
    order: Order
    between: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, ...]:
        """What makes one walk shorter than another."""
        return (len([each for each in self.between if each]), self.count, self.limit)


@dataclass
class World:
    """The list as it ought to be: ids in the order in which they were made.

    ``add`` makes another entry (or two), ``delete`` takes one away; both keep ``alive`` right.
    ``use`` and ``rename`` change nothing in the list, and say whether they did anything.
    """

    listing: Listing
    add: Callable[[World], Awaitable[None]]
    delete: Callable[[World, str], Awaitable[bool]]
    use: Callable[[str], Awaitable[bool]]
    rename: Callable[[str], Awaitable[bool]]
    alive: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def make(self, ids: list[str]) -> None:
        """Note that these were made."""
        self.alive += ids
        self.made += ids

    def after(self, last: str | None, order: Order) -> list[str]:
        """Return what a client has still to see after ``last``."""
        ids = sorted(self.alive, key=self.made.index, reverse=order == "desc")
        if last is None:
            return ids
        edge, sign = self.made.index(last), -1 if order == "desc" else 1
        return [name for name in ids if (self.made.index(name) - edge) * sign > 0]

    def alive_of(self, entry: str | None) -> list[str]:
        """Return the entry, unless it was deleted."""
        return [entry] if entry is not None and entry in self.alive else []

    def name(self, entry: str) -> str:
        """Tell an entry by its number."""
        return f"{self.listing.what} {self.made.index(entry) + 1}"


async def walk_threads(scene: Scene, plan: Plan, play: int) -> None:
    """Make threads, walk through their list as planned, and delete them again."""
    numbers = iter(range(1, 1_000))

    async def add(world: World) -> None:
        name = f"walk {play} thread {next(numbers)}"
        said = await begin(scene, name, briefly(scene, name))
        world.make([said.thread_id])

    async def delete(world: World, entry: str) -> bool:
        await scene.chat.delete(entry)
        world.alive.remove(entry)
        return True

    async def say_in(entry: str) -> bool:
        name = f"walk {play} message {next(numbers)}"
        said = await scene.say(name, entry, briefly(scene, name))
        return said.complete

    async def rename(entry: str) -> bool:
        title = f"About {scene.canary.word(f'walk {play} title {next(numbers)}')}"
        return (await scene.chat.update(entry, title)).status == 200

    world = World(threads_of(scene.chat), add, delete, say_in, rename)
    for _ in range(plan.count):
        await add(world)
    try:
        await _walk(world, plan)
    finally:
        for entry in tuple(world.alive):
            await attempt(delete(world, entry))


async def walk_items(scene: Scene, plan: Plan, play: int) -> None:
    """Say some messages in a new thread, and walk through its items as planned.

    What a client can delete is an answer, by a retry, which puts a new one in its place.
    """
    opening = f"walk {play} message 1"
    first = await begin(scene, opening, briefly(scene, opening))
    said: list[Said] = [first]

    async def add(world: World) -> None:
        name = f"walk {play} message {len(said) + 1}"
        said.append(await scene.say(name, first.thread_id, briefly(scene, name)))
        if not said[-1].complete:
            raise Finding(f"A message got {said[-1].how}.", mark=said[-1].mark)
        world.make(said[-1].item_ids)

    async def delete(world: World, entry: str) -> bool:
        message, *answers = said[-1].item_ids
        if not answers or world.alive[-1] != answers[-1] or entry != answers[-1]:
            return False
        stream = await (await scene.chat.retry(first.thread_id, message)).finish()
        if stream.assistant_item is None or stream.error is not None:
            raise Finding("A retry got no new answer.", mark=stream.last_serial)
        world.alive.remove(entry)
        world.make([stream.assistant_item.item_id])
        return True

    async def leave_alone(_entry: str) -> bool:
        return False

    world = World(items_in(scene.chat, first.thread_id), add, delete, leave_alone, leave_alone)
    world.make(first.item_ids)
    while len(world.alive) < plan.count:
        await add(world)
    await _walk(world, plan)


async def _walk(world: World, plan: Plan) -> None:
    """Read page by page; raises a :class:`Finding` that tells of all up to the first wrong page."""
    what = world.listing.what
    first = "oldest" if plan.order == "asc" else "newest"
    told = [f"There are {len(world.alive)} {what}s, read by {plan.limit} from the {first}."]
    last: str | None = None
    after: str | None = None
    for number in range(1, MOST_PAGES):
        page = await world.listing.page(plan.limit, plan.order, after)
        wrong = _wrong(world, page, world.after(last, plan.order))
        if wrong:
            raise Finding(" ".join([*told, f"Page {number} {wrong}."]), mark=page.reply.serial)
        known = [entry for entry in page.ids if entry in world.made]
        last = known[-1] if known else last
        after = page.next
        if after is None:
            return
        happens = plan.between[number - 1] if number <= len(plan.between) else NOTHING
        if change := await _happen(world, plan, happens, last):
            told.append(f"After page {number} {change}.")


def _wrong(world: World, page: Page, expected: list[str]) -> str:
    """Tell in words what is wrong with a page; entries that nobody asked for are not looked at."""
    known = [entry for entry in page.ids if entry in world.made]
    for index, entry in enumerate(known):
        if index < len(expected) and entry == expected[index]:
            continue
        if entry not in world.alive:
            return f"still has {world.name(entry)}, which was deleted"
        if entry not in expected:
            return f"has {world.name(entry)}, which was on an earlier page"
        missed = expected[index] if index < len(expected) else entry
        return f"has {world.name(entry)} where {world.name(missed)} comes"
    rest = expected[len(known) :]
    if rest and not page.has_more:
        return f"is the last (`has_more: false`), and {world.name(rest[0])} never came"
    return ""


async def _happen(world: World, plan: Plan, what: str, cursor: str | None) -> str:
    """Let something happen between two pages; return it in words, or nothing if nothing did."""
    unread = world.after(cursor, plan.order)
    read = [entry for entry in world.alive if entry not in unread and entry != cursor]
    if what == ADD:
        before = len(world.made)
        await world.add(world)
        count = len(world.made) - before
        return f"{count} more came" if count > 1 else "one more came"
    for entry in {SAY_READ: world.alive_of(cursor), SAY_UNREAD: unread[-1:]}.get(what, []):
        if await world.use(entry):
            return f"a message came in {world.name(entry)}"
    if what == RENAME_UNREAD:
        for entry in unread[-1:]:
            if await world.rename(entry):
                return f"{world.name(entry)} got a title"
    targets = {DELETE_READ: read[-1:], DELETE_UNREAD: unread[:1]}.get(what, [])
    if what in {DELETE_READ, DELETE_UNREAD} and world.listing.what == "item":
        targets = [entry for entry in world.alive[-1:] if entry != cursor]
    for entry in targets:
        if await world.delete(world, entry):
            return f"{world.name(entry)} was deleted"
    return ""
