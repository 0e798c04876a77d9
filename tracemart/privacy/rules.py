"""The privacy rules of a team's settings, as pure functions on what Langfuse sends."""

from dataclasses import dataclass
from typing import Any

from tracemart.errors import SettingsError
from tracemart.privacy.allow_list import AllowList
from tracemart.privacy.pseudonyms import SHORTEST_KEY, pseudonym
from tracemart.privacy.redaction import redacted, redacted_value
from tracemart.settings import Settings

# Names of Langfuse's APIs (camelCase) and of its exports (snake_case), less their underscores, in lower case.
_USER_IDS = frozenset({"userid"})
_INPUTS_AND_OUTPUTS = frozenset({"input", "output", "expectedoutput", "toolcalls"})
_FREE_TEXTS = frozenset({"statusmessage", "comment", "stringvalue", "value"})
# Rows within a row, as in a trace of the v3 API. In other objects, such as usage details, `input` is no text.
_NESTED_ROWS = frozenset({"observations", "scores", "trace"})
# Where instrumentations put the user's id a second time.
_USER_IDS_IN_METADATA = frozenset({"user.id", "userid", "langfuse.user.id", "langfuseuserid", "enduser.id"})


@dataclass(frozen=True)
class Privacy:
    """What is kept of each value; see TRACEMART_STORE_IO, _METADATA_KEYS, _USER_IDS and _USER_ID_KEY."""

    redacts: bool
    allow_list: AllowList
    user_id_key: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> "Privacy":
        """Raises SettingsError if pseudonyms are asked for and the key for them is missing or short."""
        return cls(
            redacts=settings.store_io == "redacted",
            allow_list=AllowList.of(settings.metadata_keys),
            user_id_key=user_id_key(settings) if settings.user_ids == "hmac" else None,
        )

    @property
    def keeps_everything(self) -> bool:
        """Whether user ids, metadata and free texts stay as they were sent; inputs and outputs are then not stored."""
        return not self.redacts and self.user_id_key is None and self.allow_list.allows_everything

    def user_id(self, text: str) -> str:
        return text if self.user_id_key is None else pseudonym(text, self.user_id_key)

    def metadata(self, value: Any) -> Any:
        """Allowed keys, redacted where inputs and outputs are; any JSON value, decoded."""
        if self.keeps_everything:
            return value
        kept = self.allow_list.filtered(value)
        if self.user_id_key is not None:
            kept = self._with_pseudonyms(kept)
        return redacted_value(kept) if self.redacts else kept

    def io(self, text: str | None) -> str | None:
        """An input or output, as text or as JSON text: redacted, or None where none is stored."""
        return redacted(text) if self.redacts and text is not None else None

    def free_text(self, text: str | None) -> str | None:
        """A status message, a comment: stored in any case, and redacted where inputs and outputs are."""
        return redacted(text) if self.redacts and text is not None else text

    def payload(self, entity: str, row: Any) -> Any:
        """An entry that was rejected, under the same rules as a row of `entity` that is kept; any JSON value.

        A text, which no rule can look into, may be a prompt: without redaction only its length is kept.
        """
        if isinstance(row, dict):
            return {name: self._field(entity, name, value) for name, value in row.items()}
        if isinstance(row, list):
            return [self.payload(entity, entry) for entry in row]
        if isinstance(row, str):
            return redacted(row) if self.redacts else f"[TEXT of {len(row)} characters]"
        return row

    def _field(self, entity: str, name: str, value: Any) -> Any:
        plain_name = name.replace("_", "").lower()
        if plain_name in _INPUTS_AND_OUTPUTS:
            return redacted_value(value) if self.redacts else None
        if plain_name in _USER_IDS and value is not None:
            return self.user_id(value if isinstance(value, str) else repr(value)) if self.user_id_key else value
        if plain_name == "metadata":
            return self.metadata(value)
        if plain_name in _FREE_TEXTS:
            return self.free_text(value) if isinstance(value, str) else value
        return self.payload(entity, value) if plain_name in _NESTED_ROWS else value

    def _with_pseudonyms(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._with_pseudonyms(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self.user_id(entry)
            if isinstance(entry, str) and key.replace("_", "").lower() in _USER_IDS_IN_METADATA
            else self._with_pseudonyms(entry)
            for key, entry in value.items()
        }


def user_id_key(settings: Settings) -> bytes:
    """The team's key for pseudonyms. Raises SettingsError if it is missing or short."""
    key = settings.user_id_key.get_secret_value() if settings.user_id_key else ""
    if len(key) < SHORTEST_KEY:
        wrong = f"is shorter than {SHORTEST_KEY} characters" if key else "is not set"
        raise SettingsError(
            f"TRACEMART_USER_ID_KEY {wrong}, and TRACEMART_USER_IDS=hmac needs it: put a long random text into .env,"
            " such as openssl rand -hex 32 prints, and keep it, for another key makes other pseudonyms."
        )
    return key.encode()
