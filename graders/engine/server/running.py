"""One process of a student's server, and what starts and ends with it: wire, output, model calls.

Must not know what comes before it or after it, nor a lesson, and judges nothing: what goes wrong is
raised as the :class:`ServerTrouble` that it is.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from graders.engine.core.address import BASE_URL
from graders.engine.core.errors import Finding
from graders.engine.core.results import Problem, SourceLine
from graders.engine.core.text import quote, visible
from graders.engine.model import ScriptedModel
from graders.engine.sandbox.process import Exit, Process
from graders.engine.server.diagnosis.incidents import Incidents
from graders.engine.server.diagnosis.output import Output
from graders.engine.server.diagnosis.problems import (
    HandedIn,
    ended_at_start,
    explained,
    load_problem,
)
from graders.engine.server.diagnosis.raised import raised_exception, raised_lines
from graders.engine.server.diagnosis.whereabouts import whereabouts
from graders.engine.server.link.link import Link
from graders.engine.server.link.model_calls import ModelCalls
from graders.engine.server.link.transport import StudentTransport
from graders.engine.server.settings import ServerSettings
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import ServerTrouble, StartFailed
from graders.engine.server.watch.deadlines import CheckClock
from graders.engine.server.watch.footprint import Footprint, amount
from graders.engine.server.watch.partner import Partner
from graders.engine.server.workspace import Workspace
from graders.engine.submissions.source_files import missing_packages, not_utf8
from graders.engine.wire.frames import (
    ExchangeCrash,
    Load,
    Loaded,
    LoadFailed,
    ModelRequest,
    Raised,
    Refused,
)

_BROWSER = {
    "connection": "keep-alive",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.5",
    # The one difference from a browser: what a server compresses need not be read here.
    "accept-encoding": "identity",
}
"""What a browser's `fetch` sends with each request.

