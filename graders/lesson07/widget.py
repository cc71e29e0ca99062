"""Plays the widget in a browser against its own backend: what is done, step by step, and recorded.

The same commands would do for any place that runs a page. It records, and judges nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.harness import (
    Finding,
    NotMeasurable,
    Outcome,
    Picture,
    RecordedCall,
    Scene,
    ServerSettings,
    StartFailed,
    Tokens,
    Trace,
    Turn,
    attempt,
    items_of,
    recorded_as,
    say_held,
)
from graders.engine.submissions.submission import described
from graders.engine.submissions.submission_copy import SubmissionProblem
from graders.engine.web.browser import FIRST_PATH, Browser, PageTrouble, open_browser, page_of
from graders.engine.web.bundle import Bundle, BundleProblem, bundle
from graders.engine.web.dom import OLDEST_NODE, open_dom
from graders.engine.web.node import NodeRun, run_in_node
from graders.engine.web.packages import PackagesMissingError, web_packages
from graders.engine.web.page_server import API_ORIGIN, PAGE_ORIGIN
from graders.engine.web.programs import BROWSER_VARIABLE, find_browser, find_node, version_of
from graders.engine.web.recording import WebRequest
from graders.lesson07.carrier import changed
from graders.lesson07.page_data import PageData, page_runs
from graders.lesson07.replays import OtherPages, Replayer, frame_of, thread_in
from graders.lesson07.safe_json import read_object

HERE = Path(__file__).parent / "web"
ABSENT = Path(__file__).parent / "absent"
DRIVER = Path(__file__).parents[1] / "engine" / "web" / "page" / "driver.js"
DOMAIN_KEY = "domain_pk_localhost_dev"
PAGE_ENTRY = """\
import * as widget from "./web/src/ChatWidget";
import * as React from "react";
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
window.__chatkitWidget = { widget, React, createRoot, flushSync };
"""
SERVER_ENTRY = """\
import * as widget from "./web/src/ChatWidget";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
const props = { apiUrl: "/chatkit", domainKey: "domain_pk_localhost_dev", token: "a-token" };
const html = renderToString(createElement(widget.ChatWidget, props));
console.log(`\\nRENDERED ${html.length}`);
process.exit(0);
"""
RENDERED = "\nRENDERED "
SCRIPT_SECONDS = 10
"""How long a page waits for the script before it must say that the chat could not be loaded."""
_EARLY_SECONDS = 2
_MOST_TRIES = 20
_CORS = (
    ("access-control-allow-origin", PAGE_ORIGIN),
    ("access-control-allow-credentials", "true"),
    ("access-control-expose-headers", "*"),
    ("content-type", "application/json"),
)
UPLOADED = b"\x89PNG uploaded \xe6\x9d\xb1"


@dataclass(frozen=True)
class Look:
    """What the page shows at one moment; the element's own report among it."""

    raw: dict[str, Any]

    @property
    def text(self) -> str:
        """The visible text of the widget, without the element's own."""
        return str(self.raw.get("text") or "")

    @property
    def mounted(self) -> bool:
        """Whether the element is in the page."""
        return self.raw.get("mounted") is True

    @property
    def options(self) -> bool:
        """Whether the element was given options."""
        return self.raw.get("options") is True

    @property
    def problems(self) -> list[tuple[str, str]]:
        """The options that the real element would refuse, and what is wrong with each."""
        found = self.raw.get("problems")
        return [
            (str(each.get("name"))[:80], str(each.get("what")))
            for each in (found if isinstance(found, list) else [])
            if isinstance(each, dict)
        ]

    @property
    def failed(self) -> str:
        """What React has not caught."""
        return str(self.raw.get("failed") or "")

    @property
    def scripts(self) -> int:
        """How many tags for the script the page holds."""
        found = self.raw.get("scripts")
        return found if isinstance(found, int) else 0

    @property
    def stored(self) -> str:
        """What scripts can read of storage, cookies and the address."""
        return str(self.raw.get("stored") or "")

    @property
    def exchange(self) -> dict[str, Any]:
        """What the element got for its last request."""
        found = self.raw.get("exchange")
        return found if isinstance(found, dict) else {}

    @property
    def shown(self) -> str:
        """The answer as far as the element has it."""
        return str(self.exchange.get("shown") or "")

    @property
    def failure(self) -> str:
        """What the element met instead of an answer."""
        return str(self.exchange.get("failure") or "")


