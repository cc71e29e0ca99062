"""The widget in the browser: it is built, loads, talks to the backend and shows what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from graders.engine.harness import criterion, expect, found, needed, quote
from graders.engine.web.page_server import API_ORIGIN, PAGE_ORIGIN
from graders.engine.web.recording import WebRequest
from graders.lesson07.safe_json import read_object
from graders.lesson07.widget import (
    RENDERED,
    UPLOADED,
    Fault,
    Late,
    Look,
    PlayedWidget,
    Sent,
    Started,
)

FILE = "`web/src/ChatWidget.tsx`"
_LOADING = re.compile(
    r"^\W*(loading|please wait|connecting|initiali[sz]ing|starting|one moment)\b", re.IGNORECASE
)
_FAILURE = re.compile(
    r"fail|error|not\b|n['\u2019]t\b|unable|unavailable|impossible|timed out|too long|trouble"
    r"|problem|wrong|sorry|blocked",
    re.IGNORECASE,
)
OWN_HEADERS = {
    "chatkit-frame-instance-id": "frm_0f6b2a7c",
    "accept-language": "en",
}


# --- built, mounted, rendered --------------------------------------------------------------------


@criterion("mounts")
async def test_widget_is_built_and_mounts(
    loaded: PlayedWidget, noted: Callable[[str], None]
) -> None:
    if loaded.where:
        noted(f"The widget was run {loaded.where}")
    if loaded.unavailable:
        noted(f"The widget was not run. {loaded.unavailable}")
    _ = loaded.built.value
    started: Started = loaded.step("start")
    names = ", ".join(f"`{name}`" for name in started.names) or "nothing"
    expect(
        started.exported,
        f"{FILE} exports {names}, and no `ChatWidget`."
        if not started.errors
        else f"The module raised an exception when it was loaded: {quote(started.errors[0])}.",
        hint="export" if not started.errors else "raised",
    )
    expect(
        not started.look.failed,
        f"The widget raised an exception: {quote(started.look.failed)}.",
        hint="raised",
    )
    expect(
        started.look.mounted,
        "After the widget was rendered, there is no `<openai-chatkit>` in the page.",
        hint="no-element",
    )


@criterion("server-render")
async def test_widget_renders_on_a_server(loaded: PlayedWidget) -> None:
    run = loaded.on_server()
    expect(
        not run.ended_for,
        f"In Node, without a browser, it was ended: {run.ended_for}. Loading and rendering a "
        "widget must wait for nothing.",
    )
    expect(
        run.code == 0 and RENDERED.strip() in run.printed,
        f"In Node, without a browser, it raised: {run.error}",
    )


@criterion("real-options")
async def test_options_are_real_ones(loaded: PlayedWidget) -> None:
    started: Started = loaded.step("start")
    expect(started.look.options, "The element was given no options.", hint="none")
    problems = started.look.problems
    if problems:
        name, what = problems[0]
        said = {
            "unknown": f"There is no option `{name}`: the element refuses it.",
            "missing": f"`{name}` is missing.",
            "invalid": f"`{name}` has a value of the wrong type.",
            "hosted": f"`{name}` is for a backend that OpenAI hosts.",
        }
        found(said.get(what, f"The element refuses `{name}`."), hint=what if what in said else None)


# --- the script ----------------------------------------------------------------------------------


def told(look: Look, *others: Look) -> list[str]:
    """Return the lines of a page that are not there otherwise, and that say more than "Loading"."""
    usual = {line for other in others for line in _lines(other)}
    lines = (line for line in _lines(look) if line not in usual)
    return [line for line in lines if re.search(r"\w{2}", line) and not _only_loading(line)]


def _only_loading(line: str) -> bool:
    return _LOADING.match(line) is not None and _FAILURE.search(line) is None


def _lines(look: Look) -> list[str]:
    return [line.strip() for line in look.text.splitlines() if line.strip()]


@criterion("late-script")
async def test_script_that_comes_late_is_used(loaded: PlayedWidget) -> None:
    normal: Started = loaded.step("start")
    late: Late = loaded.step("late")
    expect(not late.came.failed, f"The widget raised an exception: {quote(late.came.failed)}.")
    expect(
        late.came.mounted and late.came.options,
        "The script came late, and then the element was given no options.",
        hint="no-options",
    )
    expect(
        late.asked <= 1 and late.came.scripts <= 1,
        "The page had a tag for the script, and the widget added another one.",
        hint="second-tag",
    )
    wrong = told(normal.waited, normal.look)
    expect(
        not wrong,
        f"The element was there, and after ten seconds the page says {quote(' '.join(wrong))}.",
        hint="text-stays",
    )
    said = told(late.waited, normal.look)
    stays = [line for line in said if line in _lines(late.came)]
    expect(
        not stays,
        f"The element has come, and the page still says {quote(' '.join(stays))}.",
        hint="text-stays",
    )


@criterion("blocked-script")
@pytest.mark.parametrize("step", ["late", "blocked"])
async def test_missing_script_is_told(loaded: PlayedWidget, step: str) -> None:
    normal: Started = loaded.step("start")
    late: Late = loaded.step(step)
    if step == "late":
        loaded.show("late, waited")
    how = "did not come" if step == "late" else "could not be loaded"
    text = quote(late.waited.text) if late.waited.text else "nothing"
    expect(
        bool(told(late.waited, normal.look)),
        f"The script {how}, and after ten seconds of the page's clock the widget shows {text}.",
    )


# --- a message and its answer --------------------------------------------------------------------


@criterion("request-leaves")
async def test_message_leaves_for_the_backend(loaded: PlayedWidget) -> None:
    sent: Sent = loaded.step("first")
    path = sent.scene.student.endpoint
    right = [each for each in sent.requests if each.origin == API_ORIGIN and each.path == path]
    others = [f"`{each.origin}{each.target}`" for each in sent.requests]
    expect(
        bool(right),
        f"The message went to {quote(others[0])} and not to `apiUrl`."
        if others
        else f"The user has sent a message, and no request left the page. {sent.why}".strip(),
        hint="other-address" if others else "nothing",
    )
    loaded.confirm("`fetch` is called with a `this` that it accepts")


@criterion("token-sent")
async def test_token_is_sent(loaded: PlayedWidget) -> None:
    sent: Sent = loaded.step("first")
    preflights = [each for each in sent.requests if each.is_preflight]
    if sent.request is None:
        asked = [each.header("access-control-request-headers") or "" for each in preflights]
        expect(
            any("authorization" in each.lower() for each in asked),
            "The browser asked whether it may send the request, and no `Authorization` is in it.",
        )
        return
    for name in ("first", "later"):
        step: Sent = loaded.step(name)
        if step.request is not None:
            _expect_token(step.request, step.token)


def _expect_token(request: WebRequest, token: str) -> None:
    header = request.header("authorization")
    expect(header is not None, "The request has no header `Authorization`.", hint="none")
    scheme, _, value = (header or "").partition(" ")
    shown = value if len(value) < 20 else f"{value[:12]}..."
    expect(
        scheme.lower() == "bearer" and value.strip() == token,
        f"The header is `Authorization: {scheme} {shown}`, and that is not the widget's token.",
        hint="wrong",
    )


@criterion("round-trip")
async def test_answer_comes_back(played: PlayedWidget) -> None:
    sent: Sent = played.step("first")
    _not_refused_by_cors(sent)
    request = sent.request
    expect(request is not None, f"The request did not leave the browser. {sent.why}".strip())
    assert request is not None, "said above"
    expect(
        request.status == 200 or read_object(request.body) is not None,
        f"The body of the message is no JSON object: {_body_of(request)}. The backend answered "
        f"with status {request.status}.",
        hint="body",
    )
    expect(
        request.status == 200,
        f"The backend answered a message with status {request.status}. {request.failure}".strip(),
        hint="status",
    )
    expect(bool(sent.calls), "The agent's model was not asked about the message.", hint="not-asked")
    expect(
        sent.look.shown == sent.answer,
        f"The model's answer is {quote(sent.answer)}, and the element got "
        f"{quote(sent.look.shown) if sent.look.shown else 'nothing'}. {sent.why}".strip(),
        hint="not-shown",
    )
    played.confirm("CORS lets the page send the message and read the answer")


def _not_refused_by_cors(sent: Sent) -> None:
    refused = [line for line in sent.console if "CORS" in line]
    if refused:
        needed(
            False,
            f"The browser says: {refused[0][:500]}",
            by="cors-exact",
            hint="cors",
        )


@criterion("streaming")
async def test_answer_is_shown_as_it_comes(played: PlayedWidget) -> None:
    sent: Sent = played.step("first")
    expect(
        any(call.streaming for call in sent.calls),
        "The server asked the model for the whole answer at once, and not for a stream.",
    )
    chunks = sent.scene.chunks("first")
    wanted = ["".join(chunks[: n + 1]) for n in range(len(chunks))]
    for number, (want, shown) in enumerate(zip(wanted, sent.shown, strict=False), 1):
        expect(
            shown.startswith(want),
            f"The model has said {number} of {len(chunks)} tokens, and the element has "
            f"{quote(shown) if shown else 'nothing'}.",
        )
    expect(len(sent.shown) == len(wanted), "The answer did not stream.")


@criterion("abort")
async def test_abort_reaches_the_request(played: PlayedWidget) -> None:
    sent: Sent = played.step("abort")
    request = sent.request
    expect(request is not None, f"No request left the page. {sent.why}".strip())
    assert request is not None, "said above"
    needed(
        any(call.streaming for call in sent.calls),
        "The answer does not stream, so it was over before it could be stopped.",
        by="streaming",
    )
    expect(
        sent.left,
        "The user stopped the answer, and the request went on: its `signal` was lost.",
    )


# --- what the request holds ----------------------------------------------------------------------


@criterion("request-kept")
async def test_request_is_kept(played: PlayedWidget) -> None:
    first: Sent = played.step("first")
    operation: Sent = played.step("operation")
    _expect_kept(first, "threads.create", "text/event-stream")
    if operation.request is not None:
        _expect_kept(operation, "threads.list", None)


def _expect_kept(sent: Sent, kind: str, accept: str | None) -> None:
    request = sent.request
    expect(request is not None, f"No request left the page. {sent.why}".strip())
    assert request is not None, "said above"
    expect(request.method == "POST", f"`{kind}` went out with the method {request.method}.")
    for name, value in OWN_HEADERS.items():
        expect(
            request.header(name) == value,
            f"The element sent `{name}: {value}` with `{kind}`, and the backend got "
            f"{_shown(request.header(name))}.",
            hint="headers",
        )
    content_type = (request.header("content-type") or "").partition(";")[0]
    expect(
        content_type == "application/json",
        f"The element sent JSON with `{kind}`, and the content type is {_shown(content_type)}.",
        hint="headers",
    )
    expect(
        accept is None or accept in (request.header("accept") or ""),
        f"The element asked for `{accept}` with `{kind}`, and `accept` is "
        f"{_shown(request.header('accept'))}.",
        hint="headers",
    )
    body = read_object(request.body) or {}
    expect(
        body.get("type") == kind and isinstance(body.get("params"), dict),
        f"The body of `{kind}` is not what the element sent: {_body_of(request)}.",
        hint="body",
    )


def _shown(value: str | None) -> str:
    return f"`{quote(value)}`" if value else "none"


def _body_of(request: WebRequest) -> str:
    text = request.body[:500].decode("utf-8", "replace")
    return f"`{quote(text)}`" if text else "it is empty"


@criterion("upload-untouched")
async def test_upload_passes_untouched(played: PlayedWidget) -> None:
    sent: Sent = played.step("upload")
    request = sent.request
    expect(
        request is not None,
        f"The element sent a file, and no request left the page. {sent.why}".strip(),
        hint="nothing",
    )
    assert request is not None, "said above"
    content_type = request.header("content-type") or ""
    expect(
        content_type.startswith("multipart/form-data; boundary="),
        f"A file went out with the content type {_shown(content_type)}: no backend can read it.",
        hint="content-type",
    )
    expect(
        UPLOADED.decode("latin-1").encode() in request.body,
        "The file's content is not in the request that left the page.",
        hint="body",
    )
    expect(
        request.header("authorization") is not None,
        "The file went out without the header `Authorization`.",
    )


@criterion("operations")
async def test_other_operations_work(played: PlayedWidget) -> None:
    sent: Sent = played.step("operation")
    answer = sent.look.exchange.get("json")
    listed = answer.get("data") if isinstance(answer, dict) else None
    expect(
        isinstance(listed, list) and bool(listed),
        f"The element asked for the user's threads, and got no list of them. {sent.why}".strip(),
    )
    request = sent.request
    expect(
        request is not None
        and (read_object(request.body) or {}).get("params") == {"limit": 20, "order": "desc"},
        "`threads.list` did not come to the backend as the element sent it.",
    )


@criterion("token-renewed")
async def test_newest_token_is_sent(played: PlayedWidget) -> None:
    sent: Sent = played.step("renewed")
    request = sent.request
    expect(request is not None, f"No request left the page. {sent.why}".strip())
    assert request is not None, "said above"
    header = request.header("authorization") or ""
    expect(
        header.endswith(sent.token),
        "The widget was given a new `token`, and the next message went out with the old one."
        if header
        else "The widget was given a new `token`, and the next message went out without any.",
    )


@criterion("token-private")
async def test_token_is_kept_private(played: PlayedWidget) -> None:
    look: Look = played.step("private")
    for name in ("first", "renewed"):
        sent: Sent = played.step(name)
        for request in sent.requests:
            expect(
                sent.token not in request.target,
                f"The token is in the address of a request: `{request.path}?...`.",
                hint="address",
            )
        expect(
            sent.token not in look.stored,
            "The token is in local storage, session storage, a cookie or the page's address, where "
            "every script of the page can read it.",
            hint="stored",
        )


@criterion("cookie-sent")
async def test_cookie_is_sent_without_a_token(played: PlayedWidget) -> None:
    sent: Sent = played.step("cookie")
    request = sent.request
    if request is None:
        _not_refused_by_cors(sent)
        found(f"Without a token no request left the page. {sent.why}".strip())
    header = request.header("authorization")
    expect(
        header is None,
        f"There is no token, and the request has the header `Authorization: {header}`.",
        hint="undefined",
    )
    expect(
        "session" in request.cookies,
        "The user is signed in by a cookie, and the request came without it.",
        hint="no-cookie",
    )


@criterion("relative-url")
async def test_relative_address_works(played: PlayedWidget) -> None:
    sent: Sent = played.step("relative")
    request = sent.request
    expect(
        request is not None and request.origin == PAGE_ORIGIN,
        f"`apiUrl` is `{sent.scene.student.endpoint}`, and the message did not go to the page's "
        f"own server. {sent.why}".strip(),
    )
    expect(
        sent.look.shown == sent.answer,
        f"`apiUrl` is `{sent.scene.student.endpoint}`, and no answer was shown. {sent.why}".strip(),
    )


# --- errors --------------------------------------------------------------------------------------


@criterion("errors-shown")
@pytest.mark.parametrize("status", [401, 500])
async def test_errors_are_shown(played: PlayedWidget, status: int) -> None:
    fault: Fault = played.step(f"fault {status}")
    expect(
        fault.sent.request is not None,
        f"No request left the page. {fault.sent.why}".strip(),
    )
    expect(
        not fault.after.failed and fault.after.mounted,
        f"The backend answered {status}, and the chat was gone from the page. {fault.after.failed}",
        hint="unmounted",
    )
    text = quote(fault.after.text) if fault.after.text else "nothing"
    expect(
        bool(told(fault.after, fault.before)),
        f"The backend answered {status}, and the page shows {text}.",
    )
