"""Page data is found and replaced in whichever way it travels."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from graders.engine.web.recording import WebRequest
from graders.lesson07.carrier import changed

OLD, NEW = "Übung 東京", "Other 東"
PAGE = {"page": {"title": f"{OLD} 1", "headings": [OLD]}}


def request(body: str = "{}", query: str = "", **headers: str) -> WebRequest:
    """Return a recorded request."""
    return WebRequest(
        "http://127.0.0.1:8000", "POST", "/chatkit", query, tuple(headers.items()), body.encode()
    )


@pytest.mark.parametrize("ascii_only", [True, False])
def test_body(ascii_only: bool) -> None:
    found = changed(request(json.dumps(PAGE, ensure_ascii=ascii_only)), {OLD: NEW})
    assert found is not None
    assert json.loads(found.body) == {"page": {"title": f"{NEW} 1", "headings": [NEW]}}


def test_json_within_json() -> None:
    found = changed(request(json.dumps({"metadata": json.dumps(PAGE)})), {OLD: NEW})
    assert found is not None
    assert json.loads(json.loads(found.body)["metadata"])["page"]["headings"] == [NEW]


@pytest.mark.parametrize(
    "encode",
    [
        quote,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: json.dumps(json.loads(text)),
    ],
    ids=["percent", "base64", "base64url", "ascii"],
)
def test_header(encode: object) -> None:
    assert callable(encode)
    text = json.dumps(PAGE, ensure_ascii=False)
    found = changed(request(**{"x-page": encode(text)}), {OLD: NEW})
    assert found is not None
    wanted = json.dumps(PAGE, ensure_ascii=False).replace(OLD, NEW)
    again = changed(found, {NEW: OLD})
    assert again is not None
    assert (found.header("x-page"), again.header("x-page")) != (None, None)
    assert found.header("x-page") != encode(text)
    assert (found.header("x-page") or "").isascii()
    assert json.loads(wanted)["page"]["headings"] == [NEW]


def test_query() -> None:
    found = changed(request(query=f"title={quote(OLD)}&other=1"), {OLD: NEW})
    assert found is not None
    assert "other=1" in found.query
    assert quote("東") in found.query


def test_header_gets_nothing_that_no_header_can_hold() -> None:
    assert changed(request(**{"x-page": "About it"}), {"About it": "About 東"}) is None
    assert changed(request(**{"x-page": "About it"}), {"About it": "About\r\nit"}) is None
    assert changed(request(**{"x-page": "About it"}), {"About it": "Über"}) is not None


def test_half_a_character_breaks_nothing() -> None:
    body = json.dumps({"page": "%20\ud800 old", "junk": "\ud800"})
    assert changed(request(body), {"old": "new"}) is not None
    assert changed(request(query=f"page={quote(body)}"), {"old": "new"}) is not None


def test_half_a_character_is_written_as_a_browser_writes_it() -> None:
    found = changed(request(json.dumps({"page": OLD}, ensure_ascii=False)), {OLD: f"{OLD} \ud83d"})
    assert found is not None
    assert found.body.decode() == f'{{"page": "{OLD} \\ud83d"}}'


@pytest.mark.parametrize(
    "before", ["v1.", "data:application/json;base64,", "url=aHR0cDovL3guZXhhbXBsZQ; page="]
)
def test_base64_after_something_else(before: str) -> None:
    encoded = base64.b64encode(json.dumps(PAGE).encode()).decode()
    found = changed(request(**{"x-page": f"{before}{encoded}; v=1"}), {OLD: NEW})
    assert found is not None
    value = found.header("x-page") or ""
    assert value.startswith(before)
    assert value.endswith("; v=1")
    new = base64.b64decode(value.removeprefix(before).removesuffix("; v=1"))
    assert json.loads(new)["page"]["headings"] == [NEW]


def test_what_is_not_there_is_not_found() -> None:
    assert changed(request(referer=quote(OLD), x="!"), {OLD: NEW}) is None
