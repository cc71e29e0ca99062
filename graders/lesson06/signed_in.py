"""Users with good tokens: that they work, odd names, the end of a token, whom the agent serves.

Must not know criteria.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from graders.engine.harness import (
    Chat,
    Outcome,
    RecordedCall,
    Scene,
    attempt,
    recorded_as,
    say_held,
)
from graders.lesson06.operations import Target
from graders.lesson06.people import (
    Person,
    Sending,
    Thread,
    WholeAnswer,
    begin,
    creates,
    once,
    read,
    send,
    thread_of,
    tokens_for,
)

SCHEMES = ("bearer", "BEARER", "bEaReR")


@dataclass(frozen=True)
class GoodToken:
    """A first message with a good token, and with the scheme in other letters."""

    first: Outcome[WholeAnswer]
    schemes: Mapping[str, Outcome[WholeAnswer]]


@recorded_as("good_token")
async def play_good_token(scene: Scene) -> GoodToken:
    """Say a first message in each way in which the scheme may be written."""
    first = await attempt(_say_as(scene, "Bearer"))
    schemes = {scheme: await attempt(_say_as(scene, scheme)) for scheme in SCHEMES}
    return GoodToken(first, schemes)


async def _say_as(scene: Scene, scheme: str) -> WholeAnswer:
    def chat() -> Chat:
        token = tokens_for(scene).good("alice")
        return scene.student.chat(headers={"authorization": f"{scheme} {token}"}, name="Alice")

    key = f"scheme {scheme}"
    scene.script(key)
    return await send(scene, chat, creates(scene, key))


SPECIAL = ("admin", "root", "anonymous", "None", "null", "*", "%")
"""Names that mean something to programs, and nothing as a user's."""
# What a user may be called: `sub` is any text. A clumsy server trips over these.
ODD: Mapping[str, str] = {
    "other scripts": "Zoë 東京 👩‍💻",
    "spaces and quotes": 'miles o\'brien "chief"',
    "SQL": "x' OR '1'='1' --",
    "a path": "../../data/chat",
    "a URL": "https://id.example/users/7?a=1&b=2#me",
    "the id of a provider": "auth0|5f7c8ec7c33c6c004bbafe82",
    "500 characters": "u" * 500,
    "a number": "42",
    **{f"`{sub}`": sub for sub in SPECIAL},
}
PLAIN = ("kim", "robin")
"""Two users of plain names: what the one gets of the other is no privilege of a name."""
SEPARATORS = (":", "/", "|", "-", "_", ".", "#", "")
"""What servers write between the parts of a key; the last one writes nothing."""
# Each two are two users; a server that tidies names up makes one of them.
PAIRS: Mapping[str, tuple[str, str]] = {
    "small and capital letters": ("Kim", "kim"),
    "a space at the end": ("kim", "kim "),
    "a zero at the beginning": ("42", "042"),
    "another form of the same letter": ("zo\u00eb", "zoe\u0308"),
    "a slash and an underscore": ("a/b", "a_b"),
    "a dot": ("k.im", "kim"),
    "the last of 300 characters": ("u" * 299 + "1", "u" * 299 + "2"),
    "a wildcard": ("k%", "kim"),
    "a name that begins another": ("kim", "kimberly"),
    "what comes after an at sign": ("kim@one.example", "kim@two.example"),
    "letters of another script": ("\u6771\u4eac", "\u5927\u962a"),
    "a space and how URLs write it": ("a b", "a%20b"),
    **{f"`a` and `a{mark}b`": ("a", f"a{mark}b") for mark in SEPARATORS},
}


@dataclass(frozen=True)
class Named:
    """A user, what they said and got for it, and their list of threads at the end."""

    sub: str
    word: str
    begun: WholeAnswer
    thread_id: str
    threads: WholeAnswer


