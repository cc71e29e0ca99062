"""Users and their tokens."""

from __future__ import annotations

from typing import NamedTuple

import jwt
from fastapi import Request

from .settings import settings


class User(NamedTuple):
    id: str


class NotSignedIn(Exception):
    """The request bears no good token."""


async def current_user(request: Request) -> User:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token:
        raise NotSignedIn("a bearer token is needed")
    try:
        claims = jwt.decode(
            token.strip(),
            key=settings.jwt_secret,
            algorithms=["HS256"],
            audience="chatkit",
            options={"require": ["exp", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise NotSignedIn(str(error)) from error
    if not claims["sub"]:
        raise NotSignedIn("the token names nobody")
    return User(claims["sub"])
