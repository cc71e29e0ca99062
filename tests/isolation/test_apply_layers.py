"""What a forked student's process is like, told by the process itself and by the kernel."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.process import LaunchSpec
from graders.engine.wire.frames import Hello
from tests.processes import number_here
from tests.sandbox.wired import Starter, Wired


@pytest.fixture
def probe(students: Starter) -> Wired:
    return students.serve(variables={"OPENAI_API_KEY": "sk-student", "ODD": "a=b\n"})


def test_environment_is_the_allow_list(probe: Wired) -> None:
    assert probe.ask("import os; answer = dict(os.environ)") == {
        "HOME": str(probe.root.parent),
        "LANG": "C.UTF-8",
        "ODD": "a=b\n",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_AGENTS_DONT_LOG_TOOL_DATA": "0",
        "OPENAI_API_KEY": "sk-student",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(probe.root.parent),
        "TZ": "UTC",
    }


def test_environment_of_the_graders_process_is_not_in_the_memory_of_the_start(
    probe: Wired,
) -> None:
    # An ordinary user's process may not even read its own, once its memory is hidden.
    started_with = probe.ask(
        """
        try:
            answer = open("/proc/self/environ").read()
        except PermissionError:
            answer = ""
        """
    )
    assert {line.partition("=")[0] for line in started_with.split("\0")} <= {
        "",
        "LANG",
        "OPENAI_AGENTS_DISABLE_TRACING",
        "OPENAI_AGENTS_DONT_LOG_TOOL_DATA",
        "PATH",
        "TZ",
    }


def test_descriptors_are_the_standard_streams_and_the_wire(probe: Wired) -> None:
    descriptors = probe.ask(
        """
        import os
        listed = [int(name) for name in os.listdir("/proc/self/fd")]
        kinds = {}
        for number in sorted(listed):
            try:
                kinds[number] = os.readlink(f"/proc/self/fd/{number}").partition(":")[0]
            except FileNotFoundError:
                pass  # the listing's own
        answer = list(kinds.items())
        """
    )
    # The last three are the event loop's own: its selector and the pair that wakes it.
    assert descriptors == [
        [0, os.devnull],
        [1, "pipe"],
        [2, "pipe"],
        [3, "socket"],
        [4, "anon_inode"],
        [5, "socket"],
        [6, "socket"],
    ]


def test_standard_input_is_empty(probe: Wired) -> None:
    assert probe.ask("import os; answer = os.readlink('/proc/self/fd/0')") == os.devnull
    assert probe.ask("import sys; answer = sys.stdin.read()") == ""


def test_output_and_errors_go_to_the_pipe(probe: Wired) -> None:
    probe.ask("import os, sys; print('said', flush=True); os.write(2, b'cried')")
    assert probe.printed() == "said\ncried"


def test_working_folder_is_the_copy(probe: Wired) -> None:
    assert probe.ask("import os; answer = os.getcwd()") == str(probe.root)


def test_import_path_has_the_copy_first_and_the_project_nowhere(probe: Wired) -> None:
    path = probe.ask("import sys; answer = sys.path")
    assert path[0] == str(probe.root)
    assert not {"", ".", str(REPOSITORY), str(probe.root.parent)} & set(path)


@pytest.mark.parametrize("name", ["graders", "graders.engine.host", "tests"])
def test_engine_cannot_be_imported(probe: Wired, name: str) -> None:
    tried = f"""
        try:
            import {name}
            answer = "imported"
        except ImportError as error:
            answer = type(error).__name__
        """
    assert probe.ask(tried) == "ModuleNotFoundError"


@pytest.mark.parametrize("name", ["graders", "pytest", "_pytest"])
def test_nothing_looks_like_a_test_run(probe: Wired, name: str) -> None:
    loaded = f"""
        import sys
        answer = [module for module in sys.modules if module.partition(".")[0] == {name!r}]
        """
    assert probe.ask(loaded) == []


def test_program_looks_like_a_server(probe: Wired) -> None:
    assert probe.ask("import sys; answer = [sys.argv, sys.dont_write_bytecode]") == [
        ["server"],
        True,
    ]
    assert not list(probe.root.rglob("*.pyc"))


def test_process_leads_a_session_of_its_own(probe: Wired) -> None:
    own = probe.ask("import os; answer = [os.getpid(), os.getsid(0), os.getpgid(0)]")
    assert [number_here(probe.process.pid, number) for number in own] == [probe.process.pid] * 3
    assert os.getsid(0) != probe.process.pid


def test_signals_are_as_python_sets_them(probe: Wired) -> None:
    assert probe.ask(
        """
        import signal
        answer = [signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
                  signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
                  sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))]
        """
    ) == [True, True, []]


def test_random_numbers_differ_from_start_to_start(students: Starter) -> None:
    draw = "import random, secrets, uuid; answer = [random.random(), str(uuid.uuid4())]"
    first, second = (students.serve().ask(draw) for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_limits_are_in_force(students: Starter) -> None:
    limits = ProcessLimits(
        memory_mb=512, cpu_seconds=7, file_size_mb=3, open_files=64, processes=500
    )
    wired = students.serve(limits=limits)
    held = wired.ask(
        """
        import resource
        answer = {name: resource.getrlimit(getattr(resource, name))[0] for name in (
            "RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC",
            "RLIMIT_CORE")}
        """
    )
    # The kernel counts all threads of the user, so what runs already comes on top.
    assert held.pop("RLIMIT_NPROC") >= 500
    # What is only reserved, such as the stacks of threads, is no memory in use.
    assert held.pop("RLIMIT_DATA") >= (512 + 500) * 1024**2
    assert held == {
        "RLIMIT_CPU": 7,
        "RLIMIT_FSIZE": 3 * 1024**2,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
    }


def test_too_much_memory_is_an_exception_of_pythons(students: Starter) -> None:
    wired = students.serve(limits=ProcessLimits(memory_mb=512, processes=1))
    assert (
        wired.ask(
            """
        try:
            answer = len(bytearray(600 * 1024**2))
        except MemoryError:
            answer = "MemoryError"
        """
        )
        == "MemoryError"
    )


def test_cpu_time_ends_with_the_signal_that_says_so(students: Starter) -> None:
    wired = students.serve(limits=ProcessLimits(cpu_seconds=1))
    wired.begin(body=b"while True: pass")
    wired.wait_for_eof()
    assert wired.process.wait().signal == signal.SIGXCPU


def test_layers_are_reported(students: Starter) -> None:
    hello = students.start().hear(Hello)
    assert {"RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_NOFILE"} <= set(hello.layers)
    assert ("PDEATHSIG" in hello.layers) == sys.platform.startswith("linux")


def test_folder_that_does_not_exist(students: Starter, tmp_path: Path) -> None:
    process = students.launcher.start(LaunchSpec(root=tmp_path / "gone", environment={}))
    assert process.wire.recv(1) == b""
    assert process.wait().code == 70
    printed = os.read(process.output, 10_000)
    process.wire.close()
    os.close(process.output)
    assert b"could not be set up" in printed


def test_network_namespace_has_nothing_but_the_loopback_device(probe: Wired) -> None:
    devices = probe.ask(
        """
        with open("/proc/self/net/dev") as told:
            answer = [line.partition(":")[0].strip() for line in told if ":" in line]
        """
    )
    offline = Layer.NETWORK in probe.layers
    assert (devices == ["lo"]) == offline
