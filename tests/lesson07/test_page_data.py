"""The page in a request to the model: with its markers, wherever these stand."""

from __future__ import annotations

from graders.engine.harness import RecordedCall
from graders.engine.model import InputItem
from graders.lesson07.page_data import PageData, Part, page_runs
from graders.lesson07.replays import data_bytes, frame_of

PAGE = PageData(
    "/lessons/url-1?unit=query-1", "Title title-1", {"h1": "h1-1", "a second h2": "h2-1"}
)
DATA = "URL: /lessons/url-1?unit=query-1\nTitle: title-1\nh1-1\nh2-1"


def message(role: str, *texts: str) -> InputItem:
    """Return an item of the model's input with so many content parts."""
    raw = {"role": role, "content": [{"type": "input_text", "text": text} for text in texts]}
    return InputItem("message", role, "".join(texts), raw=raw)


def runs(*items: InputItem) -> list[Part]:
    """Return what tells of the page in a request with these items."""
    return page_runs(RecordedCall(1, "responses", input=items), PAGE, "Hello there")


def test_second_heading_of_a_level_is_named() -> None:
    assert [*PAGE.words] == ["URL", "title", "`h1`", "a second `h2`"]
    assert PAGE.leveled == [("h1", "h1-1"), ("h2", "h2-1")]


def test_markers_may_be_parts_of_their_own() -> None:
    (run,) = runs(message("user", "BEGIN", DATA, "END"), message("user", "Hello there"))
    frame = frame_of([run], PAGE)
    assert frame is not None
    assert (frame.before, frame.after) == ("BEGIN\nURL: /lessons/", "\nEND")
    assert data_bytes(run, frame) == len(DATA) - len("URL: /lessons/")


def test_markers_may_be_messages_of_their_own() -> None:
    three = (message("user", each) for each in ("BEGIN", DATA, "END"))
    assert [run.text for run in runs(message("user", "Hello there"), *three)] == [
        f"BEGIN\n{DATA}\nEND"
    ]


def test_words_of_the_user_mark_nothing() -> None:
    assert [run.text for run in runs(message("user", DATA, "Hello there"))] == [DATA]


def test_others_mark_nothing() -> None:
    found = runs(message("assistant", "BEGIN"), message("user", DATA), message("system", "END"))
    assert [run.text for run in found] == [DATA]
