"""HS256 tokens, checked with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

LEEWAY = 60


def user_of(header: str, secret: str) -> str | None:
    """Return `sub` of a good token in an `Authorization` header, else None."""
    scheme, _, token = header.strip().partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return None
    head, body, signature = parts
    wanted = hmac.digest(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256)
    try:
        if not hmac.compare_digest(wanted, decoded(signature)):
            return None
        if json.loads(decoded(head)).get("alg") != "HS256":
            return None
        claims = json.loads(decoded(body))
        return claims["sub"] if is_good(claims) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def is_good(claims: dict[str, object]) -> bool:
    now = time.time()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    return (
        isinstance(claims.get("sub"), str)
        and claims["sub"] != ""
        and "chatkit" in audiences
        and now < float(claims["exp"]) + LEEWAY
        and now > float(claims.get("nbf", 0)) - LEEWAY
    )


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
