"""The agent, its tools, and the list that it shows: a `ListView` whose rows are clicked.

The rows say `streaming: false`, so clicks come as `threads.sync_custom_action`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from agents import Agent, RunContextWrapper, Runner, StopAtTools, function_tool
from anyio import CancelScope
from chatkit.agents import (
    AgentContext,
    ClientToolCall,
    simple_to_agent_input,
    stream_agent_response,
)
from chatkit.server import ChatKitServer
from chatkit.store import NotFoundError
from chatkit.types import (
    Action,
    CustomTask,
    SyncCustomActionResponse,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
    Workflow,
)
from chatkit.widgets import DynamicWidgetRoot

from .database import TaskRow, add_task, finish_task, task_of, tasks_of
from .users import User

Context = RunContextWrapper[AgentContext[User]]


async def begin(ctx: Context, what: str) -> User:
    """Tell in a workflow what the agent does."""
    task = CustomTask(title=what)
    if ctx.context.workflow_item is None:
        await ctx.context.start_workflow(Workflow(type="custom", tasks=[]))
    await ctx.context.add_workflow_task(task)
    return ctx.context.request_context


def told(task: TaskRow) -> dict[str, Any]:
    return {"id": task.id, "title": task.title, "status": "done" if task.done else "open"}


@function_tool(name_override="create_task")
async def create(ctx: Context, title: str) -> dict[str, Any]:
    """Add a task."""
    user = await begin(ctx, "Adding a task")
    return told(await add_task(user, title))


@function_tool(name_override="list_tasks")
async def show_list(ctx: Context) -> list[dict[str, Any]]:
    """List all tasks, for the user and for you."""
    user = await begin(ctx, "Reading the tasks")
    tasks = await tasks_of(user)
    await ctx.context.stream_widget(list_view(tasks), copy_text="tasks")
    return [told(task) for task in tasks]


@function_tool(name_override="complete_task")
async def complete(ctx: Context, task_id: int) -> dict[str, Any]:
    """Complete a task."""
    user = await begin(ctx, "Completing a task")
    task = await finish_task(user, task_id)
    return told(task) if task else {"error": "no such task"}


@function_tool(name_override="show_task")
async def show(ctx: Context, task_id: int) -> dict[str, Any]:
    """Show a task in the page."""
    task = await task_of(ctx.context.request_context, task_id)
    if task is None:
        return {"error": "no such task"}
    arguments = {"task_id": task.id, "title": task.title}
    ctx.context.client_tool_call = ClientToolCall(name="show_task", arguments=arguments)
    return {}


def list_view(tasks: Iterable[TaskRow]) -> DynamicWidgetRoot:
    """Show open tasks only."""
    rows = [
        {
            "type": "ListViewItem",
            "key": str(task.id),
            "onClickAction": {
                "type": "complete_task",
                "payload": {"task_id": task.id},
                "streaming": False,
            },
            "children": [{"type": "Icon", "name": "circle-question"},
                         {"type": "Text", "value": task.title}],
        }
        for task in tasks
        if not task.done
    ]  # fmt: skip
    return DynamicWidgetRoot.model_validate({"type": "ListView", "children": rows})


planner = Agent[AgentContext[User]](
    name="Planner",
    instructions=lambda run, _: f"You manage the tasks of {run.context.request_context.id}.",
    model="gpt-5-mini",
    tools=[create, show_list, complete, show],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["show_task"]),
)


class PlannerServer(ChatKitServer[User]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: User
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 40, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        run = Runner.run_streamed(planner, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, run):
            yield event

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: User
    ) -> None:
        # The client has gone, so each `await` of the database would be cancelled too.
        with CancelScope(shield=True):
            await super().handle_stream_cancelled(thread, pending_items, context)

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: User,
    ) -> SyncCustomActionResponse:
        task_id = (action.payload or {}).get("task_id")
        if action.type != "complete_task" or sender is None or type(task_id) is not int:
            raise NotFoundError("there is nothing to do")
        if await finish_task(context, task_id) is None:
            raise NotFoundError("no such task")
        updated = sender.model_copy(update={"widget": list_view(await tasks_of(context))})
        await self.store.save_item(thread.id, updated, context)
        return SyncCustomActionResponse(updated_item=updated)
