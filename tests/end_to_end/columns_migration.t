#!/usr/bin/python3 -B
# Columns are encrypted, decrypted and rotated while they are in use, while backends are killed, key servers
# stop, and policies change: whatever happens, the same CALL goes on, and no value is lost or in between.
import os
import re
import secrets
import signal
import threading
import time

from harness import ROOT, Stack, Tap, run, wait_until

KEYS = "col-rnd:aes-256-gcm col-det:aes-256-siv index-key:hmac-sha-256"
ROWS = 42000
CALL = "CALL nae.encrypt_column('acc', 'ssn', 'col-det', deterministic => true, batch_size => 200)"
MASKED = """
[[rule]]
name = "in-the-middle"
roles = ["nae_all"]
databases = ["nae_test"]
programs = ["postgres"]
keys = ["glob:col-*"]
actions = ["decrypt"]
result = "mask(last=2)"
"""

with Tap() as tap, Stack(keys=KEYS) as stack:
    server = stack.key_server
    policy = (ROOT / "tests/fixtures/policy.toml").read_text()

    def asked(query, seconds=120):
        answer = stack.sql("nae_all", query, seconds)
        if answer.state:
            raise RuntimeError(f"{query}: {answer}")
        return answer.out

    def progress(watcher, column="phase || ' ' || rows_done"):
        return watcher.ask(f"SELECT {column} FROM nae.stat_progress_column").out

    def under_way(watcher, rows=1):
        """Batches have been committed, others are still to come."""
        done = wait_until(lambda: (text := progress(watcher)).startswith("filling") and int(text.split()[1]) >= rows)
        if not done:
            raise RuntimeError(f"nothing is filled: {progress(watcher)}")

    def whole(name, table="acc"):
        """Each value is what its plain copy says, and a ciphertext of its column; nothing is left behind."""
        tap.is_(asked(f"SELECT count(*) FROM {table} WHERE ssn IS DISTINCT FROM plain_copy"), "0", f"{name}: each value is what it was")
        tap.is_(asked(f"SELECT stored = ciphertexts AND stored = authentic FROM nae.verify_table('{table}', true)"), "t", f"{name}: each is a ciphertext")
        tap.is_(asked("SELECT count(*) FROM nae_internal.column_change"), "0", f"{name}: no state is left")
        tap.is_(asked("SELECT count(*) FROM pg_trigger WHERE tgname ~ 'nae_sync'"), "0", f"{name}: no trigger is left")

    def anew():
        asked(f"""DROP TABLE IF EXISTS acc;
          CREATE TABLE acc (id int PRIMARY KEY, ssn text, plain_copy text, filler text);
          INSERT INTO acc SELECT i, s, s, 'f' FROM (SELECT i, CASE WHEN i % 50 <> 0 THEN 'ssn-' || i END AS s FROM generate_series(1, {ROWS}) AS i) AS v;
          CREATE UNIQUE INDEX acc_ssn ON acc (ssn); ANALYZE acc""")

    # a backend that is killed: all of PostgreSQL starts anew
    anew()
    watcher, caller = stack.session("nae_all"), stack.session("nae_all")
    caller.send(CALL)
    under_way(watcher)
    os.kill(caller.pid, signal.SIGKILL)
    wait_until(lambda: caller.process.poll() is not None)
    for session in watcher, caller:
        session.close()
    back = wait_until(lambda: run(stack.psql, "-h", stack.path / "run", "-U", "postgres", "-d", "nae_test", "-c", "SELECT 1").returncode == 0)
    tap.ok(back, "kill -9: PostgreSQL recovers")
    watcher = stack.session("nae_all")
    filled = int(asked("SELECT count(ssn__nae) FROM acc"))
    tap.ok(0 < filled < ROWS, "kill -9: what was committed is there", filled)
    tap.is_(progress(watcher, "pid IS NULL"), "t", "kill -9: shown as interrupted")
    tap.like(asked("SELECT string_agg(finding, ';') FROM nae.lint()"), r"nae\.encrypt_column was interrupted while filling", "kill -9: nae.lint() says so")
    asked("UPDATE acc SET ssn = 'between ' || id, plain_copy = 'between ' || id WHERE id % 1000 = 1; INSERT INTO acc VALUES (100001, 'between', 'between')")
    tap.is_(asked("SELECT count(*) FROM acc WHERE ssn LIKE 'between%' AND ssn = plain_copy AND ssn__nae::text = ssn"), "43", "kill -9: meanwhile others write, and the shadow keeps up")
    first = asked("SELECT ctid FROM acc WHERE id = 2")
    answer = stack.sql("nae_all", CALL, 120)
    tap.is_(answer.state, "", "kill -9: the same CALL goes on")
    tap.is_(asked("SELECT ctid FROM acc WHERE id = 2"), first, "kill -9: what was filled is not filled again")
    whole("kill -9")
    tap.like(answer.text, r"is the last column of the table now\n(?s:.)*rewrite => true(?s:.)*plaintext remains in rows of public\.acc until VACUUM FULL, in WAL and in backups", "it says what is different, and what remains")
    tap.is_(stack.sql("nae_all", "INSERT INTO acc (id, ssn) VALUES (100002, 'between')").state, "23505", "kill -9: the UNIQUE index holds")

    # the key server stops and comes back
    anew()
    caller = stack.session("nae_all")
    caller.send(CALL)
    under_way(watcher)
    server.stop()
    answer = caller.answer(90)
    tap.ok(answer.state in ("08001", "08006", "NE060") and answer.hint, "without a key server: the CALL ends with an error that says so", answer)
    tap.like(progress(watcher), r"^filling [1-9]", "without a key server: what was filled stays")
    tap.is_(stack.sql("nae_all", "UPDATE acc SET filler = 'g' WHERE id = 1").state, "", "without a key server: filled rows are updated")
    tap.is_(stack.sql("nae_all", "SELECT ssn FROM acc WHERE id = 77").out, "ssn-77", "without a key server: the column is read")
    tap.ok(stack.sql("nae_all", "UPDATE acc SET ssn = 'x' WHERE id = 1").state, "without a key server: what cannot be encrypted is not written")
    server.start()
    stack.reconnected()
    tap.is_(caller.ask(CALL, 120).state, "", "with the key server back: the same CALL in the same session goes on")
    whole("key server")

    # cancelled, and given up
    anew()
    caller.send(CALL)
    under_way(watcher)
    stack.sql(None, f"SELECT pg_cancel_backend({caller.pid})")
    tap.is_(caller.answer().state, "57014", "pg_cancel_backend ends the CALL")
    tap.is_(caller.ask("CALL nae.encrypt_column('acc', 'ssn', 'col-rnd')").state, "55000", "another change of the same column is refused")
    tap.is_(caller.ask(CALL.replace(")", ", rewrite => true)")).state, "55000", "and the same by other means")
    tap.is_(caller.ask("SELECT nae.cancel_column_change('acc', 'ssn')").state, "", "it may be given up")
    tap.is_(asked("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'acc'::regclass AND attnum > 0 AND NOT attisdropped"),
            "id ssn plain_copy filler", "given up: the table is what it was")
    tap.is_(asked("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'acc'::regclass"), "0", "given up: no trigger is left")
    caller.send(CALL)
    under_way(watcher)
    stack.sql(None, f"SELECT pg_cancel_backend({caller.pid})")
    caller.answer()
    tap.is_(caller.ask(CALL, 120).state, "", "cancelled: the same CALL goes on")
    whole("cancelled")

    # two at once, and writers beside them
    anew()
    stop = threading.Event()
    failures, written = [], [0] * 3

    def write(number):
        own = stack.session("nae_all")
        while not stop.is_set():
            row = number + 1 + 3 * secrets.randbelow(ROWS // 3 - 1)  # each writer its own rows
            value = f"w{number}-{written[number]}"
            answer = own.ask(secrets.choice([
                f"UPDATE acc SET ssn = '{value}', plain_copy = '{value}' WHERE id = {row}",
                f"UPDATE acc SET ssn = NULL, plain_copy = NULL WHERE id = {row}",
                f"UPDATE acc SET filler = '{value}' WHERE id = {row}",
                f"DELETE FROM acc WHERE id = {row}",
                f"INSERT INTO acc (id, ssn, plain_copy) VALUES ({200000 + 3 * written[number] + number}, 'i{value}', 'i{value}')"]))
            if answer.state:
                failures.append(answer)
            written[number] += 1
        own.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    second = stack.session("nae_all")
    caller.send(CALL)
    under_way(watcher)
    shown = []
    second.send(CALL)
    while (line := progress(watcher, "phase || ' ' || percent || ' ' || blocks_total")):
        shown.append(line.split())
        time.sleep(0.02)
    answers = [session.answer(120) for session in (caller, second)]
    stop.set()
    for writer in writers:
        writer.join()
    states = sorted(answer.state for answer in answers)
    tap.ok(states in (["", ""], ["", "55006"]), "two CALLs at once: the work is done, and at most one is told that another does it", *answers)
    tap.is_(failures, [], f"{sum(written)} statements of others meanwhile: none failed")
    whole("writers")
    filling = [float(percent) for phase, percent, _ in shown if phase == "filling"]
    tap.ok(filling == sorted(filling) and all(0 <= percent <= 100 for percent in filling) and len(set(filling)) > 3, "progress goes on", filling)
    order = ["preparing", "filling", "constraining", "validating", "verifying", "indexing", "swapping", "checking"]
    phases = [phase for i, (phase, _, _) in enumerate(shown) if i == 0 or shown[i - 1][0] != phase]
    tap.ok(set(phases) <= set(order) and "filling" in phases and "verifying" in phases, "through its phases", phases)

    # verification
    anew()
    tap.is_(caller.ask("SELECT nae_internal.begin_encryption('acc', 'ssn', 'col-det', true, NULL, 20000, true, false)").state, "", "step by step")
    for _ in range(30):
        if asked("SELECT phase FROM nae_internal.column_change") == "verifying":
            break
        caller.ask("SELECT nae_internal.change_step('acc', 'ssn')")
    tap.is_(asked("SELECT phase FROM nae_internal.column_change"), "verifying", "all is filled")
    stack.sql(None, """ALTER TABLE acc DISABLE TRIGGER USER; UPDATE acc SET ssn__nae = (SELECT ssn__nae FROM acc WHERE id = 5) WHERE id = 40001;
      ALTER TABLE acc ENABLE ALWAYS TRIGGER zzz_nae_sync_ssn_update, ENABLE ALWAYS TRIGGER zzz_nae_sync_ssn_insert""")
    tap.refused(caller.ask(CALL, 120), "22000", "a value that was exchanged is found before the swap", 'column "ssn" of public.acc and its shadow differ')
    tap.is_(asked("SELECT ssn FROM acc WHERE id = 40001"), "ssn-40001", "and the column is what it was")
    asked("UPDATE acc SET ssn = ssn || '' WHERE id = 40001; UPDATE acc SET ssn = 'ssn-40001x', plain_copy = 'ssn-40001x' WHERE id = 40001")
    tap.is_(caller.ask(CALL, 120).state, "", "put right, the same CALL goes on")
    whole("verification")

    # a policy that comes to show masks in the middle
    decrypt = "CALL nae.decrypt_column('acc', 'ssn', batch_size => 200)"
    caller.send(decrypt)
    under_way(watcher)
    server.apply_policy(re.sub(r'(name = "one-role-does-everything"(?s:.)*?actions = \["encrypt", )"decrypt", ', r"\1", policy) + MASKED)
    tap.refused(caller.answer(120), "NE001", "decrypting: a mask is not taken for a value", "the policy does not show this role the whole value")
    tap.like(asked("SELECT ssn FROM acc WHERE id = 5"), r"^\*+-5$", "what is read meanwhile is a mask")
    tap.refused(stack.sql("nae_all", "UPDATE acc SET ssn = 'changed', plain_copy = 'changed' WHERE id = 6"), "NE001", "nor by a trigger")
    tap.ok(stack.sql("nae_all", decrypt).state, "nor by the next CALL")
    server.apply_policy(policy)
    tap.is_(asked("SELECT count(*) FROM acc WHERE ssn__nae IS DISTINCT FROM plain_copy AND ssn__nae IS NOT NULL"), "0", "no mask was stored")
    tap.is_(caller.ask(decrypt, 120).state, "", "with the right policy the same CALL goes on")
    tap.is_(asked("SELECT count(*) FROM acc WHERE ssn IS DISTINCT FROM plain_copy"), "0", "decrypted: each value is what it was")

    # a rotation that is killed
    asked("DROP INDEX acc_ssn; CALL nae.encrypt_column('acc', 'ssn', 'col-rnd')")
    server.must("key", "rotate", "col-rnd")
    rotate = "CALL nae.rotate_column('acc', 'ssn', batch_size => 200)"
    caller.send(rotate)
    under_way(watcher)
    stack.sql(None, f"SELECT pg_terminate_backend({caller.pid})")
    caller.close()
    caller = stack.session("nae_all")
    tap.is_(asked("SELECT oldest_version || ' ' || newest_version || ' ' || (stored = authentic) FROM nae.verify_table('acc', true)"), "1 2 true", "rotation interrupted: both versions are read")
    tap.is_(caller.ask(rotate, 120).state, "", "rotation: the same CALL goes on")
    tap.is_(asked("SELECT oldest_version FROM nae.verify_table('acc')"), "2", "rotation: all values are of the new version")
    whole("rotation")

    # what remains in the files
    canary = f"canary-{secrets.token_hex(12)}"

    def files_with_canary(table):
        """Of the table, its TOAST and its indexes."""
        stack.sql(None, "CHECKPOINT")
        paths = stack.sql(None, f"""SELECT string_agg(pg_relation_filepath(oid), ' ') FROM pg_class WHERE oid = '{table}'::regclass
          OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = '{table}'::regclass) OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass)""").out.split()
        return [path for path in paths for file in (stack.path / "data").glob(f"{path}*") if re.fullmatch(rf"{re.escape(path)}(\.\d+)?", str(file.relative_to(stack.path / "data")))
                and canary.encode() in file.read_bytes()]

    for table in "rewritten", "swapped":
        asked(f"""CREATE TABLE {table} (id int PRIMARY KEY, c text, long text); ALTER TABLE {table} ALTER long SET STORAGE external;
          INSERT INTO {table} SELECT i, '{canary}' || i, repeat('x', 3000) || '{canary}' FROM generate_series(1, 500) AS i; CREATE INDEX ON {table} (c)""")
        tap.ok(files_with_canary(table), f"{table}: the plaintext is in its files")
    for column in "c", "long":
        for table, rewrite in ("rewritten", "true"), ("swapped", "false"):
            asked(f"CALL nae.encrypt_column('{table}', '{column}', 'col-det', deterministic => true, rewrite => {rewrite})")
    tap.is_(files_with_canary("rewritten"), [], "rewrite => true: no plaintext is in the files of the table, its TOAST and its indexes")
    tap.is_(asked("SELECT attname FROM pg_attribute WHERE attrelid = 'rewritten'::regclass AND attnum = 2"), "c", "and the column is in its place")
    tap.ok(files_with_canary("swapped"), "without it the plaintext remains")
    stack.sql(None, "VACUUM FULL swapped")
    tap.is_(files_with_canary("swapped"), [], "until VACUUM FULL")
    tap.is_(asked(f"SELECT count(*) FROM rewritten JOIN swapped USING (id, c, long) WHERE c = '{canary}' || id"), "500", "the values are there")

    # the CHECK is dumped once
    dump = run(stack.psql.with_name("pg_dump"), "-h", stack.path / "run", "-U", "postgres", "-t", "rewritten", "nae_test")
    tap.is_(len(re.findall(r"CONSTRAINT c_is_ciphertext CHECK \(nae\.is_ciphertext\(c\)\)", dump.stdout)), 1, "the CHECK is dumped")
    stack.sql(None, "CREATE DATABASE other", database="postgres")
    stack.sql(None, "CREATE EXTENSION pg_nae", database="other")
    file = stack.path.with_name("dump.sql")
    file.write_text(dump.stdout)
    file.chmod(0o644)
    restored = run(stack.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", stack.path / "run", "-U", "postgres", "-d", "other", "-f", file)
    tap.is_(restored.returncode, 0, "and restored")
    tap.is_(stack.sql(None, "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'rewritten'::regclass AND contype = 'c'", database="other").out,
            "c_is_ciphertext long_is_ciphertext", "once")
