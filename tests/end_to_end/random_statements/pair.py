"""Both sides of a server: runs a case on each and compares."""
import re

from .comparison import Difference, compare, leaks, plainly, refused
from .binary import encoded
from .node import text_of
from .side import Side
from .tables import CANARY

DIGITS = {"y": "trim_scale(y)"}  # a deterministic numeric has no trailing zeros, as docs/columns.md says


class Pair:
    def __init__(self, where, log):
        self.where = where
        self.log = log
        self.read = log.stat().st_size
        self.plain, self.encrypted = Side("pln", where), Side("enc", where)
        self.refusals = {}
        self.died = []  # lines of the log about processes that died
        self.statements = self.answered = self.slow = 0

    def reconnect(self):
        self.plain.connect()
        self.encrypted.connect()

    def logged(self):
        """Lines that the server wrote about the encrypted side since the last call."""
        with open(self.log, "rb") as file:
            file.seek(self.read)
            new = file.read()
        self.read += len(new)
        lines = new.decode(errors="replace").splitlines()
        self.died += [line for line in lines if "TRAP:" in line or "was terminated by signal" in line]
        return [line for line in lines if line.startswith("enc ")]

    def _cause(self):
        """What the log says of the last process that died: the assertion, or the signal."""
        self.logged()
        traps = re.findall(r"TRAP: (.*), PID", "\n".join(self.died[-2:]))
        return traps[-1] if traps else " ".join(re.findall(r"signal \d+", "".join(self.died[-1:])))

    def _begin(self, side, case):
        side.ask("BEGIN")
        for setting in case.settings:
            side.ask(f"SET LOCAL {setting}")
        if case.role:
            side.ask(f"SET LOCAL ROLE {case.role}" if side is self.encrypted else f"SET LOCAL search_path = {case.role}, pln, public")

    def _steps(self, side, case):
        """The outcomes up to the first error."""
        outcomes = []
        for text in case.texts():
            outcomes.append(side.ask(text))
            if outcomes[-1].state:
                break
        return outcomes

    def _states(self, case):
        """What stands in the changed tables."""
        for setting in case.settings:
            for side in (self.plain, self.encrypted):
                side.ask(f"RESET {setting.split(' ')[0]}")
        for table in case.changed:
            columns = [row[0] for row in self.plain.ask(f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum").rows]
            text = f"SELECT {', '.join(DIGITS.get(name, name) for name in columns)} FROM {table}"
            found = compare(False, self.plain.ask(text), self.encrypted.ask(text))
            if found:
                return Difference("state", f"{found.kind} {found.sign}", found.detail)
            misplaced = self.encrypted.ask(f"SELECT checks.misplaced('{table}')")
            if misplaced.state == "57014":
                return None
            if misplaced.state or misplaced.rows[0][0]:
                return Difference("state", "values that do not belong", f"{table}: {misplaced.told or misplaced.rows[0][0]}")
        return None

    def run(self, case):
        """A difference, or None."""
        for side in (self.plain, self.encrypted):
            self._begin(side, case)
        found = self._extended(case) if case.extended else self._simple(case)
        self.statements += len(case.steps.pieces)
        told = [line for line in self.logged() if CANARY.search(line)]
        if told and not found:
            found = Difference("leak", "in the log: " + plainly(CANARY.sub("CANARY", told[0])), told[0])
        if found and found.kind == "crash":
            self.reconnect()
            found.sign = self._cause()
            return found
        for side in (self.plain, self.encrypted):
            side.ask("ROLLBACK")
            side.ask("DEALLOCATE ALL")
        return found

    def _simple(self, case):
        plain, encrypted = self._steps(self.plain, case), self._steps(self.encrypted, case)
        self.slow += "57014" in (plain[-1].state, encrypted[-1].state)
        for index, (one, other) in enumerate(zip(plain, encrypted)):
            if refused(other) and not leaks(other):
                self._refuse(other, case)
                return None
            found = compare(case.ordered and index == len(plain) - 1, one, other, "/*risky*/" in case.written())
            if found or one.state or other.state:
                return found
        self.answered += 1
        return self._states(case) if case.changed else None

    def _refuse(self, outcome, case):
        text = f"{outcome.state} {plainly(outcome.message)}"
        count, example = self.refusals.get(text, (0, case.written()))
        self.refusals[text] = (count + 1, min(example, case.written(), key=len))

    def _extended(self, case):
        text, parameters = text_of(case.steps.pieces[0])
        types = [pq_type(parameter.kind) for parameter in parameters] if case.declared else []
        plain, encrypted = self.plain.describe(text, types), self.encrypted.describe(text, types)
        if refused(encrypted) and not leaks(encrypted):
            self._refuse(encrypted, case)
            return None
        found = compare(False, plain, encrypted)
        if found or plain.state:
            return found
        if plain.parameters != encrypted.parameters:
            different = sorted({f"{self.plain.type_name(a)} -> {self.encrypted.type_name(b)}" for a, b in zip(plain.parameters, encrypted.parameters) if a != b})
            return Difference("parameters", plainly(" ".join(different[:1])), " ".join(different))
        values = [parameter.value for parameter in parameters]
        values = [encoded(value, oid, case.binary) for value, oid in zip(values, plain.parameters)]
        formats = [int(case.binary and binary) for _, binary in values]
        values = [value for value, _ in values]
        one, other = self.plain.execute(values, formats), self.encrypted.execute(values, formats)
        if refused(other) and not leaks(other):
            self._refuse(other, case)
            return None
        found = compare(case.ordered, one, other, "/*risky*/" in text)
        if not found and not one.state and not other.state:
            self.answered += 1
            found = self._states(case) if case.changed else None
        return found


def pq_type(kind):
    return {"text": 25, "digits": 25, "int": 23, "big": 20, "num": 1700, "date": 1082, "ts": 1184, "uuid": 2950, "bytea": 17, "bool": 16, "json": 3802}[kind]
