"""The player does what a script says, and tells the first thing that is not as expected.

Played on the capstone's own solution: a server that has users, tokens, sessions, tasks and widgets.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from graders.engine.content.binding import bind
from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.conversation import Conversation, load_conversation
from graders.engine.content.strict_yaml import parse
from graders.engine.core.errors import Finding
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import mutants_of
from graders.engine.harness import ServerSettings, Student
from graders.engine.harness.playback import play
from graders.engine.sandbox.process import Launcher
from tests.students import Bench

SOLUTION = Path(__file__).resolve().parents[2] / "reference_solutions" / "lesson08" / "solution"
IN_WORDS = "solution_chat_completions"
SCRIPTS = Path(__file__).parent / "conversations"
VARIABLES = {
    "OPENAI_API_KEY": "sk-test",
    "JWT_SECRET": "a secret of 64 characters, as long as the longest hash needs it.",
}
HEAD = "format_version: 1\nname: x\ndescription: About x.\nusers: [alice, bob]\nturns:\n"
BEGUN = "  - {say: 'I need {canary.milk}.', model: [{say: [Noted.]}]}\n"
LISTED = """\
  - say: Add it.
    model: [{call_tool: {name: create_task, arguments: {title: Buy milk}}}, {say: [Added.]}]
  - say: Show all.
    model: [{call_tool: {name: list_tasks}}, {say: [Here.]}]
"""


@pytest_asyncio.fixture
async def task_manager(launcher: Launcher, bench: Bench) -> AsyncIterator[Student]:
    """Yield a server of the capstone's solution."""
    settings = ServerSettings(source=SOLUTION, variables=VARIABLES)
    student = await Student.launch(launcher, settings, bench.model, bench.trace)
    yield student
    await student.stop()


def script(turns: str) -> Conversation:
    return bind(parse(HEAD + turns, Path("x.yaml")), Conversation, Path("x.yaml"))


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*.yaml")), ids=lambda file: file.stem)
async def test_script_with_everything_holds(
    task_manager: Student, bench: Bench, file: Path
) -> None:
    await play(load_conversation(file), task_manager, bench.model, Canaries(3), bench.trace)
    assert any(each.kind == "given" for each in bench.trace.entries) == (file.stem == "tasks")