def texts_in(said: Any, name: str) -> list[str]:
    """Return a list of texts that the page says of itself; the page may say anything."""
    found = said.get(name) if isinstance(said, dict) else None
    return (
        [each[:500] for each in found if isinstance(each, str)] if isinstance(found, list) else []
    )


@dataclass(frozen=True)
class Sent:
    """One thing that the element sent through the widget, and what came of it.

    ``shown`` is the answer as the element had it after each token that the model let go; ``left``
    says that the page had closed the connection by then.
    """

    scene: Scene
    name: str
    requests: Sequence[WebRequest]
    look: Look
    console: Sequence[str]
    token: str = ""
    page: PageData | None = None
    turn: Turn | None = None
    shown: Sequence[str] = ()
    left: bool = False

    @property
    def request(self) -> WebRequest | None:
        """The request itself: no preflight, and nothing that the widget asks too."""
        real = [each for each in self.requests if not each.is_preflight]
        paths = {self.scene.student.endpoint, "/upload"}
        own = [each for each in real if each.path in paths]
        said = self.scene.message(self.name).encode()
        saying = [each for each in own if said in each.body]
        return (saying or own or real)[-1] if real else None

    @property
    def calls(self) -> Sequence[RecordedCall]:
        """What the model was asked for it."""
        return self.turn.requests if self.turn is not None else ()

    @property
    def answer(self) -> str:
        """The model's words."""
        return self.scene.answer(self.name)

    @property
    def thread_id(self) -> str:
        """The id of the thread that was begun, as the answer has it."""
        return thread_in(self.request.answer.decode("utf-8", "replace")) if self.request else ""

    @property
    def why(self) -> str:
        """What the browser or the element says about a request that went wrong."""
        if self.console:
            return f"The browser says: {self.console[-1][:400]}"
        if self.request is not None and self.request.failure:
            return f"The server failed: {self.request.failure}"
        return f"The element got: {self.look.failure}" if self.look.failure else ""


@dataclass(frozen=True)
class Started:
    """The widget in its page, before anything was sent."""

    exported: bool
    names: Sequence[str]
    look: Look
    errors: Sequence[str]
    waited: Look


@dataclass(frozen=True)
class Late:
    """A page whose script comes late: the text at first, early, in time, and once it is there."""

    first: Look
    early: Look
    waited: Look
    came: Look
    asked: int


@dataclass(frozen=True)
class Fault:
    """What the widget shows before and after a request that fails."""

    status: int
    before: Look
    after: Look
    sent: Sent


@dataclass
class PlayedWidget:
    """All that was played of one widget; what could not be played holds the finding why."""

    built: Outcome[Bundle]
    steps: dict[str, Outcome[Any]] = field(default_factory=dict)
    replays: dict[str, Outcome[Any]] = field(default_factory=dict)
    server_run: NodeRun | None = None
    stored: dict[str, Outcome[list[str]]] = field(default_factory=dict)
    no_replays: str = ""
    gone: tuple[str, str] | None = None
    pictures: dict[str, Picture] = field(default_factory=dict)
    trace: Trace | None = None
    unavailable: str = ""
    where: str = ""
    unseen: dict[str, str] = field(default_factory=dict)

    def step(self, name: str) -> Any:
        """Return what a step recorded; raises the finding why it did not."""
        self._require_browser()
        if name in self.unseen:
            raise NotMeasurable(self.unseen[name])
        self.show(name)
        return self.steps[name].value

    def show(self, name: str) -> None:
        """Let the report of the check show what the page looked like then."""
        if self.trace is not None:
            self.trace.picture = self.pictures.get(name)

    def replayed(self, name: str) -> Any:
        """Return what came of a request that was sent again; raises the finding why it was not."""
        self._require_browser()
        if self.no_replays:
            raise Finding(self.no_replays, needs=("request-kept",))
        if name not in self.replays:
            raise Finding("No message left the page.", needs=("context-first",))
        return self.replays[name].value

    def confirm(self, what: str) -> None:
        """Leave open what is right so far, where only a browser can see ``what``."""
        if self.unseen:
            raise NotMeasurable(f"Only a browser can see whether {what}.", right_so_far=True)

    def on_server(self) -> NodeRun:
        """Return how the widget was rendered in Node."""
        if self.server_run is None:
            raise NotMeasurable("There is no Node on this machine.")
        return self.server_run

    def _require_browser(self) -> None:
        if self.unavailable:
            raise NotMeasurable(self.unavailable)


NO_BROWSER = (
    f"There is no Chromium, Chrome or Edge on this machine. `{BROWSER_VARIABLE}` can name one."
)


