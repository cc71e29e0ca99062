"""Compares what came for one turn with what its script expects.

Raises the :class:`Finding` of the first thing that is not so. Must not know how a turn is played.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graders.engine.content.conversation import ConversationTurn
from graders.engine.content.expectations import Expectation, Message, WidgetExpectation
from graders.engine.content.steps import CallToolStep
from graders.engine.core.text import quote
from graders.engine.harness.chat import Reply
from graders.engine.harness.expect import expect, found
from graders.engine.harness.items import messages_of
from graders.engine.harness.playback.answers import TurnAnswer
from graders.engine.harness.playback.stage import KnownThread, Participant, Stage
from graders.engine.harness.playback.widgets import buttons_in, texts_in
from graders.engine.protocol import ChatKitEvent

_WITH_MODEL = ("say", "retry")
_ROLES = {"user_message": "user", "assistant_message": "assistant"}
_OK = 200


class TurnExpectations:
    """Checks one turn; ``where`` names it in messages."""

    def __init__(
        self, where: str, stage: Stage, turn: ConversationTurn, answer: TurnAnswer
    ) -> None:
        self._where = where
        self._stage = stage
        self._turn = turn
        self._answer = answer
        self._wanted: Expectation = turn.expect

    @property
    def _succeeds(self) -> bool:
        """Whether the script wants the request to be served; where it does not say, it was."""
        wanted = self._wanted
        if wanted.any_outcome:
            return not self._answer.refused
        return not wanted.refused and wanted.status in (None, _OK)

    @property
    def _absent(self) -> bool:
        """Whether there may be no answer to look at, and there is none."""
        return bool(self._wanted.any_outcome) and self._answer.refused

    async def check(self) -> None:
        """Check everything that can be seen in the answer, and what the thread holds then."""
        if not self._wanted.any_outcome:
            self._check_outcome()
        self._check_headers()
        self._check_leaks()
        if self._succeeds:
            if not self._wanted.any_outcome:
                self._check_error()
            self._check_events()
            self._check_widget()
        self._check_model()
        self._check_listed()
        if self._wanted.items is not None and not self._absent:
            await self._check_items(self._wanted.items)

    def _expect(self, holds: bool, seen: str, *, at: int | None = None) -> None:
        expect(holds, f"{self._where}: {seen}", at=self._answer.mark if at is None else at)

    # --- whether it was served -----------------------------------------------------------------

    def _check_outcome(self) -> None:
        answer, wanted = self._answer, self._wanted
        if wanted.refused:
            self._expect(answer.refused, f"the request was not refused: it got {answer.how}.")
        if wanted.status is not None or not wanted.refused:
            self._expect(not answer.crashed, f"{answer.crashed}.")
            self._expect(
                answer.status == (wanted.status or _OK),
                f"the server answered with status {answer.status}"
                + (f", not {wanted.status}." if wanted.status else "."),
            )
        if self._succeeds and self._turn.action != "read_on":
            broke = answer.stream.broke if answer.stream is not None else None
            self._expect(broke is None, f"the stream broke off: {broke.seen if broke else ''}.")

    def _check_headers(self) -> None:
        for name, text in self._wanted.headers.items():
            got = self._answer.headers.get(name, "")
            self._expect(
                text.lower() in got.lower(),
                f"the header `{quote(name)}` is {quote(got)!r}, not {quote(text)!r}."
                if got
                else f"the header `{quote(name)}` did not come.",
            )

    def _check_leaks(self) -> None:
        reader = self._stage.speaker(self._turn)
        for name in self._wanted.nothing_of:
            owner = self._stage.users[name]
            leaked = self._stage.leaked(reader, owner, self._answer.shown)
            self._expect(
                leaked is None, f"{reader.name} was shown {quote(leaked or '')}, which is {name}'s."
            )

    # --- what was streamed -----------------------------------------------------------------------

    def _check_error(self) -> None:
        wanted, error = self._wanted, self._answer.error
        if self._turn.action == "read_on" and "error" not in wanted.model_fields_set:
            return  # an answer that was interrupted may end as it likes
        stream = self._answer.stream
        self._expect(
            (error is not None) == wanted.error,
            "no `error` event came."
            if wanted.error
            else f"an `error` event came{self._why_failed()}.",
            at=stream.mark_of(error) if stream is not None else None,
        )

    def _why_failed(self) -> str:
        """Say what in the script the model could not do, if that is why an error came."""
        calls, steps = self._answer.calls, self._turn.model
        if calls and not steps and self._turn.action in _WITH_MODEL:
            return ": the model was asked, and this turn has no `model`"
        wanted = [step.call_tool.name for step in steps if isinstance(step, CallToolStep)]
        offered = {name for call in calls for name in call.tools}
        missing = next((name for name in wanted if calls and name not in offered), None)
        if missing is None:
            return ""
        return f": the model called `{quote(missing)}`, a tool that it was not offered"

    def _check_events(self) -> None:
        wanted, answer = self._wanted, self._answer
        missing = _first_missing(wanted.events, answer.events)
        self._expect(missing is None, f"the event `{missing}` did not come, or not in this place.")
        self._expect(
            wanted.text is None or answer.text == wanted.text,
            f"the deltas together are {_named(answer.text)}, not {_named(wanted.text)}.",
        )
        if wanted.progress:
            self._check_progress()
        if wanted.client_tool is not None:
            called = [each.item.get("name") for each in answer.events if _is_client_call(each)]
            self._expect(
                wanted.client_tool in called,
                f"no call of the client tool `{quote(wanted.client_tool)}` came.",
            )

    def _check_progress(self) -> None:
        events = self._answer.events
        answered = next((n for n, each in enumerate(events) if _is_answer(each)), len(events))
        self._expect(
            any(_is_progress(each) for each in events[:answered]),
            "progress came after the answer had begun."
            if any(_is_progress(each) for each in events)
            else "no progress came.",
        )

    def _check_widget(self) -> None:
        if self._wanted.widget is None:
            return
        shown = self._answer.widget
        self._expect(shown is not None, "no widget came.")
        self._check_shown(shown, self._wanted.widget)

    def _check_shown(self, shown: Any, wanted: WidgetExpectation) -> None:
        texts = texts_in(shown)
        told = quote("; ".join(texts), 120) or "nothing"
        for text in wanted.shows:
            self._expect(
                any(text in each for each in texts),
                f"the widget does not show {quote(text)}; it shows: {told}.",
            )
        for text in wanted.hides:
            self._expect(
                not any(text in each for each in texts), f"the widget shows {quote(text)}."
            )
        if wanted.buttons is not None:
            beside = [button.told for button in buttons_in(shown)]
            self._expect(
                _are_these(wanted.buttons, beside),
                f"the widget has buttons beside: {quote('; '.join(beside), 120) or 'nothing'}; "
                f"not beside: {quote('; '.join(wanted.buttons), 120) or 'nothing'}.",
            )

    # --- what the model was told -----------------------------------------------------------------

    def _check_model(self) -> None:
        calls, wanted = self._answer.calls, self._wanted
        script = self._stage.thread(self._turn).script
        asks = bool(self._turn.model) and self._succeeds and self._turn.action != "tool_output"
        if asks and script is not None and not script.used:
            found(f"{self._where}: the model was not asked.", at=self._answer.mark)
        if wanted.refused or wanted.model_asked is False:
            self._expect(not calls, "the model was asked.")
        if wanted.model_asked:
            self._expect(bool(calls), "the model was not asked.")
        for text in self._resolved(wanted.model_saw):
            self._expect(
                any(call.contains(text) for call in calls),
                f"the model was not told {quote(text)}.",
            )
        for text in self._resolved(wanted.model_did_not_see):
            self._expect(
                not any(call.contains(text) for call in calls),
                f"the model was told {quote(text)}.",
            )

    def _resolved(self, texts: Sequence[str]) -> list[str]:
        """Return texts with the ids of tasks in place of what stands for them."""
        user = self._stage.speaker(self._turn)
        return [str(self._stage.resolved(text, user)) for text in texts]

    # --- what is stored ------------------------------------------------------------------------

    def _check_listed(self) -> None:
        reply, wanted = self._answer.reply, self._wanted
        if reply is None or not self._succeeds:
            return
        user = self._stage.speaker(self._turn)
        if wanted.title is not None:
            title = reply.object.get("title")
            self._expect(
                title == wanted.title, f"the title is {_named(title)}, not {_named(wanted.title)}."
            )
        if wanted.titles is not None:
            titles = [str(each.get("title") or "") for each in _entries(reply)]
            self._same("titles", titles, wanted.titles)
        if wanted.threads is not None:
            self._same("threads", _names(user, reply), wanted.threads)
        if wanted.more is not None:
            more = reply.object.get("has_more") is True
            self._expect(more == wanted.more, f"`has_more` is {str(more).lower()}.")

    def _same(self, what: str, got: Sequence[str], wanted: Sequence[str]) -> None:
        self._expect(
            list(got) == list(wanted),
            f"the {what} listed are {_row(got)}, not {_row(wanted)}.",
        )

    async def _check_items(self, wanted: Sequence[Message]) -> None:
        reply = self._answer.reply
        if reply is None:
            thread = self._stage.begun(self._turn)
            chat = self._stage.signed_in(self._stage.speaker(self._turn))
            reply = await chat.items(thread.id, order="asc", limit=100)
        got = [(_ROLES[item.type], item.text) for item in messages_of(reply)]
        expected = [(message.role, message.text) for message in wanted]
        expect(
            got == expected,
            f"{self._where}: the thread holds {_told(got)}, not {_told(expected)}.",
            at=reply.serial,
        )


def learn(stage: Stage, turn: ConversationTurn, answer: TurnAnswer) -> None:
    """Remember what a user has learned from an answer: the ids of what is theirs, widgets."""
    user, thread = stage.speaker(turn), stage.thread(turn)
    mine = turn.of is None or turn.of == user.name
    if answer.stream is not None:
        _learn_from_events(user, thread, answer, mine=mine)
    if answer.reply is not None and answer.status == _OK:
        _learn_from_reply(thread, turn, answer, mine=mine)


def _learn_from_events(
    user: Participant, thread: KnownThread, answer: TurnAnswer, *, mine: bool
) -> None:
    for event in answer.events:
        if thread.widgets.follow(event):
            answer.widget = thread.widgets.shown
        if not mine:
            continue
        thread.id = thread.id or (event.type == "thread.created" and event.thread_id) or ""
        user.ids.update(filter(None, (event.thread_id, event.item_id)))
        if event.type == "thread.item.done" and event.item_type == "user_message":
            thread.message_id = event.item_id
        if event.type == "thread.item.done" and event.item_type == "assistant_message":
            thread.answer_id = event.item_id


def _learn_from_reply(
    thread: KnownThread, turn: ConversationTurn, answer: TurnAnswer, *, mine: bool
) -> None:
    reply = answer.reply
    assert reply is not None, "an answer that does not stream"
    if not mine:
        return
    if turn.load or turn.list_items is not None:
        page = reply.object.get("items", reply.object) if turn.load else reply.object
        entries = page.get("data") if type(page) is dict else None
        items = [each for each in entries or [] if type(each) is dict]
        if turn.load or (turn.list_items and turn.list_items.order == "desc"):
            items = sorted(items, key=lambda item: str(item.get("created_at")))
        for item in items:
            if thread.widgets.keep(item):
                answer.widget = thread.widgets.shown
    updated = reply.object.get("updated_item") if turn.press or turn.act else None
    if type(updated) is dict and thread.widgets.keep(updated):
        answer.widget = thread.widgets.shown


def _entries(reply: Reply) -> list[dict[str, Any]]:
    data = reply.object.get("data")
    return [each for each in data if type(each) is dict] if type(data) is list else []


def _names(user: Participant, reply: Reply) -> list[str]:
    return [user.thread_called(str(each.get("id"))) for each in _entries(reply)]


def _is_answer(event: ChatKitEvent) -> bool:
    return event.item_type == "assistant_message" or event.update_type.startswith(
        "assistant_message"
    )


def _is_progress(event: ChatKitEvent) -> bool:
    return (
        event.type == "progress_update"
        or event.item_type in {"workflow", "task"}
        or event.update_type.startswith("workflow")
    )


def _is_client_call(event: ChatKitEvent) -> bool:
    return event.type == "thread.item.done" and event.item_type == "client_tool_call"


def _are_these(wanted: Sequence[str], beside: Sequence[str]) -> bool:
    """Return whether there is one button for each of ``wanted``, and no other."""
    left = list(beside)
    # A text may stand beside several buttons, as one title may be a part of another: the longest
    # has the least choice, and what is beside the right one is the shortest.
    for text in sorted(wanted, key=len, reverse=True):
        button = min((each for each in left if text in each), key=len, default=None)
        if button is None:
            return False
        left.remove(button)
    return not left


def _first_missing(wanted: Sequence[str], events: Sequence[ChatKitEvent]) -> str | None:
    """Return the first of ``wanted`` that does not come in this order; others may lie between."""
    labels = iter(event.label for event in events)
    for name in wanted:
        if not any(label == name or label.startswith(f"{name}/") for label in labels):
            return name
    return None


def _told(messages: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{role}: {quote(text, 40)}" for role, text in messages) or "nothing"


def _row(texts: Sequence[str]) -> str:
    return "; ".join(quote(text, 40) or "(none)" for text in texts) or "nothing"


def _named(title: object) -> str:
    return quote(str(title)) if title else "empty"
