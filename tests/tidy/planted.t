#!/usr/bin/python3 -B
"""tests/tidy/run cannot lie: planted faults are found, together and alone, and what was not read has failed."""
import json
import pathlib
import subprocess
import sys
import tempfile

RUN = pathlib.Path(__file__).resolve().parent / "run"
FAULT = """#include <string>
#include <utility>
namespace {
std::string %s(std::string text) {
  std::string taken = std::move(text);
  return taken + text;
}
}  // namespace
std::string of_%s() { return %s("a"); }
"""
SOUND = "#include <string>\nstd::string sound() { return \"a\"; }\n"
number = failed = 0


def check(name, good, why=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
    if not good:
        print("\n".join(f"#   {line}" for line in str(why).splitlines()))


def run(files, build=None):
    """The lines of each file, by its name, and the status."""
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "libnae"
        folder.mkdir()
        for name, text in files.items():
            if text is not None:
                (folder / name).write_text(text)
        known = [{"directory": place, "file": str(folder / name), "command": f"/usr/bin/c++ -std=c++20 -Wall -o {name}.o -c {folder / name}"}
                 for name in (files if build is None else build)]
        (pathlib.Path(place) / "compile_commands.json").write_text(json.dumps(known))
        done = subprocess.run([RUN, place, *(str(folder / name) for name in files)], capture_output=True, text=True)
    found = {name: line.split()[0] == "ok" for name in files for line in done.stdout.splitlines() if line.endswith(f"/{name}") and "ok " in line}
    return found, done


found, done = run({"one.cpp": FAULT % (("one",) * 3), "two.cpp": FAULT % (("two",) * 3), "sound.cpp": SOUND})
check("of three files read together the two that have a fault", found == {"one.cpp": False, "two.cpp": False, "sound.cpp": True}, done.stdout + done.stderr)
check("each by its line", all(f"{name}.cpp:6: 'text' used after it was moved" in done.stdout for name in ("one", "two")), done.stdout)
check("they were read together", "# 3 files: " in done.stdout, done.stdout)
check("the status says so", done.returncode == 1, done.returncode)

found, done = run({"one.cpp": FAULT % (("one",) * 3), "same.cpp": FAULT % ("one", "same", "one")})
check("files that define the same name are read apart", found == {"one.cpp": False, "same.cpp": False} and "# 1 files: " in done.stdout, done.stdout)

# What the groups do not foresee: the second uses what is ambiguous beside the first.
found, done = run({"one.cpp": "namespace a { struct T {}; }\nusing namespace a;\n", "two.cpp": "namespace b { struct T {}; }\nusing namespace b;\nT only;\n"})
check("files that do not compile together are read one by one", found == {"one.cpp": True, "two.cpp": True} and done.returncode == 0, done.stdout)

found, done = run({"broken.cpp": "int f() { return nothing; }\n"})
check("what does not compile has failed", found == {"broken.cpp": False} and done.returncode == 1, done.stdout)
found, done = run({"sound.cpp": SOUND, "unknown.cpp": SOUND}, build=["sound.cpp"])
check("what the build does not know has failed", found == {"sound.cpp": True, "unknown.cpp": False}, done.stdout)
found, done = run({"gone.cpp": None})
check("a file that is not there has failed", done.returncode != 0 and "ok 1" not in done.stdout.replace("not ok", ""), done.stdout)
found, done = run({"sound.cpp": SOUND})
check("a sound file passes", found == {"sound.cpp": True} and done.returncode == 0, done.stdout)
print(f"1..{number}")
sys.exit(1 if failed else 0)
