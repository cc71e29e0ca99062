"""Tells side calls (a title, a guardrail, a classifier) from the call of the conversation.

Judges by the words that the application wrote, never by the user's own. The patterns are strict:
a tutor that may talk about titles is no title generator. Must not know scripts or answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graders.engine.model.calls import RecordedCall
from graders.engine.model.matching import folded, last_user_item, without_known_texts

_NEAR = r"[^.\n]{0,40}"
_TALK = r"(?:chat|conversation|thread|discussion|dialog(?:ue)?)"
_POSITIVE = r"(?:yes|true|safe|allow(?:ed)?|pass|ok|accept|valid|appropriate|relevant)"
_NEGATIVE = r"(?:no|false|unsafe|blocked?|deny|denied|fail|reject|invalid|inappropriate|irrelevant)"
_JUDGE = r"(?:check|decide|determine|detect|judge|assess|evaluate)"
_THING = r"(?:user|message|input|request|text|question|query)"
_PATTERNS = {
    "title": (
        rf"\b(?:short|concise|brief|{_TALK}|\d+[- ]words?)\b{_NEAR}\btitles?\b",
        rf"\btitles?\b{_NEAR}\b(?:{_TALK}|words)\b",
        rf"\bname (?:this|the) {_TALK}\b",
        r"\btitle (?:generator|writer|maker)\b",
    ),
    "check": (
        r"\bguardrails?\b",
        r"\b(?:content|input|output) moderat(?:or|ion)\b",
        rf"\b{_POSITIVE}\b['\"`*]*\s*(?:or|/|,)\s*['\"`*]*{_NEGATIVE}\b",
        rf"\b{_JUDGE} (?:if|whether) (?:the|this|a) {_THING}\b",
    ),
    "classification": (
        r"\bclassify\b",
        r"\b(?:message|intent|text|query|topic) classifier\b",
        r"\bcategori[sz]e (?:the|this)\b",
    ),
    "summary": (
        rf"\bsummari[sz]e\b{_NEAR}\b(?:{_TALK}|history|messages)\b",
        rf"\bsummary of (?:the|this) {_TALK}\b{_NEAR}\bin \w+ (?:words|sentences?)\b",
    ),
}
_PAGE_TITLE = re.compile(
    r"\b(?:page|document|tab)(?:['\u2019]s)?\W+(?:urls?\W+)?(?:and\W+)?titles?\b"
    r"|\burls?\W+(?:and\W+)?titles?\b"
    r"|\btitles?\W+(?:(?:and|or)\W+)?(?:urls?|headings?|h1)\b"
)
"""A page has a title too, which an assistant may talk about."""
_TITLE_LINE = re.compile(r"</?title>|\btitle(?=: \S)")
"""The title of a page where it is told to the model."""


def purpose_by_words(call: RecordedCall, known: Sequence[str]) -> str:
    """Return what a call is for by the application's words, or an empty string if nothing tells.

    ``known`` are the user's texts, whose own words do not count.
    """
    item = last_user_item(call)
    around = without_known_texts(item.text, known) if item is not None else ""
    systems = folded(_systems(call))
    if call.streaming:
        # Who asks for the title of a conversation rarely streams, and never means a page's.
        systems = _PAGE_TITLE.sub(" ", systems)
        around = _TITLE_LINE.sub(" ", _PAGE_TITLE.sub(" ", around))
    prompt = f"{systems} . {around}"
    for purpose, patterns in _PATTERNS.items():
        if any(re.search(pattern, prompt) for pattern in patterns):
            return purpose
    return ""


def wording_of(call: RecordedCall) -> str:
    """Return all that a call asks for, as it is written: instructions and the newest message."""
    item = last_user_item(call)
    return _systems(call) + "\n" + (item.text if item is not None else "")


def _systems(call: RecordedCall) -> str:
    systems = (item.text for item in call.input if item.role in ("system", "developer"))
    return "\n".join((call.instructions, *systems))
