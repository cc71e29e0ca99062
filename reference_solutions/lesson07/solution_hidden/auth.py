"""Who is asking? A bearer token or the cookie tells; both hold the same kind of token."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from fastapi import HTTPException, Request, Response

AUDIENCE = "chatkit"
COOKIE = "session"
LEEWAY_SECONDS = 10


@dataclass(frozen=True)
class RequestContext:
    """What `respond()` and the store know of a request; `page` is data that a client sent."""

    user_id: str
    page: dict[str, Any] = field(default_factory=dict)


def claims_of(token: str) -> dict[str, Any] | None:
    """Return the claims of a good token, or None."""
    try:
        claims = jwt.decode(
            token,
            os.environ["JWT_SECRET"],
            algorithms=["HS256"],
            audience=AUDIENCE,
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError:
        return None
    return claims if claims["sub"] else None


def token_in(request: Request) -> str:
    """Return the token that a request is judged by: that of its header, else that of its cookie."""
    header = request.headers.get("authorization")
    if header is None:
        return request.cookies.get(COOKIE, "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def signed_in(request: Request) -> str:
    """Give the user of a request, or refuse it before anything is done."""
    claims = claims_of(token_in(request))
    if claims is None:
        raise HTTPException(401, "sign in first", headers={"WWW-Authenticate": "Bearer"})
    return claims["sub"]


def set_cookie(response: Response, token: str, claims: dict[str, Any]) -> None:
    """Keep the token in a cookie that no script can read, no longer than the token is good."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(int(claims["exp"] - time.time()), 0),
        httponly=True,
        samesite="lax",
        path="/",
    )
