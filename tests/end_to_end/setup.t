#!/usr/bin/python3 -B
# Starting where something is missing, wrong or open: which exit code, which code name, and no secret told.
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil

from harness import BUILD, KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until


def digest(directory):
    """Of every name, mode and byte below."""
    whole = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        whole.update(f"{path.relative_to(directory)} {path.stat().st_mode:o}\n".encode())
        whole.update(path.read_bytes() if path.is_file() else b"")
    return whole.hexdigest()


with Tap() as tap:
    scratch = scratch_directory()
    original, other = KeyServer.make(scratch / "original"), KeyServer.make(scratch / "other")
    secrets = [line for server in (original, other) for file in ("hsm/pin", "hsm/so-pin", "tls/server.key", "admin/admin.key")
               for line in (server.path / file).read_text().split("\n") if len(line) > 20 and not line.startswith("-----")]
    assert len(secrets) > 8

    def copy(name):
        """Of the server that init made; a copy starts like the original."""
        path = scratch / name
        shutil.copytree(original.path, path)
        for file in [path, *path.rglob("*")]:
            give_to_owner(file)
        for file in [path / "nae-keyserver.toml", path / "hsm/softhsm2.conf"]:
            file.write_text(file.read_text().replace(str(original.path), str(path)))
        return KeyServer(path)

    def refused(done, code, name, hint=True, exit_code=1):
        told = done.stdout + done.stderr
        tap.is_(done.returncode, exit_code, f"{name}: exit code")
        tap.like(told, rf"\({code}\)", f"{name}: the code is named")
        tap.ok(not hint or re.search(r"^hint: .{10}", told, re.M), f"{name}: a hint", told)
        tap.ok(not any(secret in told for secret in secrets), f"{name}: no PIN and no key in the message", told)
        return told

    def refused_start(server, code, name, exit_code=78):
        return refused(run(KEY_SERVER, "run", "--config", server.config, seconds=30), code, name, exit_code=exit_code)

    def waiting_start(server, code, name):
        """It does not end: start_trouble.t says what it does instead. What it logs is looked at here."""
        server.start(ready=False)
        told = wait_until(lambda: "event=waiting-to-start" in server.log.read_text()) and server.log.read_text()
        server.stop()
        tap.like(told, rf"code={code} .*hint=\".{{10}}", f"{name}: the code is named, with a hint")
        tap.ok(not any(secret in told for secret in secrets), f"{name}: no PIN and no key in the message", told)
        return told

    before = digest(original.path)
    refused(run(KEY_SERVER, "init", "--directory", original.path), "already_initialised", "a second init")
    tap.is_(digest(original.path), before, "a second init changes nothing")
    tap.is_(run(KEY_SERVER, "init", "--directory", scratch / "never", "--listen", "nowhere").returncode, 2,
            "init at an address that is none")
    tap.ok(not (scratch / "never").exists(), "leaves nothing behind")
    tap.is_(run(KEY_SERVER, "run", "--confg", original.config).returncode, 2, "an unknown option")

    server = copy("typing-error")
    server.config.write_text(server.config.read_text().replace("[server]", "[server]\ntreads = 2"))
    tap.like(refused_start(server, "config_invalid", "a field that does not exist"), r"nae-keyserver\.toml:?.*treads",
             "a field that does not exist: file and field are named")
    tap.is_(run(KEY_SERVER, "check-config", "--config", server.config).returncode, 1, "check-config finds it too")
    tap.is_(run(KEY_SERVER, "check-config", "--config", original.config).returncode, 0, "check-config passes a good one")
    refused_start(KeyServer(scratch / "nowhere"), "config_invalid", "no configuration")

    done = run(KEY_SERVER, "init", "--directory", scratch / "never", "--admin", "../root")
    tap.ok(done.returncode == 1 and not (scratch / "never").exists(), "init for an administrator whose name is none", done.stderr)

    # check-config finds what the start would be refused for, and nothing that passes by itself.
    def both_refuse(server, code, name, start=refused_start, **expected):
        done = run(KEY_SERVER, "check-config", "--config", server.config)
        refused(done, code, f"check-config, {name}")
        return start(server, code, name, **expected)

    def changed(name, pattern, text):
        server = copy(name)
        server.config.write_text(re.sub(pattern, text, server.config.read_text()))
        return server

    both_refuse(changed("host-name", r"listen = .*", 'listen = "localhost:7443"'), "config_invalid", "a name to listen on")
    tap.is_(run(KEY_SERVER, "init", "--directory", scratch / "host-name-init", "--listen", "localhost:7443").returncode, 1,
            "init refuses a name to listen on")
    tap.ok(not (scratch / "host-name-init").exists(), "and makes nothing")
    server = copy("store-missing")
    (server.path / "keys.db").unlink()
    both_refuse(server, "not_initialised", "a store that is missing")
    both_refuse(changed("audit-missing", r"directory = 'audit'", "directory = 'nowhere'"), "file_failed|audit_unavailable|not_initialised|audit_broken",
                "an audit directory that is missing", start=waiting_start)
    both_refuse(changed("no-library", r"module = .*", "module = 'keys.db'"), "hsm_module_missing", "a module that is no library", start=waiting_start)
    server = copy("wrong-key")
    shutil.copy(server.path / "admin/admin.key", server.path / "tls/server.key")
    both_refuse(server, "tls_failed", "a key of another certificate", exit_code=1)
    server = copy("readable-key")
    (server.path / "tls/server.key").chmod(0o644)
    both_refuse(server, "file_failed", "a key that others may read", exit_code=1)
    pin = (original.path / "hsm/pin").read_text().strip()
    for name, text in (("CR LF", f"{pin}\r\n"), ("a byte order mark", f"\ufeff{pin}\n"), ("a blank at the end", f"{pin} \n"),
                       ("a blank at the beginning", f" {pin}\n"), ("an empty second line", f"{pin}\n\n"), ("a second line", f"{pin}\n{pin}\n"),
                       ("nothing", ""), ("a line end", "\n")):
        server = copy(f"pin-{name.replace(' ', '-')}")
        (server.path / "hsm/pin").write_bytes(text.encode())
        both_refuse(server, "file_failed", f"a PIN file with {name}", start=waiting_start)
    server = copy("pin-without-end")
    (server.path / "hsm/pin").write_text(pin)
    tap.is_(run(KEY_SERVER, "check-config", "--config", server.config).returncode, 0, "a PIN file without a line end is good")
    server = copy("token-away")
    shutil.rmtree(server.path / "hsm/tokens")
    tap.is_(run(KEY_SERVER, "check-config", "--config", server.config).returncode, 0, "a token that is away is no fault of the configuration")

    agent = BUILD / "agent/nae-agent"
    settings = scratch / "agent.toml"
    def agent_config(socket, key="admin.key"):
        files = original.path / "admin"
        settings.write_text(f'socket = "{socket}"\nservers = ["127.0.0.1:1"]\n[tls]\ncertificate = "{files}/admin.pem"\n'
                            f'key = "{files}/{key}"\nauthority = "{files}/authority.pem"\n'
                            f'[[program]]\nname = "postgres"\nuid = 0\nexecutable = "/usr/bin/true"\n')
        return run(agent, "--config", settings, "--check-config")
    longest = f"{scratch}/{'s' * (106 - len(str(scratch)))}"
    tap.is_((len(longest), agent_config(longest).returncode), (107, 0), "the agent's check passes the longest path of a socket")
    done = agent_config(longest + "s")
    tap.ok(done.returncode == 78 and "107 bytes" in done.stderr, "and refuses one byte more", done.stderr)
    tap.is_(run(agent, "--config", settings).returncode, 1, "as the start does")
    tap.is_(agent_config(settings).returncode, 78, "and a path that a file has")

    server = copy("wrong-pin")
    (server.path / "hsm/pin").write_text("0123456789abcdef0123456789abcdef\n")
    secrets.append("0123456789abcdef")
    waiting_start(server, "hsm_pin_rejected", "a wrong PIN")
    server = copy("open-pin")
    (server.path / "hsm/pin").chmod(0o644)
    waiting_start(server, "file_failed", "a PIN file that others may read")
    server = copy("no-module")
    server.config.write_text(re.sub(r"module = .*", "module = '/usr/lib/none.so'", server.config.read_text()))
    tap.like(refused_start(server, "config_invalid|hsm_module_missing", "a module that is missing"), "/usr/lib/none.so",
             "a module that is missing: it is named")
    server = copy("no-such-module")
    server.config.write_text(re.sub(r"module = .*", "module = 'keys.db'", server.config.read_text()))
    waiting_start(server, "hsm_module_missing", "a module that is no PKCS#11 library")
    server = copy("no-token")
    server.config.write_text(re.sub(r"token_label = .*", 'token_label = "lost"', server.config.read_text()))
    tap.like(waiting_start(server, "hsm_token_missing", "a token that is missing"), "lost", "a token that is missing: it is named")
    server = copy("no-group-key")
    server.config.write_text(server.config.read_text().replace("[hsm]", '[hsm]\ngroup_key_label = "lost"'))
    waiting_start(server, "group_key_missing", "a group key that is missing")

    # A store whose keys another token's group key wrapped: found at the start, not at the first use.
    server = copy("foreign-token")
    server.start()
    server.must("key", "create", "customer-pii", "--type", "aes-256-gcm")
    server.stop()
    shutil.rmtree(server.path / "hsm")
    shutil.copytree(other.path / "hsm", server.path / "hsm")
    for file in [server.path / "hsm", *(server.path / "hsm").rglob("*")]:
        give_to_owner(file)
    file = server.path / "hsm/softhsm2.conf"
    file.write_text(file.read_text().replace(str(other.path), str(server.path)))
    waiting_start(server, "group_key_missing", "the token of another init")

    # A token that was there before: what an init that fails has made on it does not stand in the next one's way.
    token = copy("token-before")
    environment = {**os.environ, "SOFTHSM2_CONF": str(token.path / "hsm/softhsm2.conf")}
    run("softhsm2-util", "--init-token", "--free", "--label", "vendor", "--pin", "11112222", "--so-pin", "33334444", env=environment)
    pin_file = scratch / "vendor-pin"
    pin_file.write_text("11112222\n")
    pin_file.chmod(0o600)
    give_to_owner(pin_file)
    words = ["--token-label", "vendor", "--pin-file", pin_file, "--listen", "127.0.0.1:0"]
    small_disk = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))}  # no room for the store
    done = run(KEY_SERVER, "init", "--directory", scratch / "vendor", *words, env=environment, **small_disk)
    tap.ok(done.returncode == 1 and not (scratch / "vendor").exists(), "an init that fails after it has made its keys", done.stderr)
    done = run(KEY_SERVER, "init", "--directory", scratch / "vendor", *words, env=environment)
    tap.ok(done.returncode == 0, "can be repeated on the same token", done.stderr)
    tap.like(run(KEY_SERVER, "init", "--directory", scratch / "vendor-2", *words, env=environment).stderr, "already_initialised",
             "and its keys are not overwritten")

    # Whoever names files from where he stands finds them named from where the server starts.
    run("softhsm2-util", "--init-token", "--free", "--label", 'a "second"', "--pin", "11112222", "--so-pin", "33334444", env=environment)
    near = {**environment, "SOFTHSM2_CONF": os.path.relpath(environment["SOFTHSM2_CONF"], scratch)}
    done = run(KEY_SERVER, "init", "--directory", "second", "--token-label", 'a "second"', "--pin-file", "vendor-pin", "--listen", "127.0.0.1:0",
               cwd=scratch, env=near)
    tap.is_(done.returncode, 0, "init takes a PIN file, and SoftHSM's configuration, from where it was called")
    second = KeyServer(scratch / "second")
    tap.is_(run(KEY_SERVER, "check-config", "--config", second.config).stderr, "", "its configuration is good elsewhere")
    second.start()
    tap.like(second.nae("status").stdout, "hsm", "and the server starts with it, without the variable")
    second.stop()

    server = copy("corrupt-store")
    store = server.path / "keys.db"
    store.write_bytes(b"\xff" * 512 + store.read_bytes()[512:])
    refused_start(server, "store_corrupt", "a store whose header is overwritten")
    server = copy("torn-store")
    store = server.path / "keys.db"
    pages = bytearray(store.read_bytes())
    for page in range(4096, len(pages), 4096):
        pages[page:page + 2048] = bytes(byte ^ 0x5a for byte in pages[page:page + 2048])
    store.write_bytes(pages)
    refused_start(server, "store_corrupt", "a store whose pages are overwritten")
    server = copy("no-store")
    (server.path / "keys.db").unlink()
    refused_start(server, "not_initialised|store_unavailable", "a store that is missing")

    server = copy("open-key")
    (server.path / "tls/server.key").chmod(0o640)
    tap.like(refused_start(server, "file_failed", "a private key that others may read", exit_code=1), "chmod 600",
             "a private key that others may read: the hint tells what to do")
    original.start()
    (original.path / "admin/admin.key").chmod(0o644)
    done = run(NAE, "--config", original.path / "admin/cli.toml", "status")
    tap.ok(done.returncode == 2, "nae refuses an open key, too", done.returncode, done.stderr)
    (original.path / "admin/admin.key").chmod(0o600)
    second = KeyServer(scratch / "second")
    second.config = original.config
    refused_start(second, "audit_unavailable|conflict|overloaded|internal|file_failed", "a second server on one directory", exit_code=1)
    tap.is_(original.nae("status").returncode, 0, "the first one goes on")
    original.stop()

    # Whose files these are: another user is refused before anything is written.
    if OWNER:
        before = digest(original.path)
        for words in (("run",), ("check-config",), ("renew-certificate",), ("backup", "--out", scratch / "of-root.db")):
            told = refused(run(KEY_SERVER, *words, "--config", original.config, user="root", group="root", seconds=30), "config_invalid",
                           f"{words[0]} as another user", exit_code=78 if words == ("run",) else 1)
            tap.like(told, "belongs to user postgres, and this is user root(.*\n)+hint: .*runuser -u postgres", f"{words[0]} as another user: both are named")
        tap.is_(digest(original.path), before, "nothing was written")
        (scratch / "of-the-owner").mkdir(mode=0o700)
        give_to_owner(scratch / "of-the-owner")
        refused(run(KEY_SERVER, "init", "--directory", scratch / "of-the-owner", user="root", group="root"), "config_invalid", "init into another user's directory")
        tap.is_(list((scratch / "of-the-owner").iterdir()), [], "init into another user's directory: nothing is made")

    # A path in softhsm2.conf that leads nowhere.
    server = copy("no-tokens")
    configuration = server.path / "hsm/softhsm2.conf"
    configuration.write_text(configuration.read_text().replace("/tokens", "/nowhere"))
    told = waiting_start(server, "hsm_token_missing", "a token directory that is not there")
    tap.like(told, f"no token directory {server.path}/hsm/nowhere, which {configuration} names", "a token directory that is not there: both paths are told")

    # No hint points at itself.
    done = run(KEY_SERVER, "check-config", "--config", scratch / "none.toml")
    tap.ok(done.returncode == 1 and "check-config'" not in done.stderr and "hint: " in done.stderr, "check-config does not advise check-config", done.stderr)

    # All addresses are none to call a server by.
    for name, words, called in (("all", (), "127.0.0.1"), ("all-named", ("--name", "localhost"), "localhost")):
        done = run(KEY_SERVER, "init", "--directory", scratch / name, "--listen", "0.0.0.0:0", *words)
        tap.ok(done.returncode == 0, f"init --listen 0.0.0.0 {' '.join(words)}", done.stderr)
        everywhere = KeyServer(scratch / name)
        tap.like((everywhere.path / "admin/cli.toml").read_text(), f'^server = "https://{called}:{everywhere.port}"', f"{name}: the profile names {called}")
        everywhere.start()
        tap.is_(everywhere.nae("status").returncode, 0, f"{name}: and it works")
        everywhere.stop()

    # A backup while the server runs.
    original.start()
    original.must("key", "create", "kept", "--type", "aes-256-gcm")
    backup = scratch / "keys.db.backup"
    done = run(KEY_SERVER, "backup", "--config", original.config, "--out", backup)
    tap.ok(done.returncode == 0 and "1 keys, 1 versions, each read back" in done.stdout, "a backup of a running server", done.stdout, done.stderr)
    tap.is_(backup.stat().st_mode & 0o777, 0o600, "of its owner alone")
    checked = run("sha256sum", "--check", "--quiet", f"{backup}.manifest")
    tap.ok(checked.returncode == 0, "its manifest is true", checked.stdout, checked.stderr)
    manifest = pathlib.Path(f"{backup}.manifest").read_text()
    tap.ok(all(str(original.path / file) in manifest for file in ("nae-keyserver.toml", "tls/server.pem", "tls/authority.pem")),
           "and names configuration and certificates", manifest)
    tap.ok(not any(secret in manifest for secret in secrets), "no secret is in it")
    refused(run(KEY_SERVER, "backup", "--config", original.config, "--out", backup), "file_failed", "a second backup under the same name")
    original.must("key", "create", "later", "--type", "aes-256-gcm")
    original.stop()
    for file in ("keys.db-wal", "keys.db-shm"):
        (original.path / file).unlink(missing_ok=True)
    shutil.copy(backup, original.path / "keys.db")
    give_to_owner(original.path / "keys.db")
    refused_start(original, "store_rolled_back", "an older store beside a newer audit log")
    refused(run(KEY_SERVER, "verify-store", "--config", original.config), "store_rolled_back", "which verify-store says too")
    done = run(KEY_SERVER, "accept-store-rollback", "--config", original.config, "--reason", "the disk died")
    tap.ok(done.returncode == 0 and "the disk died" in done.stdout, "accept-store-rollback takes it", done)
    refused(run(KEY_SERVER, "accept-store-rollback", "--config", original.config, "--reason", "again"), "conflict", "once")
    done = run(KEY_SERVER, "verify-store", "--config", original.config)
    tap.ok(done.returncode == 0 and "the store is what its ledger says" in done.stdout, "and verify-store verifies it", done)
    original.start()
    tap.is_([key["name"] for key in json.loads(original.must("--json", "key", "list"))["keys"]], ["kept"], "and holds what there was then")
    accepted = [record for record in json.loads(original.must("--json", "audit", "query", "--limit", "1000"))["records"] if record.get("event") == "store-rollback-accepted"]
    tap.ok(len(accepted) == 1 and "the disk died" in accepted[0]["detail"], "the audit log says why", accepted)
    tap.is_(original.nae("audit", "verify").returncode, 0, "in a log that verifies")
    refused(run(KEY_SERVER, "verify-store", "--config", original.config), "conflict", "beside a running server verify-store waits for nobody")
    original.stop()
