"""Bob tries each operation on a thread of Alice's: the recording, and what may be seen in it.

A request is refused when nothing leaks and nothing changes; how the refusal looks is free. Must
not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import Order, Scene, expect, recorded_as, say
from graders.lesson06.fabricated_ids import similar_id
from graders.lesson06.operations import (
    CUSTOM_ACTION,
    GET,
    ITEMS,
    MESSAGE,
    OPERATIONS,
    SYNC_ACTION,
    TOOL_OUTPUT,
    Operation,
    Target,
    message_about,
)
from graders.lesson06.people import Person, Sending, Thread, WholeAnswer, begin


@dataclass(frozen=True)
class Intrusion:
    """What Bob got for a thread of Alice's, what for two unknown ones, and what she found after.

    ``word`` is what Bob wrote, ``unknown_word`` what he wrote to unknown threads, ``later``
    what Alice got when she went on; ``also`` are answers to the same request in other orders.
    """

    operation: Operation
    thread: Thread
    bob: Person
    word: str
    answer: WholeAnswer
    also: tuple[WholeAnswer, ...]
    unknown_word: str
    unknown: tuple[WholeAnswer, WholeAnswer]
    unknown_targets: tuple[Target, Target]
    items: WholeAnswer
    loaded: WholeAnswer
    later: WholeAnswer | None

    @property
    def told(self) -> str:
        """Tell what was done."""
        return f"Alice starts thread A; {self.operation.tell('Bob', 'thread A')}"

    @property
    def sent(self) -> tuple[str, ...]:
        """The ids that Bob sent himself."""
        return self.thread.ids if self.operation.names_items else (self.thread.id,)


Intrusions = dict[str, Intrusion]
_WRITES = (MESSAGE, CUSTOM_ACTION, SYNC_ACTION, TOOL_OUTPUT)
"""What may leave something that only the model sees."""


@recorded_as("intrusion")
async def play_intrusions(scene: Scene) -> Intrusions:
    """Let Bob try each operation on a thread that Alice has begun for it."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    return {
        operation.kind: await _intrude(scene, alice, bob, operation) for operation in OPERATIONS
    }


async def _intrude(scene: Scene, alice: Person, bob: Person, operation: Operation) -> Intrusion:
    thread = await begin(alice, f"alice {operation.kind}")
    target, word = Target.of(thread), scene.canary.word(f"bob {operation.kind}")
    scene.model.on(message_about(word), say("So be it."))
    # What a server does after an answer, such as a title, is not Bob's doing.
    await scene.student.settle()
    answer = await bob.send(operation.sending(target, word))
    also = [await bob.send(_ordered(target, order)) for order in _orders(operation)]
    unknown_word = scene.canary.word(f"bob {operation.kind} unknown")
    targets = (_unknown(target, scene, 1), _unknown(target, scene, 2))
    unknown = [await bob.send(operation.sending(each, unknown_word)) for each in targets]
    items = await alice.send(ITEMS.sending(target, word))
    loaded = await alice.send(GET.sending(target, word))
    later = await _go_on(alice, thread) if operation in _WRITES else None
    return Intrusion(
        operation=operation,
        thread=thread,
        bob=bob,
        word=word,
        answer=answer,
        also=tuple(also),
        unknown_word=unknown_word,
        unknown=(unknown[0], unknown[1]),
        unknown_targets=targets,
        items=items,
        loaded=loaded,
        later=later,
    )


def _orders(operation: Operation) -> tuple[Order, ...]:
    """Return the orders in which to ask once more: each may be a query of its own."""
    return ("asc", "desc") if operation is ITEMS else ()


def _ordered(target: Target, order: Order) -> Sending:
    return lambda chat: chat.items(target.thread_id, order=order)


async def _go_on(alice: Person, thread: Thread) -> WholeAnswer:
    """Let Alice say something more."""
    key = f"goes on in {thread.id}"
    alice.scene.script(key)
    return await alice.send(lambda chat: chat.say(thread.id, alice.scene.message(key)))


def _unknown(target: Target, scene: Scene, number: int) -> Target:
    """Return ids that look like the server's own and that it never gave out."""
    seed = scene.canary.seed + number
    return Target(
        similar_id(target.thread_id, seed),
        similar_id(target.message_id, seed),
        similar_id(target.answer_id, seed),
    )


def expect_refused(intrusion: Intrusion) -> None:
    """Raise the Finding of what leaked to Bob, or of what he changed."""
    _expect_no_leak(intrusion)
    _expect_unchanged(intrusion)


def _expect_no_leak(intrusion: Intrusion) -> None:
    told, answer, thread = intrusion.told, intrusion.answer, intrusion.thread
    for each in (answer, *intrusion.also):
        secret = thread.leaked(each, intrusion.bob, intrusion.sent)
        expect(
            secret is None,
            f"{told}; Bob sees `{secret}`, {what_it_is(secret or '', thread)}.",
            at=each.mark,
            hint="leak",
        )
    for call in answer.calls:
        for word in thread.words:
            expect(
                not call.contains(word),
                f"{told}; the model is asked for Bob, and reads `{word}`, "
                f"{what_it_is(word, thread)}.",
                at=answer.mark,
                hint="leak",
            )


def what_it_is(secret: str, thread: Thread) -> str:
    """Say what a secret of a thread is to its owner."""
    name = thread.owner.name
    if secret == thread.message:
        return f"which {name} wrote"
    if secret == thread.answer:
        return f"which the agent said to {name}"
    return f"the id of {name}" if secret == thread.owner.sub else f"an id in {name}'s thread"


def _expect_unchanged(intrusion: Intrusion) -> None:
    told, thread = intrusion.told, intrusion.thread
    for seen in (intrusion.items, intrusion.loaded):
        expect(
            seen.status == 200,
            f"{told}; afterwards Alice cannot load thread A any more.",
            at=seen.mark,
            hint="changed",
        )
        expect(
            intrusion.word not in seen.shown,
            f"{told}; afterwards `{intrusion.word}`, which Bob wrote, is in Alice's thread.",
            at=seen.mark,
            hint="changed",
        )
    for word in thread.words:
        expect(
            word in intrusion.items.body,
            f"{told}; afterwards `{word}`, {what_it_is(word, thread)}, is gone.",
            at=intrusion.items.mark,
            hint="changed",
        )
    for call in intrusion.later.calls if intrusion.later else ():
        expect(
            not call.contains(intrusion.word),
            f"{told}; when Alice goes on, the model reads `{intrusion.word}`, which Bob wrote.",
            at=intrusion.answer.mark,
            hint="changed",
        )