def build(folder: Path) -> Bundle | BundleProblem:
    """Bundle the widget in ``folder`` for a page."""
    if not folder.is_dir():
        return BundleProblem(
            f"There is no folder `{folder.name}/`.",
            cure="Put the widget into `web/src/ChatWidget.tsx`, or name the folder in "
            "`submission.yaml`: `frontend: client/`.",
        )
    return bundle(folder, {"page.jsx": PAGE_ENTRY, "server.jsx": SERVER_ENTRY}, web_packages())


@pytest.fixture
def played(widget_in_browser: PlayedWidget, trace: Trace) -> PlayedWidget:
    """Return what was played, for a check whose report shows the page where it looked."""
    return replace(widget_in_browser, trace=trace)


@pytest.fixture
def loaded(request: pytest.FixtureRequest) -> PlayedWidget:
    """Return what was played; where the server does not start, what needs none.

    It is asked for late: a check that names a server is left out there.
    """
    try:
        played: PlayedWidget = request.getfixturevalue("played")
    except StartFailed:
        played = request.getfixturevalue("widget_alone")
    return played


@pytest_asyncio.fixture
async def widget_alone(
    of_reference: Callable[[Any, Path], Awaitable[PlayedWidget]], submission: Path, trace: Trace
) -> PlayedWidget:
    """Return what was played of the widget with a server that never has an answer."""
    return replace(await of_reference(_alone(_frontend_in(submission)), ABSENT), trace=trace)


def _frontend_in(submission: Path) -> Path:
    """Return the folder of web code, with or without a server; the usual one if none is named."""
    try:
        named = described(submission).frontend
    except SubmissionProblem:
        named = None
    return named or submission / ServerSettings.frontend


@cache
def _alone(folder: Path) -> Callable[[Scene], Awaitable[PlayedWidget]]:
    """Return the scenario of the widget in ``folder``, the same one at each call."""

    async def play(scene: Scene) -> PlayedWidget:
        return await _play(scene, folder, ALONE)

    return play


@recorded_as("widget_in_browser")
async def play_widget(scene: Scene) -> PlayedWidget:
    """Bundle the widget, play all steps with it in one browser, and what hangs on them."""
    played = await _play(scene, scene.student.frontend, tuple(OF_STEP))
    if "first" in played.steps:
        await play_replays(scene, played)
    return played


async def _play(scene: Scene, folder: Path, steps: Sequence[str]) -> PlayedWidget:
    missing = _missing()
    if missing:
        return PlayedWidget(Outcome(), unavailable=missing)
    built = await asyncio.to_thread(build, folder)
    if isinstance(built, BundleProblem):
        place = re.sub("^web(?=/)", folder.name, built.place)
        where = f"`{place}`: " if place else ""
        finding = Finding(f"{where}{built.message}", advice=built.cure)
        return PlayedWidget(Outcome(finding=finding))
    played = PlayedWidget(Outcome(result=built))
    program, node = find_browser(), find_node()
    if node is not None:
        played.server_run = await asyncio.to_thread(run_in_node, node, built.files["server.js"])
    if program is not None:
        opening = open_browser(program, scene.student)
        played.where = f"in a real browser: `{program.name}`"
    elif node is not None and version_of(node) >= OLDEST_NODE:
        opening = open_dom(node, web_packages(), scene.student)
        played.where = f"without a browser, by happy-dom in Node. {NO_BROWSER}"
        played.unseen = {"cookie": "Without a browser there are no real cookies."}
    else:
        why = "There is no Node either." if node is None else f"Node is older than {OLDEST_NODE}."
        played.unavailable = f"{NO_BROWSER} {why}"
        return played
    async with opening as browser:
        if not browser.alone:
            played.where += " It had no network namespace: this is for practice only."
        await _PagePlayer(scene, browser, built, played).play(steps)
    return played


def _missing() -> str:
    """Say what web code cannot be bundled for want of; empty if nothing is missing."""
    if sys.platform == "win32":
        return "Web code is not run on Windows."
    try:
        web_packages()
    except PackagesMissingError as error:
        return f"The JavaScript packages of the course are not there: {error}."
    return ""


