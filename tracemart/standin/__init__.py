"""A stand-in for a Langfuse server: what it answers, what it takes, and the workloads it serves.

It speaks the v4 read API in `events_only` mode as a Langfuse 4.16.0 does, takes what the SDK writes
(OTLP spans and scores), and keeps everything in memory. It is a test and demo server, not a product.
"""