Nothing tells of a page (`Origin`, `Referer`, `Sec-Fetch-*`): no lesson names one so far, any origin
would be refused by some server that lets in only its own page, and each must answer `curl` too.
"""


class RunningServer:
    """A process that was started with ``settings`` on ``workspace``.

    ``link`` is its wire, ``http`` a plain client of it; ``tell_refused`` is called for each thing
    that it tried and may not; ``partner`` is what works for it elsewhere. :meth:`end` ends all of
    it. It is the listener of its own link, since what the link tells concerns all its parts.
    """

    def __init__(
        self,
        process: Process,
        settings: ServerSettings,
        workspace: Workspace,
        *,
        model: ScriptedModel,
        trace: Trace,
        clock: CheckClock,
        tell_refused: Callable[[Refused], None],
        partner: Partner | None = None,
    ) -> None:
        self.process = process
        self._settings = settings
        self._copy = workspace.copy
        self._trace = trace
        self._tell_refused = tell_refused
        # It tells nothing before the event loop runs again, when all that follows is there as well.
        self.link = Link(process.wire, process.pid, settings.wire, self, partner)
        self._calls = ModelCalls(model, self.link)
        self._incidents = Incidents(
            link=self.link,
            trace=trace,
            limits=settings.limits,
            footprint=Footprint(
                process.pid, workspace.counted, settings.limits, workspace.handed_in, partner
            ),
            clock=clock,
            own_folder=workspace.root,
            end=process.kill,
        )
        self.output = Output(
            process.output,
            settings.wire,
            on_flood=self._flooded,
            on_text=self._incidents.explain_errors,
        )
        self.http = browser_client(StudentTransport(self.link))

    @property
    def printed(self) -> str:
        """The end of what the server has printed."""
        return visible(self.output.text)

    def ask_loop_at_calls(self) -> None:
        """Let each call of the model wait until the event loop has shown that it goes on."""
        self._calls.asks_loop = True

    async def load(self, moved: float) -> None:
        """Load the app, once its clock is moved by ``moved``, as far as before a restart.

        Raises :class:`StartFailed`; the process may then have ended already.
        """
        settings = self._settings
        load = Load(
            app=settings.app,
            root=str(self._copy),
            shadows=settings.shadows,
            spec_version=settings.spec_version,
        )
        try:
            if moved:
                await self.link.advance(moved)
            self.link.send(load)
            await self.link.until(lambda: self.link.loaded is not None)
        except ServerTrouble as trouble:
            raise StartFailed(await self._why_not_loaded(trouble), self.link.layers) from None
        if isinstance(self.link.loaded, LoadFailed):
            self._incidents.failed_to_load(self.link.loaded)
            problem = load_problem(self.link.loaded, settings.app, self._handed_in())
            raise StartFailed(explained(problem, self._trace.explanations), self.link.layers)
        if isinstance(self.link.loaded, Loaded):
            self._trace.routes = [quote(route, 60) for route in self.link.loaded.routes[:8]]

    async def end(self) -> Exit:
        """Close everything of the process, in an order that loses nothing."""
        await self.http.aclose()
        await self._calls.close()
        end = self.process.kill()
        self.link.close()
        self.output.close()
        return end

    # --- what its link tells (LinkListener) -------------------------------------------------------

    def on_model_request(self, frame: ModelRequest) -> None:
        """Let the scripted model answer the call."""
        self._calls.begin(frame)

    def on_model_cancelled(self, number: int) -> None:
        """Stop answering the call."""
        self._calls.cancelled(number)

    def on_refused(self, frame: Refused) -> None:
        """Note what was refused."""
        self._tell_refused(frame)
        self._incidents.note_refused(frame)

    def on_raised(self, frame: Raised, request: int) -> None:
        """Note an exception at the request that it belongs to."""
        raised = raised_exception(frame, self._trace.kind_of(request))
        text = "\n".join(raised_lines(raised))
        self._trace.add("server", "raised", text, request=request, raised=raised)

    def on_request_done(self, crash: ExchangeCrash | None) -> None:
        """Read what the app has printed meanwhile: it belongs to this request."""
        self.output.read()
        if crash is not None:
            self._incidents.crashed(crash)

    def on_eof(self) -> Finding:
        """Return the finding that says how the process ended."""
        return self._incidents.ended()

    def on_flood(self, what: str) -> Finding:
        """Return the finding that says of what too much came."""
        return self._incidents.flooded(what)

    def look(self) -> Exception | None:
        """Return what else ends the server: a limit, or the grader's own clock."""
        return self._incidents.look()

    def _handed_in(self) -> HandedIn:
        """Look at the files of a submission that does not start, to say why.

        In its pristine copy: the process, which may still run, can write into its own.
        """
        settings, installed = self._settings, importlib.metadata.packages_distributions()
        raised = next((each.raised for each in reversed(self._trace.entries) if each.raised), None)
        return HandedIn(
            shadows=settings.shadows,
            variables=(*settings.variables, "CHATKIT_DATA_DIR"),
            left_out=settings.left_out,
            missing=missing_packages(settings.source, installed),
            not_utf8=not_utf8(settings.source),
            meant=raised.meant if raised is not None else "",
            installed=installed.__contains__,
        )

    async def whereabouts(self) -> SourceLine | None:
        """Return the line that a server is in which answers no more."""
        source = self._settings.source
        return await whereabouts(self.process.pid, self.output, self._copy, source)

    # --- what it does ----------------------------------------------------------------------------

    async def _why_not_loaded(self, trouble: ServerTrouble) -> Problem:
        printed = self.printed.replace(f"{self._copy}/", "")
        return ended_at_start(trouble, await self.end(), printed, self._settings.app)

    def _flooded(self) -> None:
        printed = amount(self._settings.wire.printed_mb)
        self.link.give_up(self._incidents.flooded(f"printed more than {printed}"))


def browser_client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """Return a client whose requests look as if a browser had sent them."""
    return httpx.AsyncClient(
        transport=transport,
        base_url=BASE_URL,
        headers=_BROWSER,
        cookies=_no_cookies(),
        timeout=None,  # noqa: S113 - the link's watchdog tells waiting from hanging
    )


def _no_cookies() -> CookieJar:
    """Return a jar that stays empty: cookies are a user's, so each chat has its own."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))
