"""Readers of output. Each says what was to run, so that a program that says nothing has failed."""
import dataclasses
import re


@dataclasses.dataclass
class Counts:
    good: int = 0
    bad: int = 0
    problems: list = dataclasses.field(default_factory=list)  # each is one of `bad`

    def problem(self, text):
        self.problems.append(text)
        self.bad += 1

    def __iadd__(self, other):
        self.good += other.good
        self.bad += other.bad
        self.problems += other.problems
        return self


def ended(counts, status):
    """A program that failed without a word of why has failed once; one that ran nothing too."""
    if status != 0 and counts.bad == 0:
        counts.problem(f"exit status {status}")
    elif counts.good + counts.bad == 0:
        counts.problem("nothing ran")
    return counts


def tap(output, status):
    """Of one program, with its plan. What is skipped or left for later has failed."""
    counts = Counts()
    lines = output.splitlines()
    for line in lines:
        if re.match(r"ok \S", line):
            if re.search(r"# *(skip|todo)\b", line, re.I):
                counts.problem(f"skipped: {line}")
            else:
                counts.good += 1
        elif re.match(r"not ok\b", line):
            counts.bad += 1
    plans = [int(found.group(1)) for line in lines if (found := re.match(r"1\.\.(\d+)\s*(#.*)?$", line))]
    if len(plans) != 1:
        counts.problem("no plan" if not plans else f"{len(plans)} plans")
    elif plans[0] != counts.good + counts.bad:
        counts.problem(f"planned {plans[0]} tests, ran {counts.good + counts.bad}")
    return ended(counts, status)


def pgtap(files):
    """Of pg_prove -v over `files`, which are to run all of them."""
    def read(output, status):
        parts = re.split(r"^(tests/pgtap/\S+\.sql) \.+ *$", output, flags=re.M)
        found = dict(zip(parts[1::2], parts[2::2]))
        counts = Counts()
        for file in files:
            if file not in found:
                counts.problem(f"{file} did not run")
                continue
            one = tap(found[file].split("\nTest Summary Report")[0], 0)
            one.problems = [f"{file}: {problem}" for problem in one.problems]
            counts += one
        return ended(counts, status)
    return read


def pg_regress(names):
    """Of pg_regress over `names`: "test NAME ... ok", since 16 "ok 1 - NAME"."""
    def read(output, status):
        counts = Counts()
        for name in names:
            if re.search(rf"^(test {name} +\.\.\. ok\b|ok \d+ +[-+] {name}\b)", output, re.M):
                counts.good += 1
            else:
                counts.problem(f"{name} did not pass")
        return ended(counts, status)
    return read


def gtest(output, status):
    """Of one program of GoogleTest."""
    counts = Counts()
    started = re.search(r"^\[==========\] (\d+) tests? from .* ran\.", output, re.M)
    passed = re.search(r"^\[  PASSED  \] (\d+) tests?\.", output, re.M)
    skipped = re.search(r"^\[  SKIPPED \] (\d+) tests?", output, re.M)
    counts.good = int(passed.group(1)) if passed else 0
    counts.bad = max(0, int(started.group(1)) - counts.good) if started else 0
    if skipped:
        counts.problems.append(f"{skipped.group(1)} tests skipped")
    if not started:
        counts.problem("did not end")
    return ended(counts, status)


def gtests(names):
    """Of several programs of GoogleTest, each behind a line "== NAME", which are to be all of `names`."""
    def read(output, status):
        parts = re.split(r"^== (\S+)$", output, flags=re.M)
        found = dict(zip(parts[1::2], parts[2::2]))
        counts = Counts()
        for name in names:
            if name not in found:
                counts.problem(f"{name} did not run")
                continue
            one = gtest(found[name], 0)
            # The sanitizers speak after the last test, when the program ends.
            if report := re.search(r"^.*(ERROR: \w+Sanitizer|runtime error:).*$", found[name], re.M):
                one.problem(report.group(0))
            one.problems = [f"{name}: {problem}" for problem in one.problems]
            counts += one
        return ended(counts, status)
    return read
