"""What the backend answers to clients that the grader plays: sign-in, cookies, CORS, uploads.

It records, and judges nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from graders.engine.harness import Outcome, Scene, ServerTrouble, Tokens, attempt, recorded_as
from graders.engine.web.page_server import PAGE_ORIGIN
from graders.lesson07.replays import thread_in

FOREIGN_ORIGINS = (
    "https://evil.example", "https://app.example.evil.example", "http://127.0.0.1:5174", "null",
)  # fmt: skip
LISTED_ORIGINS = ("https://app.example", PAGE_ORIGIN)
ASKED_HEADERS = "authorization,chatkit-frame-instance-id,content-type"
"""What a browser asks for: `accept-language` goes without being asked for."""
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_FIRST_FAILURE = 300
LIFETIME = 600.0
"""Seconds that the token lives which a user signs in with."""


@dataclass(frozen=True)
class BackendAnswer:
    """One answer of the backend; ``calls`` counts the model's calls since the request."""

    status: int
    headers: httpx.Headers
    text: str
    calls: int = 0

    @property
    def cookies(self) -> list[str]:
        """The whole text of each ``Set-Cookie``."""
        return self.headers.get_list("set-cookie")


@dataclass(frozen=True)
class Backend:
    """All that was asked, by a name for each; what broke holds the finding.

    ``signed_in`` says that `/login` has set the cookie, whatever its status is.
    """

    answers: Mapping[str, Outcome[BackendAnswer]]
    whose: Mapping[str, Outcome[Sequence[str]]]
    signed_in: bool

    def answer(self, name: str) -> BackendAnswer:
        """Return an answer; raises the finding that there is none."""
        return self.answers[name].value


@recorded_as("backend")
async def play_backend(scene: Scene) -> Backend:
    """Ask for everything that needs no page."""
    return await _Asking(scene).play()


