#!/usr/bin/python3
"""Plants another version in each place that names it: tests/lint/versions.py must find it."""
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import versions  # noqa: E402


def main():
    missed = 0
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path in ["VERSION", "pg_nae/Makefile", *(path for path, _ in versions.PLACES)]:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(versions.ROOT / path, root / path)
        if found := list(versions.faults(root)):
            print("faults in an unchanged copy:", *found, sep="\n")
            missed += 1
        for path, expression in versions.PLACES:
            text = (root / path).read_text()
            start, end = re.search(expression, text, re.M).span(1)
            (root / path).write_text(text[:start] + "9.9.9" + text[end:])
            if not any(fault.startswith(f"{path}:") for fault in versions.faults(root)):
                print(f"{path}: another version was not found")
                missed += 1
            (root / path).write_text(text)
        (root / "VERSION").write_text("0.2\n")
        if not any(fault.startswith("VERSION:") for fault in versions.faults(root)):
            print("VERSION: a wrong form was not found")
            missed += 1
    print(f"versions: {missed} planted faults missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
