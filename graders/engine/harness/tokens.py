"""Bearer tokens for the users of one server: good ones, and every kind of bad one.

A token is judged by the server's own clock, so its times are taken from there, and it is to be made
when it is sent. Must not know a lesson, nor which tokens a server ought to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from graders.engine.harness.student import Student

SECRET_VARIABLE = "JWT_SECRET"  # noqa: S105 - a variable's name
AUDIENCE = "chatkit"
LIFETIME = 3_600.0
"""Seconds that a token lives unless a check says otherwise."""
_AGE = 10
"""Seconds since a token was issued: a server whose clock is a moment behind may be strict."""

Claims = dict[str, Any]


class Tokens:
    """Makes tokens with ``secret``; ``now`` gives the seconds since the epoch at the server."""

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._secret = secret
        self._now = now

    @classmethod
    def of(cls, student: Student) -> Tokens | None:
        """Return what makes the tokens that ``student`` ought to trust.

        ``None`` without a secret.
        """
        secret = student.variables.get(SECRET_VARIABLE)
        return None if secret is None else cls(secret, lambda: student.now)

    @property
    def secret(self) -> str:
        """The secret that the server shares."""
        return self._secret

    def claims(self, user: str, *, lifetime: float = LIFETIME, **others: Any) -> Claims:
        """Return the claims of a good token; ``others`` are put in, a ``None`` takes one out."""
        now = int(self._now())
        claims = {
            "sub": user,
            "aud": AUDIENCE,
            "iat": now - _AGE,
            "exp": now + int(lifetime),
            **others,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(
        self,
        claims: Mapping[str, Any],
        *,
        key: Any = None,
        algorithm: str = "HS256",
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a token with these claims, signed with the server's secret or with ``key``."""
        used = self._secret if key is None and algorithm != "none" else key
        own = dict(headers) if headers else None
        return jwt.encode(dict(claims), used, algorithm=algorithm, headers=own)

    def good(self, user: str, *, lifetime: float = LIFETIME, **others: Any) -> str:
        """Write a good token of ``user``."""
        return self.sign(self.claims(user, lifetime=lifetime, **others))

    def bearer(self, user: str) -> dict[str, str]:
        """Return the header with which ``user`` signs in."""
        return {"authorization": f"Bearer {self.good(user)}"}
