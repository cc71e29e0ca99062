"""The rows of web code in the attack table: what the bundler, Node and the browser let through.

Each is tried with the grader's walls, in a page without namespaces too, and without any wall, which
shows that there is something to be stopped. Must not know how the table is printed.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from graders.engine.web import browser as browsing
from graders.engine.web.packages import web_packages
from graders.engine.web.programs import find_node
from tests.hostile.test_web_code import (
    NO_NAMESPACES,
    in_chromium,
    in_our_node,
    in_page,
    lay_out,
    node_script,
    our_bundle,
)
from tests.hostile.web_attacks import BUNDLING, NODE, PAGES, SECRET

THROUGH, STOPPED, NOT_TRIED = "!", ".", " "
_AGAINST_THE_GRADER = ("the grader's word", "a command", "a service worker", "a window of its own")
_PLAIN = ("--bundle", "--outdir=out", "--loader:.yaml=text", "--loader:.svg=dataurl")
_OF_THE_RUBRIC = "format_version"


@dataclass(frozen=True)
class WebRow:
    """One attack: a cell for all walls, without namespaces, and without any wall."""

    name: str
    cells: tuple[str, str, str]

    @property
    def complaint(self) -> str:
        """What is wrong with it."""
        return "NOTHING STOPS IT" if THROUGH in self.cells[:2] else ""


def bundler_rows(folder: Path, outside: Path) -> Iterator[WebRow]:
    """Try what the bundler is asked to read."""
    for number, attack in enumerate(BUNDLING):
        web = folder / str(number) / "web"
        lay_out(attack, web, outside)
        ours, plain = our_bundle(web), _plain_bundle(web)
        yield WebRow(f"bundler: {attack}", (_read(ours), NOT_TRIED, _read(plain)))


def _read(text: str) -> str:
    return _cell(SECRET in text or _OF_THE_RUBRIC in text or "data:image/svg" in text)


def _plain_bundle(web: Path) -> str:
    command = [str(web_packages().esbuild), "src/main.ts", *_PLAIN]
    done = subprocess.run(command, cwd=web, capture_output=True, text=True, check=False)
    return "\n".join([*(each.read_text("utf-8") for each in web.glob("out/*")), done.stderr])


def node_rows(port: int) -> Iterator[WebRow]:
    """Try what a module wants that is rendered on the server."""
    node = find_node()
    assert node is not None, "the table needs Node"
    for attack in NODE:
        script = node_script(attack, port)
        plain = subprocess.run(
            [str(node), "-e", f"{script}; setTimeout(process.exit, 1000);"],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        got = (each.partition("GOT")[2].strip() for each in (in_our_node(script), plain))
        ours, without = (_cell(bool(each)) for each in got)
        yield WebRow(f"Node: {attack}", (ours, NOT_TRIED, without))


def page_rows(port: int) -> Iterator[WebRow]:
    """Try what a page wants, in three browsers."""
    walls = [in_chromium, lambda: in_chromium(NO_NAMESPACES)]
    full, container = (asyncio.run(in_page(port, opened)) for opened in walls)
    rules = browsing.resolver_rules().partition(", MAP * ")[0]
    with patch.object(browsing, "resolver_rules", lambda: rules):
        plain = asyncio.run(in_page(port, walls[1]))
    for attack in PAGES:
        of_the_grader = attack.name.startswith(_AGAINST_THE_GRADER)
        without = NOT_TRIED if of_the_grader else _cell(bool(plain[attack.name]))
        cells = (_cell(bool(full[attack.name])), _cell(bool(container[attack.name])), without)
        yield WebRow(f"page: {attack}", cells)


def _cell(through: bool) -> str:
    return THROUGH if through else STOPPED
