"""What openai-chatkit really emits passes the order table: the SDK is right, the table follows."""

# ruff: noqa: ARG001  (every respond() here has the same signature)

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    OpenAIChatCompletionsModel,
    RunContextWrapper,
    StopAtTools,
    function_tool,
)
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from chatkit.agents import AgentContext, ClientToolCall
from chatkit.errors import ErrorCode, StreamError
from chatkit.server import stream_widget
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClientEffectEvent,
    CustomTask,
    HiddenContextItem,
    NoticeEvent,
    ProgressUpdateEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    Workflow,
)
from chatkit.widgets import Card, Text, WidgetRoot
from openai import AsyncOpenAI
from openai.types.responses import ResponseOutputMessage, ResponseOutputRefusal
from openai.types.responses.response_reasoning_item import ResponseReasoningItem, Summary

from graders.engine.protocol import ChatKitEvent, check_order
from tests.protocol.real_server import Respond, TinyServer

Answer = AsyncIterator[ThreadStreamEvent]
Wrapper = RunContextWrapper[AgentContext[dict[str, Any]]]


def labels(events: list[ChatKitEvent]) -> list[str]:
    return [event.label.removeprefix("thread.item.") for event in events]


def accept(events: list[ChatKitEvent], kind: Any = "create", **options: bool) -> None:
    assert [event.problems for event in events if event.problems] == []
    assert [violation.text for violation in check_order(events, kind, **options)] == []


def scripted(*steps: Any, **agent: Any) -> Respond:
    def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        return server.run_agent(thread, Agent(name="A", model=ScriptedModel(steps), **agent))

    return respond


def message(text: str, number: int = 1) -> Any:
    return assistant_message(text, item_id=f"msg_{number}")


def whole(thread: ThreadMetadata, text: str = "Hello", item_id: str = "m1") -> AssistantMessageItem:
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(
        id=item_id, thread_id=thread.id, created_at=datetime.now(UTC), content=content
    )


async def test_create_emits_the_order_of_lesson02() -> None:
    events = await TinyServer(scripted(ModelStep([message("Hello")]))).create()
    assert labels(events) == [
        "thread.created",
        "done/user_message",
        "stream_options",
        "added/assistant_message",
        "updated/assistant_message.content_part.added",
        "updated/assistant_message.content_part.text_delta",
        "updated/assistant_message.content_part.done",
        "done/assistant_message",
    ]
    accept(events, closed_parts=True)


async def test_follow_up_creates_no_thread() -> None:
    server = TinyServer(scripted(ModelStep([message("One")])))
    created = await server.create()
    server.answer = scripted(ModelStep([message("Two", 2)]))
    events = await server.say(created[0].thread_id)
    accept(events, "follow_up", closed_parts=True)
    assert [v.state for v in check_order(events, "create")] == ["new thread"]


async def test_a_tool_that_reports_progress_is_in_order() -> None:
    @function_tool
    async def look(wrapper: Wrapper) -> str:
        await wrapper.context.stream(ProgressUpdateEvent(text="Analyzing documents..."))
        return "seen"

    steps = ModelStep([function_call("look", {}, call_id="c1")]), ModelStep([message("Done.")])
    events = await TinyServer(scripted(*steps, tools=[look])).create()
    assert "progress_update" in labels(events)
    accept(events)


async def test_two_messages_around_a_tool_are_in_order() -> None:
    @function_tool
    def look() -> str:
        return "seen"

    first = ModelStep([message("Let me look."), function_call("look", {}, call_id="c1")])
    events = await TinyServer(
        scripted(first, ModelStep([message("Done.", 2)]), tools=[look])
    ).create()
    assert labels(events).count("done/assistant_message") == 2
    accept(events)


