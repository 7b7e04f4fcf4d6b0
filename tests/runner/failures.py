"""What failed, out of an output of any length: a log between it and the end must not push it out of sight."""
import re

# Each form's first line of a failure, and the last one; without an end the output ends with it, as where a program dies.
# GoogleTest: from the first that a test says to the line with the test's name. Sanitizers: until the program's end.
GTEST = re.compile(r"^(unknown file|\S+:\d+): Failure$"), re.compile(r"^\[  FAILED  \] \w")
SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|: runtime error: "), re.compile(r"^SUMMARY: ")


def between(lines, at, last):
    """The index behind the block that begins at `at`."""
    return next((i + 1 for i in range(at, len(lines)) if last.search(lines[i])), len(lines))


def failures(output):
    """The lines of what failed, in their order."""
    lines, found, at = output.splitlines(), [], 0
    while at < len(lines):
        end = at
        for first, last in (GTEST, SANITIZER):
            if first.search(lines[at]):
                end = between(lines, at, last)
                break
        else:
            if re.match(r"not ok\b", lines[at]):  # TAP, and what it says of it
                end = next((i for i in range(at + 1, len(lines)) if not lines[i].startswith("#")), len(lines))
        found += lines[at:end]
        at = max(end, at + 1)
    return found
