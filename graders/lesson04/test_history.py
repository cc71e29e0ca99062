"""What of the conversation reaches the model: everything, once, in order, by whom it was said."""

from __future__ import annotations

from graders.engine.harness import (
    RecordedCall,
    Said,
    Scene,
    Trace,
    criterion,
    expect,
    found,
    needed,
)
from graders.lesson04.requests import has_role, missing, outline, present, times
from graders.lesson04.scenarios import TURNS, OneThread, SaidAtOnce, ends_of, was_put, words_said
from graders.lesson04.shapes import Played, judge_shapes, told

NEWEST = 3
"""Messages of a thread that any window holds: how many it holds is another criterion's matter."""


@criterion("model-asked")
async def test_model_is_asked_about_each_message(conversation: OneThread) -> None:
    for number, asked in enumerate(conversation.asked, 1):
        if asked.calls:
            continue
        stream, hint = asked.stream, _failing_hint(number)
        expect(
            stream.status == 200,
            f"Message {number} was answered with status {stream.status}, and the model was not "
            "asked.",
            at=stream.last_serial,
            hint="status",
        )
        expect(
            stream.error is None,
            f"Message {number} got an `error` event, and the model was not asked.",
            at=stream.mark_of(stream.error),
            hint=hint,
        )
        expect(
            not stream.answered,
            f"Message {number} was answered, but the model was not asked.",
            at=stream.last_serial,
        )
        found(
            f"Message {number} got no answer, and the model was not asked.",
            at=stream.last_serial,
            hint=hint,
        )
    expect(
        len(conversation.asked) == len(TURNS),
        f"After message {len(conversation.asked)} the conversation could not go on: "
        f"it got {conversation.asked[-1].how}.",
        at=conversation.asked[-1].mark,
        hint="status",
    )


def _failing_hint(number: int) -> str:
    return "first-message" if number == 1 else "follow-up"


@criterion("conversation-answered")
async def test_each_message_is_answered(conversation: OneThread) -> None:
    expect(conversation.asked != [], "Nothing was said.")
    for number, asked in enumerate(conversation.asked, 1):
        stream, hint = asked.stream, _failing_hint(number)
        whole = asked.answer_word in asked.heard
        expect(
            stream.error is None,
            f"Message {number} got an `error` event"
            + (" after the model's whole answer." if whole else "."),
            at=stream.mark_of(stream.error),
            hint="after-answer" if whole else hint,
        )
        expect(
            stream.answered,
            f"Message {number} got no assistant message.",
            at=stream.last_serial,
            hint=hint,
        )
        expect(
            asked.ends,
            f"The stream of message {number} did not end.",
            at=stream.last_serial,
            hint=hint,
        )


@criterion("newest-once")
async def test_newest_message_is_sent_once(conversation: OneThread) -> None:
    for asked, _ in conversation.with_earlier():
        count = times(asked.request, asked.word)
        expect(
            count > 0,
            f"The request does not hold the newest message, {asked.message!r}. "
            f"{outline(asked.request)}",
            at=asked.mark,
            hint="missing",
        )
        expect(
            count == 1,
            f"The newest message, {asked.message!r}, is in the request {count} times. "
            f"{outline(asked.request)}",
            at=asked.mark,
            hint="twice",
        )


@criterion("user-history")
async def test_earlier_questions_reach_the_model(conversation: OneThread) -> None:
    for asked, earlier in conversation.with_earlier():
        words = [each.word for each in earlier]
        lacking = missing(asked.request, words)
        expect(
            not lacking,
            f"The request for message {len(earlier) + 1} lacks "
            f"{_of(lacking, words, 'message')} of the user: {_listed(lacking)}. "
            f"{outline(asked.request)}",
            at=asked.mark,
            hint="none" if len(lacking) == len(words) else "some",
        )
        _expect_whole(asked, [ends_of(each)[0] for each in earlier], "message of the user")


@criterion("assistant-history")
async def test_earlier_answers_reach_the_model(conversation: OneThread) -> None:
    for asked, earlier in conversation.with_earlier():
        # A model that never got a message has not answered it.
        given = [each for each in earlier if was_put(each)]
        needed(
            bool(given),
            "The model never got an earlier message, so there is no answer of its to look for.",
            by="newest-once",
            at=asked.mark,
        )
        words = [each.answer_word for each in given]
        lacking = missing(asked.request, words)
        expect(
            not lacking,
            f"The request for message {len(earlier) + 1} lacks "
            f"{_of(lacking, words, 'answer')} of the assistant: {_listed(lacking)}. "
            f"{outline(asked.request)}",
            at=asked.mark,
            hint=None if len(lacking) == len(words) else "some",
        )
        _expect_whole(asked, [ends_of(each)[1] for each in given], "answer of the assistant")


def _expect_whole(asked: Said, ends: list[str], what: str) -> None:
    lacking = missing(asked.request, ends)
    expect(
        not lacking,
        f"An earlier {what} is in the request, but its end is not: it was cut before "
        f"{_listed(lacking[:1])}.",
        at=asked.mark,
        hint="cut",
    )


def _of(lacking: list[str], words: list[str], what: str) -> str:
    if len(words) == 1:
        return f"the earlier {what}"
    many = f"all {len(words)}" if lacking == words else f"{len(lacking)} of the {len(words)}"
    return f"{many} earlier {what}s"


def _listed(words: list[str]) -> str:
    return " and ".join(f"`{word}`" for word in words[:3])


