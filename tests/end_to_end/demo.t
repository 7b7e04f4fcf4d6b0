#!/usr/bin/python3 -B
# The tour of demo/: what it shows, that it can be shown again, and that it ends at the first thing that is not as it says.
import os
import re
import shutil
import subprocess

from harness import ROOT, Stack, Tap, give_to_owner, run, scratch_directory

CARD = "5212345678901234"
NEXT = ["make demo-up", "docs/guides/quick-start.md", "docs/operations.md#install"]


class Tour:
    def __init__(self, stack):
        self.stack = stack
        self.directory = scratch_directory()
        self.customers = self.directory / "customers.csv"
        self.customers.write_text(subprocess.run([ROOT / "demo/customers.py", "500"], capture_output=True, text=True, check=True).stdout)
        self.environment = {**os.environ, "PATH": f"{stack.psql.parent}:{stack.path}/bin:{os.environ['PATH']}", "PGHOST": str(stack.path / "run"),
                            "PGPORT": "5432", "PGUSER": "postgres", "NAE_CONFIG": str(stack.path / "keyserver/admin/cli.toml")}
        # Of files that the owner of the stack may read, wherever the checkout is.
        self.demo = self.directory / "demo"
        shutil.copytree(ROOT / "demo", self.demo)
        give_to_owner(self.customers, self.demo)

    def go(self):
        return run(self.demo / "tour", self.customers, seconds=300, env=self.environment)

    def files_with_the_card(self):
        done = run("psql", "-X", "-A", "-t", "-d", "shop", "-f", self.demo / "7_search.sql", env=self.environment)
        return done.stdout.split(), done.stderr


def check_what_it_shows(tap, shown):
    for what, pattern in [
            ("its SQL", r"CREATE TABLE customers \(\n.*\n.*\n.*\n +ssn +nae\.enc_det_text\('customer-ssn'\)"),
            ("a writer who does not read", r'role "importer" may not decrypt'),
            ("values and masks", r"\d{3}-\d\d-\d{4}(?s:.*)\*\*\*-\*\*-\d{4} \| \*{12}\d{4}"),
            ("a superuser without a right", r'role "postgres" may not decrypt'),
            ("a plain table, found on the disk", rf"\$ grep -rlaF {CARD} \S+\n\S*(?s:.*)/base/\d+/\d+\n"),
            ("which is encrypted in use", r"CALL nae\.encrypt_column\('orders', 'card'"),
            ("and not found any more", rf"\$ grep -rlaF {CARD} \S+\n\(nothing\)"),
            ("a rotated column", r"\n +1 \| +1 \| \d{16}(?s:.*)CALL nae\.rotate_column(?s:.*)\n +1 \| +2 \| \d{16}"),
            ("a gateway before a shop", r"4111\+1111\+1111\+1111\n201 Created\n-- The shop, .*\nPOST /sales\n  buyer = Ann Archer\n  card = nae1:\S{60,}\n"),
            ("whose cards the desk sees the end of, and the analyst whole", r"Ann Archer \| \*{12}1111\n(?s:.*)Ann Archer \| 4111111111111111\n"),
            ("an edited audit log, caught", r'"support" is "analyst" now\.\n\$ nae audit verify\nTHE AUDIT LOG IS NOT INTACT(?s:.*)line_changed(?s:.*)line \d+'),
            ("a log that is whole again", r"It is put back\.\n\$ nae audit verify\nThe audit log is intact")]:
        tap.like(shown, pattern, f"it shows {what}")
    tap.is_([line.split("  ")[0] for line in shown.splitlines()[-3:]], NEXT, "its last three lines say what to do next")


def check_from_afar(tap, tour):
    """As in a container: neither the database's disk nor the key server's is there, only sockets and the profile."""
    script = tour.demo / "tour"
    text = script.read_text()
    script.write_text(text.replace('[ -r "$directory/PG_VERSION" ]', "false"))
    admin = tour.directory / "admin"
    shutil.copytree(tour.stack.path / "keyserver/admin", admin)
    give_to_owner(admin, *admin.iterdir())
    near, tour.environment["NAE_CONFIG"] = tour.environment["NAE_CONFIG"], str(admin / "cli.toml")
    done = tour.go()
    tap.is_(done.returncode, 0, "it can be shown again over the same data, far from both disks")
    tap.like(done.stdout, "from the tour before", "and says that it is")
    tap.like(done.stdout, r"hold the number *\n-+\n \./base/\d+/\d+(?s:.*)hold the number *\n-+\n\(0 rows\)", "it looks for the number by SQL")
    tap.like(done.stdout, r"disk is out of reach from here(?s:.*)What next", "and leaves the audit log alone")
    script.write_text(text)
    tour.environment["NAE_CONFIG"] = near


def check_that_it_ends(tap, tour):
    """Each of these would be a false promise, were the tour to go on."""
    policy = (tour.demo / "policy.toml").read_text()
    tour.stack.key_server.apply_policy(policy.replace('roles = ["desk"]', 'roles = ["desk", "support"]'))
    done = tour.go()
    tap.ok(done.returncode != 0, "it fails where support may decrypt after all", done.stdout[-500:])
    tap.like(done.stdout, r"ERROR: .*the statement before was to be refused(?s:(?!\n==).)*$", "and goes no further")
    tour.stack.key_server.apply_policy(policy)

    script = tour.demo / "7_encrypt.sql"
    text = script.read_text()
    script.write_text(text.replace("VACUUM FULL orders;\n", ""))
    done = tour.go()
    tap.ok(done.returncode != 0, "it fails where the number is still on the disk", done.stdout[-500:])
    tap.like(done.stderr, "the number was to be gone", "and says so")
    script.write_text(text)

    script = tour.demo / "3_analyst.sql"
    text = script.read_text()
    script.write_text("SELECT no_such_column FROM customers;\n" + text)
    done = tour.go()
    tap.ok(done.returncode != 0 and "front desk" not in done.stdout, "it fails at any other error", done.stdout[-500:])
    script.write_text(text)


os.environ["NAE_AGENT_CONF"] = str(ROOT / "demo/programs.toml")
with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm customer-ssn:aes-256-siv contracts:rsa-2048") as stack:
    tour = Tour(stack)
    stack.key_server.apply_policy((ROOT / "demo/policy.toml").read_text())
    done = tour.go()
    tap.is_(done.returncode, 0, "the tour ends well")
    check_what_it_shows(tap, done.stdout)
    tap.is_(tour.files_with_the_card(), ([], ""), "a superuser who reads the files by SQL finds no number either")
    stack.sql(None, f"CREATE TABLE plain AS SELECT '{CARD}' AS card; CHECKPOINT", database="shop")
    found, said = tour.files_with_the_card()
    tap.ok(found and all(re.fullmatch(r"\./(base/\d+/\d+|pg_wal/[0-9A-F]{24})", file) for file in found), "and finds it where it is", found, said)
    stack.sql(None, "DROP TABLE plain; CHECKPOINT", database="shop")
    check_from_afar(tap, tour)
    check_that_it_ends(tap, tour)
