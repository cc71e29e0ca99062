"""Which names of a skill's code are told to be missing, and which are left alone."""

from __future__ import annotations

import ast

import pytest

from graders.lesson00.names import MOST, missing_names
from graders.lesson00.skill import CodeBlock


def told(*codes: str, language: str = "python") -> list[tuple[int, str, str]]:
    blocks = [CodeBlock("SKILL.md", 1, language, code) for code in codes]
    return [(each.line, each.hint, each.said) for each in missing_names(blocks)]


BROKEN = ("from chatkit.store import InMemoryStore(",)
SERVER = """\
from chatkit.server import ChatKitServer
class Server(ChatKitServer):
    async def respond(self, thread, message, context):
"""


@pytest.mark.parametrize(
    ("code", "line", "hint", "said"),
    [
        ("from chatkit.store import InMemoryStore", 1, "name", "has no `InMemoryStore`"),
        ("from chatkit.events import TextEvent", 1, "name", "has no module `chatkit.events`"),
        ("import chatkit_sdk", 1, "package", "imported as `chatkit`"),
        ("from openai_agents import Agent", 1, "package", "imported as `agents`"),
        ("from agents import Agnt", 1, "name", "is it `Agent`?"),
        ("import chatkit.types as t\nt.ToolStatus()", 2, "name", "has no `ToolStatus`"),
        ("import agents\nagents.Agents(name='a')", 2, "name", "has no `Agents`"),
        ("import chatkit.server\nchatkit.server.Server", 2, "name", "has no `Server`"),
        ("from agents import Runner\nRunner.stream()", 2, "member", "`Runner` has no `stream`"),
        ("from agents import Agent\nAgent(prompts='x')", 2, "parameter", "takes no `prompts=`"),
        (
            "from agents import Agent\nAgent[str](instruction='x')",
            2,
            "parameter",
            "is it `instructions`?",
        ),
        (
            "from chatkit.types import AssistantMessageItem as A\nA(role='a')",
            2,
            "parameter",
            "takes no `role=`",
        ),
        (
            "from chatkit.agents import stream_agent_response\nstream_agent_response(agent=1)",
            2,
            "parameter",
            "takes no `agent=`",
        ),
        (f"{SERVER}        yield self.text_event('Hi')", 4, "method", "`self.text_event(...)`"),
    ],
)
def test_name_that_is_not_there_is_told(code: str, line: int, hint: str, said: str) -> None:
    ((where, which, sentence),) = told(code)
    assert (where, which) == (line, hint)
    assert said in sentence


def test_packages_that_are_installed_are_looked_at() -> None:
    code = "pip install chatkit-sdk openai-agents\nuv add 'agents>=1'  # agents\necho chatkit"
    assert [line for line, *_ in told(code, language="bash")] == [1, 2]
    assert told(code, language="text") == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("pip install \\\n  fastapi \\\n  chatkit-sdk\nagents", [3]),
        ("pip install openai-agents && mkdir agents; cd chatkit", []),
        ("# Wrong: these are others\npip install chatkit-sdk agents", []),
    ],
)
def test_commands_are_read_as_a_shell_does(code: str, lines: list[int]) -> None:
    assert [line for line, *_ in told(code, language="bash")] == lines


@pytest.mark.parametrize(
    "codes",
    [
        ("from my.store import InMemoryStore\nInMemoryStore().text_event(role=1)",),
        ("class Agent: ...\nAgent(prompts=1).stream()",),
        ("import agents, chatkit\nprint(agents.__file__, chatkit.__name__)",),
        ("# \u274c Wrong\nfrom chatkit.store import InMemoryStore",),
        (
            "from agents import Tool\nTool(name='a')",
            "from chatkit.types import Page as Tool\nTool(data=[])",
            "from chatkit.types import Thread as Tool",
        ),
        (
            SERVER
            + "        class Own:\n            def a(self): self.b()\n            def b(self): ...",
        ),
        ("from agents import Agent\ndef f(Agent): Agent(prompts=1)",),
        (SERVER + "        self.store.tasks_of(context); self.agent.anything()",),
        ("class Own(Other): ...\nclass S(Own):\n    def f(self): self.text_event()",),
        (SERVER + "        self.log()", "class Server(ChatKitServer):\n    def log(self): ..."),
        (SERVER + "        self.log()", "class Server(Base, ChatKitServer): ..."),
        (
            SERVER + "        self.make(1)",
            "class Server(ChatKitServer):\n  def x(self): self.make = 1",
        ),
        (SERVER + "        await self.process(b'', {}); self.__init__()",),
        ("from agents import Runner\nRunner.run_streamed(agent, 'x', anything=1)",),
        ("from openai import *\nfrom chatkit.types import *\nToolStatus()",),
        ("from . import chatkit_sdk\nfrom .agents import Agnt",),
        ("# Wrong: not in the SDK\nfrom chatkit.store import InMemoryStore",),
        BROKEN,
        ("from agents import SQLiteSession\nSQLiteSession('a', db_path='b')",),
        ("import openai\nopenai.AsyncOpenAI(base_url='x').chat.completions.create(model='x')",),
        ("from chatkit.widgets import Card, Text\nCard(children=[Text(value='x', size='sm')])",),
    ],
)
def test_what_is_right_or_not_the_sdks_is_left_alone(codes: tuple[str, ...]) -> None:
    is_broken = codes == BROKEN
    assert all(is_broken or ast.parse(code) for code in codes)
    assert told(*codes) == []


def test_each_name_is_told_once_and_not_too_many() -> None:
    twice = "from chatkit.store import InMemoryStore"
    assert len(told(twice, twice)) == 1
    assert len(told("from chatkit.types import " + ", ".join(f"N{n}" for n in range(99)))) == MOST


def test_names_of_the_page_come_first() -> None:
    blocks = [
        CodeBlock("references/a.md", 1, "python", "import chatkit.a"),
        CodeBlock("SKILL.md", 9, "python", "import chatkit.b"),
    ]
    assert [each.file for each in missing_names(blocks)] == ["SKILL.md", "references/a.md"]


@pytest.mark.parametrize(
    "code",
    [
        "import agents\nagents" + ".a" * 2_500,
        "import agents" + ".a" * 20_000,
        "from agents import " + "A" * 40_000,
        "import agents." + "a" * 5_000,
    ],
    ids=["chain", "modules", "name", "module"],
)
def test_a_name_that_is_too_long_is_missing_as_others_are(code: str) -> None:
    assert told(code)


@pytest.mark.parametrize("inside", ["[0]" * 800, f"[{'-' * 700}1][0]", f"['{'x' * 30_000}'][0]"])
def test_class_is_named_by_its_base_however_much_stands_behind_it(inside: str) -> None:
    code = SERVER.replace("(ChatKitServer)", f"(ChatKitServer{inside})")
    ((line, hint, said),) = told(f"{code}        self.nothing()")
    assert (line, hint) == (4, "method")
    assert said.startswith("`self.nothing(...)` is neither in `ChatKitServer` nor in a block")
