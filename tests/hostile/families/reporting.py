"""Writing the report itself, or what is shown of it: a score that nobody gave."""

from __future__ import annotations

from functools import partial

from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)

_RESULT = '{"format_version": 1, "score": 100, "max_score": 100}'
_COMMANDS = (
    "::error file=server.py::hacked",
    "::set-output name=score::100",
    "::add-mask::0",
    "::stop-commands::x",
    "##[error]hacked",
    "\x1b[2J\x1b[H100/100",
    "\x1b]0;title\x07",
)

ATTACKS = (
    Attack(
        "write-the-report",
        "full marks in the file that is handed in",
        f"open(RESULTS + '/result.json', 'w').write({_RESULT!r})",
    ),
    Attack(
        "add-to-the-report",
        "full marks at the end of the file that is handed in",
        f"open(RESULTS + '/result.json', 'a').write({_RESULT!r})",
    ),
    Attack(
        "write-into-the-graders-folder",
        "a report where the grader was started",
        f"open(GRADERS_FOLDER + '/results.json', 'w').write({_RESULT!r})",
    ),
    Attack(
        "change-the-rubric",
        "a rubric that gives it all points",
        "open(PROJECT + '/graders/lesson02/rubric.yaml', 'r+').close()",
        needs_root=True,
    ),
    _attack(
        "reports-in-the-submission",
        "a report that is taken for the grader's",
        files={
            "result.json": _RESULT,
            "results.xml": "<testsuites tests='1' failures='0'/>",
            "results/results.json": _RESULT,
        },
        does=f"open('result.json', 'w').write({_RESULT!r})",
    ),
    _attack(
        "print-workflow-commands",
        "commands that a workflow obeys",
        does=f"print(*{_COMMANDS!r}, sep='\\n', flush=True)",
    ),
    _attack(
        "workflow-commands-in-a-traceback",
        "commands that a workflow obeys, in what the report quotes",
        does=f"raise RuntimeError('\\n' + '\\n'.join({_COMMANDS!r}))",
        at="import",
        ends=Ending(problem="import-error"),
    ),
    _attack(
        "workflow-commands-in-an-answer",
        "commands that a workflow obeys, in what the report quotes",
        does=f"""
        body = b"\\n" + "\\n".join({_COMMANDS!r}).encode()
        async def app(scope, receive, send):
            await send({{"type": "http.response.start", "status": 500, "headers": []}})
            await send({{"type": "http.response.body", "body": body}})
        """,
        ends=Ending(finding="500"),
    ),
    _attack(
        "workflow-commands-in-a-name",
        "commands that a workflow obeys, in the name of a file",
        files={"::error::hacked\n##[error]x\x1b[2J/__init__.py": ""},
        links={"\n::error::linked": "/"},
    ),
    _attack(
        "markup-in-a-traceback",
        "a report that shows other colours and links",
        does="raise RuntimeError('[bold green]100/100[/] <script>alert(1)</script> ](http://x)')",
        at="import",
        ends=Ending(problem="import-error"),
    ),
)
