"""Ending the process, as if all had gone well, or just badly: never evidence of anything."""

from __future__ import annotations

from functools import partial

from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)

_DIED = Ending(problem="died-at-start")
_DIED_LATER = Ending(finding="the server's process ended")

ATTACKS = (
    _attack(
        "exit-0-at-import",
        "an exit code that says that all is well",
        does="os._exit(0)",
        at="import",
        ends=_DIED,
    ),
    _attack(
        "leave-at-import",
        "an exit code that says that all is well",
        does="raise SystemExit(0)",
        at="import",
        ends=Ending(problem="exit-at-import"),
    ),
    _attack(
        "abort-at-import",
        "a crash of the grader",
        does="os.abort()",
        at="import",
        ends=_DIED,
    ),
    _attack(
        "close-the-wire-at-import",
        "a grader that waits for ever",
        does="os.close(3)",
        at="import",
        ends=_DIED,
    ),
    _attack(
        "stop-at-import",
        "a grader that waits for ever",
        does="os.kill(os.getpid(), signal.SIGSTOP)",
        at="import",
        ends=Ending(problem="start-hangs"),
    ),
    _attack(
        "interrupt-in-a-request",
        "a run that ends as if somebody had stopped it",
        does="raise KeyboardInterrupt",
        ends=_DIED_LATER,
    ),
    _attack(
        "exit-pytest-in-a-request",
        "a pytest that says that all passed",
        does="import pytest; pytest.exit('all passed', returncode=0)",
        ends=Ending(finding="raised"),
    ),
    _attack(
        "exit-0-in-a-request",
        "an exit code that says that all is well",
        does="os._exit(0)",
        ends=Ending(finding="exited with code 0"),
    ),
    _attack(
        "leave-in-a-request",
        "an exit code that says that all is well",
        does="raise SystemExit(0)",
        ends=_DIED_LATER,
    ),
    _attack(
        "exit-pytest-at-import",
        "a pytest that says that all passed",
        does="import pytest; pytest.exit('all passed', returncode=0)",
        at="import",
        ends=Ending(problem="import-error"),
    ),
    _attack(
        "exit-0-after-the-exit-handlers",
        "an exit code that says that all is well",
        does="import atexit; atexit.register(os._exit, 0); raise SystemExit",
        at="import",
        ends=Ending(problem="exit-at-import"),
    ),
    _attack(
        "skip-at-import",
        "a check that is skipped",
        does="import pytest; pytest.skip('not today', allow_module_level=True)",
        at="import",
        ends=Ending(problem="import-error"),
    ),
    _attack(
        "kill-itself",
        "a crash of the grader",
        does="os.kill(os.getpid(), signal.SIGKILL)",
        ends=Ending(finding="ended by the signal SIGKILL"),
    ),
    _attack(
        "crash-the-interpreter",
        "a crash of the grader",
        does="ctypes.string_at(0)",
        ends=Ending(finding="ended by the signal SIGSEGV"),
    ),
    _attack(
        "stop-itself",
        "a grader that waits for ever",
        does="os.kill(os.getpid(), signal.SIGSTOP)",
        ends=Ending(finding="blocked"),
    ),
    _attack(
        "stop-the-event-loop",
        "a grader that waits for ever",
        does="asyncio.get_running_loop().stop()",
        ends=Ending(finding="."),
    ),
    _attack(
        "cancel-all-tasks",
        "a host without its main task",
        does="[task.cancel() for task in asyncio.all_tasks()]",
        ends=Ending(finding="."),
    ),
    _attack(
        "hang-at-import",
        "a class that waits",
        does="threading.Event().wait()",
        at="import",
        ends=Ending(problem="start-hangs"),
    ),
    _attack(
        "loop-for-ever",
        "a class that waits",
        does="while True: pass",
        ends=Ending(finding="computed for"),
        limits={"answer_cpu_seconds": 1},
    ),
)
