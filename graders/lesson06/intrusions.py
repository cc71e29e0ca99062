"""Bob tries each operation on a thread of Alice's: the recording, and what may be seen in it.

A request is refused when nothing leaks and nothing changes; how the refusal looks is free. Must
not know criteria.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graders.engine.harness import (
    Finding,
    Order,
    RecordedCall,
    Scene,
    attempt,
    expect,
    needed,
    recorded_as,
    say,
)
from graders.lesson06.fabricated_ids import bare, similar_id
from graders.lesson06.operations import (
    CUSTOM_ACTION,
    FEEDBACK,
    GET,
    ITEMS,
    MESSAGE,
    OPERATIONS,
    RETRY,
    SYNC_ACTION,
    TOOL_OUTPUT,
    UPDATE,
    Operation,
    Target,
    message_about,
)
from graders.lesson06.people import Person, Sending, Thread, WholeAnswer, begin


@dataclass(frozen=True)
class Undisturbed:
    """A thread of Alice's that Bob does not touch: what she got for it, and when she went on."""

    thread: Thread
    items: WholeAnswer
    loaded: WholeAnswer
    later: WholeAnswer

    @property
    def listed(self) -> bool:
        """Whether she finds her items."""
        return _holds(self.items, self.thread)

    @property
    def opened(self) -> bool:
        """Whether she can load it."""
        return _holds(self.loaded, self.thread)


def _holds(answer: WholeAnswer, thread: Thread) -> bool:
    words = thread.words
    return answer.status == 200 and bool(words) and all(word in answer.body for word in words)


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
    undisturbed: Undisturbed

    @property
    def told(self) -> str:
        """Tell what was done."""
        return f"Alice starts thread A; {self.operation.tell('Bob', 'thread A')}"

    @property
    def sent(self) -> tuple[str, ...]:
        """The ids that Bob sent himself."""
        return self.thread.ids if self.operation.names_items else (self.thread.id,)


@dataclass(frozen=True)
class GoneOn:
    """A thread in which Alice went on when all was over, and what the model was then told."""

    thread: Thread
    answer: WholeAnswer
    told: tuple[str, ...]


@dataclass(frozen=True)
class Intrusions:
    """Bob's visits, one for each operation, and what followed.

    ``rated`` is the thread whose answer he rated, ``others`` are two that he only wanted to read:
    Alice went on in one of them before ``rated`` and in one after it. ``returned`` is what he got
    for her undisturbed thread, and for the list of his own, when the server was started again.
    """

    visits: Mapping[str, Intrusion]
    undisturbed: Undisturbed
    rated: GoneOn
    others: tuple[GoneOn, GoneOn]
    returned: Mapping[str, WholeAnswer]

    def __getitem__(self, operation: Operation) -> Intrusion:
        """Return the visit for one operation."""
        return self.visits[operation.kind]


LIST = "threads.list"
_WRITES = (MESSAGE, CUSTOM_ACTION, SYNC_ACTION, TOOL_OUTPUT)
"""What may leave something that only the model sees."""


@recorded_as("intrusion")
async def play_intrusions(scene: Scene) -> Intrusions:
    """Let Bob try each operation on a thread that Alice has begun for it."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    undisturbed = await _undisturbed(alice)
    visits = {each.kind: await _intrude(bob, each, undisturbed) for each in OPERATIONS}
    gone_on = [await _told(visits[each.kind].thread) for each in (GET, FEEDBACK, ITEMS)]
    return Intrusions(
        visits=visits,
        undisturbed=undisturbed,
        rated=gone_on[1],
        others=(gone_on[0], gone_on[2]),
        returned=await _return(bob, undisturbed.thread),
    )


async def _return(bob: Person, thread: Thread) -> dict[str, WholeAnswer]:
    """Start the server again and let Bob try to read, and to write in, a thread of Alice's."""
    # One that does not start again shows nothing to anybody.
    await attempt(bob.scene.student.restart())
    target, word = Target.of(thread), bob.scene.canary.word("bob returns")
    bob.scene.model.on(message_about(word), say("So be it."))
    tried = {each.kind: each.sending(target, word) for each in (GET, ITEMS, MESSAGE)}
    answers = {kind: await bob.send(sending) for kind, sending in tried.items()}
    return {**answers, LIST: await bob.send(lambda chat: chat.list(limit=100))}


