"""Sequences of requests of three users of one server, against a model of who owns what.

Hypothesis makes sequences and shrinks one that leaks to the shortest. Each is played with users of
its own on the same server, so that none disturbs another. Must not know criteria.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from graders.engine.harness import Scene, expect, say
from graders.lesson06.leaks import tells
from graders.lesson06.operations import (
    CUSTOM_ACTION,
    DELETE,
    GET,
    ITEMS,
    MESSAGE,
    RETRY,
    UPDATE,
    Operation,
    Target,
    message_about,
)
from graders.lesson06.people import Person, Thread, WholeAnswer, begin

NAMES = ("Alice", "Bob", "Carol")
_ON_THREADS = (GET, ITEMS, MESSAGE, UPDATE, RETRY, CUSTOM_ACTION, DELETE)
_LIST = "list"
_BEGIN = "begin"
_MOST_THREADS = 4
_FIRST_PAGE = 10
"""Words that a thread is sure to show when it is loaded: the SDK gives its first 20 items."""


@dataclass(frozen=True)
class Step:
    """One thing that a user does: ``what`` is an operation, or one that needs no thread."""

    user: int
    what: Operation | str
    thread: int


def _steps() -> st.SearchStrategy[Step]:
    # Begin, read and write are more than the rest: without threads there is nothing to leak.
    kinds = (_BEGIN, *_ON_THREADS, _LIST, GET, ITEMS, MESSAGE)
    return st.builds(
        Step,
        user=st.integers(0, len(NAMES) - 1),
        what=st.sampled_from(kinds),
        thread=st.integers(0, _MOST_THREADS - 1),
    )


SEQUENCES: st.SearchStrategy[tuple[Step, ...]] = st.lists(_steps(), min_size=4, max_size=16).map(
    tuple
)


def _turns() -> tuple[Step, ...]:
    """Return the plainest sequence of all: two users, each in a thread of their own."""
    begun = (Step(0, _BEGIN, 0), Step(1, _BEGIN, 0))
    return (*begun, Step(0, MESSAGE, 0), Step(1, MESSAGE, 1), Step(0, _LIST, 0), Step(1, _LIST, 0))


def _pairs() -> Iterator[tuple[Step, ...]]:
    """Yield a sequence for each thing that an owner may do, after which another tries them all."""
    for what in (GET, ITEMS, MESSAGE, UPDATE, RETRY, CUSTOM_ACTION, _LIST, DELETE):
        others = [Step(1, each, 0) for each in (*_ON_THREADS, _LIST)]
        yield (Step(0, _BEGIN, 0), Step(0, what, 0), *others)


KNOWN = (_turns(), *_pairs())


@dataclass
class _Known:
    """A thread of the model: its owner, its letter, what its owner must still find in it."""

    thread: Thread
    letter: str
    kept: list[str]
    title: str = ""
    alive: bool = True


@dataclass
class Play:
    """One play: who there is, what is whose, and what was done so far, in words."""

    scene: Scene
    number: int
    done: list[str] = field(default_factory=list)
    _people: dict[int, Person] = field(default_factory=dict)
    _threads: list[_Known] = field(default_factory=list)
    _words: dict[str, tuple[Person, str]] = field(default_factory=dict)
    _ids: dict[str, tuple[Person, str]] = field(default_factory=dict)

    async def run(self, steps: Sequence[Step]) -> None:
        """Do all steps, then let each owner look; raises the Finding of the first leak."""
        for step in steps:
            await self._do(step)
        for known in self._threads:
            if known.alive:
                await self._operate(known.thread.owner, ITEMS, known)
                await self._list(known.thread.owner)

    async def _do(self, step: Step) -> None:
        person = self._person(step.user)
        if step.what == _LIST:
            await self._list(person)
        elif isinstance(step.what, Operation) and self._threads:
            known = self._threads[step.thread % len(self._threads)]
            await self._operate(person, step.what, self._meant(person, known))
        elif len(self._threads) < _MOST_THREADS:
            await self._begin(person)

    def _meant(self, person: Person, known: _Known) -> _Known:
        """Return the thread that an id means to ``person``: others may have the same ids."""
        threads = [each for each in self._threads if each.thread.id == known.thread.id]
        return next((each for each in threads[::-1] if each.thread.owner is person), known)

    def _person(self, user: int) -> Person:
        """Return a user; they are called in the order in which they come up."""
        if user not in self._people:
            name = NAMES[len(self._people)]
            canary = self.scene.canary.word(f"play {self.number} {name}")
            person = Person(self.scene, name, f"{name.lower()}-{canary}")
            self._people[user] = person
            self._words[person.sub] = (person, f"the id of {name}")
        return self._people[user]

    async def _begin(self, person: Person) -> None:
        letter = "ABCD"[len(self._threads)]
        thread = await begin(person, f"play {self.number} thread {letter}")
        self.done.append(f"{person.name} starts thread {letter}")
        self._judge(person, thread.begun, ())
        self._threads.append(_Known(thread, letter, list(thread.words)))
        self._ids[thread.id] = (person, f"the id of {person.name}'s thread {letter}")
        self._own_message(person, thread.message, thread.answer, thread.begun)

    async def _list(self, person: Person) -> None:
        answer = await person.send(lambda chat: chat.list())
        self.done.append(f"{person.name} lists threads (`threads.list`)")
        self._judge(person, answer, ())
        for known in self._threads:
            if known.alive and known.thread.owner is person:
                self._expect_there(person, answer, [known.title], known)
                self._expect_there(person, answer, [known.thread.id], known, answer.strings)

    async def _operate(self, person: Person, operation: Operation, known: _Known) -> None:
        target = Target.of(known.thread)
        word = self.scene.canary.word(f"play {self.number} step {len(self.done)}")
        said = self.scene.canary.word(f"play {self.number} answer {len(self.done)}")
        self.scene.model.on(message_about(word), say("It is ", said, "."))
        answer = await person.send(operation.sending(target, word))
        self.done.append(operation.tell(person.name, f"thread {known.letter}"))
        self._own(person, word, f"which {person.name} wrote")
        sent = [target.thread_id]
        if operation.names_items:
            sent += [target.message_id, target.answer_id]
        if known.thread.owner is person:
            person.own |= answer.item_ids
        self._judge(person, answer, sent)
        if operation is MESSAGE:
            self._own_message(person, word, said, answer)
        if known.thread.owner is person:
            self._after_own(operation, known, answer, (word, said))

    def _own(self, person: Person, word: str, what: str) -> None:
        if word:
            self._words[word] = (person, what)

    def _own_message(self, person: Person, word: str, said: str, answer: WholeAnswer) -> None:
        self._own(person, word, f"which {person.name} wrote")
        self._own(person, said, f"which the agent said to {person.name}")
        for event in answer.events:
            if event.type == "thread.item.done":
                self._ids[event.item_id] = (person, f"the id of an item of {person.name}")

    def _after_own(
        self, operation: Operation, known: _Known, answer: WholeAnswer, words: tuple[str, str]
    ) -> None:
        """Note what an owner has changed, or see that what she reads is still there."""
        if not known.alive:
            return
        if operation is MESSAGE and answer.answered:
            known.kept += words
        elif operation is UPDATE and answer.status == 200:
            known.title = words[0]
        elif operation is DELETE:
            known.alive = False
        elif operation is RETRY:
            # It takes away what came after the first message.
            known.kept = [known.thread.message]
        elif operation is ITEMS:
            self._expect_there(known.thread.owner, answer, known.kept, known)
        elif operation is GET:
            self._expect_there(known.thread.owner, answer, known.kept[:_FIRST_PAGE], known)

    def _expect_there(
        self,
        person: Person,
        answer: WholeAnswer,
        words: Sequence[str],
        known: _Known,
        found: Collection[str] | None = None,
    ) -> None:
        """Expect ``words`` in what was ``found``; unless it is told, in the text of the answer."""
        for word in words:
            expect(
                word in (answer.body if found is None else found),
                f"{self.told}; {person.name} does not see `{word}`, which was in thread "
                f"{known.letter} before.",
                at=answer.mark,
                hint="gone",
            )

    def _judge(self, person: Person, answer: WholeAnswer, sent: Sequence[str]) -> None:
        """Search all that came back, and all that the model read, for what is another user's."""
        for word, (owner, what) in self._words.items():
            if owner is person:
                continue
            expect(
                not tells(answer.shown, word, sent),
                f"{self.told}; {person.name} sees `{word}`, {what}.",
                at=answer.mark,
            )
            # `agent-told-user` judges whose id the agent is told.
            expect(
                word == owner.sub or not any(call.contains(word) for call in answer.calls),
                f"{self.told}; the model is asked for {person.name}, and reads `{word}`, {what}.",
                at=answer.mark,
            )
        for secret in sorted(answer.strings & self._ids.keys() - person.own.union(sent)):
            owner, what = self._ids[secret]
            expect(
                owner is person,
                f"{self.told}; {person.name} sees `{secret}`, {what}.",
                at=answer.mark,
            )

    @property
    def told(self) -> str:
        """What was done so far, in words."""
        return "; ".join(self.done)
