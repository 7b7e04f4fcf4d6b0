"""The stages of `make check` and `make check-long`: which tasks each has, and what they are to have run."""
import dataclasses
import os
import pathlib
import re
import subprocess

from . import counts
from .task import Task

HOUR = 3600


@dataclasses.dataclass
class Place:
    """Where it all happens: the checkout, the built programs, a directory for what tests leave."""
    root: pathlib.Path
    build: pathlib.Path
    work: pathlib.Path

    def room(self, name):
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def passed_lines(pattern):
    return lambda output: "\n".join(line for line in output.splitlines() if re.search(pattern, line))


def lint(place):
    return [Task("lint", ["tests/lint/run"], counts.tap),
            Task("runner/honest.t", ["tests/runner/honest.t"], counts.tap)]


def unit_programs(place):
    """Every program that the build knows as a test, whether or not it was built."""
    targets = subprocess.run(["ninja", "-C", str(place.build), "-t", "targets", "all"], capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"^(\S+_test): CXX_EXECUTABLE_LINKER", targets, re.M)))


def unit(place):
    programs = unit_programs(place)
    tasks = [Task(os.path.basename(program), [str(place.build / program), "--gtest_brief=1"], counts.gtest) for program in programs]
    on_nss = ["tests/hsm/on-nss", str(place.build / "keyserver/hsm/nae_hsm_test")]
    return [*tasks, Task("nae_hsm_test on NSS", on_nss, counts.gtest)]


def statements_of(place):
    return sorted(path.stem for path in (place.root / "sql").glob("*.sql"))


def suite(place, version, name, reader):
    return Task(f"PostgreSQL {version} {name}", ["tests/postgresql/suites", version, name, str(place.room(f"{version}-{name}"))], reader, 2400)


def regress(place):
    return [suite(place, "15", "regress", counts.pg_regress(statements_of(place)))]


def pgtap_of(place, version):
    files = sorted(str(path.relative_to(place.root)) for path in (place.root / "tests/pgtap").glob("*.sql"))
    return suite(place, version, "pgtap", counts.pgtap(files))


def pgtap(place):
    return [pgtap_of(place, "15")]


def end_to_end(place):
    """Those that take minutes first, so that none of them is left over at the end."""
    first = ["chaos.t", "columns_twins.t", "columns_migration.t", "columns_leak.t", "plan_check.t"]
    names = sorted((path.name for path in (place.root / "tests/end_to_end").glob("*.t")), key=lambda name: (name not in first, name))
    return [Task(name, [f"tests/end_to_end/{name}"], counts.tap, 900) for name in names]


def beside(place):
    """Other software, as it is used beside pg_nae."""
    return [Task(f"beside/{path.name}", [f"tests/beside/{path.name}"], counts.tap, 900) for path in sorted((place.root / "tests/beside").glob("*.t"))]


def costs(place):
    """Instructions of hot paths."""
    return [Task("costs", ["tests/costs/run"], counts.tap, 900)]


def beside_long(place):
    """What takes a Go compiler."""
    return [Task("beside/applications.t, pgx", ["tests/beside/applications.t", "with_pgx.go"], counts.tap, 1800)]


def versions(place):
    return [*(suite(place, version, "regress", counts.pg_regress(statements_of(place))) for version in ("17", "18")),
            Task("dump into PostgreSQL 17", ["tests/postgresql/dump-into", "17", str(place.room("into-17"))], counts.tap, 2400)]


def versions_long(place):
    return [pgtap_of(place, version) for version in ("17", "18")]


def fuzzers(*arguments, seconds):
    """Where they were built: a copy of the checkout would have to build them again."""
    run = pathlib.Path(os.environ["NAE_CHECKOUT"]) / "tests/fuzz/run"
    return Task("fuzzers", [str(run), *arguments], counts.tap, seconds, passed_lines(r"^ok"))


def parsers(place):
    """Each corpus, and a few seconds from there, which are the same each time: a change is told what it broke, not what
    chance found in its hours. `fuzz` looks for that."""
    return [fuzzers("--seconds", "4", "--seed", "1", seconds=1800)]


