"""One browser for all pages of a submission: started without a driver, watched, ended for good.

The grader tells the page what to do next in answer to what the page said last. Must not know what a
page is to show, and judges nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from graders.engine.core.errors import Finding
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.web.camera import Camera
from graders.engine.web.confined import (
    ConfinedProgram,
    ProgramLimits,
    ProgramSpec,
    confined,
    own_folder,
)
from graders.engine.web.devtools import DevTools
from graders.engine.web.page_server import (
    API_PORT,
    PAGE_ORIGIN,
    PAGE_PORT,
    SCRIPT_PORT,
    PageBackend,
    PageServer,
    listening,
)

SCRIPT_HOST = "cdn.platform.openai.com"
FIRST_PATH = "/__first"
HOSTS = {
    f"127.0.0.1:{PAGE_PORT}": PAGE_PORT,
    f"127.0.0.1:{API_PORT}": API_PORT,
    f"{SCRIPT_HOST}:443": SCRIPT_PORT,
}
"""What a page may reach, by its name, and which of the grader's ports that is."""
_HEAP_MB = 128
"""What JavaScript gets in a page: many times what a chat needs, and it is soon filled."""
_FLAGS = (
    "--headless=new",
    # Our own walls stand around all of it, and inside them its own cannot be built.
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--ignore-certificate-errors",
    "--enable-logging=stderr",
    # Only over a socket, which pages cannot reach.
    "--remote-debugging-pipe",
    f"--js-flags=--max-old-space-size={_HEAP_MB}",
    "--window-size=800,600",
)
_LIMITS = ProgramLimits(cpu_seconds=40, memory_mb=2_048)
_CPU_SECONDS = 6.0
"""Processor time of all processes of the browser between two things that the page says."""
_MEMORY_MB = 1_500
_SILENT_SECONDS = 60.0
"""A last resort, for a page that neither computes nor speaks."""
_WHOLE_SECONDS = 240.0
"""A last net around all that is played, for a page that goes on and on without coming to rest."""
_COMPUTES_SECONDS = 0.1
_LOOK_SECONDS = 0.25
_HEAP_IS_FULL = re.compile(r"\] V8 javascript OOM \(|JavaScript heap out of memory$")
_CONSOLE = re.compile(r'\[[^\]"]{0,100}:CONSOLE[:(]\d{1,9}\)?\] "')
_SOURCE = '", source: '
_MOST_LINES = 200
_MOST_LINE = 20_000
_MOST_OUTPUT = 4 * 1024 * 1024
_ADVICE = (
    "A widget must leave its page to the user: no endless loop, no effect that sets state in each "
    "render (list what it depends on: `useEffect(..., [])`), no `location.href = ...`, no data or "
    "requests without end. Open the page yourself, with the browser's tools beside it."
)
_MEMORY_ADVICE = (
    "Something grows without end: a loop that never ends, a list that each render or each tick of "
    "a timer adds to, elements that are added and never removed. Keep only what is shown. The "
    "browser's task manager (Shift+Esc) shows what a page takes."
)
_MANY = 30
_ENDLESS = {
    "requests": "The page sent {:,} requests in a row, and did not come to rest: each one starts "
    "the next.",
    "renders": "The widget was rendered {:,} times in a row, and did not come to rest: each render "
    "starts the next one, by an effect that sets state.",
    "changes": "The page changed {:,} times in a row, and did not come to rest: each change starts "
    "the next one.",
}
"""What a page may do for ever, the cause before what follows from it."""
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class PageTrouble(Finding):
    """The page can be asked nothing more; the text says why."""