@pytest.mark.parametrize(
    ("turns", "seen"),
    [
        (
            "  - {say: Hi}\n",
            "an `error` event came: the model was asked, and this turn has no `model`.",
        ),
        (
            "  - {say: Hi, model: [{call_tool: {name: add_task}}, {say: [Added.]}]}\n",
            "the model called `add_task`, a tool that it was not offered.",
        ),
        (
            "  - {say: Hi, model: [{drop: true}], expect: {text: Hello.}}\n",
            "Turn 1: an `error` event came.",
        ),
        (
            (
                "  - {say: Hi, model: [{call_tool: {name: list_tasks}}, {say: ['']}],"
                " expect: {text: Here.}}\n"
            ),
            "the deltas together are empty, not Here.",
        ),
        ("  - {load: true}\n", "Turn 1: alice has no thread `main` yet"),
        ("  - {user: bob, of: alice, say: Hi}\n", "Turn 1: alice has no thread `main` yet"),
        (BEGUN + "  - {load: true, expect: {refused: true}}\n", "Turn 2: the request was not"),
        (BEGUN + "  - {load: true, expect: {status: 401}}\n", "with status 200, not 401"),
        (BEGUN + "  - {of: nobody, load: true}\n", "Turn 2: the server answered with status 404."),
        (BEGUN + "  - {of: nobody, say: Hi}\n", "Turn 2: an `error` event came."),
        (
            BEGUN + "  - {list_threads: true, expect: {headers: {x-odd: yes}}}\n",
            "the header `x-odd` did not come",
        ),
        (
            BEGUN + "  - {list_threads: true, expect: {headers: {content-type: xml}}}\n",
            "the header `content-type` is 'application/json', not 'xml'",
        ),
        (BEGUN + "  - {list_threads: {next: true}}\n", "no page follows"),
        (
            BEGUN + "  - {list_threads: true}\n  - {list_threads: {next: true}}\n",
            "Turn 3: no page follows",
        ),
        (
            BEGUN + "  - {list_threads: true, expect: {threads: [other]}}\n",
            "the threads listed are main, not other",
        ),
        (
            BEGUN + "  - {list_threads: true, expect: {titles: [a]}}\n",
            "the titles listed are (none), not a",
        ),
        (BEGUN + "  - {list_threads: true, expect: {more: true}}\n", "`has_more` is false"),
        (BEGUN + "  - {load: true, expect: {title: a}}\n", "the title is empty, not a"),
        (BEGUN + "  - {read_on: true}\n", "Turn 2: no answer is paused"),
        (BEGUN + "  - {press: milk}\n", "no widget of the thread has a button beside milk"),
        (
            BEGUN + "  - {act: {type: complete_task, payload: {task_id: '{task_id: milk}'}}}\n",
            "no widget has a button for milk",
        ),
        (
            "  - {say: Hi, model: [{say: [Hello.]}], expect: {progress: true}}\n",
            "Turn 1: no progress came",
        ),
        (
            "  - {say: Hi, model: [{say: [Hello.]}], expect: {widget: {shows: [a]}}}\n",
            "Turn 1: no widget came",
        ),
        (
            "  - {say: Hi, model: [{say: [Hello.]}], expect: {client_tool: show_task}}\n",
            "no call of the client tool `show_task` came",
        ),
        (
            "  - {say: Hi, model: [{say: [Hello.]}], expect: {model_asked: false}}\n",
            "Turn 1: the model was asked",
        ),
        (BEGUN + "  - {load: true, expect: {model_asked: true}}\n", "the model was not asked"),
        (
            "  - {say: Hi, model: [{say: [Hello.]}], expect: {events: [notice]}}\n",
            "the event `notice` did not come",
        ),
        (
            LISTED + "  - {list_items: true, expect: {widget: {shows: [bread]}}}\n",
            "the widget does not show bread; it shows: Buy milk; Done",
        ),
        (
            LISTED + "  - {list_items: true, expect: {widget: {hides: [milk]}}}\n",
            "the widget shows milk",
        ),
        (
            LISTED + "  - {list_items: true, expect: {widget: {buttons: []}}}\n",
            "has buttons beside: Buy milk Done; not beside: nothing",
        ),
        (
            LISTED + "  - {list_items: true, expect: {widget: {buttons: [bread]}}}\n",
            "has buttons beside: Buy milk Done; not beside: bread",
        ),
        (
            BEGUN + "  - {user: bob, say: 'I need {canary.milk}.', model: [{say: [Noted.]}]}\n"
            "  - {list_threads: true, expect: {nothing_of: [bob]}}\n",
            "",
        ),
        (
            BEGUN + "  - {user: bob, say: 'Hi', model: [{say: ['About {canary.other}.']}]}\n"
            "  - {list_items: true, thread: main, of: bob, expect: {any_outcome: true}}\n"
            "  - {say: 'Tell me', model: [{say: ['Yes, {canary.other}.']}]}\n"
            "  - {user: bob, list_items: true, expect: {nothing_of: [alice]}}\n",
            "",
        ),
        (
            (
                "  - {say: Hi, token: none, expect: {refused: true}}\n"
                "  - {say: Hi, model: [{say: [Hello.]}], expect: {text: Hello.}}\n"
            ),
            "",
        ),
        (
            (
                "  - together:\n    - {say: a b, thread: one, model: [{say: [c]}]}\n"
                "    - {say: d e, thread: two, model: [{say: [f]}], expect: {text: g}}\n"
            ),
            "Turn 1.2: the deltas together are f, not g",
        ),
        (
            (
                "  - together:\n    - {say: a b, thread: one, model: [{say: [c]}]}\n"
                "    - {load: true, thread: two}\n"
            ),
            "Turn 1.2: alice has no thread `two` yet",
        ),
        (
            (
                "  - {say: Hi, expect: {progress: true},"
                " model: [{say: [Hello.]}, {call_tool: {name: list_tasks}}, {say: [a]}]}\n"
            ),
            "Turn 1: progress came after the answer had begun",
        ),
    ],
)
async def test_first_thing_that_is_not_as_expected_is_told(
    task_manager: Student, bench: Bench, turns: str, seen: str
) -> None:
    told = ""
    try:
        await play(script(turns), task_manager, bench.model, Canaries(3))
    except Finding as finding:
        told = finding.seen
    assert seen in told
    assert bool(seen) == bool(told), told


async def test_many_conversations_can_share_a_server(task_manager: Student, bench: Bench) -> None:
    tasks = load_conversation(SCRIPTS / "tasks.yaml")
    for number in range(2):
        bench.model.forget()
        await play(tasks, task_manager, bench.model, Canaries(3), users_end=f"-{number}")
    assert not bench.model.findings()


