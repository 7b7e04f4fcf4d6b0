#!/usr/bin/python3 -B
"""Plants a breach of each kind, one at a time, and expects that includes.py names it; and that what is allowed passes."""
import pathlib
import re
import sys
import tempfile

import includes

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/ARCHITECTURE.md").read_text()
# A header of each wall, as somebody would write it.
HEADERS = {"openssl/": "openssl/evp.h", "p11-kit/": "p11-kit/pkcs11.h", "boost/asio": "boost/asio/post.hpp",
           "boost/beast": "boost/beast/http.hpp", "boost/json": "boost/json.hpp", "boost/url": "boost/url/url.hpp",
           "toml++/": "toml++/toml.h", "date/": "date/tz.h", "CLI/": "CLI/CLI.hpp", "spdlog/": "spdlog/spdlog.h",
           "prometheus/": "prometheus/registry.h", "curl/": "curl/curl.h", "re2/": "re2/re2.h"}


class Tree:
    """A tree of planted directives. One file may hold several: each is known by its file and first line."""
    def __init__(self, table=TABLE):
        self.files, self.expected = {"docs/ARCHITECTURE.md": table}, {}

    def add(self, path, text=""):
        self.files.setdefault(path, text)

    def plant(self, directive, breach=True, path=None):
        path = path or f"keyserver/policy/planted{len(self.files)}.cpp"
        before = self.files.get(path, "")
        self.files[path] = before + directive + "\n"
        self.expected[path, before.count("\n") + 1] = (breach, directive)

    def faults(self):
        """What includes.py says of it, and where that is not what was planted."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for path, text in self.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            found = list(includes.breaches(root))
        places = [(f.split(":")[0], int(f.split(":")[1])) for f in found if re.match(r"[^:]+:\d+:", f)]
        wrong = []
        for (path, line), (breach, directive) in self.expected.items():
            lines = range(line, line + directive.count("\n") + 1)
            if any(p == path and n in lines for p, n in places) != breach:
                wrong.append(f"{'missed' if breach else 'found'}: {directive!r} in {path}")
        return found, wrong


def main():
    table, tree, wrong = includes.read_table(ROOT), Tree(), []
    for folder in table:
        if not folder.endswith(".cpp"):
            tree.add(f"{folder}/planted.hpp")
    for path in ("keyserver/policy/other.hpp", "tests/planted.hpp"):
        tree.add(path)
    for folder, (may_include, may_use) in table.items():
        path = folder if folder.endswith(".cpp") else f"{folder}/user.cpp"
        for other in table:
            if not other.endswith(".cpp"):
                tree.plant(f'#include "{other}/planted.hpp"', other not in (folder, *may_include), path)
        for wall in includes.FOREIGN:
            for form in ("<{}>", '"{}"'):
                tree.plant(f"#include {form.format(HEADERS.get(wall, wall))}", wall not in may_use, path)
    for directive in (
        '#include "catalog/pg_type.h"', '#include "fmgr.h"', "#include <server/postgres.h>",  # PostgreSQL's, by any name
        "#include <nlohmann/json.hpp>", "#include <zlib.h>", '#include "zlib.h"', "#include <boost/regex.hpp>",  # in no row
        '#include "../store/planted.hpp"', '#include "./other.hpp"', '#include "/usr/include/sqlite3.h"',
        '#include "other.hpp"',  # from its own folder, not from the root
        "#include <keyserver/store/planted.hpp>",
        '#  include  "postgres.h"', ' #include "postgres.h"', '# /* why not */ include "postgres.h"', '/**/#include "postgres.h"',
        '#include/**/"postgres.h"', '#include \\\n"postgres.h"', '#in\\\nclude "postgres.h"', '#include "postgres.h" // for Datum',
        '%:include "postgres.h"', "#include_next <sqlite3.h>", '#import "postgres.h"', "#define H <sqlite3.h>\n#include H",
        "import <sqlite3.h>;", '/* \n */ #include "postgres.h"', 'const char* s = "/*";\n#include "postgres.h"\n// */',
        '#include "tests/planted.hpp"', "#include <gtest/gtest.h>",
    ):
        tree.plant(directive)
    for path in ("keyserver/policy/planted.h", "keyserver/policy/planted.inc", "keyserver/policy/planted.ipp", "keyserver/new/planted.cpp"):
        tree.plant('#include "postgres.h"', True, path)
    # Tests use what they like of ours, and not PostgreSQL.
    for directive, breach in (('#include "keyserver/store/planted.hpp"', False), ('#include "tests/planted.hpp"', False),
                              ("#include <gtest/gtest.h>", False), ("#include <sqlite3.h>", False), ('#include "postgres.h"', True)):
        tree.plant(directive, breach, "keyserver/policy/planted_test.cpp")
    tree.plant('#include "keyserver/store/planted.hpp"', True, "keyserver/policy/latest_rules.cpp")
    for directive in ("#include <vector>", "#include <sys/stat.h>", '// #include "postgres.h"', '/* #include "postgres.h" */',
                      'const char* s = "#include <sqlite3.h>";', '#include "keyserver/policy/planted.hpp"', "#include <tl/expected.hpp>"):
        tree.plant(directive, False)
    wrong += tree.faults()[1]
    row = "| `libnae/toml` | `libnae/base` | `toml++/` |"
    for changed in ("| `libnae/toml` | `libnae/basis` | `toml++/` |", "| `libnae/toml` | `libnae/base` | `toml` |", ""):
        found, _ = (Tree(TABLE.replace(row, changed)) if changed else Tree(TABLE.replace("## Include table", "## No table"))).faults()
        if not found:
            wrong.append(f"missed: the table with the row {changed!r}")
    print("\n".join(wrong + [f"includes_test: {len(tree.expected)} planted, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