@criterion("history-in-order", case="said again")
async def test_a_message_that_was_said_again_is_there_again(repeated: OneThread) -> None:
    for asked, earlier in repeated.with_earlier():
        said = len(earlier) + 1
        got = times(asked.request, asked.word)
        needed(
            got >= said,
            f"The user said the same {said} times, and the request holds it "
            f"{'once' if got == 1 else f'{got} times'}. {outline(asked.request)}",
            by="newest-once",
            at=asked.mark,
            hint="again",
        )


@criterion("history-in-order", case="in a conversation")
async def test_conversation_is_in_order(conversation: OneThread) -> None:
    for asked, earlier in conversation.with_earlier():
        needed(
            was_put(asked),
            "The model was not asked the newest message, so nobody can see what comes before it.",
            by="newest-once",
            at=asked.mark,
        )
        said = [word for each in earlier for word in each.words]
        wanted = present(asked.request, said)
        got = sorted(wanted, key=lambda word: _first_place(asked.request, word))
        newest = asked.word
        told_order = f"They are in the request in this order: {', '.join(_placed(asked, got))}."
        expect(
            got == wanted,
            f"The conversation was {', '.join([*wanted, newest])}. {told_order}",
            at=asked.mark,
            hint=_order_hint(got, wanted, earlier),
        )
        expect(
            _last_place(asked.request, newest) > _first_place(asked.request, wanted[-1]),
            f"The newest message, {newest}, does not come after the history. {told_order}",
            at=asked.mark,
            hint="newest",
        )


def _first_place(call: RecordedCall, word: str) -> tuple[int, int]:
    texts = [call.instructions, *(item.text for item in call.input)]
    return next((i, text.find(word)) for i, text in enumerate(texts) if word in text)


def _last_place(call: RecordedCall, word: str) -> tuple[int, int]:
    """Return where a word is last; a word that is not there is not out of order."""
    texts = [call.instructions, *(item.text for item in call.input)]
    places = [(i, text.rfind(word)) for i, text in enumerate(texts) if word in text]
    return places[-1] if places else (len(texts), 0)


def _placed(asked: Said, words: list[str]) -> list[str]:
    newest = present(asked.request, [asked.word])
    return sorted([*words, *newest], key=lambda word: _first_place(asked.request, word))


def _order_hint(got: list[str], wanted: list[str], earlier: list[Said]) -> str | None:
    if got == wanted[::-1]:
        return "reversed"
    users = [each.word for each in earlier]
    grouped = [word for word in wanted if word in users] == [word for word in got if word in users]
    return "grouped" if grouped else None


@criterion("roles")
async def test_everybody_keeps_their_role(conversation: OneThread) -> None:
    for asked, earlier in conversation.with_earlier():
        everybody = [*earlier, asked]
        words = [word for each in everybody for word in each.words]
        for each in earlier:
            if was_put(each):
                _expect_role(asked, each.answer, each.answer_word, "assistant", words)
            _expect_role(asked, each.message, each.word, "user", words)


def _expect_role(asked: Said, text: str, word: str, role: str, words: list[str]) -> None:
    roles = [item.role or "none" for item in asked.request.input if word in item.text]
    what = "an answer of the assistant" if role == "assistant" else "a message of the user"
    expect(
        has_role(asked.request, text, word, role, words),
        f"{text!r} is {what}, but it is in the request with the role `{'`, `'.join(roles)}`.",
        at=asked.mark,
        hint="answer" if role == "assistant" else "question",
    )


@criterion("back-and-forth")
async def test_thread_remembers_while_others_go_on(scene: Scene, trace: Trace) -> None:
    await judge_shapes(scene, trace, _judge_own)


def _judge_own(played: list[Played]) -> None:
    last = played[-1]
    words = [word for earlier in last.own[-NEWEST:] for word in words_said(earlier)]
    lacking = missing(last.asked.request, words)
    expect(
        not lacking,
        f"The shortest conversation that fails is this: {told(played)}. The request for the last "
        f"message lacks {_listed(lacking)}, said before in the same thread.",
        at=last.asked.mark,
    )


@criterion("threads-apart", case="one after the other")
async def test_nothing_comes_from_another_thread(scene: Scene, trace: Trace) -> None:
    await judge_shapes(scene, trace, _judge_foreign)


def _judge_foreign(played: list[Played]) -> None:
    last = played[-1]
    words = [word for earlier in last.foreign for word in earlier.words]
    for call in last.asked.calls:
        leaked = present(call, words)
        expect(
            not leaked,
            f"The shortest conversation that fails is this: {told(played)}. The request for the "
            f"last message holds {_listed(leaked)}, said in another thread.",
            at=last.asked.mark,
        )


@criterion("threads-apart", case="at once")
async def test_messages_at_once_are_kept_apart(said_at_once: SaidAtOnce) -> None:
    played = said_at_once
    for call in played.calls:
        both = [word for n in (0, 1) for word in present(call, played.words_of(n))[-1:]]
        expect(
            len(both) < 2,
            "Messages came in two threads at once, and a request to the model holds what was said "
            f"in both of them: {_listed(both)}.",
            at=played.said[1].mark,
            hint="at-once",
        )
    for said in played.said:
        needed(
            was_put(said),
            "Messages came in two threads at once, and the model was asked "
            f"{len(played.calls)} times, but never the message of one of them, {said.message!r}.",
            by="newest-once",
            at=said.mark,
            hint="at-once",
        )
