#!/usr/bin/python3 -B
"""The runner cannot lie: what ran nothing, skipped something, stopped early or hung has failed."""
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runner import counts
from runner.failures import failures
from runner.task import Task, run_all

number = failed = 0


def check(name, got, wanted):
    global number, failed
    number += 1
    failed += got != wanted
    print(f"{'ok' if got == wanted else 'not ok'} {number} - {name}")
    if got != wanted:
        print(f"#   got {got}, wanted {wanted}")


def counted(reader, output, status=0):
    found = reader(output, status)
    return found.good, found.bad


GOOD = "ok 1 - a\nok 2 - b\n1..2\n"
for name, output, status, wanted in [
    ("two tests", GOOD, 0, (2, 0)),
    ("a plan that comes first", "1..2\nok 1 - a\nok 2 - b\n", 0, (2, 0)),
    ("nothing printed", "", 0, (0, 1)),
    ("a plan of none", "1..0\n", 0, (0, 1)),
    ("no plan", "ok 1 - a\n", 0, (1, 1)),
    ("fewer than planned", "ok 1 - a\n1..2\n", 0, (1, 1)),
    ("more than planned", "ok 1 - a\nok 2 - b\n1..1\n", 0, (2, 1)),
    ("one that fails", "ok 1 - a\nnot ok 2 - b\n1..2\n", 1, (1, 1)),
    ("one that fails with status 0", "ok 1 - a\nnot ok 2 - b\n1..2\n", 0, (1, 1)),
    ("all pass, and the program fails", GOOD, 1, (2, 1)),
    ("a skipped one", "ok 1 - a # SKIP no network\n1..1\n", 0, (0, 1)),
    ("one for later that fails", "not ok 1 - a # TODO\n1..1\n", 0, (0, 1)),
]:
    check(f"TAP: {name}", counted(counts.tap, output, status), wanted)

FILES = ["tests/pgtap/a.sql", "tests/pgtap/b.sql"]
A, B = "tests/pgtap/a.sql .. \nok 1 - a\n1..1\nok\n", "tests/pgtap/b.sql .. \nok 1 - b\nok 2 - b\n1..2\nok\n"
for name, output, status, wanted in [
    ("both files", A + B, 0, (3, 0)),
    ("a file that did not run", A, 0, (1, 1)),
    ("a file that ended early", A + B.replace("ok 2 - b\n", ""), 0, (2, 1)),
    ("nothing", "", 2, (0, 2)),
    ("pg_prove failed", A + B, 1, (3, 1)),
]:
    check(f"pgTAP: {name}", counted(counts.pgtap(FILES), output, status), wanted)

for name, output, status, wanted in [
    ("form of 15", "test columns                      ... ok          120 ms\ntest keys ... ok 9 ms\n", 0, (2, 0)),
    ("form of 16", "ok 1         - columns       120 ms\nok 2         - keys            9 ms\n", 0, (2, 0)),
    ("parallel, form of 16", "ok 1         + columns       120 ms\nok 2         + keys            9 ms\n", 0, (2, 0)),
    ("one that fails", "test columns ... FAILED 120 ms\ntest keys ... ok 9 ms\n", 1, (1, 1)),
    ("one that fails, form of 16", "not ok 1     - columns  120 ms\nok 2         - keys 9 ms\n", 1, (1, 1)),
    ("pg_regress is missing", "suites: No such file or directory\n", 127, (0, 2)),
    ("one that nobody started", "test keys ... ok 9 ms\n", 0, (1, 1)),
]:
    check(f"pg_regress: {name}", counted(counts.pg_regress(["columns", "keys"]), output, status), wanted)

RAN = "[==========] 3 tests from 1 test suite ran. (5 ms total)\n"
for name, output, status, wanted in [
    ("all pass", RAN + "[  PASSED  ] 3 tests.\n", 0, (3, 0)),
    ("one fails", RAN + "[  PASSED  ] 2 tests.\n[  FAILED  ] 1 test, listed below:\n 1 FAILED TEST\n", 1, (2, 1)),
    ("two fail, briefly told", RAN + "[  PASSED  ] 1 test.\n", 1, (1, 2)),
    ("one is skipped", RAN + "[  PASSED  ] 2 tests.\n[  SKIPPED ] 1 test, listed below:\n", 0, (2, 1)),
    ("a filter that leaves none", "[==========] 0 tests from 0 test suites ran. (0 ms total)\n[  PASSED  ] 0 tests.\n", 0, (0, 1)),
    ("a crash", "", -11, (0, 1)),
    ("an early exit", "", 0, (0, 1)),
]:
    check(f"GoogleTest: {name}", counted(counts.gtest, output, status), wanted)