def fuzz(place):
    """10^8 inputs a target or half an hour. Targets of many parts make some hundred a second: NAE_FUZZ_SECONDS gives them days."""
    runs, seconds = (os.environ.get(name, usual) for name, usual in (("NAE_FUZZ_RUNS", "100000000"), ("NAE_FUZZ_SECONDS", "1800")))
    targets = (place.root / "tests/fuzz/CMakeLists.txt").read_text().count("\nnae_fuzzer(")
    return [fuzzers("--runs", runs, "--seconds", seconds, seconds=HOUR + targets * 2 * int(seconds))]


def core(place):
    return [Task("PostgreSQL's own suites", ["tests/postgresql/core-suites", str(place.room("core"))], counts.tap, 2 * HOUR)]


def twins(place):
    return [Task("batch_twins.t, long", ["tests/end_to_end/batch_twins.t"], counts.tap, HOUR, environment={"NAE_QUERIES": "5000"})]


def statements(place):
    return [Task("columns_twins.t, on a server with assertions", ["tests/postgresql/asserting", str(place.room("asserting")), "tests/end_to_end/columns_twins.t"],
                 counts.tap, 3 * HOUR, passed_lines(r"^ok \d+ - \d+ cases|^# +refused"))]


def inputs(place):
    return [Task("columns_input.t, on a server with assertions", ["tests/postgresql/asserting", str(place.room("asserting-input")), "tests/end_to_end/columns_input.t"],
                 counts.tap, 2 * HOUR, passed_lines(r"^ok \d+ - \d+ "), {"NAE_SECONDS": "1800"})]


def bodies(place):
    """More than 10^6 different bodies of JSON, and some 10^5 forms in parts."""
    return [Task(f"{name}.t, long", [f"tests/end_to_end/{name}.t"], counts.tap, 2 * HOUR, passed_lines(r"different bodies|were taken"), {"NAE_BODIES": count})
            for name, count in (("gateway_json", "4000000"), ("gateway_multipart", "1000000"))]


def chaos(place):
    return [Task("chaos.t, an hour", ["tests/end_to_end/chaos.t"], counts.tap, 2 * HOUR, passed_lines(r"NAE_SEED|^# \|"), {"NAE_SECONDS": "3600"})]


def sqlsmith(place):
    return [Task("sqlsmith", ["tests/end_to_end/sqlsmith"], counts.tap, 3 * HOUR, passed_lines(r"statements|seeds"))]


def tls(place):
    return [Task("net/ with a newer OpenSSL", ["tests/tls/newer-openssl", str(place.room("openssl"))], counts.gtest, 900)]


def tidy(place):
    """In the checkout itself; by commands for each file, which a build of whole folders has not."""
    checkout = pathlib.Path(os.environ["NAE_CHECKOUT"])
    return [Task("clang-tidy", [str(checkout / "tests/tidy/run"), str(place.room("tidy"))], counts.tap, 3 * HOUR),
            Task("tidy/planted.t", ["tests/tidy/planted.t"], counts.tap)]


def packages(place):
    return [Task("Debian packages", ["tests/packages/install.t", str(place.room("packages"))], counts.tap, HOUR)]


def docker(place):
    return [Task("images and compose files", ["tests/docker/compose.t", str(place.room("docker"))], counts.tap, HOUR, passed_lines(r"MB  nae/|^# built|^# from nothing"))]


def sanitizers(place):
    """Units where they were built, as the fuzzers; servers where their user can read."""
    checkout = pathlib.Path(os.environ["NAE_CHECKOUT"])
    names = [os.path.basename(program) for program in unit_programs(place)]
    files = sorted(str(path.relative_to(place.root)) for path in (place.root / "tests/pgtap").glob("*.sql"))
    return [Task("unit tests under ASan and UBSan", [str(checkout / "tests/sanitizers/units"), str(checkout / "build-sanitize")], counts.gtests(names), 2 * HOUR),
            Task("pgTAP in PostgreSQL under ASan", ["tests/sanitizers/server", str(place.room("server"))], counts.pgtap(files), 3 * HOUR),
            Task("agent and key server under TSan", ["tests/sanitizers/load", str(place.work / "thread")], counts.tap, 2 * HOUR, passed_lines(r"operations|changes"))]


# Those of a group run side by side: each has servers of its own. Fast ones first.
CHECK = [[lint], [unit], [parsers], [pgtap, end_to_end, beside, costs, versions, regress]]
LONG = [[fuzz], [tls], [tidy], [sanitizers], [packages], [docker], [beside_long], [versions_long], [core], [twins], [statements], [inputs], [bodies], [chaos], [sqlsmith]]
