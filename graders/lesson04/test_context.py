"""What the model knows besides the conversation: preferences, and hidden context."""

from __future__ import annotations

import re
from collections.abc import Mapping

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    Stream,
    criterion,
    expect,
    found,
    needed,
)
from graders.lesson04.requests import all_text, missing, present
from graders.lesson04.scenarios import (
    SAVING,
    TOOL,
    Hidden,
    LongConversation,
    Preference,
    Preferences,
    TwoAtOnce,
    was_put,
)


@criterion("preference-remembered", case="in the next messages")
async def test_preferences_are_in_later_requests(preferences: Preferences) -> None:
    one, two = preferences.saved
    for asked in preferences.saving:
        _expect_saved(asked)
    _expect_known(preferences.saving[1], [one], "missing", "The request for the next message")
    _expect_known(preferences.later, [one, two], "missing", "A later request")


@criterion("preference-remembered", case="in a long conversation")
async def test_preference_outlives_the_window(long: LongConversation) -> None:
    if long.preference is None:
        found(
            "No preference could be saved here either.",
            at=long.asked[-1].mark,
            hint="tool-failed"
            if any(TOOL in call.tools for call in long.asked[0].calls)
            else "no-tool",
        )
    for number, asked in enumerate(long.asked[SAVING:], SAVING + 1):
        if asked.calls:
            what = f"The request for message {number}, {number - SAVING} messages later,"
            _expect_known(asked, [long.preference], "window", what)


def _expect_saved(asked: Said) -> None:
    offered = asked.request.tools
    expect(
        TOOL in offered,
        "The model was not offered the tool `save_preference`, "
        + (f"only {', '.join(offered)}." if offered else "nor any other."),
        at=asked.mark,
        hint="no-tool",
    )
    needed(
        was_put(asked),
        "The request did not hold the newest message, in answer to which the model was to call "
        "`save_preference`.",
        by="newest-once",
        at=asked.mark,
    )
    expect(
        len(asked.turn.requests) > 1,
        "The model called `save_preference`, and was not asked again with the tool's result.",
        at=asked.mark,
        hint="tool-failed",
    )


def _expect_known(asked: Said, preferences: list[Preference], hint: str, what: str) -> None:
    """Expect keys and values in a message's first request."""
    request = asked.request
    text = all_text(request)
    for each in preferences:
        expect(
            each.value in text or each.value.casefold() not in text.casefold(),
            f"{what} holds the value {each.value!r}, which was saved before, in other letters: "
            "capitals and small letters were changed.",
            at=asked.mark,
            hint="letters",
        )
    lost = [each for each in preferences if missing(request, [each.value])]
    expect(
        not lost,
        f"{what} does not hold the value {' or '.join(repr(each.value) for each in lost)}, which "
        "was saved before.",
        at=asked.mark,
        hint="replaced" if 0 < len(lost) < len(preferences) else hint,
    )
    nameless = [each for each in preferences if _bare(each.key) not in _bare(text)]
    if nameless:
        found(
            f"{what} holds the value {nameless[0].value!r}, but not its key {nameless[0].key!r}.",
            at=asked.mark,
            hint="key",
        )


def _bare(text: str) -> str:
    """Return a text as keys are compared: `favourite_fruit` may be written `Favourite fruit`."""
    return re.sub(r"[\W_]", "", text).casefold()


@criterion("preference-after-restart")
async def test_preferences_outlive_a_restart(preferences: Preferences) -> None:
    asked = preferences.after_restart
    if not asked.calls:
        trouble = asked.begun.finding
        found(
            "After the restart the thread's next message did not reach the model"
            + (f": {trouble.seen}." if trouble else "."),
            at=asked.mark,
            hint="thread-gone",
        )
    lost = missing(asked.request, [each.value for each in preferences.saved])
    expect(
        not lost,
        f"After the restart the request does not hold {' or '.join(map(repr, lost))}.",
        at=asked.mark,
        hint="forgotten",
    )


