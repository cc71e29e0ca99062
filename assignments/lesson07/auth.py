"""Who is asking? The check of a token, as in lesson 06."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import jwt


@dataclass(frozen=True)
class RequestContext:
    """What `respond()` and the store know of a request; `page` is for what the widget sends."""

    user_id: str
    page: dict[str, Any] = field(default_factory=dict)


def claims_of(token: str) -> dict[str, Any] | None:
    """Return the claims of a good token, or None."""
    try:
        claims = jwt.decode(
            token,
            os.environ["JWT_SECRET"],
            algorithms=["HS256"],
            audience="chatkit",
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError:
        return None
    return claims if claims["sub"] else None


def user_of(authorization: str) -> str | None:
    """Return the user whose good token is in the header `Authorization`, or None."""
    scheme, _, token = authorization.partition(" ")
    claims = claims_of(token.strip()) if scheme.lower() == "bearer" else None
    return claims["sub"] if claims else None
