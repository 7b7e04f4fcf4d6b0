#!/usr/bin/python3 -B
# Trouble in the middle of a batched scan: cancel, timeouts, termination, an agent or key server that
# is killed while a batch is under way. Nobody hangs, and the session's next scan has its own answers.
import signal

from harness import Seconds, Stack, Tap, alive, wait_until

PROMPT = 10  # seconds; far below nae.request_timeout, far above what a loaded machine needs
ROWS = 20000  # some batches more than a node keeps at once
SUMMED = "SELECT md5(string_agg(nae_decrypt_text(c), ',' ORDER BY id)) FROM many"

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server = stack.key_server
    owner, watcher = stack.session("nae_all"), stack.session(None)
    owner.ask(f"CREATE TABLE many AS SELECT id, 'value ' || id AS p, nae_encrypt('customer-pii', 'value ' || id) AS c "
              f"FROM generate_series(1, {ROWS}) id")
    wanted = owner.ask("SELECT md5(string_agg(p, ',' ORDER BY id)) FROM many").out
    tap.is_(owner.ask(SUMMED).out, wanted, "a scan without trouble")

    def in_mid_scan(session):
        """Half of the rows are there, the key server is frozen, and the backend waits for a batch."""
        session.ask("BEGIN")
        session.ask("DECLARE scan CURSOR FOR SELECT id, nae_decrypt_text(c) FROM many")
        got = session.ask(f"FETCH {ROWS // 2} FROM scan").out.splitlines()
        tap.is_((got[0], len(got)), ("1|value 1", ROWS // 2), "half a scan")
        server.freeze()
        session.send("FETCH ALL FROM scan")
        waits = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {session.pid}"
        if not wait_until(lambda: watcher.ask(waits).out == "Extension"):
            raise RuntimeError("the backend does not wait for a batch")

    def ends(session, name, *states):
        with Seconds() as took:
            answer = session.answer()
        tap.ok(took.passed < PROMPT, f"{name}: promptly", f"took {took.passed:.1f} s", answer.text[:200])
        tap.ok(answer.state in states, f"{name}: says so", f"wanted {states}, got", answer.text[:200])

    def goes_on(session, name):
        session.ask("ROLLBACK")
        tap.is_(session.ask(SUMMED).out, wanted, f"{name}: the session's next scan is right")

    in_mid_scan(owner)
    watcher.ask(f"SELECT pg_cancel_backend({owner.pid})")
    ends(owner, "pg_cancel_backend", "57014")
    server.thaw()
    goes_on(owner, "pg_cancel_backend")

    for setting, state in [("statement_timeout", "57014"), ("nae.request_timeout", "NE060")]:
        owner.ask(f"SET {setting} = '700ms'")
        in_mid_scan(owner)
        ends(owner, setting, state)
        server.thaw()
        owner.ask("ROLLBACK")
        owner.ask(f"RESET {setting}")
        goes_on(owner, setting)

    doomed = stack.session("nae_all")
    in_mid_scan(doomed)
    watcher.ask(f"SELECT pg_terminate_backend({doomed.pid})")
    ends(doomed, "pg_terminate_backend", "57P01")
    tap.ok(wait_until(lambda: not alive(doomed.pid), PROMPT), "its backend is gone")
    server.thaw()
    goes_on(owner, "another session's termination")

    # Decryption is repeated where no part of its answer has come: either all rows or an error.
    in_mid_scan(owner)
    stack.kill_agent()
    server.thaw()
    with Seconds() as took:
        answer = owner.answer()
    tap.ok(took.passed < PROMPT, "a killed agent: promptly", f"took {took.passed:.1f} s")
    tap.ok(answer.state == "08006" or len(answer.out.splitlines()) == ROWS - ROWS // 2,
           "a killed agent: the rest of the rows, or the lost connection", answer.text[:200])
    goes_on(owner, "a killed agent")

    in_mid_scan(owner)
    server.stop(signal.SIGKILL)
    ends(owner, "a killed key server", "08001", "08006")
    server.start()
    stack.reconnected()
    goes_on(owner, "a killed key server")
    server.must("audit", "verify")
    tap.ok(True, "the audit log is intact after all that")
