"""The scripted model under the real agents SDK and ChatKit's own conversion of its stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import openai
import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    Model,
    OpenAIChatCompletionsModel,
    OpenAIConversationsSession,
    OpenAIResponsesCompactionSession,
    OpenAIResponsesModel,
    RunConfig,
    RunContextWrapper,
    Runner,
    SQLiteSession,
    function_tool,
)
from agents.exceptions import ModelBehaviorError
from agents.items import TResponseInputItem
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.types import Page, ThreadItem, ThreadMetadata, ThreadStreamEvent
from pydantic import BaseModel

from graders.engine.model import (
    ScriptedModel,
    call_tool,
    call_tools,
    drop,
    fail,
    reason,
    say,
    say_held,
    tool,
)
from tests.model.transport import async_client

NASTY = ("Hé 👩‍👩‍👧", "a\u2028b", "", "\r\n", "z" * 10_000)
TRACING_OFF = RunConfig(tracing_disabled=True)


@pytest.fixture(params=["responses", "chat"])
def make(request: pytest.FixtureRequest) -> Any:
    """Make an SDK model of either API over a scripted one."""

    def made(model: ScriptedModel) -> Model:
        client = async_client(model)
        if request.param == "chat":
            return OpenAIChatCompletionsModel(model="m", openai_client=client)
        return OpenAIResponsesModel(model="m", openai_client=client)

    return made


@function_tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return f"sum={a + b}"


class EmptyStore:
    """As much of a ChatKit store as ``stream_agent_response`` asks for."""

    def __init__(self) -> None:
        self.kept: list[ThreadItem] = []

    async def load_thread_items(self, *_: object) -> Page[ThreadItem]:
        """No item was there before."""
        return Page(data=[])

    def generate_item_id(self, kind: str, *_: object) -> str:
        """One item of each kind is enough."""
        return f"{kind}_1"

    async def add_thread_item(self, _thread: str, item: ThreadItem, _context: object) -> None:
        """Keep the item."""
        self.kept.append(item)


def context() -> AgentContext[None]:
    thread = ThreadMetadata(id="thr_1", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    made: AgentContext[None] = AgentContext(
        thread=thread,
        store=EmptyStore(),
        request_context=None,
    )
    made._events = asyncio.Queue()
    return made


def chatkit_events(
    agent: Agent[Any], text: str | list[TResponseInputItem]
) -> AsyncIterator[ThreadStreamEvent]:
    result = Runner.run_streamed(agent, text, run_config=TRACING_OFF)
    return stream_agent_response(context(), result)


def deltas(events: list[ThreadStreamEvent]) -> list[str]:
    updates = [event.update for event in events if event.type == "thread.item.updated"]
    return [u.delta for u in updates if u.type == "assistant_message.content_part.text_delta"]


def done_texts(events: list[ThreadStreamEvent]) -> list[str]:
    items = [event.item for event in events if event.type == "thread.item.done"]
    return [
        part.text for item in items if item.type == "assistant_message" for part in item.content
    ]


async def test_chatkit_stream_equals_the_script(make: Any) -> None:
    model = ScriptedModel()
    model.on("Hi", say(*NASTY))
    events = [e async for e in chatkit_events(Agent(name="a", model=make(model)), "Hi")]
    assert "".join(deltas(events)) == "".join(NASTY)
    assert done_texts(events) == ["".join(NASTY)]
    assert not model.findings()


async def test_chatkit_stream_is_lock_step(make: Any) -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("one", "two", "three"))
    await turn.release()
    seen: list[str] = []
    async for event in chatkit_events(Agent(name="a", model=make(model)), "Hi"):
        for delta in deltas([event]):
            seen.append(delta)
            assert turn.said == len(seen)
            await turn.release()
    assert seen == ["one", "two", "three"]


async def test_chatkit_stream_shows_reasoning_as_a_workflow() -> None:
    model = ScriptedModel()
    model.on("Hi", reason("Let me think"), say("Done"))
    sdk_model = OpenAIResponsesModel(model="m", openai_client=async_client(model))
    events = [e async for e in chatkit_events(Agent(name="a", model=sdk_model), "Hi")]
    workflows = [
        e.item.workflow
        for e in events
        if e.type == "thread.item.done" and e.item.type == "workflow"
    ]
    assert [task.type == "thought" and task.content for w in workflows for task in w.tasks] == [
        "Let me think"
    ]
    assert done_texts(events) == ["Done"]


async def test_tool_loop_of_three_rounds(make: Any) -> None:
    model = ScriptedModel()
    turn = model.on(
        "Add up",
        call_tools(tool("add", {"a": 1, "b": 2}), tool("add", {"a": 3, "b": 4})),
        say("Half"),
        call_tool("add", {"a": 3, "b": 7}),
        say("It is ", "10"),
    )
    agent = Agent(name="a", model=make(model), tools=[add])
    result = Runner.run_streamed(agent, "Add up", run_config=TRACING_OFF)
    async for _ in result.stream_events():
        pass
    assert result.final_output == "It is 10"
    assert len(turn.requests) == 3
    assert turn.requests[1].text_of("tool") == "sum=3\nsum=7"
    assert turn.request.tools == ["add"]
    assert not model.findings()


async def test_tool_loop_with_previous_response_id() -> None:
    model = ScriptedModel()
    turn = model.on("Add up", call_tool("add", {"a": 1, "b": 2}), say("It is 3"))
    sdk_model = OpenAIResponsesModel(model="m", openai_client=async_client(model))
    agent = Agent(name="a", model=sdk_model, tools=[add])
    result = await Runner.run(
        agent, "Add up", auto_previous_response_id=True, run_config=TRACING_OFF
    )
    assert result.final_output == "It is 3"
    assert [item.kind for item in turn.requests[1].sent] == ["function_call_output"]
    kinds = [item.kind for item in turn.requests[1].input]
    assert kinds == ["message", "function_call", "function_call_output"]


async def test_several_turns_with_history(make: Any) -> None:
    model = ScriptedModel()
    history: list[TResponseInputItem] = []
    agent = Agent(name="a", instructions="Be kind.", model=make(model))
    for number in range(4):
        turn = model.on(f"Question {number}", say("Answer ", str(number)))
        history.append({"role": "user", "content": f"Question {number}"})
        result = Runner.run_streamed(agent, history, run_config=TRACING_OFF)
        async for _ in result.stream_events():
            pass
        assert result.final_output == f"Answer {number}"
        history = result.to_input_list()
        assert turn.request.user_texts == [f"Question {n}" for n in range(number + 1)]
        assert turn.request.instructions == "Be kind."
    assert turn.request.text_of("assistant") == "Answer 0\nAnswer 1\nAnswer 2"


async def test_malformed_arguments_reach_the_tool_as_an_error(make: Any) -> None:
    model = ScriptedModel()
    turn = model.on("Add up", call_tool("add", {"a": 1, "b": 2}, malformed=True), say("Sorry"))
    agent = Agent(name="a", model=make(model), tools=[add])
    result = await Runner.run(agent, "Add up", run_config=TRACING_OFF)
    assert result.final_output == "Sorry"
    assert "sum=" not in turn.requests[1].text_of("tool")


async def test_failures_raise_through_the_runner(make: Any) -> None:
    for step in (fail(500), fail(429), drop(), fail(500, after=["par"]), drop(after=["par"])):
        model = ScriptedModel()
        model.on("Hi", step)
        agent = Agent(name="a", model=make(model))
        with pytest.raises((openai.APIError, ModelBehaviorError)):
            [event async for event in chatkit_events(agent, "Hi")]
        assert len(model.calls) == 1


class Verdict(BaseModel):
    """What a guard answers."""

    is_safe: bool
    is_off_topic: bool
    reasoning: str


async def test_guardrail_agent_lets_the_message_pass(make: Any) -> None:
    model = ScriptedModel(api_key="key-1")
    turn = model.on("Hi", say("Hello"))
    guard = Agent(name="g", instructions="Watch.", model=make(model), output_type=Verdict)

    async def check(
        _context: RunContextWrapper[Any], _agent: Agent[Any], given: str | list[TResponseInputItem]
    ) -> GuardrailFunctionOutput:
        verdict = (await Runner.run(guard, given, run_config=TRACING_OFF)).final_output
        blocked = not verdict.is_safe or verdict.is_off_topic
        return GuardrailFunctionOutput(output_info=verdict, tripwire_triggered=blocked)

    agent = Agent(name="a", model=make(model), input_guardrails=[InputGuardrail(check)])
    events = [e async for e in chatkit_events(agent, "Hi")]
    assert done_texts(events) == ["Hello"]
    assert [call.purpose for call in model.side_calls] == ["structured"]
    assert len(turn.requests) == 1
    assert not model.findings()


async def test_fifty_conversations_at_once(make: Any) -> None:
    model = ScriptedModel()
    sdk_model = make(model)
    names = [f"canary-{number}" for number in range(50)]
    for name in names:
        model.on(f"Say {name}", call_tool("add", {"a": 1, "b": 1}), say("I say ", name))

    async def converse(name: str) -> str:
        agent = Agent(name="a", model=sdk_model, tools=[add])
        result = Runner.run_streamed(agent, f"Say {name}", run_config=TRACING_OFF)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)

    assert await asyncio.gather(*map(converse, names)) == [f"I say {name}" for name in names]
    assert not model.findings()


async def test_a_session_at_the_provider_is_the_models_input() -> None:
    model = ScriptedModel()
    client = async_client(model)
    agent = Agent(
        name="a", model=OpenAIResponsesModel(model="m", openai_client=client), tools=[add]
    )
    session = OpenAIConversationsSession(openai_client=client)
    model.on("one", call_tool("add", {"a": 1, "b": 2}), say("It is 3"))
    await Runner.run(agent, "one", session=session, run_config=TRACING_OFF)
    turn = model.on("two", say("Yes."))
    again = OpenAIConversationsSession(openai_client=client, conversation_id=session.session_id)
    await Runner.run(agent, "two", session=again, run_config=TRACING_OFF)
    assert [(item.kind, item.role) for item in turn.request.input] == [
        ("message", "user"),
        ("function_call", "assistant"),
        ("function_call_output", "tool"),
        ("message", "assistant"),
        ("message", "user"),
    ]
    await again.pop_item()
    assert len(await again.get_items()) == 5
    assert [item.get("role") for item in await again.get_items(limit=2)] == ["assistant", "user"]
    await again.clear_session()
    assert not await again.get_items()


async def test_a_session_that_compacts_keeps_what_was_said() -> None:
    model = ScriptedModel()
    client = async_client(model)
    agent = Agent(name="a", model=OpenAIResponsesModel(model="m", openai_client=client))
    session = OpenAIResponsesCompactionSession(
        "s", SQLiteSession("s"), client=client, model="gpt-5"
    )
    said: list[str] = []
    for number in range(12):
        turn = model.on(f"question {number}", say(f"answer {number}"))
        await Runner.run(agent, f"question {number}", session=session, run_config=TRACING_OFF)
        assert [item.text for item in turn.request.input] == [*said, f"question {number}"]
        said += [f"question {number}", f"answer {number}"]
    assert model.provider_calls == {"POST /responses/compact": 1}
    assert len(model.turns[-1].request.sent) < len(model.turns[-1].request.input)