async def _told(thread: Thread) -> GoneOn:
    """Let the owner go on; keep what the model is told, without what is this thread's alone."""
    answer = await _go_on(thread.owner, thread)
    names = (*thread.words, *thread.ids, thread.owner.scene.word(_key(thread)))
    lines = [bare(text, names) for call in answer.calls for text in _texts_of(call)]
    return GoneOn(thread, answer, tuple(lines))


def _texts_of(call: RecordedCall) -> Iterator[str]:
    yield call.instructions
    yield from (item.text for item in call.input)


async def _undisturbed(alice: Person) -> Undisturbed:
    thread = await begin(alice, "alice undisturbed")
    target = Target.of(thread)
    items = await alice.send(ITEMS.sending(target, ""))
    loaded = await alice.send(GET.sending(target, ""))
    return Undisturbed(thread, items, loaded, later=await _go_on(alice, thread))


async def _intrude(bob: Person, operation: Operation, undisturbed: Undisturbed) -> Intrusion:
    alice, scene = undisturbed.thread.owner, bob.scene
    thread = await begin(alice, f"alice {operation.kind}")
    target, word = Target.of(thread), scene.canary.word(f"bob {operation.kind}")
    scene.model.on(message_about(word), say("So be it."))
    # What a server does after an answer, such as a title, is not Bob's doing.
    await scene.student.rest()
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
        undisturbed=undisturbed,
    )


def _orders(operation: Operation) -> tuple[Order, ...]:
    """Return the orders in which to ask once more: each may be a query of its own."""
    return ("asc", "desc") if operation is ITEMS else ()


def _ordered(target: Target, order: Order) -> Sending:
    return lambda chat: chat.items(target.thread_id, order=order)


async def _go_on(alice: Person, thread: Thread) -> WholeAnswer:
    """Let Alice say something more."""
    key = _key(thread)
    alice.scene.script(key)
    return await alice.send(lambda chat: chat.say(thread.id, alice.scene.message(key)))


def _key(thread: Thread) -> str:
    return f"goes on in {thread.id}"


def _unknown(target: Target, scene: Scene, number: int) -> Target:
    """Return ids that look like the server's own and that it never gave out."""
    seed = scene.canary.seed + number
    return Target(
        similar_id(target.thread_id, seed),
        similar_id(target.message_id, seed),
        similar_id(target.answer_id, seed),
    )


OWNERS = "own-threads"
"""The criterion that judges whether owners can use their threads."""


def expect_refused(intrusion: Intrusion) -> None:
    """Raise the Finding of what leaked to Bob, or of what he changed."""
    _expect_no_leak(intrusion)
    _need_a_door(intrusion.operation, intrusion.undisturbed)
    _expect_unchanged(intrusion)


def _need_a_door(operation: Operation, alices: Undisturbed) -> None:
    """Need the owner to get what Bob was refused: what nobody gets shows no guard."""
    works = {
        GET: alices.opened,
        ITEMS: alices.listed,
        UPDATE: alices.opened,
        MESSAGE: alices.later.answered,
        RETRY: alices.later.answered,
    }
    needed(
        works.get(operation, True),
        f"`{operation.kind}`: Alice cannot do this in a thread of her own, or not see "
        "what it does, so nothing shows that others are refused.",
        by=OWNERS,
        at=alices.later.mark,
    )


def _expect_no_leak(intrusion: Intrusion) -> None:
    told, answer, thread = intrusion.told, intrusion.answer, intrusion.thread
    for each in (answer, *intrusion.also):
        _expect_nothing_of(thread, each, told, thread.leaked(each, intrusion.bob, intrusion.sent))


