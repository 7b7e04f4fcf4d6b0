#!/usr/bin/python3 -B
# Two sessions at one row: who had to wait looks again at the row as it is then, through the batch
# node as row by row. What no longer qualifies is neither changed nor locked.
from harness import Stack, Tap, wait_until

ROWS = 40
SETTINGS = ["nae.batch = on", "nae.batch = off", "nae.batch_size = 3"]

# name, what waits, what it answers
CASES = [
    ("UPDATE whose filter turns false",
     "UPDATE held SET n = n + 1 WHERE nae_decrypt_text(c) LIKE 'open%' RETURNING id", "changed"),
    ("UPDATE that reads the row anew",
     "UPDATE held SET n = length(nae_decrypt_text(c)) WHERE id IN (7, 8) RETURNING id || ':' || n", "read"),
    ("UPDATE that encrypts the row anew",
     "UPDATE held SET c = nae_encrypt('customer-pii', nae_decrypt_text(c) || '!') WHERE id IN (7, 8) "
     "RETURNING nae_decrypt_text(c)", "encrypted"),
    ("DELETE whose filter turns false", "DELETE FROM held WHERE nae_decrypt_text(c) LIKE 'open%' RETURNING id",
     "changed"),
    ("FOR UPDATE whose filter turns false",
     "SELECT id FROM held WHERE nae_decrypt_text(c) LIKE 'open%' ORDER BY id FOR UPDATE", "changed"),
    ("FOR UPDATE that decrypts the row anew",
     "SELECT nae_decrypt_text(c) FROM held WHERE id IN (7, 8) ORDER BY id FOR UPDATE", "decrypted"),
    ("UPDATE of a join whose filter turns false",
     "UPDATE held SET n = held.n + 1 FROM held other WHERE other.id = held.id AND nae_decrypt_text(held.c) LIKE 'open%' "
     "RETURNING held.id", "changed"),
]
WANTED = {
    "changed": [str(i) for i in range(1, ROWS + 1) if i != 7],
    "read": ["7:11", "8:6"],
    "encrypted": ["closed by 1!", "open 8!"],
    "decrypted": ["closed by 1", "open 8"],
}


def waits(stack, pid):
    """Whether the backend waits for another's lock."""
    return stack.sql(None, f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {pid}").out == "Lock"


with Tap() as tap, Stack() as stack:
    first, second = stack.session("nae_all"), stack.session("nae_all")
    stack.sql(None, "CREATE TABLE held (id int PRIMARY KEY, c bytea, n int DEFAULT 0); GRANT ALL ON held TO nae_all")
    for name, statement, wanted in CASES:
        for setting in SETTINGS:
            first.ask("TRUNCATE held; INSERT INTO held SELECT i, nae_encrypt('customer-pii', 'open ' || i) "
                      f"FROM generate_series(1, {ROWS}) i; ANALYZE held")
            second.ask(f"SET {setting}")
            planned = "NaeBatch" in second.ask(f"EXPLAIN {statement}").out
            tap.is_(planned, setting != "nae.batch = off", f"{name}, {setting}: the plan")
            first.ask("BEGIN; UPDATE held SET c = nae_encrypt('customer-pii', 'closed by 1') WHERE id = 7")
            second.send(statement)
            tap.ok(wait_until(lambda: waits(stack, second.pid)), f"{name}, {setting}: waits")
            first.ask("COMMIT")
            answer = second.answer()
            tap.is_(sorted(answer.out.split("\n")), sorted(WANTED[wanted]), f"{name}, {setting}: answers")
            second.ask(f"RESET {setting.split()[0]}")

    # The row that was let go is free, the row that was taken is not.
    first.ask("TRUNCATE held; INSERT INTO held SELECT i, nae_encrypt('customer-pii', 'open ' || i) "
              "FROM generate_series(1, 3) i")
    first.ask("BEGIN")
    tap.is_(first.ask("SELECT id FROM held WHERE nae_decrypt_text(c) = 'open 2' FOR UPDATE").out, "2", "one row is locked")
    free = "SELECT string_agg(id::text, ',') FROM (SELECT id FROM held ORDER BY id FOR UPDATE SKIP LOCKED) q"
    second.ask("BEGIN")
    tap.is_(second.ask(free).out, "1,3", "and no row that the filter dropped")
    second.ask("ROLLBACK")
    first.ask("ROLLBACK")
