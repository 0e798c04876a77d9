"""The analytics warehouse for teams that trace their LLM applications with Langfuse."""

__version__ = "0.1.0"
