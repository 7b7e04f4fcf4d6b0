#!/usr/bin/python3 -B
# Encrypted columns while no key server or agent answers: what needs no key goes on, what needs one fails
# or waits as the session asked, and the session goes on afterwards.
from columns import CUSTOMER, DIGEST, KEYS, asked
from harness import Seconds, Stack, Tap, run, wait_until

PROMPT = 10  # seconds; far below nae.request_timeout, far above what a loaded machine needs
NEED_NO_KEY = {
    "EXPLAIN of a search": ("EXPLAIN (COSTS OFF) SELECT id FROM customer WHERE ssn = 'ssn-7'", r"customer_ssn_key"),
    "EXPLAIN of a search by parameter": ("EXPLAIN (COSTS OFF) EXECUTE search('ssn-7')", r"customer_ssn_key"),
    "EXPLAIN of an INSERT": ("EXPLAIN (COSTS OFF) INSERT INTO customer (id, note) VALUES (900, 'x')", r"Insert"),
    "other columns": ("SELECT count(id), max(id) FROM customer", r"^52\|52$"),
    "NULL of the column": ("SELECT note IS NULL FROM customer WHERE id = 51", r"^t$"),
    "IS NOT NULL in a filter": ("SELECT count(*) FROM customer WHERE ssn IS NOT NULL", r"^50$"),
    "a NULL that is read": ("SELECT note FROM customer WHERE id = 51", r"^$"),
    "counting the column": ("SELECT count(note) FROM customer", r"^51$"),
    "UPDATE of another column": ("UPDATE other SET plain = plain + 1 RETURNING id", r"^1$"),
    "a join of deterministic columns": ("SELECT count(*) FROM customer a JOIN customer b ON a.ssn = b.ssn", r"^50$"),
    "copying ciphertext": ("INSERT INTO other (id, note) SELECT id + 100, note FROM customer WHERE id < 3 RETURNING id", r"^101\n102$"),
    "ciphertext": ("SET nae.transparent = off; SELECT note FROM customer WHERE id = 1; SET nae.transparent = on", r"^nae1:"),
    "COPY": ("COPY other TO STDOUT", r"nae1:"),
    "DELETE": ("DELETE FROM other WHERE id > 100 RETURNING id", r"^101\n102$"),
    "ANALYZE": ("ANALYZE customer; SELECT 1", r"^1$"),
    "a new column": ("ALTER TABLE other ADD COLUMN more nae.enc_int4('customer-pii', 'context=more'); SELECT 1", r"^1$"),
}
NEED_ONE = {
    "SELECT": "SELECT note FROM customer WHERE id = 1", "INSERT": "INSERT INTO other (id, note) VALUES (900, 'x')",
    "INSERT of several": "INSERT INTO other (id, note) VALUES (901, 'x'), (902, 'y')",
    "INSERT SELECT": "INSERT INTO other (id, note) SELECT n, 'x' FROM generate_series(901, 950) n",
    "UPDATE": "UPDATE customer SET note = 'x' WHERE id = 1", "search": "SELECT id FROM customer WHERE ssn = 'ssn-7'",
    "search of a randomized column": "SELECT id FROM customer WHERE note = 'x'", "sort": "SELECT id FROM customer ORDER BY note",
    "COPY": "COPY other (id, note) FROM PROGRAM 'printf \"903\\tx\\n904\\ty\\n\"'", "join": "SELECT count(*) FROM customer a JOIN customer b ON a.note = b.note",
    "DELETE by search": "DELETE FROM customer WHERE ssn = 'ssn-7'"}

