#!/usr/bin/python3
"""Takes rows out of the tables that a reader looks codes up in, and plants others: tests/lint/documents.py must find each."""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import documents  # noqa: E402

SOURCES = ["libnae/base/code.cpp", "libnae/doctor/finding.cpp"]
PAGES = ["docs/operations.md", "docs/troubleshooting.md", "docs/man/nae.1"]
# Check, page, what stands there, what a careless hand makes of it, what the check must say.
PLANTED = [
    (documents.error_codes, "docs/operations.md", "| NE00A |", "| NE0FA |", "no row for NE00A user_token_rejected"),
    (documents.error_codes, "docs/operations.md", "server_unavailable, tls_failed |", "server_unavailable |", "no row for 08001 tls_failed"),
    (documents.findings, "docs/troubleshooting.md", "| ND305 |", "| ND399 |", "no entry for ND305, error"),
    (documents.findings, "docs/troubleshooting.md", "| ND305 |", "| ND399 |", "there is no ND399, error"),
    (documents.findings, "docs/troubleshooting.md", "| ND402 | warning |", "| ND402 | error |", "no entry for ND402, warning"),
    (documents.findings, "docs/man/nae.1", ".BR ND401 ", ".BR ND409 ", "no entry for ND401, error"),
    (documents.events, "docs/troubleshooting.md", "| `clock-jumped` |", "| `clock-fell` |", "no row for event=clock-jumped"),
    (documents.events, "docs/troubleshooting.md", "| `clock-jumped` |", "| `clock-fell` |", "there is no event=clock-fell"),
    (documents.events, "docs/troubleshooting.md", "`time-not-saved`, ", "", "no row for event=time-not-saved"),
]


def main():
    missed, original = 0, documents.ROOT
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path in SOURCES + PAGES:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original / path, root / path)
        for folder in ("agent", "gateway", "keyserver", "net"):
            (root / folder).symlink_to(original / folder)
        documents.ROOT = root
        for check in (documents.error_codes, documents.findings, documents.events):
            if found := list(check()):
                print("faults in an unchanged copy:", *found, sep="\n")
                missed += 1
        for check, page, is_there, planted, expected in PLANTED:
            text = (root / page).read_text()
            assert is_there in text, f"{page} has no {is_there}"
            (root / page).write_text(text.replace(is_there, planted, 1))
            if not any(fault.endswith(expected) for fault in check()):
                print(f"{page}: {planted!r} for {is_there!r} was not found")
                missed += 1
            (root / page).write_text(text)
    print(f"documents: {missed} planted faults missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
