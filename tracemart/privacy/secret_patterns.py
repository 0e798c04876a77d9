"""Keys, tokens and passwords by the shape that their makers gave them.

Each pattern comes with literals of which a text must hold one, so that a text without them costs a search and no more,
and often that for a character that all of them share.
Where a pattern has the group `kept`, that part of the match stays: the word before the secret.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    literals: tuple[str, ...]
    expression: re.Pattern[str]
    shared: str = ""

    def may_be_in(self, text: str) -> bool:
        return self.shared in text and any(literal in text for literal in self.literals)


def _pattern(literals: str, expression: str) -> Pattern:
    shared = sorted(set.intersection(*map(set, literals.split())))
    return Pattern(tuple(literals.split()), re.compile(expression), shared[0] if shared else "")


_START = r"(?<![A-Za-z0-9])"

CASED = (
    Pattern(
        ("PRIVATE KEY",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)",
            re.DOTALL,
        ),
    ),
    # Langfuse, Anthropic, then OpenAI and all who do as it does; a word such as sk-learn-extensions has no digit.
    _pattern("k-lf-", r"[sp]k-lf-[A-Za-z0-9-]+"),
    _pattern("sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    _pattern("k-", _START + r"[spr]k-(?:(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}|[A-Za-z0-9_-]{40,})"),
    _pattern("k_live_ k_test_ whsec_", r"(?:[spr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{10,}"),
    _pattern("A", r"A(?<![A-Za-z0-9].)(?:KIA|SIA|ROA|IDA|BIA|CCA|GPA|NPA|NVA|PKA)[A-Z0-9]{12,}"),
    _pattern("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})"),
    _pattern("glpat- gldt- glptt- glrt- glcbt- glsoat-", r"gl(?:pat|dt|ptt|rt|cbt|soat)-[A-Za-z0-9_.-]{16,}"),
    _pattern("xox xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    _pattern("hooks.slack.com/services/", r"hooks\.slack\.com/services/[A-Za-z0-9/]+"),
    _pattern("AIza ya29. GOCSPX-", r"(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|GOCSPX-[A-Za-z0-9_-]{16,})"),
    _pattern("eyJ", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){2,4}"),
    _pattern(
        "hf_ npm_ gsk_ r8_ ntn_ lin_api_ shpat_ shpca_ shppa_ shpss_ secret_",
        _START + r"(?:hf|npm|gsk|r8|ntn|lin_api|shp(?:at|ca|pa|ss)|secret)_[A-Za-z0-9]{30,}",
    ),
    _pattern("xai- pplx- tvly- pypi- key-", _START + r"(?:xai|pplx|tvly|pypi|key)-[A-Za-z0-9_-]{30,}"),
    _pattern("SG.", _START + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _pattern("dapi doo_v1_ dop_v1_ dor_v1_", _START + r"(?:dapi|do[opr]_v1_)[0-9a-f]{32,}"),
    _pattern("hvs. AGE-SECRET-KEY-", _START + r"(?:hvs\.[A-Za-z0-9_-]{20,}|AGE-SECRET-KEY-1[0-9A-Z]{50,})"),
    _pattern("SK AC", _START + r"(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
    _pattern("AccountKey= SharedAccessKey=", r"(?P<kept>(?:AccountKey|SharedAccessKey)=)[A-Za-z0-9+/=]{20,}"),
    _pattern(":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{30,}"),
    _pattern("://", r"(?P<kept>://)[^\s/@:\[\]\"']{1,200}:[^\s/@\[\]\"']{1,200}(?=@)"),
)

_TOKEN = r"[A-Za-z0-9._~+/=-]"  # noqa: S105 - no password, but what one may be made of
_SCHEMES = "bearer|basic|digest|token|apikey"
_NAMES = (
    r"(?:api|access|secret|private|account|auth|service)[ _-]?(?:key|token)|(?:auth|access|refresh|bearer|session)"
    r"[ _-]?token|client[ _-]?secret|secret[ _-]?access[ _-]?key|password|passwort|passwd|pwd|passphrase|secret"
)

# Their literals are looked for in the lower-cased text.
UNCASED = (
    Pattern(
        ("bearer",),
        re.compile(
            rf"(?P<kept>(?<![a-z0-9])bearer\s{{1,4}})(?:(?={_TOKEN}{{0,200}}[0-9]){_TOKEN}{{6,}}|{_TOKEN}{{24,}})",
            re.IGNORECASE,
        ),
    ),
    Pattern(
        ("authorization",),
        re.compile(
            rf"(?P<kept>authorization[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?(?:(?:{_SCHEMES})\s{{1,4}})?)"
            rf"(?!(?:{_SCHEMES})\s){_TOKEN}{{6,}}",
            re.IGNORECASE,
        ),
    ),
    # A value of letters alone may be any word: "password: required".
    Pattern(
        ("key", "token", "secret", "passw", "pwd", "passphrase"),
        re.compile(
            rf"(?P<kept>(?:{_NAMES})[\"']?\s{{0,4}}(?:[:=]|\bis\b)\s{{0,4}}[\"']?)(?!\[)"
            r"(?=[^\s\"',;&<>]{0,200}[^A-Za-z\s\"',;&<>.)])[^\s\"',;&<>\[\]]{6,}",
            re.IGNORECASE,
        ),
    ),
)

SENSITIVE_NAMES = frozenset({
    "accesskey", "accesstoken", "accountkey", "apikey", "authorization", "authtoken", "awssecretaccesskey",
    "bearertoken", "clientsecret", "connectionstring", "cookie", "idtoken", "passphrase", "passwd", "password",
    "passwort", "privatekey", "proxyauthorization", "pwd", "refreshtoken", "secret", "secretaccesskey", "secretkey",
    "sessiontoken", "setcookie", "xapikey",
})  # fmt: skip


def is_sensitive_name(name: str) -> bool:
    """Whether what stands under this key in an object is a secret whatever its shape."""
    return len(name) < 40 and "".join(filter(str.isalnum, name)).lower() in SENSITIVE_NAMES
