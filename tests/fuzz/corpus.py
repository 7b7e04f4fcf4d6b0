"""The corpora of the fuzzers: corpus/TARGET.txt, an input a line.

A text stands as a JSON string, whose characters up to U+00FF are its bytes; anything else as "hex:" and digits. Empty lines
and those that begin with "#" are for people. Seeds are other texts of this tree that a target begins with.
"""
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MAX_INPUT_BYTES = 1024
MAX_INPUTS = 40


def decode(line):
    return bytes.fromhex(line[4:]) if line.startswith("hex:") else json.loads(line).encode("latin-1")


def encode(data):
    readable = sum(0x20 <= byte < 0x7f or byte in b"\n\r\t" for byte in data)
    return json.dumps(data.decode("latin-1")) if readable * 10 >= len(data) * 9 else "hex:" + data.hex()


def inputs(target):
    lines = (HERE / "corpus" / f"{target}.txt").read_text().splitlines()
    return [decode(line) for line in lines if line and not line.startswith("#")]


def vectors(file, *names):
    """The values of these names in a file of tests/vectors."""
    for line in (ROOT / "tests/vectors" / file).read_text().splitlines():
        name, _, value = line.partition(" = ")
        if name in names:
            yield bytes.fromhex(value)


def documents(pattern, *files):
    for file in files:
        for text in re.findall(pattern, (ROOT / file).read_text(), re.M | re.S):
            yield text.encode()


def frames():
    every = list(vectors("wire.txt", "frame"))
    return [b"\xff" + frame for frame in every] + [b"\x06" + b"".join(every)]


def answers():
    """A session hears nothing before the hello reply."""
    every = list(vectors("wire.txt", "frame"))
    hello_reply = next(frame for frame in every if frame[4] == 2)
    return [b"\xff" + hello_reply + frame for frame in every]


def policies():
    files = [(ROOT / name).read_bytes() for name in ("demo/policy.toml", "tests/fixtures/policy.toml")]
    return files + list(documents(r"^```toml\n(.*?)^```", "docs/spec/policy.md"))


SEEDS = {
    "frames": frames,
    "session": answers,
    "envelopes": lambda: [*vectors("envelope.txt", "envelope", "token"), *vectors("columns.txt", "value"), *vectors("blind_index.txt", "code")],
    "policy": policies,
    "tokens": lambda: [value.encode() for line in (ROOT / "tests/vectors/tokens.txt").read_text().splitlines()
                       for name, _, value in [line.partition(" = ")] if name == "token"],
}


def write(target, directory):
    """What a run of the target starts from; answers how many inputs of its corpus there are."""
    directory.mkdir(parents=True, exist_ok=True)
    own = inputs(target)
    for number, data in enumerate([*own, *SEEDS.get(target, list)()]):
        (directory / f"{number:04}").write_bytes(data)
    return len(own)


def keep(target, directory):
    """Beside what the corpus has, what a merge left in the directory: small and large ones, not the smallest alone, which end early."""
    own = inputs(target)
    found = sorted((data for file in directory.iterdir() if len(data := file.read_bytes()) <= MAX_INPUT_BYTES and data not in own),
                   key=lambda data: (len(data), data))
    room = max(0, MAX_INPUTS - len(own))
    chosen = [found[number * len(found) // room] for number in range(room)] if len(found) > room else found
    with (HERE / "corpus" / f"{target}.txt").open("a") as file:
        file.write("".join(encode(data) + "\n" for data in chosen))
