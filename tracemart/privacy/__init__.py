"""What of a person, and of what people wrote, may reach the disk."""

from tracemart.privacy.rules import Privacy

__all__ = ["Privacy"]