class Browser:
    """A browser and the page that it shows; :meth:`do` is the grader's only word to the page."""

    def __init__(self, server: PageServer, held: Sequence[str], devtools: DevTools | None) -> None:
        self.server = server
        self._devtools = devtools
        self._camera = Camera(devtools) if devtools is not None else None
        self.alone = Layer.NETWORK in held
        """Whether it has a network of its own."""
        self.console: list[str] = []
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._trouble: asyncio.Future[PageTrouble] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._read = 0
        self._heap_is_full = False
        server.on_said = self._hear

    async def _hear(self, said: Any) -> dict[str, Any]:
        if isinstance(said, dict) and said.get("result") is not None:
            self._answers.put_nowait(said["result"])
        return await self._commands.get()

    async def do(self, what: str, **arguments: Any) -> Any:
        """Let the page do something; return what it says about it.

        Raises :class:`PageTrouble` where the page is gone, and a :class:`Finding` where it cannot.
        """
        self._commands.put_nowait({"do": what, **arguments})
        answering = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answering, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            raise self._trouble.result()
        said = answering.result()
        if not isinstance(said, dict) or "error" in said:
            error = said.get("error") if isinstance(said, dict) else said
            raise Finding(f"The page could not go on: {str(error)[:300]}")
        value = said.get("value")
        endless = value.get("endless") if isinstance(value, dict) else None
        if isinstance(endless, dict):
            raise PageTrouble(_endless(endless), advice=_ADVICE)
        return value

    async def leave_for(self, url: str) -> None:
        """Let the page go to another address, whose page then takes the commands."""
        self._commands.put_nowait({"do": "leave", "url": url})

    async def picture(self) -> str:
        """Return what the page shows, a JPEG in base64; empty if there is none."""
        if self._camera is None or self._trouble.done():
            return ""
        return await self._camera.take()

    async def settle(self) -> None:
        """Let the page, the grader and the server come to rest."""
        await self.do("settle")

    # --- its output and its end -------------------------------------------------------------------

    def read_output(self, program: ConfinedProgram) -> None:
        """Take what it has printed: the console's lines, in the browser's own words."""
        try:
            data = os.read(program.output.fileno(), 65_536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(program.output.fileno())
            return
        self._read += len(data)
        if self._read > _MOST_OUTPUT:
            return
        *lines, rest = (self._buffer + data).split(b"\n")
        self._buffer = rest[:_MOST_LINE]
        for line in lines:
            said = line[:_MOST_LINE].decode(errors="replace")
            text = _console_text(said)
            if not text:
                self._heap_is_full |= _HEAP_IS_FULL.search(said) is not None
            elif len(self.console) < _MOST_LINES:
                self.console.append(text[:1_000])

    async def watch(self, program: ConfinedProgram) -> None:
        """Look now and then whether the page can still answer."""
        began = since = time.monotonic()
        words, cpu, last = -1, 0.0, 0.0
        while not self._trouble.done():
            used, memory = _usage(program.process.pid)
            if self.server.words != words:
                words, cpu = self.server.words, used
            if cpu == used or used - last > _COMPUTES_SECONDS:
                # What computes is not silent: its processor time is limited, however slow it is.
                last, since = used, time.monotonic()
            now = time.monotonic()
            trouble = self._why_not(program, used - cpu, memory, now - since)
            if trouble is None and now - began > _WHOLE_SECONDS:
                trouble = PageTrouble(
                    f"The page had not come to its end after {_WHOLE_SECONDS:g} s.", advice=_ADVICE
                )
            if trouble is not None:
                self._trouble.set_result(trouble)
            await asyncio.sleep(_LOOK_SECONDS)

    def _why_not(
        self, program: ConfinedProgram, cpu: float, memory: float, silent: float
    ) -> PageTrouble | None:
        why = self._why_gone(program) or self.server.trouble
        if self._heap_is_full:
            return PageTrouble(
                "The page filled all the memory that JavaScript gets (more than "
                f"{_HEAP_MB} MiB), and was ended.",
                advice=_MEMORY_ADVICE,
            )
        if memory > _MEMORY_MB:
            return PageTrouble(
                f"The page took more than {_MEMORY_MB:,} MiB of memory.", advice=_MEMORY_ADVICE
            )
        if not why and cpu > _CPU_SECONDS:
            why = (
                f"The page computed for {_CPU_SECONDS:g} s without coming to rest: an endless "
                "loop, or a render that starts the next one."
            )
        if not why and silent > _SILENT_SECONDS:
            why = (
                f"The page said nothing for {_SILENT_SECONDS:g} s: it was left, closed or blocked."
            )
        return PageTrouble(why, advice=_ADVICE) if why else None

    def _why_gone(self, program: ConfinedProgram) -> str:
        if program.process.poll() is not None:
            return "The browser has ended: a page that asks too much of it brings that about."
        if self._devtools is not None and self._devtools.crashed:
            return "The page has crashed: it asked more of the browser than there is."
        return ""


@asynccontextmanager
async def open_browser(
    program: Path, student: PageBackend, *, without: frozenset[Layer] = NOTHING_OFF
) -> AsyncIterator[Browser]:
    """Start the browser ``program`` with its first page, and end it with the block.

    ``without`` are layers of isolation that tests leave off.
    """
    with own_folder() as own:
        async with open_page(_spec(program, own, without), student) as browser:
            yield browser


@asynccontextmanager
async def open_page(spec: ProgramSpec, student: PageBackend) -> AsyncIterator[Browser]:
    """Start a program that shows pages, and end it with the block."""
    server = PageServer(student)
    with confined(spec) as running:
        async with listening(server, running.listeners):
            devtools = None
            if running.spoken is not None:
                devtools = await DevTools.open(running.spoken)
                devtools.watch_pages()
            browser = Browser(server, running.held, devtools)
            loop = asyncio.get_running_loop()
            os.set_blocking(running.output.fileno(), False)
            loop.add_reader(running.output.fileno(), browser.read_output, running)
            watching = asyncio.ensure_future(browser.watch(running))
            try:
                yield browser
            finally:
                watching.cancel()
                loop.remove_reader(running.output.fileno())
                if devtools is not None:
                    devtools.close()
                running.end()


def _spec(program: Path, own: Path, without: frozenset[Layer]) -> ProgramSpec:
    program = program.resolve()
    return ProgramSpec(
        command=[
            str(program),
            *_FLAGS,
            f"--user-data-dir={own / 'profile'}",
            resolver_rules(),
            f"{PAGE_ORIGIN}{FIRST_PATH}",
        ],
        own=own,
        readable=[program.parent],
        environment={"HOME": str(own), "TMPDIR": str(own), "LANG": "C.UTF-8", "TZ": "UTC"},
        ports=list(HOSTS.values()),
        limits=_LIMITS,
        spoken_with=True,
        without=without,
    )


def resolver_rules() -> str:
    """Let the browser find the grader's three ports under their names, and nothing else."""
    rules = [f"MAP {name} 127.0.0.1:{{port {port}}}" for name, port in HOSTS.items()]
    return f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}"


