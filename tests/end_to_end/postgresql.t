#!/usr/bin/python3 -B
# pg_nae in the life of a PostgreSQL server: the agent lives and dies with it, a standby decrypts, and
# without shared_preload_libraries an agent from elsewhere serves.
import os
import pathlib
import signal

from cluster import Cluster
from harness import ROOT, Stack, Tap, alive, run, scratch_directory, wait_until


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def stopped(stack, pids, mode):
    run(stack.pg_ctl, "-D", stack.path / "data", "-m", mode, "-w", "stop")
    return wait_until(lambda: not any(alive(pid) for pid in pids), 10)


def start(stack):
    """Also after a crash: then until the last backend of the dead server has noticed and gone."""
    def started():
        # A postmaster that was killed and not yet reaped still counts as running in its lock file.
        lock = stack.path / "data" / "postmaster.pid"
        if lock.exists() and not alive(int(lock.read_text().split()[0])):
            lock.unlink()
        return run(stack.pg_ctl, "-D", stack.path / "data", "-l", stack.path / "postgresql.log", "-w", "start").returncode == 0
    if not wait_until(started):
        raise RuntimeError("PostgreSQL does not start")


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    # the supervisor
    agent = stack.agent_pid
    supervisor = parent_of(agent)
    opened = sorted(os.readlink(entry) for entry in pathlib.Path(f"/proc/{agent}/fd").iterdir())
    tap.ok(not [name for name in opened if str(stack.path / "data") in name], "the agent has no file of PostgreSQL open", opened)
    status = pathlib.Path(f"/proc/{agent}/status").read_text()
    read = sum(1 << number - 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    tap.like(status, f"SigBlk:\t{read:016x}", "nor a signal blocked but those that it reads itself")
    os.kill(supervisor, signal.SIGTERM)  # as pg_terminate_backend does
    wait_until(lambda: not alive(supervisor))
    tap.ok(wait_until(lambda: stack.agent_pid not in (None, agent)), "a supervisor that was terminated is started again, and its agent")
    session = stack.session("nae_all")
    sealed = session.ask("SELECT nae_encrypt('customer-pii', 'kept')").out
    opening = f"SELECT nae_decrypt_text('{sealed}'::bytea)"
    tap.is_(session.ask(opening).out, "kept", "SQL goes on")

    # hints of ours, where nobody has ours in mind
    mistake = "SELECT 33 * ANY (44)"
    first = stack.session(None, database="postgres").ask(mistake)
    tap.is_((first.state, first.hint), ("42809", ""), "a mistake in a database without the extension has no hint of ours")
    tap.like(session.ask(mistake).hint, "encrypted array", "where the extension is, it has")

    # stopping
    for mode in ("fast", "immediate"):
        pids = [stack.agent_pid, parent_of(stack.agent_pid)]
        tap.ok(stopped(stack, pids, mode), f"pg_ctl stop -m {mode} leaves no agent")
        start(stack)
        tap.is_(stack.sql("nae_all", opening).out, "kept", "and the next start has one")
    agent = stack.agent_pid
    os.kill(int((stack.path / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    tap.ok(wait_until(lambda: not alive(agent), 10), "a postmaster that is killed leaves no agent")
    start(stack)
    session = stack.session(None)
    agent = stack.agent_pid
    os.kill(session.pid, signal.SIGKILL)
    tap.ok(wait_until(lambda: stack.agent_pid not in (None, agent)), "after a crash of a backend the agent is a new one")
    tap.ok(wait_until(lambda: stack.sql("nae_all", opening).out == "kept"), "and SQL goes on")

    # a batch that was asked ahead, and the agent that was to answer it dies
    session = stack.session("nae_all")
    session.ask("SET nae.batch_size = 20")
    session.ask("CREATE TEMP TABLE many AS SELECT i, nae_encrypt('customer-pii', i::text) AS sealed FROM generate_series(1, 200) i")
    session.ask("BEGIN")
    session.ask("DECLARE reader CURSOR FOR SELECT nae_decrypt_text(sealed) FROM many ORDER BY i")
    session.ask("MOVE 20 FROM reader")
    agent = stack.agent_pid
    os.kill(agent, signal.SIGSTOP)
    tap.is_(session.ask("FETCH 16 FROM reader").out, "\n".join(map(str, range(21, 37))), "rows at hand do not wait for the agent")
    session.ask("SAVEPOINT s")
    session.ask("SET LOCAL statement_timeout = '200ms'")
    tap.is_(session.ask("SELECT nae_decrypt_text(sealed) FROM many LIMIT 1").state, "57014", "who waits for what is under way can be cancelled")
    session.ask("ROLLBACK TO s")
    os.kill(agent, signal.SIGKILL)
    wait_until(lambda: stack.agent_pid not in (None, agent))
    tap.is_(session.ask("FETCH ALL FROM reader").out, "\n".join(map(str, range(37, 201))), "a batch that is lost is asked again")
    session.ask("COMMIT")

    # a standby
    scratch = scratch_directory()
    standby = Cluster(stack, scratch / "standby")
    standby.base_backup("-R")
    standby.configure(nae__agent_socket=scratch / "agent.sock")
    standby.control("start")
    tap.is_(standby.ask("SELECT pg_is_in_recovery()", opening).out, "t\nkept", "a standby decrypts, with an agent of its own")
    standby.control("promote")
    tap.is_(standby.ask("SELECT pg_is_in_recovery()", opening).out, "f\nkept", "and after its promotion")
    standby.control("-m", "fast", "stop")

    # without shared_preload_libraries
    plain = Cluster(stack, standby.data)
    plain.configure(shared_preload_libraries="", nae__agent="external", nae__agent_socket=stack.agent_socket)
    plain.control("start")
    tap.is_(plain.ask(opening).out, "kept", "not preloaded: an external agent serves")
    tap.is_(plain.ask("DROP EXTENSION pg_nae", "CREATE EXTENSION pg_nae", "SELECT count(*) > 0 FROM nae_whoami()", role=None).out, "t",
            "not preloaded: CREATE EXTENSION")
    plain.ask("\\i " + str(ROOT / "tests/fixtures/roles.sql"), role=None)
    elsewhere = plain.ask(f"SET nae.agent_socket = '{scratch}/evil.sock'", "SET ROLE nae_all", opening,
                          "RESET ROLE", "SHOW nae.agent_socket", role="nae_stranger").text
    tap.like(elsewhere, f"kept\n.*{stack.agent_socket}", "a user cannot lead the session to another agent, not even before the library is loaded")
    evil = plain.ask(opening, "RESET ROLE", "SHOW nae.agent_socket",
                     environment={"PGOPTIONS": f"-c nae.agent_socket={scratch}/evil.sock"})
    tap.like(evil.text.splitlines()[0], r"^(?!.*evil)/", "nor by an option at the start of the session")
    tap.is_(plain.ask("LOAD 'pg_nae'", "SET nae.agent = 'embedded'", role=None).state, "55P02", "nor can anybody set what the file decides")
    plain.configure(nae__agent="embedded", nae__agent_socket=f"{scratch}/nobody.sock")
    plain.control("restart")
    answer = plain.ask(opening)
    tap.refused(answer, "08001", "an embedded agent that nobody starts", "nobody.sock")
    tap.like(answer.hint, "shared_preload_libraries", "the hint says why")
    plain.control("-m", "fast", "stop")