@dataclass(frozen=True)
class Names:
    """The users by ``sub``, and what one got for the thread of another.

    ``joined`` is what users got for ids that make one key with their name: where keys are
    `user:thread`, the key of thread `b:1` of the user `a` is that of thread `1` of the user `a:b`.
    """

    users: Mapping[str, Named]
    crossed: Mapping[tuple[str, str], tuple[WholeAnswer, ...]]
    joined: Mapping[str, tuple[WholeAnswer, ...]]

    def others_in(self, named: Named) -> list[str]:
        """Return the ids in a user's list that others got for theirs."""
        others = {other.thread_id for other in self.users.values() if other is not named}
        return [each for each in others & named.threads.strings if each != named.thread_id]

    def lists(self, one: str, other: str) -> bool:
        """Return whether the list of ``one`` holds the thread of ``other``."""
        lister = self.users[one]
        return self.users[other].thread_id in lister.threads.strings - {lister.thread_id}

    def seen(self, one: str, other: str) -> bool:
        """Return whether ``one`` got to see what ``other`` has said."""
        return any(self.users[other].word in answer.shown for answer in self.crossed[one, other])


@recorded_as("names")
async def play_names(scene: Scene) -> Names:
    """Let users of every name begin a thread; then each lists their own."""
    subs = [*ODD.values(), *PLAIN, "b", *(sub for pair in PAIRS.values() for sub in pair)]
    people = {sub: Person(scene, "user", sub) for sub in dict.fromkeys(subs)}
    begun = {sub: await _hello(person) for sub, person in people.items()}
    users = {
        sub: Named(
            sub,
            scene.word(_greeting(person)),
            begun[sub],
            thread_id=begun[sub].new_thread_id,
            threads=await person.send(lambda chat: chat.list(limit=100)),
        )
        for sub, person in people.items()
    }
    plain, another = PLAIN
    pairs = [*PAIRS.values(), (another, plain)]
    pairs += [pair for sub in SPECIAL for pair in ((sub, plain), (plain, sub))]
    crossed = {
        (one, other): await _visit(people[one], users[other].thread_id)
        for one, other in dict.fromkeys(pairs)
    }
    joined = {mark: await _join(people, users[f"a{mark}b"].thread_id, mark) for mark in SEPARATORS}
    return Names(users, crossed, joined)


async def _visit(person: Person, thread_id: str) -> tuple[WholeAnswer, ...]:
    requests: tuple[Sending, ...] = (
        lambda chat: chat.get(thread_id),
        lambda chat: chat.items(thread_id),
    )
    return tuple([await person.send(request) for request in requests])


async def _join(people: Mapping[str, Person], theirs: str, mark: str) -> tuple[WholeAnswer, ...]:
    """Let `a` and `b` ask for ids that make one key with their own name, at either end."""
    before = await _visit(people["a"], f"b{mark}{theirs}")
    return (*before, *await _visit(people["b"], f"{theirs}{mark}a"))


def _greeting(person: Person) -> str:
    return f"hello of {person.sub}"


async def _hello(person: Person) -> WholeAnswer:
    scene, key = person.scene, _greeting(person)
    scene.script(key)
    return await person.send(creates(scene, key))


LIFETIME = 60.0
PASSED = 480.0
"""Seconds that pass while the answer streams; a client of the model waits for ten minutes."""
LONG_PASSED = 7_200.0
"""Seconds that pass afterwards: too large a leeway is judged elsewhere."""


@dataclass(frozen=True)
class Expiry:
    """A token that ends while an answer streams; what it gets then, and what a fresh one gets."""

    thread: Thread
    answer: str
    after: Mapping[str, WholeAnswer]
    fresh: WholeAnswer
    items: WholeAnswer


@recorded_as("expiry")
async def play_expiry(scene: Scene) -> Expiry:
    """Let a token end in the middle of an answer, then go on with it and with a fresh one."""
    alice = Person(scene, "Alice")
    token = tokens_for(scene).good(alice.sub, lifetime=LIFETIME)
    chat = scene.student.chat(headers={"authorization": f"Bearer {token}"}, name="Alice")
    thread = await _outlive(scene, alice, chat)
    await scene.student.advance(LONG_PASSED)
    for key in ("second", "third"):
        scene.script(key)
    requests: Mapping[str, Sending] = {
        "`threads.add_user_message`": lambda chat: chat.say(thread.id, scene.message("second")),
        "`items.list`": lambda chat: chat.items(thread.id),
        "`threads.list`": lambda chat: chat.list(),
    }
    after = {name: await send(scene, lambda: chat, req) for name, req in requests.items()}
    return Expiry(
        thread=thread,
        answer=scene.answer("first"),
        after=after,
        fresh=await alice.send(lambda chat: chat.say(thread.id, scene.message("third"))),
        items=await alice.send(lambda chat: chat.items(thread.id)),
    )