async def play_replays(scene: Scene, played: PlayedWidget) -> None:
    """Send the first message again, with other page data, and list what is stored."""
    first = played.steps["first"]
    if first.finding is not None or not isinstance(sent := first.value, Sent):
        return
    if sent.request is None or sent.page is None:
        return
    body = read_object(sent.request.body)
    if body is None:
        played.no_replays = "The body of a message is no JSON object."
        return
    written = played.steps["coding"].result or {}
    replayer = Replayer(
        scene, sent.request, body, scene.message("first"), sent.page, written=written
    )
    played.replays = await replayer.play()
    for name, user in {"first": "alice", "replayed": "erin"}.items():
        thread = sent.thread_id if name == "first" else _thread_of(played.replays["normal"])
        played.stored[name] = await attempt(stored_texts(scene, thread, user))


def _thread_of(replayed: Outcome[Any]) -> str:
    return replayed.value.thread_id if replayed.finding is None else ""


Step = Callable[[], Awaitable[Any]]


class _PagePlayer:
    def __init__(self, scene: Scene, browser: Browser, built: Bundle, played: PlayedWidget) -> None:
        self.scene = scene
        self.browser = browser
        self.server = browser.server
        self.built = built
        self.played = played
        tokens = Tokens.of(scene.student)
        assert tokens is not None, "the lesson has a secret for tokens"
        self.tokens = tokens
        self.api_url = f"{API_ORIGIN}{scene.student.endpoint}"

    async def play(self, wanted: Sequence[str]) -> None:
        """Play the steps; one that ends the page keeps those after it from being played."""
        steps: dict[str, Step] = {
            "start": self.start,
            "first": self.first,
            "later": self.later,
            "renewed": self.renewed,
            "private": self.private,
            "operation": self.operation,
            "upload": self.upload,
            "abort": self.abort,
            "fault 401": lambda: self.fault(401),
            "fault 500": lambda: self.fault(500),
            "coding": self.coding,
            "cookie": self.cookie,
            "relative": self.relative,
            "late": self.late,
            "blocked": self.blocked,
        }
        self._lay_out(FIRST_PATH)
        self.server.script.held.set()
        for name in wanted:
            step = steps[name]
            if self.played.gone is not None:
                gone_at, why = self.played.gone
                finding = Finding(f"The page was gone after the step `{gone_at}`: {why}",
                                  needs=(OF_STEP[gone_at],))  # fmt: skip
                self.played.steps[name] = Outcome(finding=finding)
                continue
            outcome = await attempt(step())
            if isinstance(outcome.finding, PageTrouble):
                self.played.gone = (name, outcome.finding.seen)
            self.played.steps[name] = outcome
            await self._picture(name)

    async def _picture(self, name: str) -> None:
        jpeg = await self.browser.picture()
        if jpeg:
            self.played.pictures[name] = Picture(of=f"The page {PICTURED[name]}.", jpeg=jpeg)

    # --- steps ------------------------------------------------------------------------------------

    async def start(self) -> Started:
        page = PageData.of(self.scene, "first")
        await self.browser.do("script")
        await self._show(page)
        self.token = self.tokens.good("alice", jti="first")
        rendered = await self._render(self.token)
        seen = await self.browser.do("seen")
        look = await self._look()
        await self.browser.do("advance", milliseconds=SCRIPT_SECONDS * 1_000 + 1)
        return Started(
            exported=rendered.get("exported") is True,
            names=texts_in(rendered, "names"),
            look=look,
            errors=[*texts_in(seen, "errors"), *texts_in(seen, "opened")],
            waited=await self._look(),
        )

    async def first(self) -> Sent:
        return await self._say("first", PageData.of(self.scene, "first"))

    async def later(self) -> Sent:
        page = PageData.of(self.scene, "later")
        await self._show(page)
        return await self._say("later", page)

    async def renewed(self) -> Sent:
        self.token = self.tokens.good("alice", jti="renewed")
        await self._render(self.token)
        return await self._say("renewed", PageData.of(self.scene, "later"))

    async def private(self) -> Look:
        return await self._look()

    async def operation(self) -> Sent:
        params = {"limit": 20, "order": "desc"}
        request = {"type": "threads.list", "params": params, "metadata": {}}
        return await self._do("operation", "ask", request=request)

    async def upload(self) -> Sent:
        return await self._do(
            "upload",
            "upload",
            url=f"{API_ORIGIN}/upload",
            file="notes.png",
            type="image/png",
            content=UPLOADED.decode("latin-1"),
        )

    async def abort(self) -> Sent:
        turn = self.scene.script("abort", say_held(*self.scene.chunks("abort")))
        before = len(self.server.requests)
        await self.browser.do("send", text=self.scene.message("abort"))
        await self.browser.settle()
        await self.browser.do("abort")
        await self.browser.settle()
        return await self._sent("abort", before, turn=turn)

    async def fault(self, status: int) -> Fault:
        await self._again(self.token)
        before = await self._look()
        body = json.dumps({"error": "not this time"}).encode()
        challenge = (("www-authenticate", "Bearer"),) if status == 401 else ()
        # A widget may try again by itself: each request of the step is answered so.
        self.server.planted += [(status, (*_CORS, *challenge), body)] * _MOST_TRIES
        number = len(self.server.requests)
        await self.browser.do("send", text=self.scene.message(f"fault {status}"))
        await self.browser.settle()
        self.server.planted.clear()
        sent = await self._sent(f"fault {status}", number)
        return Fault(status, before, sent.look, sent)

    async def coding(self) -> dict[str, WebRequest]:
        """Let the widget write other pages, where it sends them as nobody else can read them."""
        outcome = self.played.steps["first"]
        first: Sent | None = outcome.result
        if first is None or first.request is None or first.page is None:
            return {}
        if changed(first.request, {first.page.title: "Another title"}) is not None:
            return {}
        parts = (each for call in first.calls
                 for each in page_runs(call, first.page, self.scene.message("first")))  # fmt: skip
        frame = frame_of(list(parts), first.page)
        pages = OtherPages(self.scene, first.page).to_be_shown(frame.after.strip() if frame else "")
        written = {name: await self._written(name, page) for name, page in pages.items()}
        return {name: request for name, request in written.items() if request is not None}

    async def _written(self, name: str, page: PageData) -> WebRequest | None:
        """Return the request that begins a thread on ``page``, with the words of the first one."""
        await self._again(self.token)
        await self._show(page)
        said, first = (self.scene.message(each).encode() for each in (f"coding {name}", "first"))
        request = (await self._say(f"coding {name}", page)).request
        return None if request is None else replace(request, body=request.body.replace(said, first))

    async def cookie(self) -> Sent:
        token = self.tokens.good("carol", jti="cookie")
        await self.browser.do("unmount")
        login = {
            "method": "POST",
            "credentials": "include",
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"token": token}),
        }
        outcome = await attempt(self.browser.do("fetch", url=f"{API_ORIGIN}/login", init=login))
        if isinstance(outcome.finding, PageTrouble):
            raise outcome.finding
        said = outcome.value if outcome.finding is None else None
        status = said.get("status") if isinstance(said, dict) else None
        if not isinstance(status, int) or not 200 <= status < 300:
            raise Finding("The page could not sign in.", needs=("login", "cors-exact"))
        await self._render(None)
        return await self._say("cookie", PageData.of(self.scene, "later"))

    async def relative(self) -> Sent:
        await self.browser.do("unmount")
        self.token = self.tokens.good("dave", jti="relative")
        await self._render(self.token, api_url=self.scene.student.endpoint)
        return await self._say("relative", PageData.of(self.scene, "later"))

    async def late(self) -> Late:
        await self._open("/__late", held=True)
        await self._render(self.token)
        first = await self._look()
        await self.browser.do("advance", milliseconds=_EARLY_SECONDS * 1_000)
        early = await self._look()
        await self.browser.do("advance", milliseconds=(SCRIPT_SECONDS - _EARLY_SECONDS) * 1_000 + 1)
        waited = await self._look()
        await self._picture("late, waited")
        self.server.script.held.set()
        await self.browser.do("script")
        await self.browser.settle()
        return Late(first, early, waited, await self._look(), self.server.script.asked)

    async def blocked(self) -> Late:
        await self._open("/__blocked", held=False, fails=True)
        await self.browser.do("script")
        await self._render(self.token)
        first = await self._look()
        await self.browser.do("advance", milliseconds=SCRIPT_SECONDS * 1_000 + 1)
        waited = await self._look()
        return Late(first, first, waited, waited, self.server.script.asked)

    # --- how --------------------------------------------------------------------------------------

    def _lay_out(self, path: str) -> None:
        element = (HERE / "element.js").read_text("utf-8")
        driver = DRIVER.read_text("utf-8").replace("{{ELEMENT}}", element)
        values = {"SECRET": self.server.secret}
        html = (HERE / "page.html").read_text("utf-8")
        html = html.replace("{{PRIVATE}}", self.scene.word("private"))
        self.server.pages[path] = page_of(html, driver, values)
        files = self.built.files
        self.server.files = {
            "page.js": ("text/javascript; charset=utf-8", files["page.js"]),
            "page.css": ("text/css; charset=utf-8", files.get("page.css", b"")),
        }

    async def _open(self, path: str, *, held: bool, fails: bool = False) -> None:
        script = type(self.server.script)(fails=fails)
        if not held:
            script.held.set()
        self.server.script = script
        self._lay_out(path)
        await self.browser.leave_for(f"{PAGE_ORIGIN}{path}")
        await self._show(PageData.of(self.scene, "later"))

    async def _show(self, page: PageData) -> None:
        await self.browser.do(
            "page",
            url=page.address,
            title=page.title,
            headings=page.leveled,
        )

    async def _render(self, token: str | None, api_url: str | None = None) -> dict[str, Any]:
        props = {"apiUrl": api_url or self.api_url, "domainKey": DOMAIN_KEY}
        if token is not None:
            props["token"] = token
        rendered = await self.browser.do("render", props=props)
        await self.browser.settle()
        return rendered if isinstance(rendered, dict) else {}

    async def _again(self, token: str | None) -> None:
        await self.browser.do("unmount")
        await self._render(token)

    async def _look(self) -> Look:
        look = await self.browser.do("look")
        return Look(look if isinstance(look, dict) else {})

    async def _say(self, name: str, page: PageData) -> Sent:
        """Send a message in lock-step: the next token goes once the page shows the one before."""
        chunks = self.scene.chunks(name)
        turn = self.scene.script(name, say_held(*chunks))
        before, said = len(self.server.requests), len(self.browser.console)
        await self.browser.do("send", text=self.scene.message(name))
        await self.browser.settle()
        shown = []
        for _ in chunks if turn.used else ():
            await turn.release()
            await self.browser.settle()
            shown.append((await self._look()).shown)
        await turn.release_all()
        await self.browser.settle()
        return await self._sent(name, before, said, page=page, turn=turn, shown=shown)

    async def _do(self, name: str, what: str, **arguments: Any) -> Sent:
        before, said = len(self.server.requests), len(self.browser.console)
        await self.browser.do(what, **arguments)
        await self.browser.settle()
        return await self._sent(name, before, said)

    async def _sent(
        self,
        name: str,
        before: int,
        said: int | None = None,
        *,
        page: PageData | None = None,
        turn: Turn | None = None,
        shown: Sequence[str] = (),
    ) -> Sent:
        start = len(self.browser.console) if said is None else said
        return Sent(
            scene=self.scene,
            name=name,
            requests=self.server.requests[before:],
            look=await self._look(),
            console=self.browser.console[start:],
            token=self.token,
            page=page,
            turn=turn,
            shown=shown,
            left=any(each.left for each in self.server.requests[before:]),
        )