async def test_clients_that_still_read_leave_at_the_end(
    task_manager: Student, bench: Bench
) -> None:
    turns = "  - {say: Hi, model: [{hold: [a, b, c]}], pause_after: 1}\n"
    await play(script(turns), task_manager, bench.model, Canaries(3))
    assert [each.kind for each in bench.trace.entries].count("leaves") == 1


SHAKES = """\
  - say: Add them.
    model:
      - call_tool: {name: create_task, arguments: {title: Milk shake}}
      - call_tool: {name: create_task, arguments: {title: Milk}}
      - call_tool: {name: list_tasks}
      - say: [Added.]
    expect: {widget: {buttons: [Milk, Milk shake]}}
"""


@pytest.mark.parametrize(
    "turns",
    [
        "  - {press: Milk, expect: {widget: {buttons: [Milk shake]}}}\n",
        (
            "  - say: Complete it.\n"
            "    model: [{call_tool: {name: complete_task,"
            " arguments: {task_id: '{task_id: Milk}'}}}, {say: [Done.]}]\n"
            "  - {press: Milk shake, expect: {widget: {buttons: []}}}\n"
        ),
    ],
    ids=["press", "id"],
)
async def test_title_that_is_a_part_of_another_means_its_own_task(
    task_manager: Student, bench: Bench, turns: str
) -> None:
    await play(script(SHAKES + turns), task_manager, bench.model, Canaries(3))


async def test_who_sends_the_id_of_a_task_has_not_said_its_title(
    launcher: Launcher, bench: Bench
) -> None:
    """Bob's agent shows him a task of Alice's, which the script can only name by its title."""
    lesson = Catalogue(REPOSITORY).lesson("lesson08")
    leaking = next(each for each in mutants_of(lesson) if each.name == "anybody-is-shown")
    turns = """\
  - say: Add it.
    model:
      - call_tool: {name: create_task, arguments: {title: "{canary.milk}"}}
      - call_tool: {name: list_tasks}
      - say: [Added.]
  - user: bob
    say: Show me hers.
    model:
      - call_tool: {name: show_task, arguments: {task_id: "{task_id: {canary.milk}}"}}
      - say: [No.]
    expect: {nothing_of: [alice]}
"""
    with leaking.built() as folder:
        settings = ServerSettings(source=folder, variables=VARIABLES)
        student = await Student.launch(launcher, settings, bench.model, bench.trace)
        try:
            with pytest.raises(Finding, match=r"Turn 2: bob was shown .*, which is alice's"):
                await play(script(turns), student, bench.model, Canaries(3))
        finally:
            await student.stop()


async def test_model_goes_on_where_the_output_is_told_in_words(
    launcher: Launcher, bench: Bench
) -> None:
    settings = ServerSettings(source=SOLUTION.with_name(IN_WORDS), variables=VARIABLES)
    student = await Student.launch(launcher, settings, bench.model, bench.trace)
    turns = """\
  - say: Add it.
    model:
      - call_tool: {name: create_task, arguments: {title: Buy milk}}
      - call_tool: {name: list_tasks}
      - say: [Added.]
  - say: Show it.
    model: [{call_tool: {name: show_task, arguments: {task_id: "{task_id: Buy milk}"}}}]
    expect: {client_tool: show_task}
  - tool_output: {seen: "{canary.seen}"}
    model: [{say: [You see it.]}]
    expect: {text: You see it., model_saw: ["{canary.seen}"]}
"""
    try:
        await play(script(turns), student, bench.model, Canaries(3))
    finally:
        await student.stop()


async def test_pages_of_threads_and_of_each_threads_items_go_on_apart(
    task_manager: Student, bench: Bench
) -> None:
    turns = """\
  - {say: One, model: [{say: [First]}]}
  - {thread: other, say: Two, model: [{say: [Second]}]}
  - {list_items: {limit: 1}, expect: {items: [{role: user, text: One}], more: true}}
  - {thread: other, list_items: {limit: 1}, expect: {items: [{role: user, text: Two}]}}
  - {list_threads: {limit: 1}, expect: {threads: [other], more: true}}
  - list_items: {limit: 1, next: true}
    expect: {items: [{role: assistant, text: First}], more: false}
  - {list_threads: {limit: 1, next: true}, expect: {threads: [main], more: false}}
"""
    await play(script(turns), task_manager, bench.model, Canaries(3))
    none = script(BEGUN + "  - {list_items: {next: true}}\n")
    with pytest.raises(Finding) as told:
        await play(none, task_manager, bench.model, Canaries(4))
    assert told.value.seen.startswith("Turn 2: no page follows")