async def _outlive(scene: Scene, alice: Person, chat: Chat) -> Thread:
    """Begin a thread whose answer takes longer than the token lives; it may be cut off."""
    turn = scene.script("first", say_held(*scene.chunks("first")))
    # Some servers send nothing, not even a status, before they have the whole answer.
    creating = asyncio.ensure_future(chat.create(scene.message("first")))
    await scene.student.until(lambda: turn.used or creating.done())
    await scene.student.advance(PASSED)
    await turn.release_all()
    return thread_of(alice, "first", turn, await read(await creating))


@dataclass(frozen=True)
class Told:
    """What the model was asked for one request of a user, while another one uses the server too."""

    user: Person
    other: Person
    answer: WholeAnswer


@recorded_as("told")
async def play_told(scene: Scene) -> dict[str, Told]:
    """Let two users take turns with each kind of request that runs the agent."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    hers, his = await _told_thread(alice, bob), await _told_thread(bob, alice)
    (first, thread), (bobs_first, bobs) = hers, his
    scene.script("follow-up")
    scene.script("bob's follow-up")
    follow_up = await _told(
        alice, bob, lambda chat: chat.say(thread.id, scene.message("follow-up"))
    )
    await bob.send(lambda chat: chat.say(bobs.id, scene.message("bob's follow-up")))
    target = Target.of(thread)
    retry = await _told(alice, bob, lambda chat: chat.retry(thread.id, target.message_id))
    return {
        "a first message": first,
        "a follow-up": follow_up,
        "another answer": retry,
        "another user's first message": bobs_first,
    }


async def _told_thread(user: Person, other: Person) -> tuple[Told, Thread]:
    thread = await begin(user, f"{user.name} first")
    return Told(user, other, thread.begun), thread


async def _told(user: Person, other: Person, sending: Sending) -> Told:
    return Told(user, other, await user.send(sending))


USERS = 25
REQUESTS = 50


@dataclass(frozen=True)
class AtOnce:
    """One of fifty requests that were there at once.

    ``threads`` and ``items`` are what its user lists later, the items those of the new thread.
    """

    user: Person
    word: str
    said: str
    answer: WholeAnswer
    calls: tuple[RecordedCall, ...]
    threads: WholeAnswer
    items: WholeAnswer


@recorded_as("at_once")
async def play_at_once(scene: Scene) -> list[AtOnce]:
    """Let 25 users begin two threads each, all at once, and hold every answer of the model."""
    users = [Person(scene, f"User-{number}") for number in range(1, USERS + 1)]
    keys = [f"at once {number}" for number in range(REQUESTS)]
    turns = [scene.script(key, say_held(*scene.chunks(key))) for key in keys]
    sending = [
        asyncio.ensure_future(once(users[n % USERS].chat, creates(scene, key)))
        for n, key in enumerate(keys)
    ]
    # As many as the server takes at once are now in the middle of their answer.
    await asyncio.sleep(0)
    # Some ask the model something else first, such as whether a message is harmless.
    await scene.rest()
    # All get a part of their answer before one gets the next, so no answer is over before another.
    for _ in scene.chunks(keys[0]):
        for turn in turns:
            await turn.release()
        await scene.rest()
    for turn in turns:
        await turn.release_all()
    answers = await asyncio.gather(*sending)
    threads = [await user.send(lambda chat: chat.list(limit=100)) for user in users]
    items = [await users[n % USERS].send(_lists_items(answer)) for n, answer in enumerate(answers)]
    return [
        AtOnce(
            user=users[n % USERS],
            word=scene.word(key),
            said=scene.answer_word(key),
            answer=answers[n],
            calls=tuple(call for call in scene.model.calls if call.contains(scene.word(key))),
            threads=threads[n % USERS],
            items=items[n],
        )
        for n, key in enumerate(keys)
    ]


def _lists_items(answer: WholeAnswer) -> Sending:
    return lambda chat: chat.items(answer.new_thread_id)