OF_STEP = {
    "start": "mounts",
    "first": "request-leaves",
    "later": "context-later",
    "renewed": "token-renewed",
    "private": "token-private",
    "operation": "operations",
    "upload": "upload-untouched",
    "abort": "abort",
    "fault 401": "errors-shown",
    "fault 500": "errors-shown",
    "coding": "context-first",
    "cookie": "cookie-sent",
    "relative": "relative-url",
    "late": "late-script",
    "blocked": "blocked-script",
}
"""By step the criterion that fails where the page ends in it."""
ALONE = ("start", "first", "later", "late", "blocked")
"""The steps that show something even where no server has an answer."""
PICTURED = {
    "start": "ten seconds after the widget was rendered",
    "first": "after the first message",
    "later": "after the second message",
    "renewed": "after a message with a new token",
    "private": "after some messages",
    "operation": "after the list of threads was asked for",
    "upload": "after a file was sent",
    "abort": "after an answer was stopped",
    "fault 401": "after the backend answered 401",
    "fault 500": "after the backend answered 500",
    "coding": "after messages from other pages",
    "cookie": "after a message without a token",
    "relative": "after a message to a relative address",
    "late, waited": "after ten seconds without the script",
    "late": "after the script has come late",
    "blocked": "ten seconds after the script could not be loaded",
}
"""What the page of each step shows, in words."""


async def stored_texts(scene: Scene, thread_id: str, user: str) -> list[str]:
    """Return the texts of a user's messages as the server gives them out."""
    tokens = Tokens.of(scene.student)
    assert tokens is not None, "the lesson has a secret for tokens"
    chat = scene.student.chat(headers=tokens.bearer(user), name=user)
    page = {"thread_id": thread_id, "order": "asc", "limit": 100}
    # With it, as the element sends it: without it is another criterion's.
    reply = await chat.ask("items.list", page, metadata={})
    return [item.text for item in items_of(reply) if item.type == "user_message"]
