"""Values for encrypted columns, as their plaintext twins take them."""
import collections
import random as randomness

from . import draw
from .session import BINARY, TEXT

# Of a ciphertext, or what is taken for one: of another version or kind of type, unreadable, of another key or context, not authentic.
OF_CIPHERTEXTS = ("NE011", "NE012", "NE020", "NE021", "NE022")
PREFIX, FORMAT = "nae1:", 0xe1


class Values:
    def __init__(self, session, seed, literals):
        self.session, self.random = session, randomness.Random(seed)
        self.done, self.wrong = collections.Counter(), []
        self.types = {}
        for enc, literal in literals.items():
            plain = enc.removeprefix("enc_det_").removeprefix("enc_")
            plain = f"{plain.removesuffix('_array')}[]" if plain.endswith("_array") else plain
            oids = [int(session.must(f"SELECT '{name}'::regtype::oid")[0]) for name in (plain, f"nae.{enc}")]
            binary = session.give(f"SELECT '{literal}'::{plain}, $1::text", b"", answer=BINARY)[0]
            self.types[enc] = (plain, *oids, [literal], [binary])
        self.ciphertexts = {}
        for enc, (_, _, _, literals_of, _) in self.types.items():
            session.must(f"INSERT INTO input ({enc}) VALUES ($1)", literals_of[0])
            session.must("SET nae.transparent = off")
            self.ciphertexts[enc] = session.must(f"SELECT {enc} FROM input WHERE {enc} IS NOT NULL")[0]
            session.must("SET nae.transparent = on")
            session.must("DELETE FROM input")

    def one(self):
        enc = self.random.choice(list(self.types))
        self.random.choice((self.as_text, self.as_text, self.as_binary, self.as_literal, self.as_ciphertext))(enc)

    def insert(self, enc, data, oid, form):
        answer = self.session.give(f"INSERT INTO input ({enc}) VALUES ($1) RETURNING {enc}", data, oid, form)
        if sum(self.done.values()) % 500 == 0:
            self.session.must("TRUNCATE input")
        return answer

    def compare(self, kind, enc, data, wanted, got, also=()):
        self.done[kind] += 1
        # Of equal plaintexts a deterministic column keeps one: docs/spec/column.md.
        if enc == "enc_det_bpchar" and isinstance(wanted, list):
            wanted = [value.rstrip(b" ") for value in wanted]
        if enc == "enc_det_numeric" and isinstance(wanted, list):
            wanted = [value.rstrip(b"0").rstrip(b".") if b"." in value else value for value in wanted]
        if got != wanted and got not in also:
            self.wrong.append(f"{kind} into {enc}: {data[:200]!r}: {got!r}, the twin: {wanted!r}: {getattr(self.session, 'error', '')[:200]}")

    def as_text(self, enc):
        """A parameter without a type is one of the plaintext type, so that no ciphertext comes by it."""
        plain, plain_oid, enc_oid, literals, _ = self.types[enc]
        data = draw.text(self.random, literals).encode()
        wanted = self.session.give(f"SELECT $1::{plain}", data, plain_oid)
        oid = self.random.choice((0, enc_oid))
        self.compare("texts", enc, data, wanted, self.insert(enc, data, oid, TEXT), OF_CIPHERTEXTS if data.startswith(PREFIX.encode()) else ())

    def as_binary(self, enc):
        plain, plain_oid, enc_oid, _, binaries = self.types[enc]
        data = draw.octets(self.random, binaries)
        wanted = self.session.give(f"SELECT $1::{plain}", data, plain_oid, BINARY)
        oid = self.random.choice((enc_oid, plain_oid))
        self.compare("binary values", enc, data, wanted, self.insert(enc, data, oid, BINARY), OF_CIPHERTEXTS if data[:1] == bytes([FORMAT]) else ())

    def as_literal(self, enc):
        plain, _, _, literals, _ = self.types[enc]
        data = draw.text(self.random, literals)
        quoted = "E'" + data.replace("\\", "\\\\").replace("'", "''") + "'"
        wanted = self.session.give(f"SELECT {quoted}::{plain}, $1::text", b"")
        got = self.session.give(f"SELECT {quoted}::nae.{enc}::{plain}, $1::text", b"")
        self.compare("literals", enc, data, wanted, got, OF_CIPHERTEXTS if data.startswith(PREFIX) else ())

    def as_ciphertext(self, enc):
        """Whatever is done to a ciphertext, nothing but its own plaintext comes out of it, or the text that it is not one any more."""
        plain, _, enc_oid, literals, _ = self.types[enc]
        own = self.ciphertexts[enc]
        whole = self.ciphertexts[self.random.choice((enc, self.random.choice(list(self.types))))]
        data = draw.changed(self.random, whole, "ABCDwxyz0189+/=") if self.random.random() < 0.9 else whole
        plaintext, as_it_stands = (self.session.give(f"SELECT $1::{plain}", text.encode()) for text in (literals[0], data))
        allowed = []
        if data.startswith(PREFIX):
            wanted = plaintext  # base64 says some things in more than one way
            allowed = [] if data == own else [*OF_CIPHERTEXTS]
        else:
            wanted = as_it_stands
        if self.random.random() < 0.5:
            # A parameter is one of the plaintext type, whose words hold a ciphertext if it is text.
            words = plain in ("text", "bpchar")
            got = self.insert(enc, data.encode(), enc_oid, TEXT)
            allowed += [] if words else [as_it_stands]
        else:
            got = self.session.ask(f"INSERT INTO input ({enc}) VALUES ('{data}') RETURNING {enc}")
        self.compare("ciphertexts", enc, data, wanted, got, allowed)
