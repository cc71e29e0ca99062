"""The agent over Chat Completions, with a converter of its own.

The Agents SDK gives each item of Chat Completions the id `__fake_id__`, so every item gets an id of
the store here; and the history is written as plain messages, what the page has shown too.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    RunContextWrapper,
    Runner,
    StopAtTools,
    TResponseInputItem,
    function_tool,
)
from chatkit.agents import AgentContext, ClientToolCall, stream_agent_response
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    UserMessageItem,
)
from chatkit.widgets import WidgetTemplate
from openai import AsyncOpenAI

from accounts import Account

Run = RunContextWrapper[AgentContext[Account]]

TASKS = WidgetTemplate(
    {
        "version": "1.0",
        "name": "tasks",
        "template": """
        {"type": "Card", "size": "md", "children": [
          {"type": "Title", "value": {{ heading | tojson }} }
          {% for task in tasks %},
          {"type": "Row", "children": [
            {% if task.open %}
            {"type": "Button", "label": "Tick off", "onClickAction":
              {"type": "complete_task", "payload": {"task_id": {{ task.id | tojson }} } } },
            {% endif %}
            {"type": "Text", "value": {{ task.title | tojson }} }
          ]}
          {% endfor %}
        ]}
        """,
    }
)


async def tell(run: Run, text: str) -> Account:
    await run.context.stream(ProgressUpdateEvent(icon="notebook", text=text))
    return run.context.request_context


def widget_of(account: Account) -> Any:
    tasks = account.read()["tasks"].values()
    return TASKS.build({"heading": f"{len(tasks)} tasks", "tasks": list(tasks)})


def finish(account: Account, task_id: str) -> dict[str, Any] | None:
    if task_id not in account.read()["tasks"]:
        return None
    account.change(lambda data: data["tasks"][task_id].update(open=False))
    return account.read()["tasks"][task_id]


@function_tool
async def create_task(run: Run, title: str) -> str:
    """Create a task."""
    account = await tell(run, "One moment")

    def add(data: dict[str, Any]) -> dict[str, Any]:
        # The same numbers for all users: an id means something only with its user.
        id = str(len(data["tasks"]) + 1)
        data["tasks"][id] = {"id": id, "title": title, "open": True}
        return data["tasks"][id]

    return json.dumps(account.change(add))


@function_tool
async def list_tasks(run: Run) -> str:
    """List the tasks."""
    account = await tell(run, "I look at your tasks")
    await run.context.stream_widget(widget_of(account))
    return json.dumps(list(account.read()["tasks"].values()))


@function_tool
async def complete_task(run: Run, task_id: str) -> str:
    """Complete a task."""
    account = await tell(run, "Ticking off")
    return json.dumps(finish(account, task_id) or "there is no such task")


@function_tool
async def show_task(run: Run, task_id: str) -> str:
    """Show a task."""
    task = run.context.request_context.read()["tasks"].get(task_id)
    if task is None:
        return "there is no such task"
    arguments = {"task_id": task["id"], "title": task["title"]}
    run.context.client_tool_call = ClientToolCall(name="show_task", arguments=arguments)
    return ""


agent = Agent[AgentContext[Account]](
    name="TaskManager",
    instructions=lambda run, _: f"Be brief. The user is {run.context.request_context.sub}.",
    tools=[create_task, list_tasks, complete_task, show_task],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["show_task"]),
    model=OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI()),
)


async def answer(
    context: AgentContext[Account], items: Iterable[ThreadItem]
) -> AsyncIterator[ThreadStreamEvent]:
    result = Runner.run_streamed(agent, to_messages(items), context=context)
    own_id = ""
    async for event in stream_agent_response(context, result):
        match event:
            case ThreadItemAddedEvent(item=AssistantMessageItem()):
                own_id = context.generate_id("message")
                event.item.id = own_id
            case ThreadItemDoneEvent(item=AssistantMessageItem()):
                event.item.id = own_id
            case ThreadItemDoneEvent(item=ClientToolCallItem()):
                event.item.id = context.generate_id("tool_call")
            case ThreadItemUpdatedEvent():
                event.item_id = own_id
        yield event


def to_messages(items: Iterable[ThreadItem]) -> list[TResponseInputItem]:
    """What was said and shown so far, oldest first."""
    messages: list[TResponseInputItem] = []
    for item in items:
        if isinstance(item, UserMessageItem):
            messages.append({"role": "user", "content": "".join(c.text for c in item.content)})
        elif isinstance(item, AssistantMessageItem):
            messages.append({"role": "assistant", "content": "".join(c.text for c in item.content)})
        elif isinstance(item, ClientToolCallItem) and item.status == "completed":
            shown = f"The page has done {item.name}: {json.dumps(item.output)}"
            messages.append({"role": "user", "content": shown})
    return messages
