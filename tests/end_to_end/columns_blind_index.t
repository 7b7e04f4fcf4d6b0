#!/usr/bin/python3 -B
# The key of a blind index is rotated, and codes are made anew while others search and write, backends are
# killed, and the key server stops: at every moment each row is found, and no duplicate gets in.
import os
import secrets
import signal
import threading

from cluster import program
from columns import allow_databases
from harness import Stack, Tap, run, wait_until

KEYS = "col-rnd:aes-256-gcm index-key:hmac-sha-256"
ROWS = 20000
FIXED = 100  # the first rows are never written
CALL = "CALL nae.rotate_blind_index('acc', 'mail', batch_size => 200)"

with Tap() as tap, Stack(keys=KEYS) as stack:
    server = stack.key_server

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

    def search(value):
        return f"SELECT count(*) FROM acc WHERE mail_index = nae.blind_index_of('acc', 'mail', '{value}')"

    def version():
        return asked("SELECT version FROM nae.blind_index")

    def whole(name, newest):
        """Each code is that of its value under the newest version; nothing is left behind."""
        tap.is_(asked("SELECT ciphertexts = stored AND authentic = stored AND oldest_version = newest_version FROM nae.verify_table('acc', true) WHERE column_name = 'mail_index'"), "t", f"{name}: each code is that of its value")
        tap.is_(asked("SELECT count(*) FROM acc WHERE (mail IS NULL) <> (mail_index IS NULL)"), "0", f"{name}: each value has one")
        tap.is_(version(), newest, f"{name}: of the newest version")
        tap.is_(asked("SELECT count(*) FROM nae_internal.column_change"), "0", f"{name}: no state is left")
        tap.is_(asked("SELECT count(*) FROM pg_trigger WHERE tgname ~ 'nae_sync'"), "0", f"{name}: no trigger is left")
        tap.is_(asked("SELECT count(*) FROM nae.lint() WHERE object LIKE '%acc.mail_index'"), "0", f"{name}: nae.lint() has nothing to tell")
        tap.is_(stack.sql("nae_all", "INSERT INTO acc VALUES (900000, 'MAIL-5@x.org')").state, "23505", f"{name}: UNIQUE holds")

    asked(f"""CREATE TABLE acc (id int PRIMARY KEY, mail nae.enc_text('col-rnd'), filler text);
      INSERT INTO acc SELECT i, CASE WHEN i % 50 <> 0 THEN 'Mail-' || i || '@x.org' END FROM generate_series(1, {ROWS}) AS i;
      CALL nae.add_blind_index('acc', 'mail', 'index-key', normalization => 'lower')""")
    asked("DROP INDEX acc_mail_index_idx; CREATE UNIQUE INDEX acc_mail_unique ON acc (mail_index); VACUUM ANALYZE acc")

    # the key is rotated
    server.must("key", "rotate", "index-key")
    asked("INSERT INTO acc VALUES (500001, 'After@x.org')")
    tap.is_(asked(search("maiL-77@X.org")), "1", "after a rotation of the key: what was there is found")
    tap.is_(asked(search("AFTER@x.org")), "1", "and what is written")
    tap.is_(stack.sql("nae_all", "INSERT INTO acc VALUES (500002, 'mail-77@x.ORG')").state, "23505", "a duplicate of an old row is refused")
    tap.is_(stack.sql("nae_all", "INSERT INTO acc VALUES (500002, 'aftER@x.org')").state, "23505", "and one of a new row")
    tap.like(asked("SELECT finding FROM nae.lint() WHERE object LIKE '%acc.mail_index'"), 'version 1 of key "index-key", whose newest is 2', "nae.lint() tells")

    # a backend that is killed: all of PostgreSQL starts anew
    watcher, caller = stack.session("nae_all"), stack.session("nae_all")
    caller.send(CALL)
    under_way(watcher)
    os.kill(caller.pid, signal.SIGKILL)
    wait_until(lambda: caller.process.poll() is not None)
    for session in watcher, caller:
        session.close()
    back = wait_until(lambda: run(stack.psql, "-h", stack.path / "run", "-U", "postgres", "-d", "nae_test", "-c", "SELECT 1").returncode == 0)
    tap.ok(back, "kill -9: PostgreSQL recovers")
    filled = int(asked("SELECT count(mail_index__nae) FROM acc"))
    tap.ok(0 < filled < ROWS, "kill -9: what was committed is there", filled)
    tap.like(asked("SELECT string_agg(finding, ';') FROM nae.lint()"), r"nae\.rotate_blind_index was interrupted while filling", "kill -9: nae.lint() says so")
    asked(f"UPDATE acc SET mail = 'Between-' || id WHERE id % 1000 = 1 AND id > {FIXED}; INSERT INTO acc VALUES (500003, 'Between')")
    tap.is_(asked(search("BETWEEN-5001")), "1", "kill -9: meanwhile others write, and are found")
    tap.is_(asked(search("mail-5001@x.org")), "0", "kill -9: by the value that is there now")
    tap.is_(stack.sql("nae_all", "INSERT INTO acc VALUES (500004, 'BETWEEN')").state, "23505", "kill -9: UNIQUE holds in the middle")
    tap.is_(version(), "1", "kill -9: the old codes count")
    row = asked(f"SELECT min(id) FROM acc WHERE mail_index__nae IS NOT NULL AND id > {FIXED} AND id % 1000 <> 1")
    first = asked(f"SELECT ctid FROM acc WHERE id = {row}")
    tap.is_(stack.sql("nae_all", CALL, 120).state, "", "kill -9: the same CALL goes on")
    tap.is_(asked(f"SELECT ctid FROM acc WHERE id = {row}"), first, "kill -9: what was filled is not filled again")
    whole("kill -9", "2")
    tap.is_(asked(search("Between-5001")), "1", "kill -9: what was written between is found by the new codes")

    # the key server stops and comes back; a rotation in the middle waits for its own CALL
    server.must("key", "rotate", "index-key")
    watcher, caller = stack.session("nae_all"), stack.session("nae_all")
    caller.send(CALL)
    under_way(watcher)
    server.stop()
    tap.ok(caller.answer(90).state in ("08001", "08006", "NE060"), "without a key server: the CALL ends with an error")
    server.start()
    stack.reconnected()
    server.must("key", "rotate", "index-key")
    tap.is_(caller.ask(CALL, 120).state, "", "with the key server back: the same CALL goes on")
    tap.is_(version(), "3", "to the version that it was begun for")
    tap.is_(asked(search("mail-77@x.org")), "1", "whose codes are searched")

    # a transaction with a snapshot from before the filling
    server.must("key", "rotate", "index-key")
    reader = stack.session("nae_all")
    reader.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1")
    caller.send(CALL)
    waits = wait_until(lambda: asked(f"SELECT count(*) FROM pg_locks WHERE pid = {caller.pid} AND locktype = 'virtualxid' AND NOT granted") == "1", 60)
    tap.ok(waits, "the swap waits for a transaction that does not see what was filled", progress(watcher))
    tap.is_(reader.ask(search("mail-5@x.org")).out, "1", "which finds its row")
    tap.is_(reader.ask("SELECT mail FROM acc WHERE id = 5").out, "Mail-5@x.org", "and reads it")
    asked("INSERT INTO acc VALUES (500005, 'Meanwhile')")
    tap.is_(asked(search("meanwhile")), "1", "others write and search meanwhile")
    reader.ask("COMMIT")
    tap.is_(caller.answer(60).state, "", "when it has ended, the swap is done")
    reader.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1")
    whole("snapshot", "5")
    tap.is_(reader.ask(search("mail-5@x.org")).out, "1", "a later one finds its row")
    reader.ask("COMMIT")
    reader.close()
    server.must("key", "rotate", "index-key")

    # a statement that waits for the swap has a snapshot from before it
    watcher.ask("PREPARE look AS " + search("").replace("''", "$1"))
    watcher.ask("EXECUTE look('mail-5@x.org')")
    caller.ask("SELECT nae_internal.begin_recoding('acc', 'mail', NULL, 20000, true)")
    for _ in range(50):
        if asked("SELECT phase FROM nae_internal.column_change") == "swapping":
            break
        caller.ask("SELECT nae_internal.change_step('acc', 'mail_index')")
    caller.ask("BEGIN; SELECT nae_internal.change_step('acc', 'mail_index')")
    tap.is_(caller.ask("SELECT version FROM nae.blind_index").out, "6", "the codes are swapped, and it is not committed yet")
    watcher.send("EXECUTE look('mail-5@x.org')")
    waiting = wait_until(lambda: asked(f"SELECT count(*) FROM pg_locks WHERE pid = {watcher.pid} AND NOT granted") == "1")
    tap.ok(waiting, "a search waits")
    caller.ask("COMMIT")
    tap.is_(watcher.answer().out, "1", "and finds its row by the code of the new version")
    tap.is_(caller.ask(CALL, 120).state, "", "the CALL has nothing left to do")
    whole("swap", "6")
    server.must("key", "rotate", "index-key")

    # writers and searchers beside it
    stop = threading.Event()
    failures, missed, written, searched = [], [], [0] * 2, [0] * 2

    def write(number):
        own = stack.session("nae_all")
        while not stop.is_set():
            row = FIXED + number + 1 + 2 * secrets.randbelow((ROWS - FIXED) // 2 - 1)  # each writer its own rows
            value, new = f"W{number}-{written[number]}", 600000 + 2 * written[number] + number
            answer = own.ask(secrets.choice([
                f"UPDATE acc SET mail = '{value}' WHERE id = {row}", f"UPDATE acc SET mail = NULL WHERE id = {row}",
                f"UPDATE acc SET filler = '{value}' WHERE id = {row}", f"DELETE FROM acc WHERE id = {row}",
                f"INSERT INTO acc VALUES ({new}, 'i{value}'); SELECT 1 / count(*) {search('I' + value)[15:]}"]))
            if answer.state:
                failures.append(answer)
            duplicate = own.ask(f"INSERT INTO acc VALUES ({new + 1000000}, 'mAIL-{1 + secrets.randbelow(49)}@x.org')")
            if duplicate.state != "23505":
                failures.append(duplicate)
            written[number] += 1
        own.close()

    def look(number):
        own = stack.session("nae_all")
        own.ask("PREPARE look AS " + search("").replace("''", "$1"))
        while not stop.is_set():
            row = 1 + secrets.randbelow(49)
            query = f"EXECUTE look('mail-{row}@X.ORG')" if number else search(f"mail-{row}@X.ORG")
            answer = own.ask(query)
            if answer.out != "1":
                missed.append((query, answer))
            searched[number] += 1
        own.close()

    others = [threading.Thread(target=work, args=(number,)) for number in range(2) for work in (write, look)]
    for other in others:
        other.start()
    caller.send(CALL)
    answer = caller.answer(180)
    stop.set()
    for other in others:
        other.join()
    tap.is_(answer.state, "", "beside writers: the CALL does its work")
    tap.is_(failures, [], f"{sum(written)} pairs of statements of writers: none failed, no duplicate got in")
    tap.is_(missed, [], f"{sum(searched)} searches: each found its row")
    tap.ok(min(written) > 5 and min(searched) > 5, "all were at work", written, searched)
    whole("writers", "7")

    # old versions
    for old in ("1", "2", "3", "4", "5", "6"):
        server.must("key", "restrict", "index-key", old)
    asked("INSERT INTO acc VALUES (500009, 'Last@x.org')")
    tap.is_(asked(search("LAST@x.org")), "1", "with the old versions restricted: written and found")
    server.must("key", "rotate", "index-key")
    server.must("key", "restrict", "index-key", "7")
    tap.is_(asked(search("LAST@x.org")), "1", "with the column's own version restricted: found")
    tap.is_(stack.sql("nae_all", "INSERT INTO acc VALUES (500010, 'x')").state, "NE011", "and not written")
    tap.is_(caller.ask(CALL, 120).state, "", "until the codes are made anew")
    whole("restricted", "8")

    # dumped, restored, and rotated there
    allow_databases(stack, "copy")
    stack.sql(None, "CREATE DATABASE copy", database="postgres")
    dump = stack.path / "run" / "dump"  # belongs to the owner
    program(stack, "pg_dump", "-d", "nae_test", "-Fc", "-f", dump)
    program(stack, "pg_restore", "-e", "-d", "copy", dump)
    there = stack.session("nae_all", database="copy")
    declared = "SELECT key, version, purpose, context, normalization FROM nae.blind_index"
    tap.is_(there.ask(declared).out, asked(declared), "restored: the declaration is the same")
    tap.is_(there.ask(search("LAST@x.org")).out, "1", "restored: found")
    tap.is_(there.ask("INSERT INTO acc VALUES (500011, 'LAST@X.org')").state, "23505", "restored: unique")
    tap.is_(there.ask(f"INSERT INTO acc VALUES (500011, 'There@x.org'); {search('THERE@x.org')}").out, "1", "restored: written and found")
    server.must("key", "rotate", "index-key")
    tap.is_(there.ask(CALL, 120).state, "", "restored: coded anew")
    tap.is_(there.ask(search("THERE@x.org")).out, "1", "restored: found by the next version")
    for session in watcher, caller, there:
        session.close()
