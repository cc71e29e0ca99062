"""Who takes part in a conversation: what each user sent and got, their threads, their tokens.

Must not know what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from graders.engine.content.actions import TokenKind
from graders.engine.content.conversation import NOBODY, Conversation, ConversationTurn
from graders.engine.core.errors import Finding
from graders.engine.core.text import quote
from graders.engine.harness.chat import Chat
from graders.engine.harness.pages import Page
from graders.engine.harness.playback.widgets import Button, Widgets, button_beside
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.harness.tokens import Tokens
from graders.engine.model import ScriptedModel, Turn

UNKNOWN_THREAD = "thr_5f0cd19a"
UNKNOWN_ITEM = "msg_5f0cd19a"
_CANARY = re.compile(r"[a-z]+-[0-9a-f]{6}")
_TASK_ID = re.compile(r"\{task_id: ([^{}]+)\}")
_SHORTEST = 8
"""A text shorter than this may be in anybody's answer by chance."""
_DAY = 86_400
_OTHER_SECRET = "another secret, that the server does not share with anybody"  # noqa: S105
_CLAIMS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "expired": lambda _later: {"lifetime": -_DAY},
    "early": lambda later: {"lifetime": 2 * _DAY, "nbf": later},
    "wrong_audience": lambda _later: {"aud": "another service"},
    "no_user": lambda _later: {"sub": None},
}
"""What else the bad tokens say that are signed well; each gets the time of tomorrow."""


@dataclass(frozen=True)
class Paused:
    """An answer whose client has stopped reading, and the script of its model."""

    stream: Stream
    told: Turn | None


@dataclass
class KnownThread:
    """A thread as its owner knows it; empty ids are not known."""

    id: str = ""
    message_id: str = ""
    answer_id: str = ""
    widgets: Widgets = field(default_factory=Widgets)
    script: Turn | None = None
    last_page: Page | None = None
    paused: Paused | None = None


@dataclass
class Participant:
    """One user: ``words`` are what they said and were told, ``ids`` those of what is theirs.

    ``sub`` is who their tokens say they are.
    """

    name: str
    sub: str
    cookies: httpx.Cookies
    threads: dict[str, KnownThread] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    first_token: str = ""
    last_page: Page | None = None

    def thread(self, name: str) -> KnownThread:
        """Return what is known of a thread; empty before it was begun."""
        return self.threads.setdefault(name, KnownThread())

    def thread_called(self, thread_id: str) -> str:
        """Return the script's name of a thread, or its id if it has none."""
        known = (name for name, thread in self.threads.items() if thread.id == thread_id)
        return next(known, thread_id)

    def hears(self, value: Any) -> None:
        """Remember every text in ``value`` as the user's own.

        Left out is the title in `{task_id: TITLE}`: who sends the id of another user's task has not
        said what it is called.
        """
        for text in strings_in(value):
            said = _TASK_ID.sub("", text)
            self.words.add(said)
            self.words.update(_CANARY.findall(said))