def _console_text(line: str) -> str:
    """Return what the console says in a line of the browser's output; empty if it is another."""
    # A page writes into these lines: the time that they take must not grow faster than they do.
    start = _CONSOLE.match(line)
    text, source, _ = line[start.end() :].rpartition(_SOURCE) if start else ("", "", "")
    return text if source else ""


def _endless(counts: Mapping[str, Any]) -> str:
    """Say what a page did, that never came to rest, by how often it says that it did so."""
    numbers = {
        name: number
        for name, number in counts.items()
        if isinstance(number, int) and number > _MANY
    }
    for name, what in _ENDLESS.items():
        if name in numbers:
            return what.format(numbers[name])
    return "The page never came to rest."


def _usage(pid: int) -> tuple[float, float]:
    """Return the processor time and the memory (MiB) of a process and all below it."""
    cpu = memory = 0.0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            fields = (
                Path(f"/proc/{one}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            )
            children = Path(f"/proc/{one}/task/{one}/children").read_text("ascii")
            memory += int(Path(f"/proc/{one}/statm").read_text("ascii").split()[1]) - int(
                Path(f"/proc/{one}/statm").read_text("ascii").split()[2]
            )
        except (OSError, IndexError, ValueError):
            continue
        cpu += (int(fields[11]) + int(fields[12])) / _TICKS
        waiting += map(int, children.split())
    return cpu, memory * _PAGE_SIZE / 1024 / 1024


def page_of(html: str, driver: str, values: Mapping[str, str]) -> bytes:
    """Fill the driver with what this page alone knows, and the page with the driver."""
    for name, value in values.items():
        driver = driver.replace(f"{{{{{name}}}}}", value)
    return html.replace("{{DRIVER}}", driver).encode()