with Tap() as tap, Stack(keys=KEYS) as stack:
    server = stack.key_server
    session, watcher = stack.session("nae_all"), stack.session(None)
    asked(watcher, "GRANT pg_execute_server_program TO nae_all")
    asked(session, CUSTOMER, "CREATE TABLE other (id int PRIMARY KEY, plain int, note nae.enc_text('customer-pii'))",
          "INSERT INTO other VALUES (1, 1, 'kept')", "PREPARE search (text) AS SELECT id FROM customer WHERE ssn = $1", "SET enable_seqscan = off",
          "SET nae.batch_size = 16", "ANALYZE customer")
    digest, others = asked(session, DIGEST), asked(session, "SELECT count(*) FROM other")

    def unchanged(name):
        session.ask("ROLLBACK")
        tap.is_((session.ask(DIGEST).out, session.ask("SELECT count(*), min(note) FROM other").out), (digest, f"{others}|kept"), name)

    def works_without(what):
        for name, (query, pattern) in NEED_NO_KEY.items():
            answer = session.ask(query)
            tap.ok(not answer.state, f"{what}: {name} works", answer)
            tap.like(answer.out, pattern, f"{what}: {name} is right")
        asked(session, "ALTER TABLE other DROP COLUMN more")

    def declares_without(what):
        newcomer = stack.session("nae_all")
        for name in ("asks", "does not ask again"):
            with Seconds() as took:
                answer = newcomer.ask(f"BEGIN; CREATE TABLE late (x nae.enc_text('missing-key', 'context={name}')); ROLLBACK")
            tap.ok(answer.text == "" and took.passed < 5, f"{what}: a column is declared without a word; it {name}", f"{took.passed:.1f} s", answer)
        newcomer.close()

    def fails_without(what, *states):
        for name, query in NEED_ONE.items():
            with Seconds() as took:
                answer = session.ask(query)
            tap.ok(answer.state in states and answer.hint and took.passed < PROMPT, f"{what}: {name} fails and says why", f"{took.passed:.1f} s", answer)
            tap.is_(session.ask("SELECT 1").out, "1", f"{what}: the session goes on")

    server.stop()
    fails_without("no key server", "08001", "08006")
    works_without("no key server")
    declares_without("no key server")
    asked(session, "BEGIN", "SAVEPOINT before")
    tap.is_(session.ask("SELECT note FROM customer").state, "08001", "no key server: in a transaction")
    asked(session, "ROLLBACK TO before", "UPDATE other SET plain = 7", "COMMIT")
    tap.is_(session.ask("SELECT plain FROM other").out, "7", "no key server: a savepoint saves the transaction")
    tap.like(session.ask("DO $$ BEGIN PERFORM note::text FROM customer WHERE id = 1; EXCEPTION WHEN connection_exception THEN "
                         "RAISE NOTICE 'caught'; END $$").text, "caught", "no key server: PL/pgSQL catches it")
    server.start()
    stack.reconnected()
    unchanged("no key server: nothing was written")

    # frozen
    for name, query in NEED_ONE.items():
        for how in ("statement_timeout", "pg_cancel_backend"):
            asked(session, "BEGIN", "SET LOCAL statement_timeout = '500ms'" if how == "statement_timeout" else "SELECT 1")
            server.freeze()
            session.send(query)
            if how != "statement_timeout":
                waits = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {session.pid}"
                tap.ok(wait_until(lambda: watcher.ask(waits).out == "Extension"), f"frozen: {name} waits", watcher.ask(waits))
                watcher.ask(f"SELECT pg_cancel_backend({session.pid})")
            with Seconds() as took:
                answer = session.answer()
            tap.ok(answer.state == "57014" and took.passed < PROMPT, f"frozen: {name} ends by {how}", f"{took.passed:.1f} s", answer)
            server.thaw()
            session.ask("ROLLBACK")
    server.freeze()
    asked(session, "SET statement_timeout = '5s'")
    works_without("frozen")
    declares_without("frozen")
    asked(session, "SET statement_timeout = 0")
    server.thaw()
    newcomer = stack.session("nae_all")
    tap.like(newcomer.ask("BEGIN; CREATE TABLE late (x nae.enc_text('missing-key')); ROLLBACK").text, 'NOTICE.* key "missing-key" is not there', "a key that is not there is told of again")
    stack.nae("key", "create", "new-key", "--type", "aes-256-gcm")
    tap.is_(newcomer.ask("BEGIN; CREATE TABLE late (x nae.enc_text('new-key')); ROLLBACK").text, "", "one that was made meanwhile is known at once")
    unchanged("frozen: nothing was written")

    # an agent that dies
    stack.configure_agent(lambda text: text.replace('executable = "', 'executable = "/nowhere'))
    fails_without("an agent that refuses", "NE003")
    works_without("an agent that refuses")
    stack.configure_agent(lambda text: text.replace('executable = "/nowhere', 'executable = "'))
    unchanged("an agent that refuses: nothing was written")
    agent = stack.path / "bin" / "nae-agent"
    agent.rename(agent.with_name("nae-agent.away"))
    stack.kill_agent()
    fails_without("no agent", "08001", "08006")
    works_without("no agent")
    declares_without("no agent")
    agent.with_name("nae-agent.away").rename(agent)
    run(stack.pg_ctl, "-D", stack.path / "data", "reload")  # makes the supervisor forget its back-off
    tap.ok(wait_until(lambda: session.ask(DIGEST).out == digest), "a new agent serves the session")
