"""The corpora of the fuzzers: corpus/TARGET.txt, an input a line.

A text stands as a JSON string, whose characters up to U+00FF are its bytes; anything else as "hex:" and digits. Empty lines
and those that begin with "#" are for people. Seeds are other texts of this tree that a target begins with.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests/end_to_end"))
import wire  # pylint: disable=wrong-import-position
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


def wire_frames():
    """The frames of tests/vectors/wire.txt by their names."""
    found, name = {}, ""
    for line in (ROOT / "tests/vectors/wire.txt").read_text().splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line.startswith("frame = "):
            found.setdefault(name, bytes.fromhex(line[8:]))
    return found


def numbered(frame, number):
    return frame[:8] + number.to_bytes(8, "big") + frame[16:]


def of_second(frame):
    return frame[:4] + bytes([frame[4] | 0x80]) + frame[5:]


def backends():
    """What two backends send to the agent: the second asks the same."""
    known = wire_frames()
    asks = [frame for frame in known.values() if frame[4] in (5, 6, 9, 10, 12)]
    begin = known["hello"] + known["open_context"]
    every = begin + b"".join(asks)
    both = b"".join(frame + of_second(frame) for frame in (known["hello"], known["open_context"], *asks))
    return [b"\xff\x00" + begin + ask for ask in asks] + [b"\xff\x00" + every, b"\x03\x02" + every, b"\xff\x00" + both,
                                                         b"\xff\x01" + known["hello"]]


def key_servers():
    """What key servers send to the agent: the ids of its requests begin with 1, those of its contexts with 2^63 + 1."""
    known = wire_frames()
    answers = [frame for frame in known.values() if frame[4] in (7, 8, 13)]
    opened = [numbered(known[name], (1 << 63) + number) for name in ("context_opened", "error") for number in (1, 2)]
    told = [frame for frame in known.values() if frame[4] in (9, 10, 11, 14)]
    seeds = [numbered(answer, number) for answer in answers for number in (1, 2, 6)] + opened + told
    return ([b"\xff\x04" + seed for seed in seeds] + [b"\xff\x00" + known["hello_reply"] + b"".join(opened + seeds)] +
            [b"\xff\x05" + seed + of_second(numbered(answers[0], 1)) for seed in seeds])


def agents():
    """What an agent sends to a key server: each action with the keys of key_server_parts.hpp, as a role that may and as one that sees masks."""
    keys = ("customer-pii", "lookup", "codes", "webhooks", "contracts", "sealed", "no-key")
    begin = wire.hello() + wire.open_context(1, "clerk", attested=True) + wire.open_context(2, "readers", attested=True)
    asks = [wire.crypto(b"value", b"", context=context, action=action, key=key, request=3 + action)
            for context, some in ((1, keys), (2, keys[:1])) for key in some for action in range(1, 12)]
    asks += [frame for frame in wire_frames().values() if frame[4] in (5, 9, 10, 12)]
    return [b"\xff" + begin + ask for ask in asks] + [b"\x07" + begin + b"".join(numbered(ask, 3 + n) for n, ask in enumerate(asks[:40]))]


def made_elsewhere():
    """Files with keys in them, of each type in each way of imports.cpp."""
    pems = list(documents(r"R\"\((-----BEGIN PRIVATE KEY.*?)\)\"", "keyserver/hsm/import_test.cpp"))
    secrets = [bytes(range(32)), bytes(range(64)), bytes(16), bytes(range(32)).hex().encode()]
    return [bytes([kind, way]) + data for data in pems for kind in (2, 3, 4) for way in (0, 1)] + \
        [bytes([kind, way]) + data for data in secrets for kind in (0, 1, 5) for way in (0, 1, 3)] + [bytes([kind, 2]) + bytes(range(256)) * 2 for kind in (0, 2)]


def policies():
    files = [(ROOT / name).read_bytes() for name in ("demo/policy.toml", "tests/fixtures/policy.toml")]
    return files + list(documents(r"^```toml\n(.*?)^```", "docs/spec/policy.md"))


def custody():
    """Whole files, what is sealed in their shares, and public keys of cards."""
    cards = [data for data in inputs("keys") if b"PUBLIC KEY" in data or b"CERTIFICATE" in data]
    return ([b"\x00" + file for file in vectors("custody.txt", "file")] +
            [b"\x01" + text for text in vectors("custody.txt", "plaintext1", "plaintext2")] + [b"\x02" + card for card in cards])


def objects():
    """A row of the key server's list for each type of key, with every action and scheme."""
    table = (ROOT / "libnae/base/algorithms.def").read_text()
    actions = re.findall(r'\{Action::\w+, "([a-z-]+)"\}', (ROOT / "libnae/base/action.cpp").read_text())
    schemes = re.findall(r'^NAE_(?:SIGNATURE_SCHEME|DECRYPTION_SCHEME|CIPHER_MODE)\(\w+, \w+, "([^"]+)"', table, re.M)
    pairs = [data[1:].hex() for data in inputs("pkcs11") if data[:1] == b"\x03"]
    for name in re.findall(r'^NAE_KEY_TYPE\(\w+, \d+, "([^"]+)"', table, re.M):
        for public_key in pairs:
            yield "\x04k\t0102030405ff\t1\t1\t{}\t{}\t{}\t{}\tgenerated\t".format(name, ",".join(actions), ",".join(schemes), public_key).encode()


SEEDS = {
    "pkcs11": objects,
    "custody": custody,
    "frames": frames,
    "session": answers,
    "downstream": backends,
    "upstream": key_servers,
    "service": agents,
    "imports": made_elsewhere,
    "envelopes": lambda: [*vectors("envelope.txt", "envelope", "token"), *vectors("columns.txt", "value"), *vectors("blind_index.txt", "code")],
    "ledger": lambda: vectors("ledger.txt", "bytes"),
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
