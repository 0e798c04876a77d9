"""From Langfuse to the warehouse's schema `raw`."""
