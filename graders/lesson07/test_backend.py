"""The backend by itself: sign-in, the cookie, 401s, who the user is, CORS, uploads."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from graders.engine.harness import criterion, expect, needed
from graders.lesson07.backend import (
    ASKED_HEADERS,
    FOREIGN_ORIGINS,
    LIFETIME,
    LISTED_ORIGINS,
    Backend,
    BackendAnswer,
)

_LEEWAY = 61


@criterion("login", case="the cookie")
async def test_login_sets_the_cookie(backend: Backend) -> None:
    login = backend.answer("login")
    expect(
        login.status == 204,
        f"`POST /login` with a good token was answered with status {login.status}.",
        hint={404: "missing", 405: "missing"}.get(
            login.status, "status" if login.status < 400 else "good-token"
        ),
    )
    text = next((each for each in login.cookies if each.startswith("session=")), "")
    expect(bool(text), "`POST /login` set no cookie `session`.", hint="flags")
    _expect_flags(text)


def _flags_of(text: str) -> dict[str, str]:
    """Return the attributes of a cookie as browsers read them: what they do not know is ignored."""
    pairs = (part.partition("=") for part in text.split(";")[1:])
    return {name.strip().lower(): value.strip() or name.strip() for name, _, value in pairs}


def _is_gone(text: str) -> bool:
    """Return whether a `Set-Cookie` takes the cookie away."""
    value = text.partition(";")[0].partition("=")[2].strip('"')
    return not value or _flags_of(text).get("max-age") in {"0", "-1"}


def _expect_flags(text: str) -> None:
    cookie = defaultdict(str, _flags_of(text))
    expect(bool(cookie["httponly"]), f"The cookie is not `HttpOnly`: {_flags(text)}", hint="flags")
    expect(
        str(cookie["samesite"]).lower() == "lax",
        f"The cookie is not `SameSite=Lax`: {_flags(text)}",
        hint="flags",
    )
    expect(cookie["path"] == "/", f"The cookie is not for `Path=/`: {_flags(text)}", hint="flags")
    lifetime = str(cookie["max-age"])
    expect(
        not re.fullmatch(r"\d+", lifetime) or int(lifetime) <= LIFETIME + _LEEWAY,
        f"The token lives {LIFETIME:g} s more, and the cookie {lifetime} s.",
        hint="lifetime",
    )
    if not lifetime and cookie["expires"]:
        left = _seconds_until(cookie["expires"])
        expect(
            left <= LIFETIME + _LEEWAY,
            f"The token lives {LIFETIME:g} s more, and the cookie {left:.0f} s.",
            hint="lifetime",
        )


def _seconds_until(expires: str) -> float:
    try:
        return (parsedate_to_datetime(expires) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _flags(text: str) -> str:
    return f"`session=...;{text.partition(';')[2]}`."


@criterion("login", case="bad tokens")
async def test_login_refuses_bad_tokens(backend: Backend) -> None:
    needed(backend.signed_in, "A good token was not let in.", by="login")
    for name in ("a forged token", "an expired token", "garbage"):
        login = backend.answer(f"login, {name}")
        expect(
            login.status == 401 and all(map(_is_gone, login.cookies)),
            f"`POST /login` with {name} was answered with status {login.status}"
            f"{' and a cookie' if not all(map(_is_gone, login.cookies)) else ''}.",
            hint="bad-token",
        )


@criterion("credentials", case="a header")
async def test_header_is_accepted(backend: Backend) -> None:
    _expect_in(backend.answer("bearer"), "a good token in the header `Authorization`")


@criterion("credentials", case="a cookie")
async def test_cookie_is_accepted(backend: Backend) -> None:
    needed(backend.signed_in, "Nobody could sign in.", by="login")
    _expect_in(backend.answer("cookie"), "the cookie that `/login` has set, and no header,")


def _expect_in(answer: BackendAnswer, what: str) -> None:
    expect(
        answer.status == 200,
        f"A request with {what} was answered with status {answer.status}.",
        hint="refused",
    )


@criterion("credentials", case="both")
async def test_header_counts_before_the_cookie(backend: Backend) -> None:
    needed(backend.answer("cookie").status == 200, "No cookie is let in.", by="login")
    for name in ("a bad header beside a good cookie", "another scheme beside a good cookie"):
        answer = backend.answer(name)
        expect(
            answer.status == 401,
            f"A request with {name} was answered with status {answer.status}.",
            hint="both",
        )


@criterion("no-credentials-refused")
async def test_nobody_comes_in_without_credentials(backend: Backend) -> None:
    needed(backend.answer("bearer").status == 200, "Nobody is let in at all.", by="credentials")
    for name in (
        "no credentials",
        "garbage",
        "`Bearer undefined`",
        "a forged token",
        "a bad cookie",
        "a cookie of another name",
    ):
        answer = backend.answer(name)
        expect(
            answer.status == 401 and answer.calls == 0,
            f"A request with {name} was answered with status {answer.status}"
            f"{', and the model was asked' if answer.calls else ''}.",
            hint="accepted" if answer.status == 200 else "status",
        )
        expect(
            (answer.headers.get("www-authenticate") or "").lower().startswith("bearer"),
            f"The 401 for a request with {name} has no `WWW-Authenticate: Bearer`.",
            hint="challenge",
        )


@criterion("identity")
async def test_user_is_who_the_credentials_say(backend: Backend) -> None:
    needed(backend.answer("bearer").status == 200, "Nobody is let in at all.", by="credentials")
    expect(
        not backend.whose["alice"].value,
        "Bob began a thread with his token and named Alice in `metadata.userId`, `X-User-Id` and "
        "her cookie, and the thread is Alice's.",
    )
    expect(bool(backend.whose["bob"].value), "Bob began a thread, and it is not in his list.")


def _allows(answer: BackendAnswer, origin: str) -> str:
    """Return what is wrong with the headers that let a page of ``origin`` in; empty if nothing."""
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed != origin:
        return f"`Access-Control-Allow-Origin` is {f'`{allowed}`' if allowed else 'missing'}"
    if answer.headers.get("access-control-allow-credentials") != "true":
        return "`Access-Control-Allow-Credentials: true` is missing"
    return ""


@criterion("cors-exact", case="preflight")
async def test_preflight_of_a_listed_origin_is_allowed(backend: Backend) -> None:
    for origin in LISTED_ORIGINS:
        _expect_preflight(backend, origin)


def _expect_preflight(backend: Backend, origin: str) -> None:
    answer = backend.answer(f"preflight from {origin}")
    expect(
        answer.status in {200, 204},
        f"The preflight from `{origin}` was answered with status {answer.status}: "
        f"{answer.text[:100]}",
        hint="preflight",
    )
    wrong = _allows(answer, origin)
    expect(not wrong, f"In the answer to the preflight from `{origin}`, {wrong}.", hint="origin")
    listed = {
        each.strip().lower()
        for each in answer.headers.get("access-control-allow-headers", "").split(",")
    }
    missing = [name for name in ASKED_HEADERS.split(",") if name not in listed]
    expect(
        not missing,
        f"The preflight does not allow the header `{missing[0] if missing else ''}`.",
        hint="headers",
    )


@criterion("cors-exact", case="answers")
async def test_answers_to_a_listed_origin_can_be_read(backend: Backend) -> None:
    for origin in LISTED_ORIGINS:
        _expect_readable(backend, origin)


def _expect_readable(backend: Backend, origin: str) -> None:
    wrong = _allows(backend.answer(f"request from {origin}"), origin)
    expect(not wrong, f"In the answer to a request from `{origin}`, {wrong}.", hint="origin")
    wrong = _allows(backend.answer(f"401 for {origin}"), origin)
    expect(
        not wrong,
        f"In the 401 for a request from `{origin}`, {wrong}: the page cannot read it.",
        hint="no-headers-on-401",
    )


@criterion("cors-foreign")
async def test_foreign_origins_are_not_let_in(backend: Backend) -> None:
    listed = backend.answer(f"request from {LISTED_ORIGINS[0]}")
    needed(
        listed.headers.get("access-control-allow-origin") is not None,
        "No origin at all is let in.",
        by="cors-exact",
    )
    for origin in FOREIGN_ORIGINS:
        for what in ("preflight from", "request from", "401 for"):
            answer = backend.answer(f"{what} {origin}")
            allowed = answer.headers.get("access-control-allow-origin")
            expect(
                allowed not in {origin, "*"},
                f"`{origin}` is not in `ALLOWED_ORIGINS`, and the answer says "
                f"`Access-Control-Allow-Origin: {allowed}`.",
            )


@criterion("upload-signed-in")
async def test_upload_is_for_users(backend: Backend) -> None:
    signed_in = backend.answer("upload, signed in")
    expect(
        200 <= signed_in.status < 300,
        f"`POST /upload` with a good token was answered with status {signed_in.status}.",
        hint="missing" if signed_in.status in {404, 405} else None,
    )
    by_cookie = backend.answer("upload, with the cookie")
    if backend.answer("cookie").status == 200:
        expect(
            200 <= by_cookie.status < 300,
            f"`POST /upload` with a good cookie was answered with status {by_cookie.status}.",
        )
    for name in ("no credentials", "a bad token"):
        stranger = backend.answer(f"upload, {name}")
        expect(
            stranger.status == 401,
            f"`POST /upload` with {name} was answered with status {stranger.status}.",
            hint="open",
        )
