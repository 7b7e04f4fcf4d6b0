#!/usr/bin/python3 -B
# Custody by PIV cards, the way a custodian's card is reached: card, reader, pcscd, OpenSC's module. A share is checked at the desk, a PIN is
# locked by its third wrong try, a card is pulled between PIN and decryption, and two of three cards bring a group's keys back.
import atexit
import os
import re
import shutil
import socket
import subprocess

from harness import KEY_SERVER, NAE, Tap, run, scratch_directory, wait_until
from piv_card import PivCard

MODULE = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
SLOTS = (35963, 35964)  # of vpcd's one reader
AS_ROOT = {"user": 0, "group": 0, "extra_groups": []}  # pcscd lets others in by polkit, which has no seat here

PCSCD = "/run/pcscd/pcscd.comm"


def answers(path):
    with socket.socket(socket.AF_UNIX) as asker:
        return asker.connect_ex(path) == 0


if os.geteuid() != 0:
    with Tap() as tap:
        tap.ok(False, "root is needed: pcscd lets nobody else at its readers here")
    raise SystemExit(1)

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol")
    for name in names:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", scratch / f"{name}.key", "-out", scratch / f"{name}.pem", **AS_ROOT).check_returncode()
        run("openssl", "x509", "-in", scratch / f"{name}.pem", "-outform", "DER", "-out", scratch / f"{name}.der", **AS_ROOT).check_returncode()
    for file, pin in (("pin", "246800"), ("wrong-pin", "111111")):
        (scratch / file).write_text(pin + "\n")
        (scratch / file).chmod(0o600)
    if not answers(PCSCD):  # a file that one left that was killed answers nobody
        daemon = subprocess.Popen(["pcscd", "--foreground"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(daemon.terminate)
        if not wait_until(lambda: answers(PCSCD) or daemon.poll() is not None) or daemon.poll() is not None:
            raise RuntimeError("pcscd did not start")
    path = scratch / "server"
    made = run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *[word for name in names for word in ("--card", scratch / f"{name}.pem")], **AS_ROOT)
    tap.ok(made.returncode == 0, "a group's keys are given to three PIV cards, by certificates alone", made.stderr)
    custody = path / "custody.nae"

    def card(name, slot=0):
        guid = name.encode().ljust(16, b"\0")
        return PivCard((scratch / f"{name}.key").read_bytes(), (scratch / f"{name}.der").read_bytes(), guid, port=SLOTS[slot])

    def are_in(*wanted):
        """pcscd sees a card come and go by itself, some time later."""
        def seen():
            listed = run("pkcs11-tool", "--module", MODULE, "--list-slots", **AS_ROOT).stdout
            return sorted(re.findall(r"token label +: (\S+)", listed)) == sorted(wanted)
        return wait_until(seen, 30)

    def by(*names, pin="pin"):
        return ["--card-module", MODULE, *[word for name in names for word in ("--card-token", name, "--card-pin-file", scratch / pin)]]

    def check(name, **options):
        return run(NAE, "custody", "check", custody, *by(name, **options), **AS_ROOT)

    with card("bob") as bob:
        tap.ok(are_in("bob"), "a card is in, under its holder's name")
        done = check("bob")
        tap.ok(done.returncode == 0 and "card of bob opens share 2 of 3" in done.stdout, "it opens its share, by OAEP with SHA-256", done.stderr)
        done = check("alice")
        tap.ok(done.returncode == 2 and "alice" in done.stderr, "and is no other's", done.stderr)
        bob.pull_at_decryption = True
        done = check("bob")
        tap.ok(done.returncode != 0 and "the card of bob" in done.stderr and "opens share" not in done.stdout, "pulled between PIN and decryption it is named, and has opened nothing", done.stderr)
    tap.ok(are_in(), "it is out")
    with card("carol") as carol:
        tap.ok(are_in("carol"), "another one is in")
        outcomes = [check("carol", pin="wrong-pin") for _ in range(3)]
        tap.is_([done.returncode for done in outcomes], [2, 2, 2], "a wrong PIN is refused")
        tap.is_(carol.tries, 0, "and tried once by each command")
        done = check("carol")
        tap.ok(done.returncode == 2 and "CKR_PIN_LOCKED" in done.stderr and "PUK" in done.stderr, "the third locks the card, which is said with what helps", done.stderr)
    tap.ok(are_in(), "it is out, too")

    for token in (path / "hsm/tokens").iterdir():
        shutil.rmtree(token)
    def restore(*names):
        return run(KEY_SERVER, "restore", "--config", path / "nae-keyserver.toml", "--custody", custody, *by(*names), **AS_ROOT)
    with card("alice"), card("bob", slot=1):
        tap.ok(are_in("alice", "bob"), "two cards are in")
        alone = restore("alice")
        tap.ok(alone.returncode == 1 and "1 missing" in alone.stderr and not list((path / "hsm/tokens").iterdir()), "one of them brings nothing back", alone.stderr)
        both = restore("alice", "bob")
        tap.ok(both.returncode == 0 and "alice, bob" in both.stdout, "both bring the group's keys back", both.stdout + both.stderr)
