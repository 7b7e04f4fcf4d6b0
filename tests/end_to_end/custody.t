#!/usr/bin/python3 -B
# To whom a group's keys belong: what init gives into custody, opened by another implementation; cards that are none; and init
# killed or starved at each of its steps, which leaves nothing half done.
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from custody_file import AUDIT, AUTHORITY, BINDING, CHECK_KEY, GROUP_KEY, LEDGER_KEY, SO_PIN, Custody, combine, load
from harness import KEY_SERVER, NAE, OWNER, KeyServer, Tap, run, scratch_directory

STEPS = ("directory", "token", "keys", "certificates", "store", "custody", "configuration")
RESTORE_STEPS = ("keys", "versions", "record")


with Tap() as tap:
    scratch = scratch_directory()

    def same(got, wanted, name, told=""):
        tap.ok(got == wanted, name, f"{got!r} is not {wanted!r}\n{told}")

    def init(path, *options, **more):
        return run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", *options, **more)

    # Without a word about cards: one in software, by the same path.
    server = KeyServer.make(scratch / "default")
    files = {name: server.path / name for name in ("custody.nae", "custody/card.pem", "custody/passphrase", "init.unfinished")}
    same([stat.S_IMODE(files[name].stat().st_mode) for name in list(files)[:3]], [0o600] * 3, "files of custody are for their owner")
    tap.ok(not files["init.unfinished"].exists(), "nothing is left to do")
    custody = Custody(files["custody.nae"].read_bytes())
    card = load(files["custody/card.pem"].read_bytes(), files["custody/passphrase"].read_bytes().strip())
    secret = combine([custody.share(1, card)])
    same((custody.k, custody.n, custody.shares[0]["holder"]), (1, 1, "software-card"), "the group belongs to a software card")
    same(custody.unwrap(secret, SO_PIN).decode(), (server.path / "hsm/so-pin").read_text().strip(), "the card opens the SO PIN")
    audit_key = serialization.load_pem_public_key((server.path / "audit/audit-public.pem").read_bytes())
    audit_key.verify(custody.signature, custody.signed, ec.ECDSA(hashes.SHA256()))
    tap.ok(True, "the file is signed by the audit key")
    for kind in (AUTHORITY, AUDIT, BINDING):
        private = serialization.load_der_private_key(custody.unwrap(secret, kind), None)
        public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        same(public, custody.kept[kind][0], f"what is kept as {kind} is the pair of its public key")
    same([len(custody.unwrap(secret, kind)) for kind in (GROUP_KEY, CHECK_KEY, LEDGER_KEY)], [32, 32, 32], "group key, check key and ledger key are kept")
    server.start()
    tap.like(server.must("key", "create", "k", "--type", "aes-256-gcm"), "k", "a server whose keys are in custody serves")
    server.stop()

    # The token is lost, and its card brings it back: what was made before is there, and it is recorded.
    shutil.rmtree(next((server.path / "hsm/tokens").iterdir()))
    bring_back = ["restore", "--config", server.config, "--custody", files["custody.nae"]]
    by_card = [*bring_back, "--software-card", files["custody/card.pem"], "--passphrase-file", files["custody/passphrase"]]
    denied = run(KEY_SERVER, *bring_back)
    same((denied.returncode, "1 missing" in denied.stderr), (1, True), "a restore is denied without a card", denied.stderr)
    same(run(KEY_SERVER, *by_card[:-2]).returncode, 2, "a card without its passphrase file is a mistake of the line")
    restored = run(KEY_SERVER, *by_card)
    same(restored.returncode, 0, "with the card the keys are brought back", restored.stderr)
    tap.like(restored.stdout, r"opened +1 key versions", "and open what the store has")
    again = run(KEY_SERVER, *by_card)
    same((again.returncode, "already_initialised" in again.stderr), (1, True), "a token that holds a group takes none", again.stderr)
    server.start()
    tap.like(server.must("key", "show", "k"), "active", "the server goes on with its keys")
    tap.like(server.must("audit", "query", "--json"), r"keys-restored.*software-card", "whose card it was is recorded")
    server.stop()

    # Killed at each step, and starved of room: the next one says where it stood, and no server starts meanwhile.
    def restore_killed_at(step):
        """The step at which it was killed; None when it had ended before."""
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, *by_card)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        late_enough = RESTORE_STEPS[RESTORE_STEPS.index(step):]
        while process.poll() is None and restore_step() not in late_enough:
            pass
        process.kill()
        process.wait()
        return restore_step()

    def restore_step():
        try:
            return re.search(r"^step (\w+)$", (server.path / "restore.unfinished").read_text(), re.M).group(1)
        except (FileNotFoundError, AttributeError):
            return None

    def lose_token():
        """All that is there: a restore that was killed may have left a half-made token beside the one that holds the keys."""
        for token in list((server.path / "hsm/tokens").iterdir()):
            shutil.rmtree(token)

    for step in RESTORE_STEPS:
        at = None
        for _ in range(20):  # one that had ended before the kill proves nothing
            lose_token()
            at = restore_killed_at(step)
            if at is not None:
                break
        tap.ok(at in RESTORE_STEPS[RESTORE_STEPS.index(step):], f"killed at '{step}' before it was done", at)
        refused_start = run(KEY_SERVER, "run", "--config", server.config)
        same((refused_start.returncode, "interrupted" in refused_start.stderr), (78, True), f"killed at '{at}': no server starts", refused_start.stderr)
        again = run(KEY_SERVER, *by_card)
        same(again.returncode, 0, f"killed at '{at}': the next restore goes through", again.stderr)
        tap.like(again.stdout, f"interrupted at its step '{at}'", f"killed at '{at}': and says where it stood")
        tap.ok(not (server.path / "restore.unfinished").exists(), f"killed at '{step}': nothing is left to do")

    # Two at once: the second leaves the first alone, which goes on where it was stopped; and so does an init on the same token.
    def began():
        """A restore, stopped in the middle; one that had ended before is none."""
        for _ in range(20):
            lose_token()
            process = subprocess.Popen([str(word) for word in (KEY_SERVER, *by_card)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, cwd="/", **OWNER)
            while process.poll() is None and not restore_step():
                pass
            process.send_signal(signal.SIGSTOP)
            if process.poll() is None and restore_step():
                return process
            process.send_signal(signal.SIGCONT)
            process.communicate()
        raise RuntimeError("no restore was stopped before it had ended")

    first = began()
    second = run(KEY_SERVER, *by_card)
    on_its_token = init(scratch / "beside", "--pin-file", server.path / "hsm/pin", env={**os.environ, "SOFTHSM2_CONF": str(server.path / "hsm/softhsm2.conf")})
    tap.ok(first.poll() is None, "while a restore is on its way")
    first.send_signal(signal.SIGCONT)
    told = first.communicate(timeout=60)[0]
    same((second.returncode, "another nae-keyserver works in" in second.stderr), (1, True), "a second one is refused", second.stderr)
    same((on_its_token.returncode, "works on the token whose PIN is in" in on_its_token.stderr, (scratch / "beside").exists()), (1, True, False),
         "and an init on its token, which leaves nothing", on_its_token.stderr)
    same((first.returncode, "taken back" in told or "is removed" in told), (0, False), "the first ends well, and nothing of it was taken", told)
    for attempt in range(3):  # really at once, wherever they meet
        lose_token()
        both = [subprocess.Popen([str(word) for word in (KEY_SERVER, *by_card)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, cwd="/", **OWNER) for _ in range(2)]
        told = [process.communicate(timeout=60)[0] for process in both]
        ended = sorted(process.returncode for process in both)
        same((ended, any("conflict" in text or "already_initialised" in text for text in told)), ([0, 1], True),
             f"of two that begin together one brings the keys back ({attempt})", "\n".join(told))
    first = began()
    first.kill()
    first.communicate()
    again = run(KEY_SERVER, *by_card)
    same((again.returncode, "interrupted at its step" in again.stdout), (0, True), "a killed one keeps nobody out", again.stderr)
    server.start()
    lost = next((server.path / "hsm/tokens").iterdir())
    beside = run(KEY_SERVER, *by_card)
    same((beside.returncode, "a server is running" in beside.stderr), (1, True), "nor is there one beside a server", beside.stderr)
    tap.ok(lost.exists(), "whose token stays as it is")
    server.stop()

    lose_token()
    outcomes = []
    for limit in (100, 300, 1000, 4000):
        def starve():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = run(KEY_SERVER, *by_card, preexec_fn=starve)
        outcomes.append(done.returncode)
    same(outcomes, [1] * len(outcomes), "a restore without room fails")
    again = run(KEY_SERVER, *by_card)
    same(again.returncode, 0, "and with room goes through", again.stderr)
    server.start()
    tap.like(server.must("key", "show", "k"), "active", "after all of it the server goes on")
    server.stop()

    # A backup likewise: what has a manifest is whole.
    def back_up(name, **more):
        return run(KEY_SERVER, "backup", "--config", server.config, "--out", scratch / "backups" / name, **more)

    (scratch / "backups").mkdir()
    if OWNER:
        shutil.chown(scratch / "backups", "postgres", "postgres")
    cut = 0
    for name, seen in (("new", "new.new"), ("copy", "copy"), ("kept", "kept.custody")):
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, "backup", "--config", server.config, "--out", scratch / "backups" / name)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        while process.poll() is None and not (scratch / "backups" / seen).exists():
            pass
        process.kill()
        process.wait()
        whole = (scratch / "backups" / f"{name}.manifest").exists()
        cut += not whole
        again = back_up(name)
        if whole:
            same((again.returncode, "not overwritten" in again.stderr), (1, True), f"killed at {seen}: it was whole already", again.stderr)
        elif (scratch / "backups" / name).exists() and again.returncode:
            tap.like(again.stderr, "without a manifest.*interrupted", f"killed at {seen}: the next one says what lies there")
            for suffix in ("", ".custody"):
                (scratch / "backups" / (name + suffix)).unlink(missing_ok=True)
            again = back_up(name)
            same(again.returncode, 0, f"killed at {seen}: removed, it goes through", again.stderr)
        else:
            same(again.returncode, 0, f"killed at {seen}: the next one goes through", again.stderr)
    tap.ok(cut > 0, "some of them were killed before they were whole", cut)
    outcomes = []
    for limit in (100, 1000, 5000, 20000):
        def starve():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = back_up("starved", preexec_fn=starve)
        outcomes.append((done.returncode, sorted(file.name for file in (scratch / "backups").glob("starved*"))))
    same(outcomes, [(1, [])] * len(outcomes), "a backup without room leaves nothing")
    same(back_up("starved").returncode, 0, "and with room goes through")

    # Two of three, from certificates and a public key; no card comes near the server.
    names = ("alice", "bob", "carol")
    for name in names:
        subject = "/CN=Żółć" if name == "alice" else f"/CN={name}"  # nobody reads it
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-utf8", "-subj", subject, "-keyout", scratch / f"{name}.key",
            "-out", scratch / f"{name}.pem").check_returncode()
    run("openssl", "pkey", "-in", scratch / "carol.key", "-pubout", "-out", scratch / "carol.pem").check_returncode()
    cards = ["--card", scratch / "alice.pem", "--card", scratch / "bob.pem", "--sha1-card", scratch / "carol.pem"]
    made = init(scratch / "three", "--custody", "2/3", *cards)
    same(made.returncode, 0, "two of three", made.stderr)
    tap.like(made.stdout, r"custody\.nae +\(2 of 3 cards open it", "init says how many cards it takes")
    tap.ok(not (scratch / "three/custody").exists() and "software card" not in made.stdout, "no card is at the server")
    custody = Custody((scratch / "three/custody.nae").read_bytes())
    same([share["holder"] for share in custody.shares], list(names), "holders are those of the files")
    same([share["sealing"] for share in custody.shares], [1, 1, 2], "a card that does SHA-1 alone is recorded so")
    shares = [custody.share(x, load((scratch / f"{name}.key").read_bytes())) for x, name in enumerate(names, 1)]
    pairs = [combine([a, b]) for a, b in ((shares[0], shares[1]), (shares[0], shares[2]), (shares[2], shares[1]))]
    same(len(set(pairs)), 1, "any two cards give one secret")
    same(custody.unwrap(pairs[0], SO_PIN).decode(), (scratch / "three/hsm/so-pin").read_text().strip(), "which opens what is kept")
    tap.ok(combine([shares[0]]) != pairs[0], "one card does not")

    # Custodians at their desks: is the card good; and what a running server asks of them.
    for name in names:
        (scratch / f"{name}.pass").write_text(f"of {name}\n")
        (scratch / f"{name}.pass").chmod(0o600)
        run("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", scratch / f"{name}.key", "-out", scratch / f"{name}.card", "-passout",
            f"pass:of {name}").check_returncode()
        (scratch / f"{name}.card").chmod(0o600)
        for file in (scratch / f"{name}.pass", scratch / f"{name}.card"):
            if OWNER:
                shutil.chown(file, "postgres", "postgres")

    def card_of(name):
        return ["--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass"]

    path = scratch / "three"
    shown = run(NAE, "custody", "status", path / "custody.nae", "--audit-key", path / "audit/audit-public.pem", "--json")
    same(shown.returncode, 0, "nae custody status", shown.stderr)
    same([share["holder"] for share in json.loads(shown.stdout)["shares"]], list(names), "shows whose cards open it")
    other = run(NAE, "custody", "status", path / "custody.nae", "--audit-key", scratch / "default/audit/audit-public.pem")
    same((other.returncode, "was not signed by" in other.stderr), (2, True), "and a file of another group", other.stderr)
    for name in names:
        checked = run(NAE, "custody", "check", path / "custody.nae", *card_of(name))
        same((checked.returncode, f"card of {name} opens share" in checked.stdout), (0, True), f"the card of {name} opens its share", checked.stderr)
    checked = run(NAE, "custody", "check", scratch / "default/custody.nae", *card_of("alice"))
    same((checked.returncode, "is no card of this custody file" in checked.stderr), (2, True), "and none of another group", checked.stderr)

    server = KeyServer(path)
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'key-create']\nby_cards = ['key-create']\n"
                             "cards = 2\ncustody = 'custody.nae'\n")
    server.start()

    def approve(request, name):
        return server.nae("custody", "approve", request, "--yes", *card_of(name))

    asked = server.nae("key", "create", "guarded", "--type", "aes-256-gcm", "--json")
    same(asked.returncode, 5, "a key is asked for, and waits", asked.stdout + asked.stderr)
    request = json.loads(asked.stdout)["approval"]["id"]
    alone = server.nae("approve", request, "--yes")
    tap.ok(alone.returncode == 1, "no administrator approves it", alone.stdout + alone.stderr)
    first = approve(request, "carol")
    same((first.returncode, "1 of 2 cards are missing" in first.stdout), (5, True), "one card is not enough", first.stdout + first.stderr)
    tap.like(first.stdout, "guarded", "the custodian is shown what is asked")
    twice = approve(request, "carol")
    same((twice.returncode, "approved this request already" in twice.stderr), (1, True), "nor is the same card twice", twice.stderr)
    stranger = server.nae("custody", "approve", request, "--yes", "--software-card", files["custody/card.pem"], "--passphrase-file", files["custody/passphrase"])
    same((stranger.returncode, "no share in the custody" in stranger.stderr), (1, True), "nor one of another group", stranger.stderr)
    tap.ok(server.nae("key", "show", "guarded").returncode == 1, "until then there is no key")
    second = approve(request, "alice")
    same((second.returncode, "done" in second.stdout), (0, True), "with the second card it is done", second.stdout + second.stderr)
    tap.like(server.must("key", "show", "guarded"), "active", "and the key is there")
    tap.like(server.must("audit", "query", "--action", "key-create", "--json"), "approved by card/carol, card/alice as " + request, "one record names both holders")
    server.stop()

    init(scratch / "others", "--custody", "2/3", *cards).check_returncode()  # the same people, and another group
    server.config.write_text(server.config.read_text().replace("custody = 'custody.nae'", f"custody = '{scratch}/others/custody.nae'"))
    started = run(KEY_SERVER, "run", "--config", server.config)
    same((started.returncode, "custody of another group" in started.stderr), (78, True), "a server takes no other group's cards", started.stderr)
    checked = run(KEY_SERVER, "check-config", "--config", server.config)
    same((checked.returncode, "approval.custody: it is of another group" in checked.stderr), (1, True), "check-config finds that without the HSM", checked.stderr)

    def refused(name, pattern, exit_code, *options):
        done = init(scratch / "refused", *options)
        same(done.returncode, exit_code, f"{name}: exit code", done.stdout + done.stderr)
        tap.like(done.stderr, pattern, f"{name}: the message")
        tap.like(done.stderr, r"(?m)^hint: .{10}", f"{name}: a hint")
        tap.ok(not (scratch / "refused").exists(), f"{name}: nothing is made")

    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=dora", "-keyout",
        scratch / "dora.key", "-out", scratch / "dora.pem").check_returncode()
    shutil.copy(scratch / "alice.pem", scratch / "eve.pem")
    refused("fewer cards than n", "with 2 cards", 2, "--custody", "2/3", *cards[:4])
    refused("cards without a quorum", "K/N", 2, *cards)
    refused("a quorum of one", "1 of 3", 2, "--custody", "1/3", *cards)
    refused("more than there are", "4 of 3", 2, "--custody", "4/3", *cards)
    refused("one card under two names", "eve", 1, "--custody", "2/2", "--card", scratch / "alice.pem", "--card", scratch / "eve.pem")
    refused("one holder twice", "alice", 1, "--custody", "2/2", *cards[:2], *cards[:2])
    refused("a card that does not decrypt", r"dora.*ecdsa-p256", 1, "--custody", "2/2", *cards[:2], "--card", scratch / "dora.pem")
    refused("a private key", "alice|no certificate|certificate", 1, "--custody", "2/2", *cards[:2], "--card", scratch / "bob.key")
    refused("no file", "nobody", 1, "--custody", "2/2", *cards[:2], "--card", scratch / "nobody.pem")

    # Killed at each step. The note is read until it says the step, so that the kill falls into it or a later one.
    def step_of(path):
        try:
            return re.search(r"^step (\w+)$", (path / "init.unfinished").read_text(), re.M).group(1)
        except (FileNotFoundError, NotADirectoryError, AttributeError):
            return None

    def kill_at(step, path, *options, **more):
        """The step at which init was killed; None when it had ended before."""
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", *options)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **{**OWNER, **more})
        late_enough = STEPS[STEPS.index(step):]
        while process.poll() is None and step_of(path) not in late_enough:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None if (path / "nae-keyserver.toml").exists() else step_of(path)

    # Two at once: the second leaves the first alone, which goes on where it was stopped.
    path = scratch / "two"
    first = subprocess.Popen([str(word) for word in (KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0")],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
    while first.poll() is None and step_of(path) is None:
        pass
    first.send_signal(signal.SIGSTOP)
    second = init(path)
    first.send_signal(signal.SIGCONT)
    same((second.returncode, "works in" in second.stderr), (1, True), "an init beside another one is refused", second.stderr)
    same(first.wait(), 0, "and the first ends well")
    checked = run(KEY_SERVER, "check-config", "--config", path / "nae-keyserver.toml")
    same(checked.returncode, 0, "with a server that is whole", checked.stderr)

    # As soon as its directory is there, whether it has a note or not.
    for attempt in range(5):
        path = scratch / f"early-{attempt}"
        early = subprocess.Popen([str(word) for word in (KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0")],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        while early.poll() is None and not path.exists():
            pass
        early.kill()
        early.wait()
        left = sorted(file.name for file in path.iterdir())
        again = init(path)
        same(again.returncode, 0, f"killed at its beginning: the next init makes the server ({attempt})", f"{left}\n{again.stderr}")

    for step in STEPS:
        path = scratch / f"killed-{step}"
        at = kill_at(step, path)
        if step != "configuration":
            tap.ok(at is not None, f"killed at '{step}': before the server was whole", at)
        again = init(path)
        if at is None:
            same((again.returncode, "already_initialised" in again.stderr), (1, True), "what is whole is not made anew")
        elif at == "configuration":
            same((again.returncode, "last step" in again.stderr), (1, True), "a server that may be in use is not taken back", again.stderr)
            note = path / "init.unfinished"
            note.write_text(note.read_text().replace("step configuration", "step custody"))
            same(init(path).returncode, 0, "by hand, as the hint says, it is")
        else:
            same(again.returncode, 0, f"killed at '{at}': the next init makes the server", again.stderr)
            tap.like(again.stdout, f"interrupted at its step '{at}'", f"killed at '{at}': and says where it stood")
        checked = run(KEY_SERVER, "check-config", "--config", path / "nae-keyserver.toml")
        same(checked.returncode, 0, f"killed at '{step}': the server is whole", checked.stderr)
    (path / "init.unfinished").write_text("left behind by a power cut\n")
    if OWNER:
        shutil.chown(path / "init.unfinished", "postgres", "postgres")
    server = KeyServer(path)
    server.start()
    tap.ok(not (path / "init.unfinished").exists(), "a start forgets the note beside a whole server")
    server.must("key", "create", "k", "--type", "hmac-sha-256")
    server.stop()

    # On a token that was there before, the keys of the run that was killed go, and nothing else.
    tokens = scratch / "tokens"
    tokens.mkdir()
    (scratch / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    (scratch / "pin").write_text("123456\n")
    (scratch / "pin").chmod(0o600)
    for file in (tokens, scratch / "softhsm2.conf", scratch / "pin"):
        if OWNER:
            shutil.chown(file, "postgres", "postgres")
    environment = {**os.environ, "SOFTHSM2_CONF": str(scratch / "softhsm2.conf")}
    run("softhsm2-util", "--init-token", "--free", "--label", "nae", "--so-pin", "1234567", "--pin", "123456", env=environment).check_returncode()
    existing = ["--pin-file", scratch / "pin"]
    for step in ("keys", "certificates", "custody"):
        path = scratch / f"token-{step}"
        at = kill_at(step, path, *existing, env=environment)
        again = init(path, *existing, env=environment)
        same((at is not None, again.returncode), (True, 0), f"killed at '{at}' on an existing token: the next init goes through", again.stderr)
        custody = Custody((path / "custody.nae").read_bytes())
        tap.ok(SO_PIN not in custody.kept, "whose SO PIN is not ours to keep")
        objects = run("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--token-label", "nae", "--login", "--pin", "123456", "-O",
                      env=environment).stdout
        same(len(re.findall(r"^(?:Secret|Private|Public) Key Object", objects, re.M)), 9, "one group's objects are on the token", objects)
        other = init(scratch / "second", *existing, env=environment)
        same((other.returncode, "already_initialised" in other.stderr), (1, True), "a token that holds a group takes no other")
        for found in re.findall(r"^(Secret|Private|Public) Key Object.*?\n  label: +(\S+)", objects, re.M | re.S):
            kind = {"Secret": "secrkey", "Private": "privkey", "Public": "pubkey"}[found[0]]
            run("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--token-label", "nae", "--login", "--pin", "123456", "-b",
                "--type", kind, "--label", found[1], env=environment)

    # A disk that is full at each file: nothing stays, and with room it goes through.
    path = scratch / "full"
    outcomes = []
    for limit in (100, 400, 700, 1000, 1250, 2600, 20000):
        def starve():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = init(path, preexec_fn=starve)
        outcomes.append((done.returncode, path.exists()))
    same(outcomes, [(1, False)] * len(outcomes), "a full disk leaves nothing, whatever does not fit")
    same(init(path).returncode, 0, "with room init goes through")
