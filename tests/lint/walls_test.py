#!/usr/bin/python3 -B
"""Plants in each target every header that the include table keeps from it, and expects that it does not compile.

The commands are those that CMake plans. A header that one may include may include others in turn: those the
compiler must find, and includes.py alone refuses to name them.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import includes
from includes_test import HEADERS

ROOT = pathlib.Path(__file__).resolve().parents[2]
STANDARD = {"thread", "mutex", "shared_mutex", "sys/socket.h"}  # every second header of the system includes them


def headers_of(folder, table):
    for path in sorted((ROOT / folder).glob("*.hpp")):
        if "test_" not in path.name and includes.folder_of(path.relative_to(ROOT), table) == folder:
            yield path.relative_to(ROOT).as_posix()


def reachable(row, table):
    """Folders and walls that headers bring with them, whatever file of this row includes."""
    may_include, may_use = table[row]
    folders, walls = {row, *may_include}, set(may_use)
    for _ in table:
        for folder in list(folders):
            for header in headers_of(folder, table):
                for _, _, written in includes.includes((ROOT / header).read_text()):
                    target = written.strip('"<>')
                    if (ROOT / target).is_file():
                        folders.add(includes.folder_of(pathlib.PurePosixPath(target), table))
                    elif includes.wall_of(target):
                        walls.add(includes.wall_of(target))
    return folders, walls


def command_of(row, commands):
    """How the build compiles a file of this row, but for the file: without output, preprocessing alone."""
    for entry in commands:
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT) and includes.folder_of(path.relative_to(ROOT), commands_table) == row and not includes.is_test(path):
            words = shlex.split(entry["command"])
            words = words[next(i for i, w in enumerate(words) if re.search(r"(\+\+|g\+\+-\d+|clang\+\+)$", w)):]
            kept, skip = [], False
            for word in words:
                if skip or word in ("-o", "-MT", "-MF"):
                    skip = not skip
                elif word not in ("-c", "-MD", entry["file"]):
                    kept.append(word)
            return kept + ["-E", "-o", "/dev/null", "-fmax-errors=0"], entry["directory"]
    return None, None


commands_table = includes.read_table(ROOT)


def main():
    table, planted, wrong = commands_table, 0, []
    with tempfile.TemporaryDirectory() as directory:
        build, file = pathlib.Path(directory) / "build", pathlib.Path(directory) / "planted.cpp"
        done = subprocess.run(["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja"], capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr)
            return 1
        commands = json.loads((build / "compile_commands.json").read_text())
        for row in table:
            if row.startswith("pg_nae"):
                continue  # built by PGXS, where every header of PostgreSQL is at hand
            command, where = command_of(row, commands)
            if command is None:
                wrong.append(f"no target compiles {row}")
                continue
            folders, walls = reachable(row, table)
            behind = [header for folder in table if folder not in folders and not folder.startswith("pg_nae")
                      for header in headers_of(folder, table)]
            behind += [HEADERS.get(wall, wall) for wall in includes.FOREIGN if wall not in walls | STANDARD]
            file.write_text("".join(f"#include {form}\n" for header in behind for form in (f'"{header}"', f"<{header}>")))
            done = subprocess.run([*command, str(file)], cwd=where, capture_output=True, text=True)
            for header in behind:
                planted += 1
                if done.stderr.count(f'#error "{header} is behind a wall') < 2 and f"{header}: No such file" not in done.stderr:
                    wrong.append(f"{row} compiles with {header}")
    print("\n".join(wrong + [f"walls_test: {planted} planted, {len(wrong)} wrong"]))
    return 1 if wrong or planted < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