async def test_a_workflow_of_the_tools_own_is_in_order() -> None:
    @function_tool
    async def work(wrapper: Wrapper) -> str:
        context = wrapper.context
        await context.start_workflow(Workflow(type="custom", tasks=[]))
        await context.add_workflow_task(CustomTask(title="one"))
        await context.add_workflow_task(CustomTask(title="two"))
        await context.update_workflow_task(CustomTask(title="one, done"), task_index=0)
        await context.end_workflow()
        return "done"

    steps = ModelStep([function_call("work", {}, call_id="c1")]), ModelStep([message("Done.")])
    events = await TinyServer(scripted(*steps, tools=[work])).create()
    assert "updated/workflow.task.updated" in labels(events)
    accept(events)


async def test_a_workflow_may_go_on_in_the_next_turn() -> None:
    async def start(server: TinyServer, thread: ThreadMetadata) -> Answer:
        context: AgentContext[Any] = AgentContext(
            thread=thread, store=server.store, request_context={}
        )
        await context.start_workflow(Workflow(type="reasoning", tasks=[]))
        assert context.workflow_item is not None
        await server.store.add_thread_item(thread.id, context.workflow_item, {})
        yield NoticeEvent(level="info", message="started")

    server = TinyServer(start)
    created = await server.create()
    server.answer = scripted(ModelStep([message("Done.")]))
    # A retry of nothing: the workflow of the turn before is still the thread's last item.
    events = await server.play(
        "threads.custom_action",
        {"thread_id": created[0].thread_id, "action": {"type": "go", "payload": {}}},
    )
    assert "done/workflow" in labels(events)
    assert "added/workflow" not in labels(events)
    accept(events, "resumed")


async def test_reasoning_is_in_order() -> None:
    thought = ResponseReasoningItem(
        id="rs_1", type="reasoning", summary=[Summary(text="Hm.", type="summary_text")]
    )
    events = await TinyServer(scripted(ModelStep([thought, message("Done.")]))).create()
    assert "added/workflow" in labels(events)
    accept(events)


@pytest.mark.parametrize("piece_by_piece", [False, True])
async def test_a_widget_is_in_order(piece_by_piece: bool) -> None:
    async def growing() -> AsyncGenerator[WidgetRoot, None]:
        for value in ("a", "ab", "abc"):
            yield Card(children=[Text(id="t", value=value, streaming=value != "abc")])

    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        widget = growing() if piece_by_piece else Card(children=[Text(value="abc")])
        async for event in stream_widget(thread, widget):
            yield event

    events = await TinyServer(respond).create()
    grew = "updated/widget.streaming_text.value_delta" in labels(events)
    assert grew is piece_by_piece
    accept(events)


async def test_a_client_tool_call_ends_the_stream_in_order() -> None:
    @function_tool
    async def ask_browser(wrapper: Wrapper) -> str:
        wrapper.context.client_tool_call = ClientToolCall(name="url", arguments={})
        return ""

    step = ModelStep([function_call("ask_browser", {}, call_id="c1", item_id="fc_1")])
    stop = StopAtTools(stop_at_tool_names=["ask_browser"])
    answer = scripted(step, tools=[ask_browser], tool_use_behavior=stop)
    events = await TinyServer(answer).create()
    assert labels(events)[-1] == "done/client_tool_call"
    accept(events)


async def test_the_output_of_a_client_tool_resumes_the_answer() -> None:
    server = TinyServer(scripted(ModelStep([message("Done.")])))
    created = await server.create()
    thread_id, user_item = created[0].thread_id, created[1].item_id
    events = await server.play(
        "threads.retry_after_item", {"thread_id": thread_id, "item_id": user_item}
    )
    assert labels(events)[0] == "stream_options"
    accept(events, "resumed")


@pytest.mark.parametrize("error", [RuntimeError("boom"), StreamError(ErrorCode.STREAM_ERROR)])
async def test_an_error_in_the_middle_of_a_message_ends_legally(error: Exception) -> None:
    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        agent = Agent[Any](name="A", model=ScriptedModel([ModelStep([message("Hello")])]))
        async for event in server.run_agent(thread, agent):
            yield event
            if "text_delta" in event.model_dump_json():
                thread.title = "changed just before"
                raise error

    events = await TinyServer(respond).create()
    assert labels(events)[-2:] == ["error", "thread.updated"]
    accept(events)


