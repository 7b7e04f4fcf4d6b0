#!/usr/bin/python3 -B
# Cards behind a PKCS#11 module that are not as they should be: a wrong PIN, a locked one, a card that is pulled between PIN and decryption,
# a reader that hangs. Each is named, nothing is done, and the next try with the right card goes through.
import concurrent.futures
import re
import shutil

from harness import BUILD, KEY_SERVER, NAE, KeyServer, Seconds, Tap, give_to_owner, run, scratch_directory
from software_cards import make_token_cards

FAULTY = BUILD / "keyserver/hsm/libnae_faulty_module.so"
PATIENCE = 30  # seconds, of libnae/custody/card_reader.hpp

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol")
    environment = make_token_cards(scratch, names)
    module = scratch / "module.so"  # where the user of the key server may read it
    shutil.copy(FAULTY, module)
    module.chmod(0o755)
    (scratch / "wrong-pin").write_text("1111\n")
    (scratch / "wrong-pin").chmod(0o600)
    give_to_owner(scratch / "wrong-pin")
    path = scratch / "server"
    cards = [word for name in names for word in ("--sha1-card", scratch / f"{name}.pem")]
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *cards).check_returncode()
    server, custody = KeyServer(path), path / "custody.nae"
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'key-create']\nby_cards = ['key-create']\ncards = 2\ncustody = 'custody.nae'\n")

    def card(*names, pin="card-pin"):
        return ["--card-module", module, *[word for name in names for word in ("--card-token", name, "--card-pin-file", scratch / pin)]]

    def with_fault(fault, *command):
        """Of a process of its own: each call that hangs takes its file away."""
        faults = scratch / f"faults-{abs(hash((fault, command)))}"
        faults.write_text(fault + "\n")
        give_to_owner(faults)
        with Seconds() as took:
            done = run(*command, seconds=10 * PATIENCE, env={**environment, "NAE_FAULTY_PKCS11": str(faults)})
        return done, took.passed

    def check(fault, name="bob", **options):
        return with_fault(fault, NAE, "custody", "check", custody, *card(name, **options))

    troubles = {
        "a card that is pulled between PIN and decryption": ("C_Decrypt 0x32", "the card of bob: C_Decrypt: CKR_DEVICE_REMOVED", "Put the card in again and begin anew"),
        "a token that is gone at the decryption": ("C_Decrypt 0xe0", "the card of bob: C_Decrypt: CKR_TOKEN_NOT_PRESENT", "Put the card in again"),
        "a card whose PIN is locked": ("C_Login 0xa4", "the card 'bob': C_Login: CKR_PIN_LOCKED", "takes its PUK"),
        "a card that is pulled before its PIN": ("C_Login 0x32", "the card 'bob': C_Login: CKR_DEVICE_REMOVED", "."),
    }
    good, _ = check("")
    tap.ok(good.returncode == 0 and "opens share 2 of 3" in good.stdout, "a card behind a module opens its share", good.stderr)
    for trouble, (fault, said, hint) in troubles.items():
        done, _ = check(fault)
        tap.ok(done.returncode == 2 and said in done.stderr and re.search(rf"hint: .*{hint}", done.stderr), f"{trouble} is named at the custodian's desk", done.stderr)
    wrong, _ = check("", pin="wrong-pin")
    tap.ok(wrong.returncode == 2 and "the card 'bob': C_Login: CKR_PIN_INCORRECT" in wrong.stderr, "so is one with another PIN", wrong.stderr)

    # At the key server's reader. SoftHSM has one directory in a process: the cards are beside its own token.
    for token in (scratch / "tokens").iterdir():
        place = path / "hsm/tokens" / token.name
        shutil.copytree(token, place)
        give_to_owner(place, *place.iterdir())

    def own_tokens():
        return [token for token in (path / "hsm/tokens").iterdir() if not (scratch / "tokens" / token.name).exists()]

    def restore(fault, *words):
        return with_fault(fault, KEY_SERVER, "restore", "--config", server.config, "--custody", custody, *words)

    for token in own_tokens():
        shutil.rmtree(token)
    for trouble, (fault, said, _) in troubles.items():
        done, _ = restore(fault, *card("bob", "alice"))
        tap.ok(done.returncode == 1 and said in done.stderr and not own_tokens() and not (path / "restore.unfinished").exists(), f"{trouble} ends a restore before anything is made", done.stderr)

    # Readers that hang, all at once: each is given up after its time, and named.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        at_desk = pool.submit(check, "C_Decrypt hang 1")
        at_pin = pool.submit(check, "C_Login hang 1", "carol")
        at_server = pool.submit(restore, "C_Decrypt hang 2", *card("alice", "bob"))
        for what, answer, code, said in (("decryption", at_desk, 3, "the card of bob: no answer within 30 s"), ("PIN", at_pin, 3, "the card 'carol': no answer within 30 s"),
                                         ("decryption of a restore", at_server, 1, "the card of bob: no answer within 30 s")):
            done, took = answer.result()
            tap.ok(done.returncode == code and said in done.stderr and "hangs" in done.stderr, f"a reader that hangs at the {what} is named", f"{done.returncode} {done.stderr}")
            tap.ok(took >= PATIENCE, f"and not given up before: {took:.1f} s")
    tap.ok(not own_tokens() and not (path / "restore.unfinished").exists(), "nothing was made meanwhile")
    done, _ = restore("", *card("alice", "bob"))
    tap.ok(done.returncode == 0 and len(own_tokens()) == 1, "with cards that answer the next restore goes through", f"{done.returncode} {done.stderr}")

    # What a card was to approve stays open.
    server.start()
    request = re.search(r"approve (\w{16})", server.nae("key", "create", "guarded", "--type", "aes-256-gcm").stdout).group(1)
    approve = (NAE, "--config", path / "admin/cli.toml", "custody", "approve", request, "--yes")
    done, _ = with_fault("C_Decrypt 0x32", *approve, *card("bob"))
    tap.ok(done.returncode != 0 and "CKR_DEVICE_REMOVED" in done.stderr, "a card that is pulled approves nothing", done.stderr)
    tap.ok(server.nae("key", "show", "guarded").returncode == 1, "and there is no key")
    done, _ = with_fault("", *approve, *card("bob"))
    tap.ok(done.returncode == 5 and "1 of 2 cards are missing" in done.stdout, "put in again, it does", done.stdout + done.stderr)
    done, _ = with_fault("", *approve, *card("carol"))
    tap.ok(done.returncode == 0 and server.nae("key", "show", "guarded").returncode == 0, "and with the second one it is done", done.stdout + done.stderr)
    server.stop()
