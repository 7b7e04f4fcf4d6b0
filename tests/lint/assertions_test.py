#!/usr/bin/python3 -B
"""Plants what tests/lint/assertions.py must find, each in a small tree of its own."""
import pathlib
import sys
import tempfile

import assertions


CASES = [
    ("an assertion", "net/a_test.cpp", "TEST(A, B) {\n  EXPECT_EQ(1, 1);\n}\n", ""),
    ("none", "net/a_test.cpp", "TEST(A, B) {\n  run();\n}\n", "A.B asserts nothing"),
    ("none behind one that has", "net/a_test.cpp", "TEST(A, B) {\n  if (x) { EXPECT_TRUE(x); }\n}\nTEST_F(A, C) {\n  run();\n}\n", "A.C asserts"),
    ("in a comment", "net/a_test.cpp", "TEST(A, B) {\n  run();  // EXPECT_TRUE(x)\n}\n", "A.B asserts nothing"),
    ("in a text", "net/a_test.cpp", 'TEST(A, B) {\n  run("} EXPECT_TRUE(x)");\n}\n', "A.B asserts nothing"),
    ("in what it calls", "net/a_test.cpp", "void same(int a) {\n  EXPECT_EQ(a, 1);\n}\nvoid both() {\n  same(1);\n}\nTEST(A, B) {\n  both();\n}\n", ""),
    ("in what it does not call", "net/a_test.cpp", "void same(int a) {\n  EXPECT_EQ(a, 1);\n}\nTEST(A, B) {\n  both();\n}\n", "A.B asserts"),
    ("a loop that waits for ever", "net/a_test.cpp", "TEST(A, B) {\n  while (busy()) std::this_thread::yield();\n  EXPECT_TRUE(x);\n}\n", "without a bound"),
    ("the same with nothing in it", "net/a_test.cpp", "TEST(A, B) {\n  while (busy()) {\n  }\n  EXPECT_TRUE(x);\n}\n", "without a bound"),
    ("a loop that does something", "net/a_test.cpp", "TEST(A, B) {\n  while (busy()) next();\n  EXPECT_TRUE(x);\n}\n", ""),
    ("a .t without one", "tests/end_to_end/a.t", "with Tap() as tap:\n    run()\n", "asserts nothing"),
    ("a .t with one", "tests/end_to_end/a.t", "with Tap() as tap:\n    tap.is_(run(), 0, 'it runs')\n", ""),
    ("a pgTAP file without one", "tests/pgtap/a.sql", "SELECT plan(0);\nSELECT 1;\n", "asserts nothing"),
]


def main():
    wrong = 0
    for name, path, text, wanted in CASES:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text(text)
            found = "\n".join(assertions.faults(root, [path]))
        if (wanted not in found) if wanted else found:
            wrong += 1
            print(f"{name}: wanted {wanted!r}, found {found!r}")
    print(f"assertions_test: {len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
