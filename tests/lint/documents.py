#!/usr/bin/python3
"""Holds the documents against the code: what a reader looks up must be there.

Every error code, finding of doctor, warning in a log, field of a configuration and setting of the extension is in the table
where it belongs, every route in the OpenAPI document, every relative link leads somewhere, and the manual pages format cleanly.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where configurations are read, and the pages that explain them.
CONFIGURATIONS = {
    "keyserver/config/config.cpp": "docs/man/nae-keyserver.toml.5",
    "agent/config.cpp": "docs/man/nae-agent.8",
    "gateway/config.cpp": "docs/man/nae-gateway.8",
}
# f.text("listen", ...), Row{"key", ...}, {"server", &Reader::server, ...}
FIELD = re.compile(r'\b(?:f|top)\.\w+\(\s*"(\w+)"|\bRow\{"(\w+)"|\{"(\w+)",\s*&Reader::')
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(path):
    return (ROOT / path).read_text()


def table_cells(path):
    """The first cells of a document's tables."""
    return [line.split("|")[1] for line in text_of(path).splitlines() if line.startswith("| ")]


def rows(path):
    """The cells of each row of a document's tables."""
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text_of(path).splitlines() if line.startswith("| ")]


def error_codes():
    """What a tool prints has its row: the SQLSTATE in the first cell, the name among those of the second."""
    codes = re.findall(r'\{Code::(\w+), "\1", "(\w{5})"', text_of("libnae/base/code.cpp"))
    assert len(codes) > 50, "libnae/base/code.cpp: codes are written in a way that this test does not know"
    explained = {(name.strip(), cells[0]) for cells in rows("docs/operations.md") if len(cells) > 2 for name in cells[1].split(",")}
    for name, sqlstate in codes:
        if (name, sqlstate) not in explained:
            yield f"docs/operations.md: no row for {sqlstate} {name}"


def configuration_fields():
    for source, page in CONFIGURATIONS.items():
        fields = {name for groups in FIELD.findall(text_of(source)) for name in groups if name}
        assert len(fields) > 10, f"{source}: fields are read in a way that this test does not know"
        plain = re.sub(r"\\f[BIRP]", " ", text_of(page))
        explained = " ".join(line for line in plain.splitlines() if re.match(r"\.(B|BR|SS) ", line))
        for field in sorted(fields):
            if not re.search(rf"(?<!\w){field}(?!\w)", explained):
                yield f"{page}: no entry for {field} of {source}"


def routes():
    """Every call of the administration interface is in the OpenAPI document, and no other."""
    table = re.findall(r'^ +\{"([A-Z]+)", +"(/[^"]+)", *"([^"]+)",', text_of("keyserver/admin/route.cpp"), re.M)
    assert len(table) > 10, "keyserver/admin/route.cpp: routes are written in a way that this test does not know"
    served = {(method, path): action for method, path, action in table}
    documented, path, method = {}, "", ""
    for line in text_of("docs/openapi.yaml").splitlines():
        if found := re.match(r"  (/\S*):$", line):
            path = re.sub(r"\{\w+\}", "{}", found[1])
        elif re.match(r"\S", line):
            path = ""
        elif path and (found := re.match(r"    (get|put|post|patch|delete):$", line)):
            method = found[1].upper()
            documented[method, path] = ""
        elif path and (found := re.match(r"      operationId: (\S+)$", line)):
            documented[method, path] = found[1]
    unaudited = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
    for call in sorted(served.keys() - documented.keys()):
        yield f"docs/openapi.yaml: no {call[0]} {call[1]} of keyserver/admin/route.cpp"
    for call in sorted(documented.keys() - served.keys() - unaudited):
        yield f"docs/openapi.yaml: {call[0]} {call[1]} is not in keyserver/admin/route.cpp"
    for call in sorted(served.keys() & documented.keys()):
        if served[call] != documented[call]:
            yield f"docs/openapi.yaml: {call[0]} {call[1]} is {served[call]} in the audit log, not {documented[call]!r}"


