"""Modifiers of encrypted types: the words of a declaration, and numbers that stand for none."""
import collections
import random as randomness

from . import draw
from .session import BINARY

WORDS = ["customer-pii", "customer-ssn", "context=hr", "context=", "version=1", "version=65535", "version=65536", "version=0", "version=-1",
         "version=18446744073709551617", "VERSION=1", "context=" + "x" * 128, "context=" + "x" * 129, "", " ", "a" * 63, "a" * 64, "a" * 70000, "-a", "a-", "A", "é",
         "nokey", "context=é€", "context=\t", "key=customer-pii"]
# No such form; what is none of a list of words; what the grammar does not take.
REFUSED = {"22023", "22P02", "42601"}
TYPES = ["enc_text", "enc_det_text", "enc_int4", "enc_det_int4", "enc_jsonb", "enc_text_array"]
# A number that no declaration has.
UNKNOWN = {"22023"}


class Modifiers:
    def __init__(self, session, seed):
        self.session, self.random = session, randomness.Random(seed)
        self.done, self.wrong = collections.Counter(), []
        self.oids = {name: int(session.must(f"SELECT 'nae.{name}'::regtype::oid")[0]) for name in TYPES}

    def one(self):
        self.random.choice((self.declared, self.declared, self.arrays, self.numbers))()

    def check(self, kind, what, answer, refused):
        self.done[kind] += 1
        if isinstance(answer, str) and answer not in refused:
            self.wrong.append(f"{kind}: {what[:300]}: {answer}: {self.session.error[:200]}")
        return not isinstance(answer, str)

    def words(self):
        words = [self.random.choice(WORDS) for _ in range(self.random.choice((1, 1, 2, 2, 3, 40)))]
        if self.random.random() < 0.7:
            words[0] = self.random.choice(WORDS[:2])
        if self.random.random() < 0.3:
            at = self.random.randrange(len(words))
            words[at] = draw.changed(self.random, words[at], draw.LETTERS)
        return words

    def declared(self):
        """What is declared is shown in words that declare the same."""
        name, words = self.random.choice(TYPES), self.words()
        written = ", ".join("'" + word.replace("'", "''") + "'" for word in words)
        if self.random.random() < 0.1:
            written = self.random.choice(("1", "NULL", "ident", "-5", "1.5", "'a', ident", ""))
        self.session.must("BEGIN")
        answer = self.session.ask(f"CREATE TEMP TABLE declared (c nae.{name}({written}))")
        if self.check("declarations", f"nae.{name}({written})", answer, REFUSED):
            shown = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{}'::regclass AND attname = 'c'"
            first = self.session.must(shown.format("declared"))[0]
            self.session.must(f"CREATE TEMP TABLE again (c {first})")
            mods = self.session.must("SELECT count(DISTINCT atttypmod) FROM pg_attribute WHERE attrelid IN ('declared'::regclass, 'again'::regclass) AND attname = 'c'")
            if mods != ["1"] or self.session.must(shown.format("again"))[0] != first:
                self.wrong.append(f"nae.{name}({written}) is shown as {first}, which is another")
        self.session.must("ROLLBACK")

    def arrays(self):
        """The functions themselves, with what no parser passes."""
        words = ["NULL" if self.random.random() < 0.1 else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in self.words()]
        text = self.random.choice(("{" + ",".join(words) + "}",) * 4 + ("{}", "{{a},{b}}", "[5:5]={customer-pii}", "{{customer-pii,context=a}}"))
        quoted = text.replace("'", "''")
        kind = self.random.choice(("randomized", "deterministic"))
        self.session.must("BEGIN")
        self.check("arrays of words", text, self.session.ask(f"SELECT nae_internal.{kind}_typmod_in('{quoted}'::cstring[])"), REFUSED)
        self.session.must("ROLLBACK")

    def numbers(self):
        number = self.random.choice((-1, 0, 1, -2, 2**31 - 1, -2**31, self.random.randrange(-2**31, 2**31)))
        name = self.random.choice(TYPES)
        oid = self.random.choice((self.oids[name], 0, 25, self.random.randrange(1 << 32)))
        query, refused = self.random.choice([
            (f"SELECT nae_internal.typmod_out({number})", UNKNOWN),
            (f"SELECT format_type({oid}::oid, {number})", UNKNOWN),
            (f"SELECT nae_internal.keep_column_key({number})", UNKNOWN),
            (f"SELECT nae_internal.{name}_in('1'::cstring, {oid}::oid, {number})", UNKNOWN | {"22P02"}),
            (f"SELECT nae_internal.{name}_in('nae1:AAAA'::cstring, {oid}::oid, {number})", {"NE020"})])
        self.check("numbers", query, self.session.give(query + ", $1::text", b"", answer=BINARY), refused)
