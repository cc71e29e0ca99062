"""The page as context: that it comes with each message, stays data, and stays within its bounds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graders.engine.harness import RecordedCall, criterion, expect, needed, quote
from graders.lesson07.page_data import PageData, page_parts, parts_of
from graders.lesson07.replays import (
    MOST_BYTES,
    PageFrame,
    ResentMessage,
    data_bytes,
    frame_of,
    kept_start,
)
from graders.lesson07.widget import PlayedWidget, Sent

_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}")
_ORDERS = {"instructions", "system", "developer"}
_NOT_FOUND = (
    "The page data was not found again in the request of the widget, and the widget did not send "
    "that of another page: send it as text or JSON, as it is, percent-encoded or in base64."
)


def _texts(sent: Sent, page: PageData) -> str:
    return "\n".join(part.text for call in sent.calls for part in page_parts(call, page))


def _expect_page(sent: Sent, what: str) -> None:
    assert sent.page is not None, "each message has a page"
    needed(bool(sent.calls), f"The model was not asked about {what}.", by="round-trip")
    missing = sent.page.missing_in(_texts(sent, sent.page))
    assert sent.request is not None, "round-trip has passed"
    body = "\n".join((sent.request.target, str(sent.request.headers),
                      sent.request.body.decode("utf-8", "replace")))  # fmt: skip
    left = len(sent.page.missing_in(body)) < len(sent.page.words)
    expect(
        not missing,
        f"The model was asked about {what} without {_listed(missing or ['nothing'])} of the page.",
        hint="lost-in-backend" if left else None,
    )


def _listed(names: list[str]) -> str:
    return names[-1] if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


@criterion("context-first")
async def test_page_comes_with_the_first_message(played: PlayedWidget) -> None:
    _expect_page(played.step("first"), "the first message")


@criterion("context-later")
async def test_page_of_the_moment_comes_with_later_messages(played: PlayedWidget) -> None:
    sent: Sent = played.step("later")
    first: Sent = played.step("first")
    assert sent.page is not None, "each message has a page"
    assert first.page is not None, "each message has a page"
    newest = "\n".join(part.text for call in sent.calls for part in parts_of(call)[-2:])
    expect(
        bool(sent.calls),
        f"The second message of a thread was not answered. {sent.why}".strip(),
    )
    expect(
        not (first.page.told_in(newest) and not sent.page.told_in(newest)),
        "The user went to another page and sent a message, and the model was told the page before.",
        hint="stale",
    )
    _expect_page(sent, "a later message, sent from another page,")


@criterion("context-minimal")
async def test_nothing_else_of_the_page_is_sent(played: PlayedWidget) -> None:
    for name in ("first", "later"):
        sent: Sent = played.step(name)
        word = sent.scene.word("private")
        request = sent.request
        assert request is not None, "round-trip has passed"
        everywhere = "\n".join((request.target, str(request.headers),
                                request.body.decode("utf-8", "replace")))  # fmt: skip
        parts = {
            "a heading `h4`": f"{word}-h4",
            "a paragraph": f"{word}-text",
            "what the user typed into a field": f"{word}-input",
        }
        for what, text in parts.items():
            expect(text not in everywhere, f"With a message went {what} of the page.")


@criterion("context-bounded")
async def test_page_data_is_bounded(played: PlayedWidget) -> None:
    normal: ResentMessage = played.replayed("normal")
    replayed: ResentMessage | None = played.replayed("inflated")
    needed(replayed is not None, _NOT_FOUND, by="context-first")
    assert replayed is not None, "said above"
    expect(
        replayed.status < 500,
        f"With 20 kB of page data the backend answered status {replayed.status}.",
        hint="refused",
    )
    expect(
        bool(replayed.calls) and replayed.status == 200,
        f"With 20 kB of page data the message was not answered (status {replayed.status}).",
        hint="refused",
    )
    expect(
        bool(replayed.parts),
        "With 20 kB of page data nothing of the page reached the model: cut it instead.",
        hint="refused",
    )
    frame = frame_of(normal.parts, normal.page)
    many: ResentMessage | None = played.replayed("many")
    for each, what in ((replayed, "20 kB of page data"), (many, "a hundred headings")):
        if each is None:
            continue
        size = max(
            (sum(data_bytes(part, frame) for part in each.parts_of(call)) for call in each.calls),
            default=0,
        )  # fmt: skip
        expect(
            size <= MOST_BYTES,
            f"With {what}, the page data in one request to the model took {size:,} bytes.",
            hint="too-much",
        )
    text = "\n".join(part.text for part in replayed.parts)
    expect(
        "\ufffd" not in text and not any(0xD800 <= ord(char) <= 0xDFFF for char in text),
        "The page data was cut within a character: the model got a broken one.",
        hint="broken-character",
    )
    escaped = _ESCAPED.search(text)
    expect(
        escaped is None,
        f"The model got `{escaped[0] if escaped else ''}` in place of a character.",
        hint="escaped",
    )
    for what, value in {"URL": replayed.page.address, "title": replayed.page.title}.items():
        inflated = replayed.values.get(value)
        expect(
            inflated is None or kept_start(value) in text,
            f"The start of the {what} was not kept when it was cut.",
            hint="start-lost",
        )


@criterion("context-is-data")
async def test_page_stays_data(played: PlayedWidget) -> None:
    sent: Sent = played.step("first")
    assert sent.page is not None, "each message has a page"
    _expect_data(sent.calls, sent.page, sent.scene.message("first"))
    orders: ResentMessage | None = played.replayed("orders")
    if orders is not None:
        _expect_data(orders.calls, orders.page, orders.said)
    normal: ResentMessage = played.replayed("normal")
    frame = frame_of(normal.parts, normal.page)
    expect(
        frame is not None and bool(frame.after.strip()) and bool(_words(frame.before)),
        "Nothing marks where the page data begins and ends.",
        hint="unmarked",
    )
    _expect_closed(played)


def _expect_data(calls: Sequence[RecordedCall], page: PageData, said: str) -> None:
    """Expect that the page stands in texts of a user, and in none with what the user ``said``."""
    for part in (part for call in calls for part in page_parts(call, page)):
        where = "the instructions" if part.role == "instructions" else f"a {part.role} message"
        expect(
            part.role not in _ORDERS,
            f"The page is in {where} of the request to the model: it can give the agent orders.",
            hint="instructions",
        )
        expect(
            part.role == "user",
            f"The page is in a message of the role `{quote(part.role)}`.",
            hint="instructions",
        )
        expect(
            said not in part.text,
            "The page and the user's words are one text: the model cannot tell who says what.",
            hint="glued",
        )


def _words(text: str) -> str:
    return re.sub(r"https?://\S*|/lessons/|\s", "", text)


def _expect_closed(played: PlayedWidget) -> None:
    """Expect that no page can write the marker which ends its data."""
    closing: tuple[ResentMessage, PageFrame] | None = played.replayed("closing")
    needed(closing is not None, _NOT_FOUND, by="context-first")
    assert closing is not None, "said above"
    replayed, frame = closing
    normal: ResentMessage = played.replayed("normal")
    now = frame_of(normal.parts, normal.page)
    if now is None or now.after != frame.after:
        # Another marker each time: the page cannot know it.
        return
    marks = _marks(frame.after)
    # A sentence after the marker may be written by a page: it ends nothing.
    kept_out = [mark for mark in marks if _times(mark, replayed) <= _times(mark, normal)]
    expect(
        bool(kept_out),
        f"A page whose title holds `{quote(marks[0])}` ends its data by itself; what follows looks "
        "like the user's or yours.",
        hint="closable",
    )


def _marks(after: str) -> list[str]:
    """Return the lines that may be what ends the data; all of it where no line has a word."""
    lines = [" ".join(line.split()) for line in after.splitlines()]
    worded = [line for line in lines if re.search(r"\w{2}", line)]
    return worded or [" ".join(after.split())]


def _times(mark: str, sent: ResentMessage) -> int:
    pattern = re.compile(rf"(?<!\\){re.escape(mark)}")
    return max(
        (len(pattern.findall(" ".join(part.text.split()))) for part in sent.parts), default=0
    )


@criterion("text-stored-clean")
async def test_only_the_users_words_are_stored(played: PlayedWidget) -> None:
    sent: Sent = played.step("first")
    needed(
        "first" in played.stored,
        "The thread could not be asked for: the page's request could not be read.",
        by="request-kept",
    )
    stored = played.stored["first"].value
    wanted = sent.scene.message("first")
    expect(
        wanted in stored,
        f"The user wrote {quote(wanted)}, and the thread holds "
        f"{quote(stored[0]) if stored else 'nothing'}.",
    )
    assert sent.page is not None, "each message has a page"
    told = [text for text in stored if sent.page.told_in(text)]
    expect(
        not told,
        f"The thread holds as the user's message: {quote(told[0]) if told else ''}.",
    )


@criterion("context-optional")
async def test_page_data_may_be_missing_or_unreadable(played: PlayedWidget) -> None:
    none: list[ResentMessage] = played.replayed("none")
    for plain, what in zip(none, ("page data", "`metadata`"), strict=True):
        expect(
            plain.status == 200 and bool(plain.calls),
            f"A message without {what} was answered with status {plain.status}.",
            hint="missing",
        )
        expect('"type":"error"' not in plain.text, f"A message without {what} ended in an error.")
    half: ResentMessage | None = played.replayed("half")
    expect(
        half is None or (half.status < 500 and '"type":"error"' not in half.text),
        "The title ended in half a character, as `title.slice(0, 300)` leaves it of an emoji, and "
        f"the backend answered {_ended(half) if half is not None else 'nothing'}.",
        hint="half",
    )
    nonsense: list[ResentMessage] = played.replayed("nonsense")
    for each in nonsense:
        expect(
            each.status < 500 and '"type":"error"' not in each.text,
            f"With unreadable page data the backend answered {_ended(each)}.",
            hint="unreadable",
        )


def _ended(sent: ResentMessage) -> str:
    return f"status {sent.status}{' and an `error` event' if sent.status == 200 else ''}"


@criterion("requests-apart")
async def test_pages_of_two_users_stay_apart(played: PlayedWidget) -> None:
    together: list[ResentMessage] | None = played.replayed("together")
    needed(together is not None, _NOT_FOUND, by="context-first")
    assert together is not None, "said above"
    titles = {each.name: next(iter(each.values.values())) for each in together}
    for each in together:
        needed(bool(each.calls), "Two messages at once were not answered.", by="context-first")
        text = "\n".join(part.text for call in each.calls for part in parts_of(call))
        others = [title for name, title in titles.items() if name != each.name and title in text]
        expect(
            titles[each.name] in text and not others,
            "Two users sent a message at once, and the model was told the page of the other one."
            if others
            else "Two users sent a message at once, and the model was not told the page of one.",
        )
