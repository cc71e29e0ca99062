"""Each bad token of lesson06 is bad in the one way that its name says, by PyJWT's own judgement."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import jwt
import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.harness import Tokens
from graders.lesson06.refusals import (
    ALGORITHM,
    AUDIENCE,
    ENDLESS,
    EXPIRED,
    MISSING,
    NOT_BEFORE,
    SIGNATURE,
    SUBJECT,
    UNSIGNED,
    Header,
)

LESSON = Catalogue(Path(__file__).resolve().parents[2]).lesson("lesson06")
# With the lesson's own secret: PyJWT warns, which is an error here, if a hash needs a longer one.
TOKENS = Tokens(LESSON.info.env["JWT_SECRET"], time.time)


MINUTE = 60


def judged(header: str | None, leeway: float = MINUTE) -> str:
    """Check what a header bears as a good server does; return the claims' user."""
    scheme, _, token = (header or "").partition(" ")
    if scheme != "Bearer":
        raise jwt.InvalidTokenError(scheme)
    claims = jwt.decode(
        token,
        TOKENS.secret,
        algorithms=["HS256"],
        audience="chatkit",
        leeway=leeway,
        options={"require": ["sub", "exp", "aud"]},
    )
    return str(claims["sub"])


def kinds(
    headers: Mapping[str, Header], error: type[Exception]
) -> list[tuple[Header, type[Exception]]]:
    return [(header, error) for header in headers.values()]


@pytest.mark.parametrize(
    ("header", "error"),
    [
        *kinds(SIGNATURE, jwt.InvalidSignatureError),
        *kinds(ALGORITHM, jwt.InvalidAlgorithmError),
        *kinds(EXPIRED, jwt.ExpiredSignatureError),
        *kinds(ENDLESS, jwt.MissingRequiredClaimError),
        *kinds(NOT_BEFORE, jwt.ImmatureSignatureError),
        (AUDIENCE["another audience"], jwt.InvalidAudienceError),
        (AUDIENCE["a longer name"], jwt.InvalidAudienceError),
        (AUDIENCE["no audience"], jwt.MissingRequiredClaimError),
        (SUBJECT["no `sub`"], jwt.MissingRequiredClaimError),
    ],
)
def test_bad_token_is_bad_in_one_way(header: Header, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        judged(header(TOKENS, "alice"))
    assert type(raised.value) is error


@pytest.mark.parametrize("header", [*EXPIRED.values(), *NOT_BEFORE.values()])
def test_only_too_large_a_leeway_lets_it_in(header: Header) -> None:
    with pytest.raises((jwt.ExpiredSignatureError, jwt.ImmatureSignatureError)):
        judged(header(TOKENS, "alice"))
    assert judged(header(TOKENS, "alice"), leeway=3 * 3_600) == "alice"


def test_a_minute_and_a_half_is_too_large() -> None:
    near = [[*EXPIRED.values()][-1], [*NOT_BEFORE.values()][-1]]
    assert [judged(header(TOKENS, "alice"), leeway=90) for header in near] == ["alice", "alice"]


@pytest.mark.parametrize("header", [*MISSING.values(), *UNSIGNED.values()])
def test_what_is_no_token_cannot_be_read(header: Header) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        judged(header(TOKENS, "alice"))


def test_token_with_an_empty_user_is_good_but_for_that() -> None:
    assert judged(SUBJECT["an empty `sub`"](TOKENS, "alice")) == ""


def test_good_token_is_good() -> None:
    assert judged(TOKENS.bearer("alice")["authorization"]) == "alice"


@pytest.mark.parametrize("header", [*ALGORITHM.values(), *SIGNATURE.values()])
def test_forged_token_names_the_user_whom_it_is_to_hurt(header: Header) -> None:
    token = (header(TOKENS, "alice") or "").removeprefix("Bearer ")
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == "alice"
