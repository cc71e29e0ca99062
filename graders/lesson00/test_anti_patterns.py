"""The checklist of anti-patterns: each mistake that the course warns of has an entry."""

from __future__ import annotations

import pytest

from graders.engine.harness import criterion, expect
from graders.lesson00.skill import Skill

MISTAKES = {
    "JSON is encoded twice": (("jsonresponse",),),
    "state in memory": (("memory",),),
    "a key in the code": (("openai_api_key",), ("hard-coded",), ("hardcoded",)),
    "the store in the endpoint": (("store", "endpoint"),),
    "the body is not awaited": (("request.body()",),),
    "no branch for streams": (("streamingresult",),),
    "tools without context": (("context", "tool"),),
    "the event loop is blocked": (("event loop",), ("sync client",), ("synchronous",)),
    "no headers for streams": (("x-accel-buffering",), ("cache-control",)),
}
"""Each mistake, and the words that an entry has which names it: all of one group."""


@criterion("anti-patterns")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_has_an_entry(mistake: str, skill: Skill) -> None:
    sections = [each for each in skill.page.sections
                if each.words.replace(" ", "").startswith("antipattern")]  # fmt: skip
    expect(bool(sections), "There is no heading “Anti-patterns”.", hint="no-list")
    entries = [entry.casefold() for section in sections for entry in section.entries]
    expect(
        bool(entries), "Below “Anti-patterns” stands no entry with a box, `- [ ]`.", hint="no-list"
    )
    groups = MISTAKES[mistake]
    words = " or ".join(" and ".join(f"`{word}`" for word in group) for group in groups)
    expect(
        any(all(word in entry for word in group) for entry in entries for group in groups),
        f"No entry of the checklist names this mistake: {mistake} ({words}).",
    )
