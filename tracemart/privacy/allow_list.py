"""Which metadata may be stored: keys by name, and keys within objects by a path with dots."""

from dataclasses import dataclass
from typing import Any

EVERYTHING = "*"


@dataclass(frozen=True)
class AllowList:
    """`keys` as a team lists them: `department`, `customer.id`; a key may hold dots itself. `*` allows all."""

    keys: frozenset[str]

    @classmethod
    def of(cls, keys: list[str]) -> "AllowList":
        return cls(frozenset(keys))

    @property
    def allows_everything(self) -> bool:
        return EVERYTHING in self.keys

    @property
    def names(self) -> list[str]:
        """The outermost keys that something is allowed of, in order; `*` for all."""
        if self.allows_everything:
            return [EVERYTHING]
        return sorted({*self.keys, *(key.partition(".")[0] for key in self.keys)})

    def filtered(self, metadata: Any) -> Any:
        """The object with its allowed keys alone, None where none is left; what is no object has no key to allow."""
        if self.allows_everything:
            return metadata
        return self._filtered(metadata, "") or None if isinstance(metadata, dict) else None

    def _filtered(self, entries: dict[str, Any], above: str) -> dict[str, Any]:
        kept = {}
        for key, value in entries.items():
            path = above + key
            if path in self.keys:
                kept[key] = value
            elif isinstance(value, dict) and any(known.startswith(path + ".") for known in self.keys):
                inner = self._filtered(value, path + ".")
                if inner:
                    kept[key] = inner
        return kept