PASSED = RAN + "[  PASSED  ] 3 tests.\n"
LEAK = "==7==ERROR: LeakSanitizer: detected memory leaks\n"
for name, output, status, wanted in [
    ("both pass", f"== a_test\n{PASSED}== b_test\n{PASSED}", 0, (6, 0)),
    ("one did not run", f"== a_test\n{PASSED}", 0, (3, 1)),
    ("one leaks when all its tests have passed", f"== a_test\n{PASSED}{LEAK}== b_test\n{PASSED}", 1, (6, 1)),
    ("one behaves in an undefined way", f"== a_test\nx.cpp:3:7: runtime error: shift\n== b_test\n{PASSED}", 1, (3, 2)),
    ("it was not built", "ninja: build stopped\n", 1, (0, 2)),
]:
    check(f"several GoogleTests: {name}", counted(counts.gtests(["a_test", "b_test"]), output, status), wanted)

SAID = "/a/b_test.cpp:7: Failure\nExpected equality\n  1\n\n  2\n[  FAILED  ] B.Is (4 ms)\n"
AFTERWARDS = "event=ended\n" * 5000
for name, output, wanted in [
    ("nothing of what passed", f"{AFTERWARDS}{RAN}[  PASSED  ] 3 tests.\n", ""),
    ("a test of GoogleTest, far from the end", f"event=begun\n{SAID}{AFTERWARDS}{RAN}[  PASSED  ] 2 tests.\n", SAID),
    ("two of them", f"{SAID}{AFTERWARDS}{SAID}{AFTERWARDS}", SAID + SAID),
    ("one that died after it", "a_test.cpp:7: Failure\nValue of: x\nabort\n", "a_test.cpp:7: Failure\nValue of: x\nabort\n"),
    ("an exception", f"unknown file: Failure\nC++ exception\n[  FAILED  ] B.Is (4 ms)\n{AFTERWARDS}", "unknown file: Failure\nC++ exception\n[  FAILED  ] B.Is (4 ms)\n"),
    ("a line of TAP and what it says", f"ok 1 - a\nnot ok 2 - b\n# got 1\nok 3 - c\n{AFTERWARDS}", "not ok 2 - b\n# got 1\n"),
    ("a sanitizer's report", f"{RAN}==7==ERROR: AddressSanitizer: heap-use-after-free\n#0 f\nSUMMARY: AddressSanitizer: f\n{AFTERWARDS}",
     "==7==ERROR: AddressSanitizer: heap-use-after-free\n#0 f\nSUMMARY: AddressSanitizer: f\n"),
]:
    check(f"shown: {name}", "".join(f"{line}\n" for line in failures(output)), wanted)

with tempfile.TemporaryDirectory() as logs:
    def shell(text, seconds=30):
        return Task(text[:20], ["bash", "-c", text], counts.tap, seconds)
    pid = pathlib.Path(logs) / "pid"
    results = {result.task.name: result for result in run_all(
        [shell("echo ok 1; echo 1..1"), shell(f"sleep 300 & echo $! >{pid}; echo ok 1; echo 1..1; wait", 1), Task("missing", ["false"], counts.tap)], logs, logs, 2)}
    check("tasks: one that passes", (results["echo ok 1; echo 1..1"].counts.good, results["echo ok 1; echo 1..1"].counts.bad), (1, 0))
    check("tasks: one that says nothing and fails", results["missing"].counts.bad > 0, True)
    slow = next(result for name, result in results.items() if name.startswith("sleep"))
    check("tasks: one that does not end has failed", (slow.counts.good, slow.counts.bad), (1, 1))
    gone = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid.read_text().strip()}") and time.monotonic() < gone:
        time.sleep(0.02)
    check("tasks: and its children are gone", os.path.exists(f"/proc/{pid.read_text().strip()}"), False)
print(f"1..{number}")
sys.exit(1 if failed else 0)
