"""What one client knows of its rows: which versions each may have. One version when the last change was acknowledged
or refused; two when the connection broke under it, until the row has been read."""
import decimal
import hashlib
import random

ABSENT = 0  # the version of a row that is not there
DELIVERED = 1 << 32  # ids of one client lie between two multiples


def note_of(row, version):
    """Some are empty of all but their name, few are long."""
    digest = hashlib.sha256(f"{row} {version}".encode()).hexdigest()
    return f"{row}:{version}:{digest * random.Random(digest).choice((0, 1, 1, 2, 40))}"


def token_of(row, version):
    """The deterministic column keeps its value over four versions."""
    return f"token {row} {version // 4}"


def amount_of(row, version):
    return decimal.Decimal(row * 1000 + version) / 1000


def values_of(row, version):
    return row, version, token_of(row, version), note_of(row, version), amount_of(row, version)


class Ledger:
    def __init__(self, owner, findings):
        self.owner, self.findings = owner, findings
        self.possible = {}  # row -> versions
        self.made = 0

    def new_row(self):
        self.made += 1
        return self.owner * DELIVERED + self.made

    def rows(self):
        """Those whose version is known and that are there."""
        return [row for row, versions in self.possible.items() if len(versions) == 1 and ABSENT not in versions]

    def version(self, row):
        version, = self.possible[row]
        return version

    def unclear(self):
        return [row for row, versions in self.possible.items() if len(versions) > 1]

    def changed(self, changes):
        """`changes`: row -> new version, acknowledged."""
        for row, version in changes.items():
            self.possible[row] = {version}

    def unknown(self, changes):
        """The connection broke: they were made, all of them, or none."""
        for row, version in changes.items():
            self.possible[row] = self.possible.get(row, {ABSENT}) | {version}

    def saw(self, row, version, what):
        """A row was read with this version."""
        versions = self.possible.get(row, {ABSENT})
        if version not in versions:
            kind = "wrong" if version > max(versions) else "lost"
            self.findings.add(kind, f"{what}: row {row} has version {version or 'none'}, not {sorted(versions)}")
        self.possible[row] = {version}

    def check_values(self, found, what):
        """Of a row that was read whole: each value is that of its row and version."""
        row, version = found[:2]
        if tuple(found) != values_of(row, version):
            self.findings.add("wrong", f"{what}: {str(found)[:300]} is not {str(values_of(row, version))[:300]}")
