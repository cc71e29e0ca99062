"""What the graded page says of itself, and where it turns up in a request to the model.

Must not know a browser, nor what is worth a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from graders.engine.harness import RecordedCall, Scene
from graders.engine.model import InputItem

HEADINGS = {"h1": "h1", "h2": "h2", "a second h2": "h2", "h3": "h3"}
"""The headings of the page, in their order: what each is called, and its level."""


class Many(str):
    """A heading that comes so many ``times``, as it does where it is sent as part of a list."""

    times = 100


@dataclass(frozen=True)
class PageData:
    """The address, title and headings of a page; ``address`` is without the origin."""

    address: str
    title: str
    headings: Mapping[str, str]

    @classmethod
    def of(cls, scene: Scene, name: str) -> PageData:
        """Return the page ``name``, whose every part has a word of its own; one is not ASCII."""

        def word(part: str) -> str:
            return scene.canary.word(f"{name} page {part}")

        return cls(
            address=f"/lessons/{word('url')}?unit={word('query')}",
            title=f"Übung 東京 {word('title')}",
            headings={name: f"About {word(name)}" for name in HEADINGS},
        )

    def with_values(self, values: Mapping[str, str]) -> PageData:
        """Return the page with some of its texts replaced."""
        headings = {name: values.get(text, text) for name, text in self.headings.items()}
        address, title = (values.get(text, text) for text in (self.address, self.title))
        return PageData(address, title, headings)

    @property
    def words(self) -> dict[str, str]:
        """What shows that each part is there: its word."""
        return {
            "URL": self.address.partition("?")[0].rpartition("/")[2],
            "title": self.title.rpartition(" ")[2],
            **{
                name.replace(HEADINGS[name], f"`{HEADINGS[name]}`"): text.rpartition(" ")[2]
                for name, text in self.headings.items()
            },
        }

    @property
    def leveled(self) -> list[tuple[str, str]]:
        """The level and the text of each heading, in their order."""
        return [
            (HEADINGS[name], text)
            for name, text in self.headings.items()
            for _ in range(text.times if isinstance(text, Many) else 1)
        ]

    def missing_in(self, text: str) -> list[str]:
        """Return the parts that a text does not tell."""
        return [part for part, word in self.words.items() if word not in text]

    def told_in(self, text: str) -> bool:
        """Return whether a text tells anything of the page."""
        return any(word in text for word in self.words.values())


class Part(NamedTuple):
    """One piece of text of a request to the model, and whose it is."""

    role: str
    text: str


def parts_of(call: RecordedCall) -> list[Part]:
    """Return all text of a call, piece by piece: a message may hold several."""
    own = [Part("instructions", call.instructions)] if call.instructions else []
    return [*own, *(part for item in call.input for part in _parts_of_item(item))]


def _parts_of_item(item: InputItem) -> Iterator[Part]:
    content = item.raw.get("content") if isinstance(item.raw, dict) else None
    if isinstance(content, list):
        yield from (Part(item.role, text) for piece in content if (text := _text_of(piece)))
    else:
        yield Part(item.role or item.kind, item.text)


def _text_of(piece: Any) -> str:
    text = piece.get("text") if isinstance(piece, dict) else None
    return text if isinstance(text, str) else ""


def page_parts(call: RecordedCall, page: PageData) -> list[Part]:
    """Return the pieces of a call that tell of the page."""
    return [part for part in parts_of(call) if page.told_in(part.text)]


def page_runs(call: RecordedCall, page: PageData, said: str) -> list[Part]:
    """Return what tells of the page in a call, each with all that frames it.

    The markers may be pieces of their own: what follows each other is one text, as far as it is a
    user's and does not hold the words that the user ``said``.
    """
    runs: list[Part] = []
    for (role, words), group in groupby(
        parts_of(call), lambda each: (each.role, said in each.text)
    ):
        parts: Sequence[Part] = list(group)
        if role == "user" and not words:
            parts = [Part(role, "\n".join(part.text for part in parts))]
        runs += parts
    return [run for run in runs if page.told_in(run.text)]
