"""The ChatKit server. The agent's memory is a session of the Agents SDK, one for each thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from agents import Agent, Runner, SQLiteSession
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from openai import AsyncOpenAI

from backend.chat.agent import make_agent
from backend.chat.store import ShelfStore
from backend.settings import Settings


class ChatService(ChatKitServer[Any]):
    def __init__(self, client: AsyncOpenAI, agent: Agent[AgentContext[Any]], memory: Path) -> None:
        super().__init__(ShelfStore())
        self._client = client
        self._agent = agent
        self._memory = memory

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        client = AsyncOpenAI(api_key=settings.openai_api_key)
        memory = settings.chatkit_data_dir / "memory.db"
        return cls(client, make_agent(client, settings.model), memory)

    async def close(self) -> None:
        await self._client.close()

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        if input_user_message is None:
            return
        session = SQLiteSession(thread.id, self._memory)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        text = "".join(part.text for part in input_user_message.content).strip()
        result = Runner.run_streamed(self._agent, text, context=agent_context, session=session)
        try:
            async for event in stream_agent_response(agent_context, result):
                yield event
        finally:
            session.close()
