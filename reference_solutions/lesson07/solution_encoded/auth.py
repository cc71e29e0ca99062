"""Who is asking? A bearer token or the cookie tells; both hold the same kind of token."""

import os
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

import jwt
from fastapi import Cookie, Depends, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

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


bearer = HTTPBearer(auto_error=False)


async def signed_in(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    session: Annotated[str | None, Cookie()] = None,
) -> str:
    if credentials is not None:
        token = credentials.credentials
    elif "authorization" in request.headers:
        token = ""
    else:
        token = session or ""
    claims = claims_of(token)
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
