"""Fixtures of the scripted model's tests. Tracing is off before the agents SDK is imported."""

import os

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
