#!/usr/bin/python3
"""META.json holds what PGXN demands of it (https://pgxn.org/meta/spec.txt, 1.0.0), and names files that exist."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUIRED = {"name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"}
OPTIONAL = {"description", "generated_by", "no_index", "prereqs", "release_status", "resources", "tags"}
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
LICENSES = {"apache_2_0"}  # ours, as the specification calls it


def faults():
    meta = json.loads((ROOT / "META.json").read_text())
    for key in sorted(REQUIRED - meta.keys()):
        yield f"{key} is required"
    for key in sorted(meta.keys() - REQUIRED - OPTIONAL):
        yield f"{key} is no key of the specification"
    if meta.get("license") not in LICENSES or "Apache License" not in (ROOT / "LICENSE").read_text():
        yield "license is not that of LICENSE"
    if meta.get("meta-spec", {}).get("version") != "1.0.0":
        yield "meta-spec.version must be 1.0.0"
    if meta.get("release_status", "stable") not in {"stable", "testing", "unstable"}:
        yield "release_status is none"
    control = (ROOT / "pg_nae/pg_nae.control").read_text()
    for name, extension in meta.get("provides", {}).items():
        if not {"file", "version"} <= extension.keys():
            yield f"provides.{name} needs file and version"
        if not VERSION.fullmatch(extension.get("version", "")):
            yield f"provides.{name}.version is no semantic version"
        for key in ("file", "docfile"):
            if key in extension and not (ROOT / extension[key]).exists():
                yield f"provides.{name}.{key}: {extension[key]} does not exist"
        if f"'$libdir/{name}'" not in control:
            yield f"provides.{name}: pg_nae.control knows no such module"
    for phase in meta.get("prereqs", {}).values():
        for name, version in phase.get("requires", {}).items():
            if not VERSION.fullmatch(version):
                yield f"prereqs: {name} {version} is no semantic version"


def main():
    found = [f"META.json: {fault}" for fault in faults()]
    for line in found:
        print(line)
    print(f"meta: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
