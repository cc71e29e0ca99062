"""A server that an agent copies. Nobody runs it here."""

from agents import Agent as Helper, OpenAIChatCompletionsModel, Runner
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from openai import AsyncOpenAI

from base import Configured
from store import SqlStore

agent = Helper(
    name="Helper",
    model=OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI(max_retries=1)),
)
converter = ThreadItemConverter()


class Server(Configured, ChatKitServer[dict]):
    """Inherits from a class that is not shown, too: what `self` has is its own matter."""

    async def respond(self, thread, input_user_message, context):
        self.log(thread)
        page = await self.store.load_thread_items(thread.id, None, self.limit, "desc", context)
        items = await converter.to_agent_input(list(reversed(page.data)))
        scene = AgentContext(thread=thread, store=self.store, request_context=context)
        async for event in stream_agent_response(scene, Runner.run_streamed(agent, items, context=scene)):
            yield event