class Stage:
    """All that is known while one conversation is played."""

    def __init__(
        self,
        script: Conversation,
        student: Student,
        model: ScriptedModel,
        users_end: str = "",
    ) -> None:
        self.script = script
        self.student = student
        self.model = model
        self._tokens = Tokens.of(student)
        self.users = {
            name: Participant(name, f"{name}{users_end}", student.chat(name=name).cookies)
            for name in script.users
        }

    # --- who, and which thread -----------------------------------------------------------------

    def speaker(self, turn: ConversationTurn) -> Participant:
        """Return the user who acts."""
        return self.users[self.script.speaker(turn)]

    def thread(self, turn: ConversationTurn) -> KnownThread:
        """Return the thread that a turn is about."""
        owner = self.script.owner(turn)
        if owner == NOBODY:
            return KnownThread(UNKNOWN_THREAD, UNKNOWN_ITEM, UNKNOWN_ITEM)
        return self.users[owner].thread(turn.thread)

    def begun(self, turn: ConversationTurn) -> KnownThread:
        """Return the thread of a turn; a :class:`Finding` if it was not begun before."""
        thread = self.thread(turn)
        if not thread.id:
            raise Finding(
                f"{self.script.owner(turn)} has no thread `{turn.thread}` yet: a message begins it"
            )
        return thread

    def is_own_by_chance(self, turn: ConversationTurn) -> bool:
        """Return whether the thread of another user has the id of one that the speaker has.

        A server may count for each user; then there is no request that names the other's thread.
        """
        user = self.speaker(turn)
        others = self.script.owner(turn) not in (user.name, NOBODY)
        return others and self.thread(turn).id in user.ids

    def chat(self, turn: ConversationTurn) -> Chat:
        """Return the client of the user who acts, with the token that the turn asks for."""
        return self.signed_in(self.speaker(turn), turn.token)

    def signed_in(self, user: Participant, kind: TokenKind = "good") -> Chat:
        """Return a user's client with a token of one kind, made now."""
        headers, query = self._credentials(user, kind)
        chat = self.student.chat(name=user.name, headers=headers)
        chat.query.update(query)
        chat.cookies = user.cookies
        return chat

    # --- what stands for something that only a running server knows -----------------------------

    def resolved(self, value: Any, user: Participant) -> Any:
        """Return ``value`` with the ids of tasks in place of ``{task_id: TITLE}``."""
        match value:
            case str():
                return self._with_ids(value, user)
            case dict():
                return {key: self.resolved(each, user) for key, each in value.items()}
            case list() | tuple():
                return [self.resolved(each, user) for each in value]
            case _:
                return value

    def _with_ids(self, text: str, user: Participant) -> Any:
        whole = _TASK_ID.fullmatch(text)
        if whole:
            return self._task_id(whole[1], user)
        return _TASK_ID.sub(lambda match: str(self._task_id(match[1], user)), text)

    def _task_id(self, title: str, user: Participant) -> Any:
        others = (each for each in self.users.values() if each is not user)
        for buttons in self._buttons(user, *others):
            button = button_beside(title, [one for one in buttons if type(one.payload) is dict])
            if button is not None:
                return button.payload.get("task_id")
        raise Finding(
            f"no widget has a button for {quote(title)}, so the id of that task is not known: "
            "list the tasks before"
        )

    def _buttons(self, *users: Participant) -> Iterator[list[Button]]:
        for user in users:
            for thread in reversed(user.threads.values()):
                yield from thread.widgets.ever

    # --- tokens ----------------------------------------------------------------------------------

    def _credentials(
        self, user: Participant, kind: TokenKind
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        if kind == "none" or (self._tokens is None and kind == "good"):
            return {}, {}
        if kind == "garbage" or self._tokens is None:
            return {"authorization": "Bearer abc.def.ghi"}, {}
        token = self._token(self._tokens, user, kind)
        if kind == "in_query":
            return {}, {"token": token, "access_token": token}
        scheme = "Basic" if kind == "wrong_scheme" else "Bearer"
        return {"authorization": f"{scheme} {token}"}, {}

    def _token(self, tokens: Tokens, user: Participant, kind: TokenKind) -> str:
        if kind in _CLAIMS:
            later = int(self.student.now) + _DAY
            return tokens.good(user.sub, **_CLAIMS[kind](later))
        if kind == "foreign":
            return tokens.sign(tokens.claims(user.sub), key=_OTHER_SECRET)
        if kind == "unsigned":
            return tokens.sign(tokens.claims(user.sub), algorithm="none")
        good = tokens.good(user.sub)
        user.first_token = user.first_token or good
        return user.first_token if kind == "kept" else good

    # --- what belongs to whom ------------------------------------------------------------------

    def leaked(self, reader: Participant, owner: Participant, shown: frozenset[str]) -> str | None:
        """Return something of ``owner`` that ``reader`` was shown and has not themselves."""
        for word in sorted(owner.words - reader.words):
            telling = _CANARY.fullmatch(word) or len(word) >= _SHORTEST
            if telling and any(word in text for text in shown):
                return word
        return next(iter(sorted((owner.ids - reader.ids) & shown)), None)


def strings_in(value: Any) -> Iterator[str]:
    """Yield every text in a value of JSON, keys too."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list | tuple):
            left += each
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
