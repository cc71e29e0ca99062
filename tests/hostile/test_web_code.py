"""Web code that wants more than it may: each attack for real, in bundler, browser and Node."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.web import browser as browsing
from graders.engine.web.browser import FIRST_PATH, Browser, PageTrouble, open_browser, page_of
from graders.engine.web.bundle import Bundle, bundle
from graders.engine.web.dom import open_dom
from graders.engine.web.node import NodeRun, run_in_node
from graders.engine.web.packages import web_packages
from graders.engine.web.programs import find_browser, find_node
from tests.hostile.web_attacks import (
    BUNDLING,
    CATCHES,
    NODE,
    PAGES,
    SECRET,
    BundleAttack,
    PageAttack,
)

DRIVER = REPOSITORY / "graders" / "engine" / "web" / "page" / "driver.js"
ELEMENT = REPOSITORY / "graders" / "lesson07" / "web" / "element.js"
HTML = (
    "<!doctype html><title>x</title><script>(() => { 'use strict'; {{DRIVER}} })();</script>"
    f'<script async src="https://{browsing.SCRIPT_HOST}/deployments/chatkit/chatkit.js"></script>'
)


Opened = Callable[[], AbstractAsyncContextManager[Browser]]


class StillBackend:
    """A backend that answers with a script, whatever it is asked."""

    def __init__(self) -> None:
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        del request

        async def script() -> AsyncIterator[bytes]:
            yield b"self.onfetch = () => {};"

        return httpx.Response(200, headers={"content-type": "text/javascript"}, content=script())

    async def rest(self) -> None:
        """Be at rest."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder with secrets that every user may read."""
    return secrets_in(tmp_path / "outside")


def secrets_in(folder: Path) -> Path:
    """Make a folder with secrets that every user may read."""
    folder.mkdir()
    (folder / "secret.json").write_text(f'"{SECRET}"', encoding="utf-8")
    (folder / "secret.svg").write_text(SECRET, encoding="utf-8")
    tsconfig = {
        "compilerOptions": {"baseUrl": "/", "paths": {"secret": [str(folder / "secret.json")]}}
    }
    (folder / "tsconfig.json").write_text(json.dumps(tsconfig), encoding="utf-8")
    return folder


def lay_out(attack: BundleAttack, web: Path, outside: Path) -> None:
    """Write the files of an attack, which is after what lies ``outside``."""

    def filled(text: str) -> str:
        text = text.replace("SECRET", str(outside / "secret.json")).replace("FOLDER", str(outside))
        return text.replace("PROJECT", str(REPOSITORY / "graders" / "lesson07").lstrip("/"))

    for name, text in attack.files.items():
        path = web / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text), encoding="utf-8")
    for name, target in attack.links.items():
        (web / name).symlink_to(filled(target))


def our_bundle(web: Path) -> str:
    """Return all that our bundler makes of a folder, or says about it."""
    made = bundle(web, {"page.js": 'import "./web/src/main.ts";'}, web_packages())
    if isinstance(made, Bundle):
        return "\n".join(content.decode() for content in made.files.values())
    return made.said


@pytest.mark.parametrize("attack", BUNDLING, ids=str)
def test_bundler_reads_nothing_else(attack: BundleAttack, tmp_path: Path, outside: Path) -> None:
    lay_out(attack, tmp_path / "web", outside)
    assert SECRET not in our_bundle(tmp_path / "web")


NEXT_PATH = "/__late"
NO_NAMESPACES = frozenset({Layer.PROCESSES, Layer.NETWORK})
"""As in a container: no network of its own, no pid namespace, no root."""


def in_chromium(without: frozenset[Layer] = NOTHING_OFF) -> AbstractAsyncContextManager[Browser]:
    """Open a browser, without some layers."""
    program = find_browser()
    assert program is not None, "the tests need a browser"
    return open_browser(program, StillBackend(), without=without)


def _in_node() -> AbstractAsyncContextManager[Browser]:
    node = find_node()
    assert node is not None, "the tests need Node"
    return open_dom(node, web_packages(), StillBackend())


async def _run(
    code: str,
    *,
    first: str = "",
    until: str = "",
    opened: Opened = in_chromium,
) -> list[str]:
    """Run ``code`` in a page after the grader's own script; return what the console says.

    ``until`` is how a line of the console begins that is waited for.
    """
    async with opened() as browser:
        driver = DRIVER.read_text("utf-8").replace("{{ELEMENT}}", ELEMENT.read_text("utf-8"))
        browser.server.files["attack.js"] = ("text/javascript", f"{first}\n{code}".encode())
        browser.server.files["page.js"] = browser.server.files["attack.js"]
        html = HTML + '<body><script src="/__grader/page.js"></script>'
        values = {"SECRET": browser.server.secret}
        for path in (FIRST_PATH, NEXT_PATH):
            browser.server.pages[path] = page_of(html, driver, values)
        browser.server.script.held.set()
        await browser.do("seen")
        await browser.do("settle")
        await browser.do("seen")
        while until and not any(line.startswith(until) for line in browser.console):
            # Its timers fire only while it comes to rest.
            await browser.do("settle")
        return browser.console