async def test_a_failing_model_ends_legally() -> None:
    events = await TinyServer(scripted(ModelStep.raise_error(RuntimeError("429")))).create()
    assert labels(events)[-1] == "error"
    accept(events)


async def test_a_guardrail_that_takes_a_message_back_is_in_order() -> None:
    async def refuse(*_: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    guardrail: InputGuardrail[Any] = InputGuardrail(refuse)
    answer = scripted(ModelStep([message("Hello")]), input_guardrails=[guardrail])
    events = await TinyServer(answer).create()
    assert labels(events)[-1] == "error"
    accept(events)


async def test_changes_of_the_thread_may_come_anywhere_in_the_answer() -> None:
    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        thread.title = "first"
        yield NoticeEvent(level="info", message="hello")
        yield ClientEffectEvent(name="flash")
        thread.title = "second"
        yield ThreadItemDoneEvent(item=whole(thread))
        thread.title = "third"

    events = await TinyServer(respond).create()
    assert labels(events).count("thread.updated") == 3
    accept(events, streamed=False)


async def test_items_may_be_replaced_and_removed() -> None:
    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        yield ThreadItemDoneEvent(item=whole(thread))
        yield ThreadItemReplacedEvent(item=whole(thread, "Hello again"))
        yield ThreadItemRemovedEvent(item_id="m1")

    accept(await TinyServer(respond).create(), streamed=False)


async def test_hidden_context_does_not_disturb_the_order() -> None:
    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        now = datetime.now(UTC)
        yield ThreadItemDoneEvent(
            item=HiddenContextItem(id="h1", thread_id=thread.id, created_at=now, content="secret")
        )
        agent = Agent[Any](name="A", model=ScriptedModel([ModelStep([message("Hello")])]))
        async for event in server.run_agent(thread, agent):
            yield event

    accept(await TinyServer(respond).create())


async def test_a_refusal_is_in_order() -> None:
    refusal = ResponseOutputMessage(
        id="msg_1",
        type="message",
        role="assistant",
        status="completed",
        content=[ResponseOutputRefusal(type="refusal", refusal="No.")],
    )
    events = await TinyServer(scripted(ModelStep([refusal]))).create()
    assert labels(events)[-1] == "error"
    # How much of the message came before the error is a race inside the SDK.
    accept(events, streamed=False)


async def test_chat_completions_are_in_order_though_no_part_is_ever_closed() -> None:
    events = await TinyServer(over_chat_completions("Hel", "lo")).create()
    assert events[-1].text == "Hello"
    accept(events)
    assert [v.state for v in check_order(events, closed_parts=True)] == ["growing"]


def over_chat_completions(*chunks: str) -> Respond:
    """Yield an agent whose model is the SDK's Chat Completions one, over a canned HTTP answer."""
    lines = [{"delta": {"role": "assistant", "content": text}} for text in chunks]
    lines.append({"delta": {}, "finish_reason": "stop"})  # type: ignore[dict-item]
    frame = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    frames = [json.dumps({**frame, "choices": [{"index": 0, **line}]}) for line in lines]
    body = "".join(f"data: {line}\n\n" for line in [*frames, "[DONE]"])

    def reply(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)

    async def respond(server: TinyServer, thread: ThreadMetadata) -> Answer:
        transport = httpx2.MockTransport(reply)
        async with httpx2.AsyncClient(transport=transport) as http:
            client = AsyncOpenAI(api_key="k", http_client=http)
            model = OpenAIChatCompletionsModel("m", openai_client=client)
            async for event in server.run_agent(thread, Agent[Any](name="A", model=model)):
                yield event

    return respond
