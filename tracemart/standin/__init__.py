"""A stand-in for a Langfuse server: what it answers, what it takes, and the workloads it serves.

It speaks the v4 and v3 read APIs as a Langfuse 4.16.0 does in each of its write modes, takes what SDKs 2 to 5
write (OTLP spans, scores, batches of events), and keeps everything in memory. It is a test and demo server,
not a product.
"""
