"""Who is asking? Only a good token tells, and what it tells is the context of the request."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import jwt
from fastapi import Header, HTTPException

ALGORITHMS = ["HS256"]  # never what the token's own header asks for
AUDIENCE = "chatkit"
LEEWAY_SECONDS = 10


@dataclass(frozen=True)
class RequestContext:
    """What `respond()`, the tools and the store know of a request."""

    user_id: str


def user_of(authorization: str) -> str | None:
    """Return the user whose good token the header bears, or None."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims = jwt.decode(
            token.strip(),
            os.environ["JWT_SECRET"],
            algorithms=ALGORITHMS,
            audience=AUDIENCE,
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError:
        return None
    return claims["sub"] or None


async def signed_in(authorization: Annotated[str, Header()] = "") -> RequestContext:
    """Give the context of a request, or refuse it before anything is done."""
    user_id = user_of(authorization)
    if user_id is None:
        raise HTTPException(401, "sign in first", headers={"WWW-Authenticate": "Bearer"})
    return RequestContext(user_id)