def _expect_nothing_of(
    thread: Thread, answer: WholeAnswer, told: str, secret: str | None, hint: str = "leak"
) -> None:
    """Raise the Finding of the ``secret`` that Bob sees, or of a word that his model reads."""
    expect(
        secret is None,
        f"{told}; Bob sees `{secret}`, {what_it_is(secret or '', thread)}.",
        at=answer.mark,
        hint=hint,
    )
    for call in answer.calls:
        for word in thread.words:
            expect(
                not call.contains(word),
                f"{told}; the model is asked for Bob, and reads `{word}`, "
                f"{what_it_is(word, thread)}.",
                at=answer.mark,
                hint=hint,
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
    told, thread, alices = intrusion.told, intrusion.thread, intrusion.undisturbed
    # What she does not find in a thread that nobody has touched is not Bob's doing.
    for seen, works in ((intrusion.items, alices.listed), (intrusion.loaded, alices.opened)):
        expect(
            seen.status == 200 or not works,
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
    kept = intrusion.items if alices.listed else intrusion.loaded
    needed(
        alices.listed or alices.opened,
        "Alice cannot see what is in a thread of her own, so nothing shows whether Bob changed it.",
        by=OWNERS,
        at=kept.mark,
    )
    for word in thread.words:
        expect(
            word in kept.body,
            f"{told}; afterwards `{word}`, {what_it_is(word, thread)}, is gone.",
            at=kept.mark,
            hint="changed",
        )
    for call in intrusion.later.calls if intrusion.later else ():
        expect(
            not call.contains(intrusion.word),
            f"{told}; when Alice goes on, the model reads `{intrusion.word}`, which Bob wrote.",
            at=intrusion.answer.mark,
            hint="changed",
        )


def expect_refused_after_restart(intrusions: Intrusions, operation: Operation) -> None:
    """Raise the Finding of what leaked to Bob when the server was started again."""
    answer, thread = intrusions.returned[operation.kind], intrusions.undisturbed.thread
    told = f"Alice starts thread A; the server is started again; {operation.tell('Bob', 'A')}"
    secret = thread.leaked(answer, _bob(intrusions), (thread.id,))
    # Nothing was forgotten where nothing was known before either.
    hint = "leak" if _leaks(intrusions[operation]) else "restart"
    _expect_nothing_of(thread, answer, told, secret, hint)
    _need_a_door(operation, intrusions.undisturbed)


def _leaks(intrusion: Intrusion) -> bool:
    try:
        _expect_no_leak(intrusion)
    except Finding:
        return True
    return False


def _bob(intrusions: Intrusions) -> Person:
    return intrusions[GET].bob


def expect_feedback_unheard(intrusions: Intrusions) -> None:
    """Raise the Finding of what the model read of Bob's feedback when Alice went on."""
    told, rated, others = intrusions[FEEDBACK].told, intrusions.rated, intrusions.others
    needed(
        rated.answer.answered and bool(rated.answer.calls),
        f"{told}; when Alice goes on, the model is not asked, so nothing shows what it would read.",
        by=OWNERS,
        at=rated.answer.mark,
    )
    before = intrusions.undisturbed.later.calls
    for each in (*others, rated):
        for call in each.answer.calls:
            for sign in ("negative", _bob(intrusions).sub):
                expect(
                    not call.contains(sign) or any(old.contains(sign) for old in before),
                    f"{told}; when Alice goes on, the model reads `{sign}`.",
                    at=each.answer.mark,
                    hint="heard",
                )
    # What differs between two threads that Bob has not rated is chance.
    if others[0].told == others[1].told:
        new = next((text for text in rated.told if text not in others[0].told), "")
        expect(
            rated.told == others[0].told,
            f"{told}; when Alice goes on, the model is told something else than in her other "
            f"threads: {new[:120]!r}.",
            at=rated.answer.mark,
            hint="heard",
        )
