"""What a program sees that handles web code, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graders.engine.core.errors import GraderBrokeError
from graders.engine.isolation.layers import Layer
from graders.engine.web import confined as rooms
from graders.engine.web.confined import ProgramEnd, ProgramSpec, confined, own_folder
from graders.engine.web.node import run_in_node
from graders.engine.web.programs import BROWSER_VARIABLE, find_browser, find_node

NODE = find_node()


def node() -> Path:
    """Return Node, which the tests need."""
    assert NODE is not None
    return NODE


def test_program_starts_in_a_folder_of_its_own_and_says_how_it_ended() -> None:
    ran = run_in_node(node(), b"console.log(process.cwd().length > 1); process.exit(3);")
    assert (ran.code, ran.printed) == (3, "true\n")


def test_exception_is_told_by_its_line() -> None:
    ran = run_in_node(node(), b"window.title;")
    assert ran.code != 0
    assert ran.error == "ReferenceError: window is not defined"


def test_program_without_words_is_told_as_such() -> None:
    assert run_in_node(node(), b"process.exit(1);").error == "it printed nothing"


FOR_EVER = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"


@pytest.mark.parametrize(
    "script",
    [
        FOR_EVER,
        f"require('fs').closeSync(1); require('fs').closeSync(2); {FOR_EVER}",
        f"console.log('x'); process.on('SIGTERM', () => {{}}); {FOR_EVER}",
    ],
    ids=["waits", "closes its output", "ignores signals"],
)
def test_script_that_would_never_end_is_ended(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LAST_SECONDS", 2.0)
    ran = run_in_node(node(), script.encode())
    assert ran.ended_for == "it had not ended after 2 s"


def test_child_that_keeps_the_output_open_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "LAST_SECONDS", 2.0)
    script = (
        "require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)'], "
        "{detached: true, stdio: 'inherit'}).unref(); console.log('left');"
    )
    with own_folder() as own:
        no_namespaces = frozenset({Layer.PROCESSES, Layer.NETWORK})
        command = [str(node()), "-e", script]
        spec = ProgramSpec(command, own, readable=[node()], without=no_namespaces)
        with confined(spec) as program:
            assert program.to_the_end(1_000) == ProgramEnd(0, "left\n")


def test_script_that_prints_for_ever_is_ended() -> None:
    ran = run_in_node(node(), b"for (;;) require('fs').writeSync(1, 'x'.repeat(65536));")
    assert ran.ended_for == "it printed more than 1,024 KiB"
    assert len(ran.printed) == 1024 * 1024


def test_ports_are_handed_to_the_grader() -> None:
    script = (
        "require('net').connect({port 7001}, '127.0.0.1')"
        ".on('data', (data) => { console.log(`${data}`); process.exit(); });"
    )
    with own_folder() as own:
        spec = ProgramSpec([str(node()), "-e", script], own, readable=[node()], ports=[7001])
        with confined(spec) as program:
            listener = program.listeners[0]
            listener.settimeout(60)
            caller, _ = listener.accept()
            with caller:
                caller.sendall(b"hello")
                assert program.output.read() == b"hello\n"


def test_program_that_is_not_there_says_so() -> None:
    with own_folder() as own, confined(ProgramSpec(["/nowhere/program"], own)) as program:
        assert b"/nowhere/program cannot be run" in program.output.read()


def test_program_that_cannot_be_isolated_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "_COMMAND", (shutil.which("true") or "",))
    with (
        own_folder() as own,
        pytest.raises((GraderBrokeError, BrokenPipeError)),
        confined(ProgramSpec(["/nowhere"], own)),
    ):
        pass


def test_variable_names_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROWSER_VARIABLE, str(node()))
    assert find_browser() == node()
    monkeypatch.setenv(BROWSER_VARIABLE, "/nowhere/chromium")
    assert find_browser() is None
