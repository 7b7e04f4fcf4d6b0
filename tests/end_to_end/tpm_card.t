#!/usr/bin/python3 -B
# A TPM as a custodian's card, through tpm2-pkcs11: one of three, of which two approve a request, bring a group's keys back and give them to
# others. The TPM is swtpm's, behind the resource manager that the module needs, on a bus of the test's own.
import atexit
import os
import re
import shutil
import socket
import subprocess

from harness import KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until
from software_cards import certificates, make_cards

MODULE = "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so"


def two_free_ports():
    """Of two that follow each other, as the TPM's ways to talk and to be controlled do, the first."""
    while True:
        with socket.socket() as talk, socket.socket() as control:
            talk.bind(("127.0.0.1", 0))
            port = talk.getsockname()[1]
            if port < 65535 and control.connect_ex(("127.0.0.1", port + 1)) != 0:
                return port


with Tap() as tap:
    scratch = scratch_directory()
    make_cards(scratch, ("bob", "carol", "dora"))
    for name in ("state", "objects"):
        (scratch / name).mkdir()
        give_to_owner(scratch / name)
    for file, pin in (("pin", "2468"), ("wrong-pin", "1111")):
        (scratch / file).write_text(pin + "\n")
        (scratch / file).chmod(0o600)
        give_to_owner(scratch / file)

    def start(*words, **more):
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, cwd="/", **{"stdout": subprocess.DEVNULL, **OWNER, **more})
        atexit.register(process.kill)
        return process

    port = two_free_ports()
    tpm = start("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={scratch / 'state'}", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear")
    bus = start("dbus-daemon", "--session", "--nofork", "--print-address=1", stdout=subprocess.PIPE)
    environment = {**os.environ, "HOME": str(scratch), "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip(), "TPM2TOOLS_TCTI": "tabrmd:bus_type=session",
                   "TPM2_PKCS11_TCTI": "tabrmd:bus_type=session", "TPM2_PKCS11_STORE": str(scratch / "objects")}
    brokers = []

    def answers():
        """The resource manager ends when the TPM is not there yet."""
        if not brokers or brokers[-1].poll() is not None:
            brokers.append(start("tpm2-abrmd", "--session", "--allow-root", f"--tcti=swtpm:host=127.0.0.1,port={port}", env=environment))
        return run("tpm2_getcap", "properties-fixed", env=environment).returncode == 0
    if not wait_until(answers, 60):
        raise RuntimeError("the TPM does not answer")
    objects = ["--path", scratch / "objects"]
    run("tpm2_ptool", "init", *objects, env=environment).check_returncode()
    run("tpm2_ptool", "addtoken", "--pid=1", "--sopin=13579", "--userpin=2468", "--label=alice", *objects, env=environment).check_returncode()
    run("tpm2_ptool", "addkey", "--algorithm=rsa2048", "--label=alice", "--key-label=alice", "--userpin=2468", *objects, env=environment).check_returncode()
    run("pkcs11-tool", "--module", MODULE, "--token-label", "alice", "--read-object", "--type", "pubkey", "--label", "alice", "--output-file", scratch / "alice.der", env=environment).check_returncode()
    run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", scratch / "alice.der", "-out", scratch / "alice.pem").check_returncode()

    def tpm_card(pin="pin"):
        return ["--card-module", MODULE, "--card-token", "alice", "--card-pin-file", scratch / pin]

    def card_of(name):
        return ["--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass"]

    def by_tpm(*words):
        return run(*words, env=environment, seconds=120)

    path = scratch / "server"
    made = run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *certificates(scratch, ("alice", "bob", "carol")))
    tap.ok(made.returncode == 0, "a group's keys are given to a TPM and two cards, by the TPM's public key alone", made.stderr)
    server, custody = KeyServer(path), path / "custody.nae"
    checked = by_tpm(NAE, "custody", "check", custody, *tpm_card())
    tap.ok(checked.returncode == 0 and "card of alice opens share 1 of 3" in checked.stdout, "the TPM opens its share, by OAEP with SHA-256", checked.stderr)
    wrong = by_tpm(NAE, "custody", "check", custody, *tpm_card("wrong-pin"))
    tap.ok(wrong.returncode == 2 and "the card 'alice': C_Login: CKR_PIN_INCORRECT" in wrong.stderr, "a wrong PIN is named", wrong.stderr)

    # What it approves.
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'key-create']\nby_cards = ['key-create']\ncards = 2\ncustody = 'custody.nae'\n")
    server.start()
    request = re.search(r"approve (\w{16})", server.nae("key", "create", "guarded", "--type", "aes-256-gcm").stdout).group(1)
    approve = (NAE, "--config", path / "admin/cli.toml", "custody", "approve", request, "--yes")
    first = by_tpm(*approve, *tpm_card())
    tap.ok(first.returncode == 5 and "1 of 2 cards are missing" in first.stdout, "the TPM approves a request", first.stdout + first.stderr)
    twice = by_tpm(*approve, *tpm_card())
    tap.ok(twice.returncode == 1 and "approved this request already" in twice.stderr, "once", twice.stdout + twice.stderr)
    second = by_tpm(*approve, *card_of("carol"))
    tap.ok(second.returncode == 0 and server.nae("key", "show", "guarded").returncode == 0, "and with a second card it is done", second.stdout + second.stderr)
    server.stop()

    # What it brings back, at the key server's reader.
    for token in (path / "hsm/tokens").iterdir():
        shutil.rmtree(token)
    restore = (KEY_SERVER, "restore", "--config", server.config, "--custody", custody)
    alone = by_tpm(*restore, *tpm_card())
    tap.ok(alone.returncode == 1 and "1 missing" in alone.stderr and not list((path / "hsm/tokens").iterdir()), "alone it brings nothing back", alone.stderr)
    both = by_tpm(*restore, *tpm_card(), *card_of("bob"))
    tap.ok(both.returncode == 0 and re.search("cards.*bob", both.stdout) and re.search("cards.*alice", both.stdout), "with another card it brings the group's keys back", both.stdout + both.stderr)
    server.start()
    tap.like(server.must("key", "show", "guarded"), "active", "which are those of before")
    server.stop()

    # What it gives away.
    given = by_tpm(KEY_SERVER, "rotate-custodians", "--config", server.config, "--custody", "2/3", *certificates(scratch, ("alice", "carol", "dora")), *tpm_card(), *card_of("bob"))
    tap.ok(given.returncode == 0 and "generation 2" in given.stdout, "and gives them to others, itself among them", given.stdout + given.stderr)
    checked = by_tpm(NAE, "custody", "check", custody, *tpm_card())
    tap.ok(checked.returncode == 0 and "card of alice opens share 1 of 3" in checked.stdout, "whose file it opens", checked.stderr)

    # A TPM that is away.
    tpm.kill()
    tpm.wait()
    away = by_tpm(NAE, "custody", "check", custody, *tpm_card())
    tap.ok(away.returncode == 2 and f"the card 'alice' behind {MODULE}: C_Initialize: CKR_GENERAL_ERROR" in away.stderr and "or TPM" in away.stderr and not away.stdout,
           "a TPM that is away is named, and has opened nothing", f"{away.returncode} {away.stderr}")
