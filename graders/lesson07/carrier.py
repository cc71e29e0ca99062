"""Sends a recorded request again with other page data, in whichever way the page data travels.

The widget is free to choose a way: the body, a header, the query; plain, as JSON, percent-encoded
or in base64. What was recorded shows it. Must not know a criterion.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from graders.engine.web.recording import WebRequest
from graders.lesson07.page_data import Many
from graders.lesson07.safe_json import read_json

_MOST_DEPTH = 6
_HALF = re.compile("[\ud800-\udfff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def changed(request: WebRequest, values: Mapping[str, str]) -> WebRequest | None:
    """Return the request with each text of ``values`` replaced; ``None`` if one is not found."""
    for old, new in values.items():
        found = _replaced(request, old, new)
        if found is None:
            return None
        request = found
    return request


def _replaced(request: WebRequest, old: str, new: str) -> WebRequest | None:
    body = in_text(request.body.decode("utf-8", "replace"), old, new)
    if body is not None:
        return replace(request, body=body.encode("utf-8", "surrogatepass"))
    query = in_query(request.query, old, new)
    if query is not None:
        return replace(request, query=query)
    headers, hit = [], False
    for name, value in request.headers:
        other = in_text(value, old, new) if _may_carry(name) else None
        if other is not None and not _HEADER.fullmatch(other):
            # Written as it is, and no header can hold that: no browser would send it.
            other = None
        hit = hit or other is not None
        headers.append((name, value if other is None else other))
    return replace(request, headers=headers) if hit else None


def _may_carry(name: str) -> bool:
    return name.lower() not in {"referer", "origin", "host", "authorization", "cookie"}


def in_query(query: str, old: str, new: str) -> str | None:
    """Return a query in which ``old`` became ``new``."""
    pairs = parse_qsl(query, keep_blank_values=True)
    others = [(name, in_text(value, old, new)) for name, value in pairs]
    if all(other is None for _, other in others):
        return None
    many = new.times if isinstance(new, Many) else 1
    return urlencode(
        [(name, value if other is None else other)
         for (name, value), (_, other) in zip(pairs, others, strict=True)
         for _ in range(1 if other is None or not _is_listed(pairs, name) else many)],
        errors="surrogatepass",
    )  # fmt: skip


def _is_listed(pairs: list[tuple[str, str]], name: str) -> bool:
    """Return whether a name of the query comes several times: then its values are a list."""
    return sum(other == name for other, _ in pairs) > 1


def in_text(text: str, old: str, new: str, depth: int = 0) -> str | None:
    """Return ``text`` in which ``old`` became ``new``, however written; ``None`` if nowhere."""
    if depth > _MOST_DEPTH:
        return None
    for way in (_in_json, _in_form, _in_percent, _in_base64):
        found = way(text, old, new, depth)
        if found is not None:
            return found
    return text.replace(old, new) if old in text else None


def _in_json(text: str, old: str, new: str, depth: int) -> str | None:
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        value = read_json(text)
    except ValueError:
        return None
    other, hit = _in_value(value, old, new, depth)
    if not hit:
        return None
    # What was ASCII stays ASCII: a header can hold nothing else.
    written = json.dumps(other, ensure_ascii=text.isascii())
    # Half a character is escaped, as `JSON.stringify` does it.
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", written)


def _in_value(value: Any, old: str, new: str, depth: int) -> tuple[Any, bool]:
    if isinstance(value, str):
        other = in_text(value, old, new, depth + 1)
        return (value, False) if other is None else (other, True)
    if isinstance(value, list):
        pairs = [_in_value(each, old, new, depth) for each in value]
        many = new.times if isinstance(new, Many) else 1
        others = [[each] * (many if hit and _is_flat(each) else 1) for each, hit in pairs]
        return [each for some in others for each in some], any(hit for _, hit in pairs)
    if isinstance(value, dict):
        found = {name: _in_value(each, old, new, depth) for name, each in value.items()}
        return {n: each for n, (each, _) in found.items()}, any(hit for _, hit in found.values())
    return value, False


def _is_flat(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else ()
    return not isinstance(value, list) and not any(isinstance(each, list | dict) for each in inner)


def _in_form(text: str, old: str, new: str, depth: int) -> str | None:
    """Change what `URLSearchParams` wrote."""
    del depth
    form = re.fullmatch(r"[\w.~*%+\[\]-]+=[^&=\s]*(&[\w.~*%+\[\]-]+=[^&=\s]*)*", text)
    return in_query(text, old, new) if form else None


def _in_percent(text: str, old: str, new: str, depth: int) -> str | None:
    plain = unquote(text)
    if plain == text:
        return None
    other = in_text(plain, old, new, depth + 1)
    return None if other is None else quote(other, "!'()*~", errors="surrogatepass")


def _in_base64(text: str, old: str, new: str, depth: int) -> str | None:
    """Change what is in base64; something may stand before it, such as `v1.` or a type."""
    for found in _BASE64.finditer(text):
        plain = _from_base64(found[0])
        other = None if plain is None else in_text(plain, old, new, depth + 1)
        if other is not None:
            return text[: found.start()] + _to_base64(other, found[0]) + text[found.end() :]
    return None


def _to_base64(text: str, like: str) -> str:
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    if "-" in like or "_" in like or (not like.endswith("=") and len(like) % 4):
        encoded = encoded.replace("+", "-").replace("/", "_").rstrip("=")
    return encoded


def _from_base64(text: str) -> str | None:
    standard = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