PLACES = {
    "full": in_chromium,
    "container": lambda: in_chromium(NO_NAMESPACES),
    "node": _in_node,
}


@pytest.fixture(scope="module", params=PLACES)
def outcomes(port: int, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return what each attack of a page got."""
    return asyncio.run(in_page(port, PLACES[request.param]))


async def in_page(port: int, opened: Opened) -> dict[str, str]:
    """Return what each attack of a page got: they are all tried in one page."""
    parts = [
        f"try {{ got[{json.dumps(attack.name)}] = String(await (async () => "
        f"{{ {attack.code.replace('PORT', str(port))} }})() ?? ''); }} "
        f"catch (error) {{ got[{json.dumps(attack.name)}] = ''; }}"
        for attack in PAGES
    ]
    code = (
        f"(async () => {{ const got = {{}}; await new Promise((go) => setTimeout(go, 1));"
        f"{' '.join(parts)} console.log('GOT ' + stringified(got)); }})();"
    )
    lines = await _run(code, first=CATCHES, until="GOT ", opened=opened)
    found = next(line for line in lines if line.startswith("GOT "))
    got: dict[str, str] = json.loads(found.removeprefix("GOT "))
    return got


@pytest.mark.parametrize("attack", PAGES, ids=str)
def test_page_gets_nothing(attack: PageAttack, outcomes: dict[str, str]) -> None:
    assert outcomes[attack.name] == ""


CHANGES = """
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => { document.body.hidden ^= true; port2.postMessage(0); };
port2.postMessage(0);
"""
ENDINGS = {
    "an endless loop": ("setTimeout(() => { for (;;); }, 5);", "computed"),
    "all memory": (
        "setTimeout(() => { const a = []; for (;;) a.push(Array(1e6).fill(Math.random())); }, 5);",
        "filled all the memory",
    ),
    "requests without end": (
        "setTimeout(() => { (function ask() { fetch('/ask').finally(ask); })(); }, 5);",
        r"sent \d+ requests in a row",
    ),
    "changes without end": (
        f"setTimeout(() => {{ {CHANGES} }}, 5);",
        r"changed [\d,]+ times in a row",
    ),
    "another page": ("setTimeout(() => { location.href = '/elsewhere'; }, 5);", "left for"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_page_that_cannot_go_on_ends_with_a_reason(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "_CPU_SECONDS", 4.0)
    code, said = ENDINGS[name]
    with pytest.raises(PageTrouble, match=said):
        # No line begins so: a browser takes its time to leave a page, whatever the page does then.
        asyncio.run(_run(code, until="never said"))


def test_memory_is_named_in_node_too() -> None:
    with pytest.raises(PageTrouble, match="filled all the memory"):
        asyncio.run(_run(ENDINGS["all memory"][0], opened=_in_node))
    assert (
        "heap out of memory"
        in run_in_our_node("const a = []; for (;;) a.push(Array(1e6).fill(Math.random()));").error
    )


def test_page_that_keeps_within_every_other_limit_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browsing, "_CPU_SECONDS", 1_000.0)
    monkeypatch.setattr(browsing, "_WHOLE_SECONDS", 3.0)
    with pytest.raises(PageTrouble, match="not come to its end after 3 s"):
        asyncio.run(_run("setTimeout(() => { for (;;); }, 5);"))


def test_windows_and_dialogs_stop_nothing() -> None:
    code = (
        "setTimeout(() => { alert('a'); confirm('b'); prompt('c'); window.open('/d'); print(); "
        "console.log('WENT ON'); }, 5);"
    )
    assert "WENT ON" in asyncio.run(_run(code))


def test_flood_of_the_console_is_cut() -> None:
    code = "setTimeout(() => { for (let i = 0; i < 20000; i++) console.log('x'.repeat(500)); }, 5);"
    assert len(asyncio.run(_run(code))) <= 200


def test_line_of_the_console_that_is_hard_to_read_keeps_nobody_busy() -> None:
    code = (
        "setTimeout(() => { console.log('\\n' + ':CONSOLE:1] \"'.repeat(250000) + '\\n'); "
        "console.log('AFTER'); }, 5);"
    )
    assert asyncio.run(_run(code, until="AFTER"))[-1] == "AFTER"


@pytest.mark.parametrize("attack", NODE, ids=str)
def test_node_gets_nothing(attack: PageAttack, port: int) -> None:
    assert shutil.which("sh"), "there is something to be started"
    assert in_our_node(node_script(attack, port)).strip() == "GOT"


def node_script(attack: PageAttack, port: int) -> str:
    """Return the script of an attack; what it got stands after `GOT`."""
    code = attack.code.replace("PORT", str(port)).replace("PROJECT", str(REPOSITORY))
    return (
        f"(async () => {{ {code} }})().then((got) => console.log('GOT', got), "
        "(error) => console.log('GOT '));"
    )


def in_our_node(script: str) -> str:
    """Return what a script prints in the grader's Node."""
    return run_in_our_node(script).printed


def run_in_our_node(script: str) -> NodeRun:
    """Run a script in the grader's Node."""
    node = find_node()
    assert node is not None, "the tests need Node"
    return run_in_node(node, script.encode())
