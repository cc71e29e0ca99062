"""Bob's good token names Bob, and something else in his request names Alice.

Must not know criteria.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.engine.harness import Scene, recorded_as, user_input
from graders.lesson06.people import Person, Sending, Thread, WholeAnswer, begin

Fields = Mapping[str, Any]
_NAMES = ("user_id", "user", "uid", "id", "email", "name", "preferred_username")


NOTHING = "nothing else"
"""The way in which Bob says nothing of Alice: what he sees then is no impersonation."""
ANSWERS = ("a first message", "`threads.list`", "`threads.get_by_id`", "`items.list`")
"""What he got the answers in ``shown`` for."""


@dataclass(frozen=True)
class Impersonation:
    """What Bob got while he said in one way that he was Alice, and her list afterwards."""

    thread: Thread
    shown: tuple[WholeAnswer, ...]
    new_id: str
    threads: WholeAnswer

    @property
    def read(self) -> list[tuple[int, str]]:
        """The words of Alice's that Bob saw, each with the number of the answer."""
        words = self.thread.words
        return [
            (n, word)
            for n, answer in enumerate(self.shown)
            for word in words
            if word in answer.shown
        ]

    @property
    def listed(self) -> bool:
        """Whether Bob's list holds Alice's thread."""
        return self.thread.id in self.shown[1].strings - {self.new_id}

    @property
    def given(self) -> bool:
        """Whether Bob's new thread is in Alice's list."""
        return self.new_id in self.threads.strings - {self.thread.id}


@dataclass(frozen=True)
class _Way:
    """One way in which Bob says that he is Alice; ``fields`` go beside the ``params``."""

    bob: Person
    fields: Fields = field(default_factory=dict)
    params: Fields = field(default_factory=dict)


@recorded_as("impersonations")
async def play_impersonations(scene: Scene) -> dict[str, Impersonation]:
    """Let Bob say that he is Alice: in headers, the query, fields of the request, other claims."""
    alice = Person(scene, "Alice")
    thread = await begin(alice, "alice")
    claims: dict[str, Any] = dict.fromkeys(_NAMES, alice.sub)
    named = {**claims, "sub": alice.sub}
    powers = {"role": "admin", "roles": ["admin"], "scope": "admin", "is_admin": True}
    headers = ("x-user-id", "x-user", "x-forwarded-user", "x-auth-user", "x-user-email")
    plain, header, query, field_ = (Person(scene, "Bob", f"bob-{way}") for way in "nhqf")
    header.keep(headers=dict.fromkeys(headers, alice.sub) | {"cookie": f"user_id={alice.sub}"})
    query.keep(query=named)
    other = Person(scene, "Bob", "bob-c", {**claims, **powers})
    ways = {
        NOTHING: _Way(plain),
        "a header": _Way(header),
        "the query string": _Way(query),
        "the request's metadata": _Way(Person(scene, "Bob", "bob-m"), {"metadata": named}),
        "another field of the request": _Way(field_, _whose(named), _whose(named)),
        "another claim of the token": _Way(other),
    }
    return {way: await _impersonate(alice, thread, way, each) for way, each in ways.items()}


def _whose(named: Fields) -> Fields:
    """Leave out `id`, which is a thread's."""
    return {name: value for name, value in named.items() if name != "id"}


async def _impersonate(alice: Person, thread: Thread, way: str, means: _Way) -> Impersonation:
    bob, params, fields = means.bob, means.params, means.fields
    scene, key = bob.scene, f"bob by {way}"
    scene.script(key)
    begun = await bob.send(_begins(scene.message(key), fields, params))
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("threads.list", {}),
        ("threads.get_by_id", {"thread_id": thread.id}),
        ("items.list", {"thread_id": thread.id}),
    ]
    shown = [await bob.send(_asks(kind, {**params, **own}, fields)) for kind, own in kinds]
    return Impersonation(
        thread=thread,
        shown=(begun, *shown),
        new_id=begun.new_thread_id,
        threads=await alice.send(lambda chat: chat.list()),
    )


def _begins(text: str, fields: Fields, params: Fields) -> Sending:
    # What goes beside the parameters, but for the metadata, goes with the questions only.
    own = {**params, "input": user_input(text)}
    return lambda chat: chat.stream("threads.create", own, fields.get("metadata", {}))


def _asks(kind: str, params: Fields, fields: Fields) -> Sending:
    body = {"metadata": {}, **fields, "type": kind, "params": params}
    return lambda chat: chat.raw(body)
