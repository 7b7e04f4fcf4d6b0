#!/usr/bin/python3
"""Builds the documents as a site, without warnings: no link leads nowhere, and a reader's browser fetches nothing from others.

Then plants faults in a copy: scripts/make-site must refuse each.
"""
import html.parser
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# File, what stands there, what a careless hand makes of it, what the builder must say.
PLANTED = [
    ("docs/guides/hsm.md", "](../operations.md#which-hsm)", "](../operation.md#which-hsm)", "operation.md"),
    ("mkdocs.yml", "      - SQL: docs/sql.md\n", "", "docs/sql.md"),
    ("mkdocs.yml", "docs/spec/wire.md", "docs/spec/wires.md", "docs/spec/wire.md"),
]


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(filter(None, (attributes.get("id"), attributes.get("name"))))
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        elif tag in ("script", "img", "iframe", "source") and attributes.get("src"):
            self.loads.append(attributes["src"])
        elif tag == "link" and attributes.get("rel") != "canonical" and attributes.get("href"):
            self.loads.append(attributes["href"])


def built(root, site):
    return subprocess.run([root / "scripts/make-site", site], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def faults(site):
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    assert len(pages) > 30, f"{site} has {len(pages)} pages"
    for path, page in pages.items():
        name = path.relative_to(site)
        for target in page.links + page.loads:
            file, _, anchor = target.partition("#")
            if target.startswith(("http:", "https:", "//")):
                if target in page.loads:
                    yield f"{name}: fetches {target}"
                continue
            there = (path.parent / file).resolve() if file else path
            if there.is_dir():
                there = there / "index.html"
            if not there.is_file():
                yield f"{name}: {target} leads nowhere"
            elif anchor and there in pages and anchor not in pages[there].anchors:
                yield f"{name}: {target}: no such heading"


def copy_of_the_tree(place):
    listed = subprocess.run(["git", "ls-files", "-z", "--", ".", ":!*.cpp", ":!*.hpp"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    return place


def main():
    found = []
    with tempfile.TemporaryDirectory() as directory:
        site = pathlib.Path(directory) / "site"
        done = built(ROOT, site)
        found += [done.stdout + done.stderr] if done.returncode else faults(site)
        tree = copy_of_the_tree(pathlib.Path(directory) / "tree")
        for name, is_there, planted, said in PLANTED:
            text = (tree / name).read_text()
            assert is_there in text, f"{name} has no {is_there}"
            (tree / name).write_text(text.replace(is_there, planted, 1))
            done = built(tree, site)
            if done.returncode == 0 or said not in done.stdout:
                found.append(f"{name}: {planted!r} for {is_there!r} was not refused: {done.stdout}")
            (tree / name).write_text(text)
    print(*found, sep="\n")
    print(f"site: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
