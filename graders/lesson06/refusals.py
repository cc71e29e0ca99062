"""Requests whose token is missing or bad, each in one way, and what the server made of them.

Must not know criteria, nor which answer is right.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from graders.engine.harness import Chat, Outcome, Scene, Tokens, attempt, recorded_as
from graders.engine.harness.tokens import Claims
from graders.lesson06.operations import OPERATIONS, Operation, Target
from graders.lesson06.people import Person, Thread, WholeAnswer, begin, creates, send, tokens_for

HOUR = 3_600
JUST_EXPIRED = 65
"""Seconds since the end of a token that any leeway of up to a minute refuses."""
ALMOST_VALID = 80
"""Seconds until the beginning of such a token; some of them may pass before the server has it."""
_OTHER_KEY = "another-key-of-the-tests-Zt5yQ1nR8vLx3CwK7bDf2HjM9sPa6UgEo4iTkYrVqBzX"

Header = Callable[[Tokens, str], str | None]
"""Writes the header `Authorization` for a user; ``None`` where there is to be none."""


def _signed(**changes: str | None) -> Header:
    """Sign a good token's claims, some of them changed; ``None`` takes one out."""
    return lambda tokens, user: f"Bearer {tokens.sign(_without_none(tokens, user, changes))}"


def _without_none(tokens: Tokens, user: str, changes: Mapping[str, str | None]) -> Claims:
    claims = {**tokens.claims(user), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _expired(seconds: int) -> Header:
    def write(tokens: Tokens, user: str) -> str:
        claims = tokens.claims(user, lifetime=-seconds)
        return f"Bearer {tokens.sign({**claims, 'iat': claims['iat'] - 4 * HOUR})}"

    return write


def _not_yet_valid(seconds: int) -> Header:
    def write(tokens: Tokens, user: str) -> str:
        claims = tokens.claims(user, lifetime=3 * HOUR)
        begins = claims["exp"] - 3 * HOUR + seconds
        return f"Bearer {tokens.sign({**claims, 'nbf': begins})}"

    return write


def _changed(tokens: Tokens, user: str) -> str:
    """Put the claims of ``user`` between header and signature of another one's token."""
    header, _, signature = tokens.good("somebody").split(".")
    return f"Bearer {header}.{tokens.good(user).split('.')[1]}.{signature}"


def _with_own_key(tokens: Tokens, user: str) -> str:
    """Sign with a key pair of the attacker's own, and ask for its algorithm in the header."""
    key = ec.generate_private_key(ec.SECP256R1())
    return f"Bearer {tokens.sign(tokens.claims(user), key=key, algorithm='ES256')}"


def _in_basic(_tokens: Tokens, user: str) -> str:
    return f"Basic {_in_base64(f'{user}:password')}"


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


MISSING: Mapping[str, Header] = {
    "no header": lambda _tokens, _user: None,
    "an empty header": lambda _tokens, _user: "",
    "`Bearer` without a token": lambda _tokens, _user: "Bearer",
    "the scheme `Basic`": _in_basic,
    "another scheme before a good token": lambda tokens, user: f"Token {tokens.good(user)}",
    "a good token without a scheme": lambda tokens, user: tokens.good(user),
    "the scheme `Digest` before a good token": lambda tokens, user: f"Digest {tokens.good(user)}",
    "one word": lambda _tokens, _user: "Bearer garbage",
    "three parts that are no token": lambda _tokens, _user: "Bearer not.a.token",
    "parts in base64 that say nothing": lambda _tokens, _user: "Bearer e30.e30.e30",
}
UNSIGNED: Mapping[str, Header] = {
    "the user's name instead of a token": lambda _tokens, user: f"Bearer {user}",
    "`test-token-` and the user's name instead of a token": lambda _tokens, user: (
        f"Bearer test-token-{user}"
    ),
    "the user's name in base64 instead of a token": lambda _tokens, user: (
        f"Bearer {_in_base64(user)}"
    ),
    "the claims as JSON instead of a token": lambda tokens, user: (
        f"Bearer {json.dumps(tokens.claims(user))}"
    ),
    "the claims in base64 instead of a token": lambda tokens, user: (
        f"Bearer {_in_base64(json.dumps(tokens.claims(user)))}"
    ),
}
"""What developers let in while they try their server; each names a user who is known by now."""
OTHER_SCHEMES = frozenset(
    {
        "another scheme before a good token",
        "a good token without a scheme",
        "the scheme `Digest` before a good token",
    }
)
"""Those of them whose token is good."""
LONG = "garbage of 100 kB"
_LONG_HEADER: Mapping[str, Header] = {LONG: lambda _tokens, _user: "Bearer " + "A1b2." * 20_000}
SIGNATURE: Mapping[str, Header] = {
    "signed with another key": lambda tokens, user: (
        f"Bearer {tokens.sign(tokens.claims(user), key=_OTHER_KEY)}"
    ),
    "changed after it was signed": _changed,
    "without its signature": lambda tokens, user: f"Bearer {tokens.good(user).rpartition('.')[0]}.",
}
ALGORITHM: Mapping[str, Header] = {
    "`none`": lambda tokens, user: f"Bearer {tokens.sign(tokens.claims(user), algorithm='none')}",
    "`HS384` with the right secret": lambda tokens, user: (
        f"Bearer {tokens.sign(tokens.claims(user), algorithm='HS384')}"
    ),
    "`HS512` with the right secret": lambda tokens, user: (
        f"Bearer {tokens.sign(tokens.claims(user), algorithm='HS512')}"
    ),
    "`ES256` with a key of the sender's": _with_own_key,
}
LONG_EXPIRED = "that expired two hours ago"
EXPIRED: Mapping[str, Header] = {
    LONG_EXPIRED: _expired(2 * HOUR),
    f"that expired {JUST_EXPIRED} seconds ago": _expired(JUST_EXPIRED),
}
ENDLESS: Mapping[str, Header] = {"without `exp`": _signed(exp=None)}
NOT_BEFORE: Mapping[str, Header] = {
    "that is valid only in an hour": _not_yet_valid(HOUR),
    f"that is valid only in {ALMOST_VALID} seconds": _not_yet_valid(ALMOST_VALID),
}
AUDIENCE: Mapping[str, Header] = {
    "another audience": _signed(aud="billing"),
    "a longer name": _signed(aud="chatkit-admin"),
    "no audience": _signed(aud=None),
}
SUBJECT: Mapping[str, Header] = {"no `sub`": _signed(sub=None), "an empty `sub`": _signed(sub="")}
GOOD = "a good token"
IN_QUERY = "in the query string"
LET_IN = "let in before and now signed with another key"

_HEADERS: Mapping[str, Header] = {
    **MISSING,
    **UNSIGNED,
    **_LONG_HEADER,
    **SIGNATURE,
    **ALGORITHM,
    **EXPIRED,
    **ENDLESS,
    **NOT_BEFORE,
    **AUDIENCE,
    **SUBJECT,
}

Refusals = dict[str, Outcome[WholeAnswer]]


@recorded_as("refused")
async def play_refusals(scene: Scene) -> Refusals:
    """Sign a user in; say a first message with each bad header in this user's name."""
    headers = {GOOD: _signed(), **_HEADERS}
    refusals = {
        case: await attempt(_say(scene, case, _chat(scene, header, "victim", case)))
        for case, header in headers.items()
    }
    refusals[IN_QUERY] = await attempt(_say(scene, IN_QUERY, _chat_with_query(scene)))
    refusals[LET_IN] = await attempt(_say_again_with_another_signature(scene))
    return refusals


async def _say_again_with_another_signature(scene: Scene) -> WholeAnswer:
    """Come in with a good token, and again with one that differs in its signature only."""
    tokens = tokens_for(scene)
    claims = tokens.claims("regular")
    good, forged = tokens.sign(claims), tokens.sign(claims, key=_OTHER_KEY)
    await _say(scene, "let in", _chat(scene, lambda *_: f"Bearer {good}", "regular", "let in"))
    return await _say(scene, LET_IN, _chat(scene, lambda *_: f"Bearer {forged}", "regular", LET_IN))


async def _say(scene: Scene, case: str, chat: Callable[[], Chat]) -> WholeAnswer:
    key = f"refused {case}"
    scene.script(key)
    return await send(scene, chat, creates(scene, key))


def _chat(scene: Scene, header: Header, sub: str, how: str) -> Callable[[], Chat]:
    """Return what makes a client that sends ``header``; the transcript calls it ``how``."""

    def make() -> Chat:
        value = header(tokens_for(scene), sub)
        headers = {} if value is None else {"authorization": value}
        return scene.student.chat(headers=headers, name=how)

    return make


def _chat_with_query(scene: Scene) -> Callable[[], Chat]:
    def make() -> Chat:
        chat = scene.student.chat(name=f"token {IN_QUERY}")
        token = tokens_for(scene).good("victim")
        names = ("token", "access_token", "jwt", "auth")
        chat.query = {**dict.fromkeys(names, token), "authorization": f"Bearer {token}"}
        return chat

    return make


@dataclass(frozen=True)
class Before:
    """What bad tokens got, and what was stored of them; ``sent`` are the words that came with them.

    ``answers`` are those to each kind of request, by how its token was bad, and ``begun`` those to
    a first message; ``stored`` tells where a first message that came with one is kept.
    """

    scene: Scene
    thread: Thread
    sent: Mapping[str, str]
    answers: Mapping[str, Refusals]
    begun: Mapping[str, WholeAnswer]
    stored: Mapping[str, list[str]]
    items: WholeAnswer
    loaded: WholeAnswer
    threads: WholeAnswer


WITHOUT = "without a token"
FORGED = "with a forged token"
OUTDATED = "with an expired token"
_ATTEMPTS: Mapping[str, Header] = {
    WITHOUT: MISSING["no header"],
    FORGED: SIGNATURE["signed with another key"],
    OUTDATED: EXPIRED[LONG_EXPIRED],
}


@recorded_as("before")
async def play_before(scene: Scene) -> Before:
    """Try to begin a thread as Alice, and to write in hers, with bad tokens; see what is left."""
    alice = Person(scene, "Alice")
    thread = await begin(alice, "alice")
    answers: dict[str, Refusals] = {}
    sent: dict[str, str] = {}
    begun: dict[str, WholeAnswer] = {}
    for how, header in _ATTEMPTS.items():
        chat = _chat(scene, header, alice.sub, how)
        key = f"new thread {how}"
        scene.script(key)
        sent[scene.word(key)] = f"a first message {how}"
        begun[how] = await send(scene, chat, creates(scene, key))
        sent |= {_word(scene, each, how): f"`{each.kind}` {how}" for each in OPERATIONS}
        answers[how] = {
            "threads.list": await attempt(send(scene, chat, lambda chat: chat.list())),
            **{each.kind: await _ask(scene, chat, each, thread, how) for each in OPERATIONS},
        }
    return Before(
        scene,
        thread,
        sent,
        answers,
        begun,
        stored={how: _places_with(scene, scene.word(f"new thread {how}")) for how in _ATTEMPTS},
        items=await alice.send(lambda chat: chat.items(thread.id)),
        loaded=await alice.send(lambda chat: chat.get(thread.id)),
        threads=await alice.send(lambda chat: chat.list()),
    )


def _places_with(scene: Scene, word: str) -> list[str]:
    """Name the tables and files that hold ``word``; a log file may hold what it likes."""
    return scene.student.stores.places_containing(word)


def _word(scene: Scene, operation: Operation, how: str) -> str:
    return scene.canary.word(f"{operation.kind} {how}")


async def _ask(
    scene: Scene, chat: Callable[[], Chat], operation: Operation, thread: Thread, how: str
) -> Outcome[WholeAnswer]:
    sending = operation.sending(Target.of(thread), _word(scene, operation, how))
    return await attempt(send(scene, chat, sending))
