"""Whether both sides answered alike, and if not, what kind of difference it is."""
import dataclasses
import re

from .tables import CANARY

# PostgreSQL resolves a statement over encrypted types before the extension does over plaintexts. What it cannot
# resolve is its own error about such a type, and takes a cast (docs/columns.md, "What takes a cast").
CAST = {"42883", "42725", "42846", "42804", "42809", "42P18"}
DISSIMILAR = "cannot compare dissimilar column types"
OURS = re.compile(r"encrypted|ciphertext|randomized|of its own argument|cannot be made into a table")


@dataclasses.dataclass
class Difference:
    kind: str         # crash, leak, internal, error, succeeds, types, parameters, rows, count, state
    sign: str         # what tells it from others of its kind, as far as messages do
    detail: str

    @property
    def key(self):
        return f"{self.kind}: {self.sign}"


def plainly(message):
    """Without names and numbers."""
    message = re.sub(r"nae\.enc_det_\w+", "ENC", re.sub(r"nae\.enc_\w+", "ENC", message))
    message = re.sub(r'"[^"]*"', '"…"', message)
    message = re.sub(r"function (\w+)\(.*?\) ", r"function \1(…) ", message)
    return re.sub(r"\d+", "#", message)


# An array with an element beside it takes a cast; within another such call the error does not name the encrypted type.
OF_ARRAYS = re.compile(r"function array_\w+\(.* does not exist")


def takes_cast(outcome):
    return outcome.state in CAST and ("nae.enc_" in outcome.told or bool(OF_ARRAYS.match(outcome.message)) or
                                      outcome.message.startswith(("function ... does", "operator does not exist: ...", "op ANY/ALL")))


def refused(outcome):
    return takes_cast(outcome) or bool(re.match(r"NE0", outcome.state)) and outcome.state not in ("NE020", "NE021", "NE022") or outcome.state == "0A000" and bool(OURS.search(outcome.message))


def leaks(outcome):
    return CANARY.search(outcome.told)


def compare(ordered, plain, encrypted, risky=False):
    """The last outcomes of both sides; None when they are alike."""
    if encrypted.crashed or plain.crashed:
        return Difference("crash", "on the plain side" if plain.crashed else "", "")
    if encrypted.state == "57014" or plain.state == "57014":  # too slow for either: the machine's matter
        return None
    if encrypted.state.startswith("XX") and not plain.state.startswith("XX"):
        return Difference("internal", plainly(encrypted.message), encrypted.told)
    if leaks(encrypted):
        return Difference("leak", plainly(CANARY.sub("CANARY", encrypted.message)), encrypted.told)
    if refused(encrypted):
        return None
    if risky and "22" in (plain.state[:2], encrypted.state[:2]):
        return None  # which row fails first, and whether one is met, is the plan's matter
    if encrypted.state[:2] == "22" and plain.state[:2] == "23":
        return None  # an expression of a later row, which a batch reads before the first row violates its constraint
    if "54000" in (plain.state, encrypted.state):
        return None  # a key too long for an index: ciphertext is longer, and cannot be compressed
    if DISSIMILAR in encrypted.message + plain.message:
        return None  # rows of different tables: whether PostgreSQL compares them by a hash is the plan's matter
    if encrypted.state and plain.state[:2] != encrypted.state[:2]:
        return Difference("error", f"{encrypted.state} {plainly(encrypted.message)}" + (f", plain {plain.state}" if plain.state else ""), f"{encrypted.told}\nplain: {plain.state} {plain.told}")
    if plain.state and not encrypted.state:
        return Difference("succeeds", f"plain {plain.state} {plainly(plain.message)}", plain.told)
    if plain.state:
        return None
    different = sorted({f"{one} -> {other}" for one, other in zip(plain.types, encrypted.types) if one != other and not _whole_row(one, other)})
    if different:
        return Difference("types", plainly(" ".join(different)), f"{plain.types} {encrypted.types}")
    return _rows(ordered, plain, encrypted)


def _whole_row(one, other):
    """A whole row is one of plaintexts, and of no table's type."""
    return re.fullmatch(r"([tv]\d+|made)(\[\])?", one) and other == re.sub(r"^\w+", "record", one)


def _equal_numbers(wanted, got):
    """The same rows, but for the order of those that differ in the digits behind 1.5 and 1.50."""
    short = lambda rows: [tuple(value and re.sub(r"(\.\d*?)0+$", r"\1", value).rstrip(".") for value in row) for row in rows]
    return short(wanted) == short(got) and sorted(wanted, key=str) == sorted(got, key=str)


def _rows(ordered, plain, encrypted):
    key = lambda row: tuple((value is None, value or "") for value in row)
    wanted, got = (outcome.rows if ordered else sorted(outcome.rows, key=key) for outcome in (plain, encrypted))
    if plain.tag != encrypted.tag:
        return Difference("count", "", f"{plain.tag}, encrypted {encrypted.tag}")
    if wanted != got and not _equal_numbers(wanted, got):
        sign = "ciphertext in a value" if "nae1:" in str(got) and "nae1:" not in str(wanted) else "order" if sorted(wanted, key=key) == sorted(got, key=key) else ""
        first = next(pair for pair in zip(wanted, got) if pair[0] != pair[1])
        return Difference("rows", sign, f"wanted {str(first[0])[:300]}\ngot {str(first[1])[:300]}")
    return None