def settings():
    cells = " ".join(table_cells("docs/sql.md"))
    names = set()
    for source in sorted((ROOT / "pg_nae").rglob("*.cpp")):
        names.update(re.findall(r'"(nae\.[a-z_]+)"', source.read_text()))
    assert names, "pg_nae defines no settings"
    return [f"docs/sql.md: no row for {name}" for name in sorted(names) if f"`{name}`" not in cells]


def findings():
    """What doctor finds is in nae(1) and in the troubleshooter with its severity, and nothing else is."""
    table = set(re.findall(r'"(ND\d{3})", Severity::(\w+)', text_of("libnae/doctor/finding.cpp")))
    assert len(table) > 10, "libnae/doctor/finding.cpp: findings are written in a way that this test does not know"
    listed = set(re.findall(r'^\.BR (ND\d{3}) ", (\w+)"$', text_of("docs/man/nae.1"), re.M))
    explained = {(cells[0], cells[1]) for cells in rows("docs/troubleshooting.md") if re.fullmatch(r"ND\d{3}", cells[0])}
    for page, has in (("docs/man/nae.1", listed), ("docs/troubleshooting.md", explained)):
        for entry in sorted(table ^ has):
            yield f"{page}: {'no entry for' if entry in table else 'there is no'} {entry[0]}, {entry[1]}"


def events():
    """What a program warns of in its log is in the troubleshooter, and nothing else is."""
    warned, logged = set(), set()
    for folder in ("agent", "gateway", "keyserver", "net"):
        for source in sorted((ROOT / folder).rglob("*.cpp")):
            text = source.read_text()
            logged.update(re.findall(r'"event=([\w-]+)', text))
            warned.update(re.findall(r'spdlog::(?:warn|error|critical|log)\(\s*(?:level,\s*)?"event=([\w-]+)', text))
    assert len(warned) > 20, "events are logged in a way that this test does not know"
    part = text_of("docs/troubleshooting.md").partition("## Events in logs")[2].partition("\n## ")[0]
    explained = {name for line in part.splitlines() if line.startswith("| `") for name in re.findall(r"`([\w-]+)`", line.split("|")[1])}
    for name in sorted(warned - explained):
        yield f"docs/troubleshooting.md: no row for event={name}"
    for name in sorted(explained - logged):
        yield f"docs/troubleshooting.md: there is no event={name}"


def anchors(path):
    """As the usual renderers make them from headings."""
    headings = re.findall(r"^#+ +(.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def links():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        prose = re.sub(r"^```.*?^```", "", text_of(name), flags=re.M | re.S)
        for target in LINK.findall(prose):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            there = (ROOT / name).parent / file if file else ROOT / name
            if not there.exists():
                yield f"{name}: {target} leads nowhere"
            elif anchor and there.suffix == ".md" and anchor not in anchors(there):
                yield f"{name}: {target}: no such heading"


def manual_pages():
    pages = sorted((ROOT / "docs/man").glob("*.[1-8]"))
    assert pages, "docs/man is empty"
    for page in pages:
        made = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True)
        if made.returncode or made.stderr:
            yield f"{page.relative_to(ROOT)}: {made.stderr.strip()}"


# Of those that build: a checkout's own conveniences, and what debhelper brings itself.
WITHOUT_PACKAGES = {"ccache", "git", "make"}


def build_dependencies():
    """What building takes is said twice, for people and for dpkg."""
    listed = {line.split()[0] for line in text_of("packaging/debian-packages/build.txt").splitlines() if not line.startswith("#")}
    paragraph = text_of("debian/control").partition("Build-Depends:")[2].partition("\nStandards-Version")[0]
    declared = {word.split()[0] for word in paragraph.replace("\n", " ").split(",") if word.strip()}
    declared = {name for name in declared if not name.startswith("debhelper")}
    assert len(declared) > 10, "debian/control is written in a way that this test does not know"
    for name in sorted(declared - listed):
        yield f"packaging/debian-packages/build.txt: no line for {name} of debian/control"
    for name in sorted(listed - declared - WITHOUT_PACKAGES):
        yield f"debian/control: no {name} of packaging/debian-packages/build.txt"


def main():
    found = []
    for check in (error_codes, configuration_fields, routes, settings, findings, events, links, manual_pages, build_dependencies):
        found.extend(check())
    for line in found:
        print(line)
    print(f"documents: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