class _Asking:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        tokens = Tokens.of(scene.student)
        assert tokens is not None, "the lesson has a secret for tokens"
        self.tokens = tokens
        self.endpoint = scene.student.endpoint
        self.count = 0

    async def play(self) -> Backend:
        good = self.tokens.good("alice", lifetime=LIFETIME)
        forged = self.tokens.sign(self.tokens.claims("alice"), key="x" * 64)
        bob = self.tokens.good("bob")
        answers: dict[str, Outcome[BackendAnswer]] = {}
        answers["login"] = await attempt(self._login({"token": good}))
        cookie = _session_cookie(answers["login"])
        for name, body in {
            "login, a forged token": {"token": forged},
            "login, an expired token": {"token": self.tokens.good("alice", lifetime=-900.0)},
            "login, garbage": {"token": "garbage"},
        }.items():  # fmt: skip
            answers[name] = await attempt(self._login(body))
        asks: dict[str, dict[str, str]] = {
            "no credentials": {},
            "garbage": {"authorization": "Bearer garbage"},
            "`Bearer undefined`": {"authorization": "Bearer undefined"},
            "a forged token": {"authorization": f"Bearer {forged}"},
            "a bad cookie": {"cookie": "session=garbage"},
            "a cookie of another name": {"cookie": f"token={good}"},
            "bearer": {"authorization": f"Bearer {good}"},
            "cookie": {"cookie": cookie},
            "a bad header beside a good cookie": {
                "authorization": "Bearer garbage", "cookie": cookie,
            },
            "another scheme beside a good cookie": {
                "authorization": "Basic Zm9vOmJhcg==", "cookie": cookie,
            },
        }  # fmt: skip
        for name, headers in asks.items():
            answers[name] = await attempt(self._create(headers))
        answers |= await self._cors(good)
        answers |= await self._uploads(good, cookie)
        return Backend(answers, await self._whose(good, bob, cookie), bool(cookie))

    async def _login(self, body: Any) -> BackendAnswer:
        return await self._ask("POST", "/login", json=body)

    async def _create(self, headers: Mapping[str, str], **more: Any) -> BackendAnswer:
        self.count += 1
        name = f"backend {self.count}"
        self.scene.script(name)
        body = {
            "type": "threads.create",
            "params": {"input": {
                "content": [{"type": "input_text", "text": self.scene.message(name)}],
                "attachments": [], "inference_options": {},
            }},
            "metadata": {},
            **more,
        }  # fmt: skip
        return await self._ask("POST", self.endpoint, json=body, headers=headers)

    async def _cors(self, token: str) -> dict[str, Outcome[BackendAnswer]]:
        found: dict[str, Outcome[BackendAnswer]] = {}
        for origin in (*LISTED_ORIGINS, *FOREIGN_ORIGINS):
            found[f"preflight from {origin}"] = await attempt(self._ask(
                "OPTIONS", self.endpoint, headers={
                    "origin": origin,
                    "access-control-request-method": "POST",
                    "access-control-request-headers": ASKED_HEADERS,
                }))  # fmt: skip
            headers = {"origin": origin, "authorization": f"Bearer {token}"}
            found[f"request from {origin}"] = await attempt(self._list(headers))
            found[f"401 for {origin}"] = await attempt(self._list({"origin": origin}))
        return found

    async def _list(self, headers: Mapping[str, str]) -> BackendAnswer:
        body = {"type": "threads.list", "params": {"limit": 100}, "metadata": {}}
        return await self._ask("POST", self.endpoint, json=body, headers=headers)

    async def _uploads(self, token: str, cookie: str) -> dict[str, Outcome[BackendAnswer]]:
        files = {"file": ("notes.png", _PNG, "image/png")}
        asks = {
            "upload, signed in": {"authorization": f"Bearer {token}"},
            "upload, with the cookie": {"cookie": cookie},
            "upload, no credentials": {},
            "upload, a bad token": {"authorization": "Bearer garbage"},
        }
        return {
            name: await attempt(self._ask("POST", "/upload", files=files, headers=headers))
            for name, headers in asks.items()
        }

    async def _whose(self, alice: str, bob: str, cookie: str) -> dict[str, Outcome[Sequence[str]]]:
        """Let Bob begin a thread, naming Alice in every other way; list whose it is."""
        self.bobs = await attempt(
            self._create(
                {
                    "authorization": f"Bearer {bob}",
                    "x-user-id": "alice",
                    "user-id": "alice",
                    "cookie": cookie,
                },
                metadata={"userId": "alice", "user_id": "alice", "sub": "alice"},
                user="alice",
                user_id="alice",
            )
        )
        lists = {
            "alice": await attempt(self._list({"authorization": f"Bearer {alice}"})),
            "bob": await attempt(self._list({"authorization": f"Bearer {bob}"})),
        }
        thread = _thread_id(self.bobs)
        return {
            user: Outcome(result=[thread] if thread and thread in listed.value.text else [])
            if listed.finding is None
            else Outcome(finding=listed.finding)
            for user, listed in lists.items()
        }

    async def _ask(self, method: str, path: str, **how: Any) -> BackendAnswer:
        before = len(self.scene.model.calls)
        try:
            response = await self.scene.student.http.request(method, path, **how)
        except httpx.HTTPError as error:
            raise ServerTrouble(f"the server gave no answer to {method} {path}: {error}") from None
        calls = len(self.scene.model.calls) - before
        return BackendAnswer(response.status_code, response.headers, response.text, calls)


def _session_cookie(login: Outcome[BackendAnswer]) -> str:
    if login.finding is not None or login.value.status >= _FIRST_FAILURE:
        return ""
    pairs = (text.partition(";")[0] for text in login.value.cookies)
    return next((pair for pair in pairs if pair.startswith("session=")), "")


def _thread_id(answer: Outcome[BackendAnswer]) -> str:
    return thread_in(answer.value.text) if answer.finding is None else ""
