"""The agent and its model, with a client of its own."""

from typing import Any

from agents import Agent, OpenAIResponsesModel
from chatkit.agents import AgentContext
from openai import AsyncOpenAI


def make_agent(client: AsyncOpenAI, model: str) -> Agent[AgentContext[Any]]:
    return Agent(
        name="TaskManager",
        instructions="You help with tasks.",
        model=OpenAIResponsesModel(model=model, openai_client=client),
    )
