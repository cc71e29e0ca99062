"""The chat: agent, store, ChatKit server and routes."""
