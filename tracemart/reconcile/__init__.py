"""Holding our figures against others': Langfuse's Metrics API, and the bills of providers."""
