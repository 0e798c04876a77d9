"""Texts to draw: prose that holds nothing to redact, and what must never survive, of each kind."""

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

from hypothesis import strategies as st

from tracemart.privacy.number_patterns import IBAN_LENGTHS

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
WORD = LETTERS + DIGITS


def tail(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    """Characters of a key; one of them is always a digit, as in any key."""
    return st.text(alphabet, min_size=least, max_size=most or least).map(lambda text: text[:-1] + "7")


def with_luhn_digit(digits: str) -> str:
    total = sum(int(d) if at % 2 else sum(divmod(2 * int(d), 10)) for at, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


@st.composite
def cards(draw: st.DrawFn) -> str:
    start, length = draw(
        st.sampled_from([("4", 16), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("9792", 16)])
    )
    rest = length - len(start) - 1
    card = with_luhn_digit(start + draw(st.text(DIGITS, min_size=rest, max_size=rest)))
    apart = draw(st.sampled_from(["", " ", "-"]))
    cuts = [0, 4, 10, 15] if length == 15 else [0, 4, 8, 12, 16]
    return apart.join(card[a:b] for a, b in pairwise(cuts))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    account = draw(
        st.text(DIGITS + LETTERS[26:], min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4)
    )
    number = int("".join(str(int(character, 36)) for character in account + country + "00"))
    iban = f"{country}{98 - number % 97:02}{account}"
    apart = draw(st.sampled_from(["", " "]))
    return apart.join(iban[at : at + 4] for at in range(0, len(iban), 4))


EMAILS = st.builds(
    "{}@{}.{}".format,
    st.text(WORD + "._+-", min_size=1, max_size=12),
    st.text(WORD, min_size=1, max_size=12),
    st.sampled_from(["com", "co.uk", "com.tr", "museum"]),
)
PHONES = st.one_of(
    st.builds("+{}{}{}".format, st.integers(1, 99), st.sampled_from(["", " ", "-"]), st.integers(10**7, 10**10)),
    st.builds("({}) {}-{:04}".format, st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999)),
    st.builds("{}-{}-{:04}".format, st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999)),
    st.builds("0{} {} {} {}".format, *[st.integers(100, 999)] * 2, *[st.integers(10, 99)] * 2),
)
ADDRESSES = st.one_of(
    st.builds(str, st.builds(IPv4Address, st.integers(0, 2**32 - 1))),
    st.builds(lambda number: str(IPv6Address(number)), st.integers(2**96, 2**128 - 1)),
)
JWT = st.builds("eyJ{}.eyJ{}.{}".format, *[tail(WORD + "_-", 20, 60)] * 3)
SECRETS = st.one_of(
    st.builds("sk-{}".format, tail(WORD, 48)),
    st.builds("sk-proj-{}".format, tail(WORD + "_-", 40, 120)),
    st.builds("sk-ant-api03-{}".format, tail(WORD + "_-", 93)),
    st.builds("sk-lf-{}".format, st.uuids()),
    st.builds("AKIA{}".format, st.text(LETTERS[26:] + DIGITS, min_size=16, max_size=16)),
    st.builds("{}_{}".format, st.sampled_from(["ghp", "gho", "ghs"]), tail(WORD, 36)),
    st.builds("github_pat_{}".format, tail(WORD + "_", 82)),
    st.builds("glpat-{}".format, tail(WORD + "_-", 20)),
    st.builds("xoxb-{}".format, tail(WORD + "-", 30, 60)),
    st.builds("sk_live_{}".format, tail(WORD, 24)),
    st.builds("AIza{}".format, tail(WORD + "_-", 35)),
    st.builds("hf_{}".format, tail(WORD, 34)),
    JWT,
)
PRIVATE_KEYS = st.builds(
    "-----BEGIN {0}PRIVATE KEY-----\n{1}\n-----END {0}PRIVATE KEY-----".format,
    st.sampled_from(["", "RSA ", "EC ", "OPENSSH "]),
    st.text(WORD + "+/\n", min_size=40, max_size=200).map(lambda body: body.strip("\n") or "MIIE"),
)
AFTER_A_WORD = st.one_of(
    st.builds("Bearer {}".format, tail(WORD, 20, 60)),
    st.builds("password={}".format, tail(WORD + "!$%", 8, 20)),
    st.builds('"api_key": "{}"'.format, tail(WORD, 20, 40)),
    st.builds("aws_secret_access_key = {}".format, tail(WORD + "/+", 40)),
    st.builds("Authorization: Basic {}=".format, tail(WORD, 20, 40)),
)

WORDS = st.sampled_from([
    "The", "contract", "ends", "2026-11-22", "at", "10:15:22", "(UTC).", "def", "f(x):", "x[1:3]", "+", "42", "Größe",
    "std::vector<int>", "İstanbul", "日本", "3.11.7", "sk-learn", "{}", "128,000", "tokens;", "0.125",
    "passwords", "🙂",
    "a1b2c3d4e5f60718", "123e4567-e89b-12d3-a456-426614174000", "https://docs.example.com/a?b=1#c", "C:\\temp\\new",
    "1700000000000", "it's", '"quoted"', "#1234", "50%", "x==y", "->", "a|b", "~/src", "01.02.2024", "abc::def", "::",
])  # fmt: skip
# What stands between words; in it a secret has its boundary.
GAPS = st.sampled_from([" ", "\n", "\t", ", ", " (", ") ", ": ", "; "])
PROSE = st.lists(st.tuples(WORDS, GAPS), max_size=12).map(lambda pairs: "".join(word + gap for word, gap in pairs))


@st.composite
def around(draw: st.DrawFn, secret: str) -> str:
    """The secret within drawn prose."""
    before, after = draw(PROSE), draw(PROSE)
    return f"{before}\n{secret}{draw(st.sampled_from([' ', chr(10), ', ', '.', ') ', '; ']))}\n{after}"