@criterion("preference-stays-in-thread")
async def test_preferences_stay_in_their_thread(preferences: Preferences) -> None:
    asked = preferences.other
    expect(
        bool(present(asked.request, [asked.word])),
        "The request of another thread does not even hold its own message.",
        at=asked.mark,
    )
    for call in (asked.request, *asked.calls):
        leaked = present(call, [each.value for each in preferences.saved])
        expect(
            not leaked,
            f"A request of another thread holds {leaked[:1]}, a preference of the first thread.",
            at=asked.mark,
        )


@criterion("preference-stays-in-thread")
async def test_preference_is_saved_in_its_own_thread(at_once: TwoAtOnce) -> None:
    _expect_saved(at_once.saving)
    saved, right, left = at_once.saved, at_once.right, at_once.left
    expect(
        not present(right.request, [saved.value]),
        "While two threads were answered at once, the model saved a preference in the first. It "
        f"is in the next request of the second: {saved.value!r}.",
        at=right.mark,
        hint="at-once",
    )
    expect(
        not missing(left.request, [saved.value]),
        "While two threads were answered at once, the model saved a preference in the first. It "
        f"is not in the next request of the first: {saved.value!r}.",
        at=left.mark,
        hint="at-once",
    )


@criterion("preference-not-sent")
async def test_client_never_gets_preferences(preferences: Preferences) -> None:
    words = [word for each in preferences.saved for word in (each.key, each.value)]
    asked = (*preferences.saving, preferences.later)
    _expect_unseen(words, "preference", [each.begun for each in asked], preferences.replies)


@criterion("hidden-context-in-input")
async def test_hidden_context_reaches_the_model(hidden: Hidden) -> None:
    action = hidden.action.value
    expect(
        action.status == 200
        and action.error is None
        and action.broke is None
        and action.left is None,
        f"The action `note_context` failed: {_failure_of(action)}.",
        at=action.mark_of(action.error),
        hint="not-handled",
    )
    for number, asked in enumerate(hidden.asked, 1):
        expect(
            not missing(asked.request, [hidden.text]),
            f"The action `note_context` ended without an error, but the request for message "
            f"{number} after it does not hold the hidden text, which contains `{hidden.text}`.",
            at=asked.mark,
            hint="missing",
        )
    for call in hidden.other.calls:
        needed(
            not present(call, [hidden.text]),
            f"A request of another thread holds the hidden text, which contains `{hidden.text}`.",
            by="threads-apart",
            at=hidden.other.mark,
            hint="leaked",
        )


def _failure_of(action: Stream) -> str:
    if action.status != 200:
        return f"status {action.status}"
    if action.error is not None:
        return "an `error` event came"
    return action.broke.seen if action.broke is not None else "the stream did not end"


@criterion("hidden-context-not-sent")
async def test_client_never_gets_hidden_context(hidden: Hidden) -> None:
    streams = [hidden.action, *(each.begun for each in hidden.asked)]
    _expect_unseen([hidden.text], "hidden context", streams, hidden.replies)


def _expect_unseen(
    words: list[str],
    what: str,
    streams: list[Outcome[Stream]],
    replies: Mapping[str, Outcome[Reply]],
) -> None:
    """Expect that no stream and no answer holds one of ``words``; broken ones are not judged."""
    answered = [begun.result for begun in streams if begun.result and begun.result.answered]
    expect(answered != [], f"No answer came in which {what} could be.")
    for begun in streams:
        if begun.result is not None:
            _expect_none_in(bytes(begun.result.body), words, f"A stream held {what}", begun.result)
    for name, reply in replies.items():
        if reply.result is not None:
            for word in words:
                expect(
                    word.encode() not in reply.result.body,
                    f"The answer to `{name}` held {what}: `{word}`.",
                    at=reply.result.serial,
                )


def _expect_none_in(body: bytes, words: list[str], what: str, stream: Stream) -> None:
    for word in words:
        event = next((each for each in stream.events if word in str(each.raw)), None)
        expect(word.encode() not in body, f"{what}: `{word}`.", at=stream.mark_of(event))
