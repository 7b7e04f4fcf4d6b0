#!/usr/bin/python3 -B
# `make dist`: a tarball that knows its commit, the same for the same commit. `make uninstall`: takes what was installed.
import os
import pathlib
import subprocess
import tarfile

from harness import NAE, Tap, scratch_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = NAE.parents[1]
VERSION = (ROOT / "VERSION").read_text().strip()


def run(*words, **options):
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, **options).stdout


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


with Tap() as tap:
    work = scratch_directory()
    for name in ("one", "two"):
        run(ROOT / "scripts/make-dist", work / name, cwd="/")
    tarball = work / "one" / f"nae-{VERSION}.tar.gz"
    tap.ok(tarball.read_bytes() == (work / "two" / tarball.name).read_bytes(), "the same commit makes the same tarball")
    with tarfile.open(tarball) as archive:
        archive.extractall(work)
    unpacked = work / f"nae-{VERSION}"
    commit = run("git", "-C", ROOT, "describe", "--always", "--abbrev=12").strip()
    tap.is_((unpacked / "COMMIT").read_text().strip(), commit, "its file COMMIT names the commit")
    run("cmake", f"-DSOURCE={unpacked}", f"-DOUTPUT={work}/version.cpp", "-P", unpacked / "cmake/version.cmake")
    tap.ok(f'"{VERSION}"' in (work / "version.cpp").read_text() and f'"{commit}"' in (work / "version.cpp").read_text(),
           "and programs that are built of it say both")
    tap.is_(set(run("git", "-C", ROOT, "ls-tree", "-r", "--name-only", "HEAD").split("\n")) - {""},
            set(files(unpacked)) - {"COMMIT"}, "nothing else is in it, and nothing is missing")

    there = work / "installed"
    environment = {**os.environ, "DESTDIR": str(there)}
    foreign = there / "usr/local/share/doc/other"
    foreign.mkdir(parents=True)
    run("cmake", "--install", BUILD, "--prefix", "/usr/local", env=environment)
    installed = files(there)
    tap.ok({"usr/local/bin/nae", "usr/local/sbin/nae-keyserver", "usr/local/lib/systemd/system/nae-agent.service", "etc/nae/agent.toml"} <= set(installed),
           "programs, units and configuration are installed", installed)
    tap.ok("/usr/local/bin/nae-agent" in (there / "usr/local/lib/systemd/system/nae-agent.service").read_text(), "units name programs where they are")
    (there / "etc/nae/agent.toml").write_text("# mine\n")
    run("cmake", "--install", BUILD, "--prefix", "/usr/local", env=environment)
    tap.is_((there / "etc/nae/agent.toml").read_text(), "# mine\n", "a second installation keeps what a person wrote")
    run(ROOT / "scripts/uninstall", BUILD / "install_manifest.txt", env=environment)
    tap.is_(files(there), ["etc/nae/agent.toml", "etc/nae/audit-sink.env"], "uninstalling leaves the configuration alone")
    tap.ok(foreign.is_dir(), "and other programs' directories")
    done = subprocess.run([ROOT / "scripts/uninstall", work / "nothing"], capture_output=True, text=True)
    tap.ok(done.returncode == 1 and "nothing was installed" in done.stderr, "without a manifest it says so", done.stderr)
