"""Tokens: what a good one says, what can be made wrong with it, and whose clock it goes by."""

from __future__ import annotations

import time

import jwt
import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import Conversation
from graders.engine.harness import Tokens
from graders.engine.harness.playback import play
from tests.students import HONEST, Bench

SECRET = "a secret of 64 characters, as long as the longest hash needs it."

# Answers as a ChatKit server that only greets those whose token says who they are.
GREETS = """
    import json, jwt, os

    async def app(scope, receive, send):
        header = dict(scope["headers"]).get(b"authorization", b"").decode()
        token = header.removeprefix("Bearer ")
        claims = jwt.decode(token, os.environ["JWT_SECRET"], ["HS256"], audience="chatkit")
        events = [
            {"type": "thread.created", "thread": {"id": f"thr_{claims['sub']}"}},
            {"type": "progress_update", "text": claims["sub"]},
        ]
        body = "".join(f"data: {json.dumps(event)}\\n\\n" for event in events)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})
"""


def tokens_at(now: float) -> Tokens:
    return Tokens(SECRET, lambda: now)


def read(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(
        token,
        SECRET,
        ["HS256"],
        audience="chatkit",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


def test_good_token_says_who_for_whom_and_how_long() -> None:
    assert read(tokens_at(1_000.9).good("alice", lifetime=60)) == {
        "sub": "alice",
        "aud": "chatkit",
        "iat": 990,
        "exp": 1_060,
    }


def test_claim_that_is_none_is_left_out() -> None:
    claims = tokens_at(0).claims("alice", sub=None, nbf=5)
    assert "sub" not in claims
    assert claims["nbf"] == 5


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_other_algorithm_is_in_the_header(algorithm: str) -> None:
    token = tokens_at(0).sign({"sub": "alice"}, algorithm=algorithm)
    assert jwt.get_unverified_header(token)["alg"] == algorithm


def test_other_key_does_not_fit() -> None:
    tokens = tokens_at(time.time())
    forged = tokens.sign(tokens.claims("alice"), key=SECRET[::-1])
    with pytest.raises(jwt.InvalidSignatureError):
        read(forged)


async def test_tokens_go_by_the_clock_of_the_server(bench: Bench) -> None:
    student = await bench.serve(HONEST, variables={"JWT_SECRET": SECRET})
    tokens = Tokens.of(student)
    assert tokens is not None
    await student.advance(86_400)
    issued = read(tokens.good("alice"))["iat"]
    assert isinstance(issued, int)
    assert issued - time.time() == pytest.approx(86_400, abs=30)
    await student.restart()
    assert student.now - time.time() == pytest.approx(86_400, abs=30)


async def test_server_without_a_secret_gets_no_tokens(bench: Bench) -> None:
    assert Tokens.of(await bench.serve(HONEST)) is None


async def test_each_user_of_a_conversation_has_a_token(bench: Bench) -> None:
    student = await bench.serve(GREETS, variables={"JWT_SECRET": SECRET})
    turns = [{"user": name, "say": "Hello."} for name in ("alice", "bob")]
    conversation = Conversation.model_validate(
        {
            "format_version": 1,
            "name": "two-users",
            "description": "Two users say hello.",
            "users": ["alice", "bob"],
            "turns": turns,
        }
    )
    await play(conversation, student, bench.model, Canaries(1))
    told = [entry.text for entry in bench.trace.entries if entry.kind == "progress_update"]
    assert [text.strip('"') for text in told] == ["alice", "bob"]
