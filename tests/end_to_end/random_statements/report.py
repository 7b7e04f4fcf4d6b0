"""The differences that were found, one example of each kind."""
import re


def shape_of(text):
    """A statement without names and values: what two examples of one kind have in common."""
    text = re.sub(r"\bx\d+\.", "", text)
    text = re.sub(r"\bx\d+\b", "x", text)
    return re.sub(r"\s+", " ", re.sub(r"'[^']*'", "'…'", text))


class Report:
    def __init__(self, path=None):
        self.path = path
        self.found = {}  # key: [count, seed, text, detail]
        self.met = {}    # key as the difference has it: how often

    def wants(self, difference):
        """Whether this one is to be made smaller: the first of a kind, of rows and crashes more."""
        self.met[difference.key] = self.met.get(difference.key, 0) + 1
        if "Assertion" in difference.key:
            return self.met[difference.key] <= 3
        return self.met[difference.key] <= {"rows": 40, "crash": 15, "state": 20, "succeeds": 6}.get(difference.kind, 1)

    def add(self, seed, case, difference):
        key = difference.key
        if difference.kind in ("rows", "crash", "state") and "Assertion" not in key:
            if self.met.get(key, 0) > 40:
                key += " (not made smaller)"
            elif len(shape_of(case.written())) < 400:
                key += " " + shape_of(case.written())
        entry = self.found.setdefault(key, [0, seed, case.written(), difference.detail])
        entry[0] += 1
        if len(case.written()) < len(entry[2]):
            entry[1:] = [seed, case.written(), difference.detail]
        self.write()

    def kinds(self):
        return sorted(self.found.items(), key=lambda item: (item[0].split(":")[0], -item[1][0]))

    def write(self, refusals=()):
        if not self.path:
            return
        with open(self.path, "w") as file:
            kind = None
            for key, (count, seed, text, detail) in self.kinds():
                if key.split(":")[0] != kind:
                    kind = key.split(":")[0]
                    file.write(f"\n## {kind}\n")
                file.write(f"\n### {key[:160]} ({count} times, seed {seed})\n```sql\n{text}\n```\n")
                file.write("".join(f"    {line[:300]}\n" for line in detail.splitlines()))
            if refusals:
                file.write("\n## refused by us\n")
                for text, (count, example) in sorted(refusals.items(), key=lambda item: -item[1][0]):
                    file.write(f"- {count} {text}: `{' '.join(example.split())[:300]}`\n")

    def close(self, pair):
        self.write(pair.refusals)
