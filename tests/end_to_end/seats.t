#!/usr/bin/python3 -B
# More backends than the agent has places: who is idle gives its place and notices nothing; where all are busy the limit is named.
import re

from harness import Stack, Tap, wait_until

PLACES = 4
BACKENDS, ROUNDS = 3 * PLACES, 10


def few_places(text):
    return text + f"\n[limits]\nmax_clients = {PLACES}\n"


def statistic(session, name):
    return int(session.ask(f"SELECT value FROM nae_agent_stats() WHERE name = '{name}'").out)


with Tap() as tap, Stack() as stack:
    stack.configure_agent(few_places)
    stack.reconnected()
    plain = stack.session(None)
    plain.ask("CREATE TABLE t (id int, s nae.enc_text('customer-pii')); GRANT ALL ON t TO PUBLIC")
    sessions = [stack.session("nae_all") for _ in range(BACKENDS)]
    sessions[0].ask("INSERT INTO t SELECT g, g::text FROM generate_series(1, 500) g")

    wrong = []
    for turn in range(ROUNDS):
        for number, session in enumerate(sessions):
            signed = session.ask(f"SELECT nae_sign('doc-p256', '{number}')")
            right = session.ask(f"SELECT nae_verify('doc-p256', '{number}', '{signed.out}'::bytea)")
            total = session.ask("SELECT sum(nae_internal.plain(s)::int) FROM t")
            wrong += [answer for answer, wanted in ((right, "t"), (total, "125250")) if answer.out != wanted]
    tap.is_(wrong, [], f"{BACKENDS} backends take turns on {PLACES} places, in {ROUNDS} rounds of signatures, checks and batches")
    signatures = len([record for record in stack.key_server.audit("--action", "sign")])
    tap.is_(signatures, BACKENDS * ROUNDS, "and no signature was made twice")
    tap.ok(statistic(plain, "clients_gave_way") >= BACKENDS * (ROUNDS - 1), "places changed hands at each turn")
    tap.is_(statistic(plain, "clients_refused"), 0, "nobody was refused")

    # A batch reads ahead: its connection is busy while its rows wait for the client.
    sessions[1].ask("BEGIN; DECLARE c CURSOR FOR SELECT nae_internal.plain(s) FROM t ORDER BY id")
    first = sessions[1].ask("FETCH 10 FROM c").out.splitlines()
    for session in sessions[2:]:
        session.ask("SELECT nae_sign('doc-p256', 'x')")
    rest = sessions[1].ask("FETCH ALL FROM c")
    tap.is_(first + rest.out.splitlines(), [str(n) for n in range(1, 501)], "a cursor goes on after its place was given away")
    sessions[1].ask("COMMIT")

    stack.key_server.freeze()
    busy = sessions[:PLACES]
    for session in busy:
        session.send("SELECT nae_sign('doc-p256', 'busy')")
    pids = ", ".join(str(session.pid) for session in busy)
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE pid IN ({pids}) AND wait_event = 'Extension'"
    wait_until(lambda: plain.ask(waiting).out == str(PLACES))
    late = sessions[PLACES]
    for number in range(20):
        answer = late.ask("SELECT nae_sign('doc-p256', 'late')")
        if number == 0:
            tap.refused(answer, "53000", "where all are busy one more is refused", rf"limits\.max_clients = {PLACES}")
            tap.like(answer.hint, "max_clients", "and told what to raise")
        if answer.state != "53000":
            break
    tap.is_(number, 19, "so are nineteen more")
    stack.key_server.thaw()
    tap.is_([session.answer().state for session in busy], [""] * PLACES, "those that waited have their signatures")
    tap.is_(late.ask("SELECT nae_sign('doc-p256', 'late')").state, "", "then the one more has its own")
    lines = re.findall(r"event=connection_refused.*", (stack.path / "postgresql.log").read_text())
    tap.is_(len(lines), 1, "twenty refusals are one line of the log")
