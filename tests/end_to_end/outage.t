#!/usr/bin/python3 -B
# Parts that die, freeze or come back: nobody waits for ever, nobody gets another one's answer.
import os
import signal

from harness import Seconds, Stack, Tap, alive, run, wait_until

PROMPT = 10  # seconds; far below nae.request_timeout, far above what a loaded machine needs


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm doc-p256:ecdsa-p256") as stack:
    server = stack.key_server
    session, watcher = stack.session("nae_all"), stack.session(None)
    one, two = (session.ask(f"SELECT nae_encrypt('customer-pii', '{word}')").out for word in ("one", "two"))
    read_one, read_two = (f"SELECT nae_decrypt_text('{value}'::bytea)" for value in (one, two))

    def waits(asker):
        """The request left the backend, which waits for its answer."""
        return watcher.ask(f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {asker.pid}").out == "Extension"

    def send(asker, query):
        asker.send(query)
        if not wait_until(lambda: waits(asker)):
            raise RuntimeError(f"the backend does not wait for its answer: {asker.answer()}")

    def promptly(answer, name):
        with Seconds() as took:
            got = answer()
        tap.ok(took.passed < PROMPT, f"{name}: promptly", f"took {took.passed:.1f} s", got)
        return got

    # the agent
    agent = stack.agent_pid
    stack.kill_agent()
    tap.is_(session.ask(read_one).out, "one", "an agent that was killed is started again; the session goes on")
    tap.ok(stack.agent_pid not in (None, agent), "it is another process")
    supervisor = parent_of(stack.agent_pid)
    os.kill(supervisor, signal.SIGSTOP)
    stack.kill_agent()
    session.ask("SET nae.connect_timeout = '700ms'")
    with Seconds() as took:
        answer = session.ask(read_one)
    tap.refused(answer, "08001", "without an agent SQL says so", "agent")
    tap.ok(0.5 < took.passed < PROMPT, "after nae.connect_timeout", f"took {took.passed:.1f} s")
    os.kill(supervisor, signal.SIGCONT)
    session.ask("RESET nae.connect_timeout")
    tap.is_(session.ask(read_two).out, "two", "with the agent back the same session works")

    # a key server that does not answer
    for name, setting, state in [("statement_timeout", "statement_timeout = '500ms'", "57014"),
                                 ("nae.request_timeout", "nae.request_timeout = '500ms'", "NE060")]:
        session.ask(f"SET {setting}")
        server.freeze()
        tap.is_(promptly(lambda: session.ask(read_one), name).state, state, f"a frozen key server: {name} ends the call")
        server.thaw()
        session.ask(f"RESET {name}")
        tap.is_(session.ask(read_two).out, "two", f"after {name}: the next call gets its own answer")
    server.freeze()
    send(session, read_one)
    watcher.ask(f"SELECT pg_cancel_backend({session.pid})")
    tap.is_(promptly(session.answer, "pg_cancel_backend").state, "57014", "pg_cancel_backend ends the call")
    server.thaw()
    tap.is_(session.ask(read_two).out, "two", "after the cancel: the next call gets its own answer")
    doomed = stack.session("nae_all")
    doomed.ask(read_one)
    server.freeze()
    send(doomed, read_one)
    watcher.ask(f"SELECT pg_terminate_backend({doomed.pid})")
    tap.is_(promptly(doomed.answer, "pg_terminate_backend").state, "57P01", "pg_terminate_backend ends the session")
    tap.ok(wait_until(lambda: not alive(doomed.pid), PROMPT), "and its backend is gone")
    server.thaw()
    tap.is_(session.ask(read_one).out, "one", "the others go on")

    # a key server that dies between request and reply
    server.freeze()
    send(session, "SELECT nae_sign('doc-p256', 'message')")
    server.stop(signal.SIGKILL)
    tap.refused(promptly(session.answer, "killed during a signature"), "08006",
                "a signature whose fate is unknown is not made twice")
    tap.refused(promptly(lambda: session.ask(read_one), "key server down"), "08001", "a key server that is down is named",
                str(server.port))
    server.start()
    stack.reconnected()
    tap.is_(session.ask(read_one).out, "one", "with the key server back the same session works")
    # A restart on a busy machine may take longer than the agent waits by default. Eight connections
    # die one after the other: the second try must not go to one that is dead already.
    stack.configure_agent(lambda text: text.replace("connections_per_server = 2", "connections_per_server = 8") +
                          "\n[limits]\nunavailable_wait_ms = 20000\n")
    server.freeze()
    send(session, read_two)
    server.stop(signal.SIGKILL)
    server.start()
    tap.is_(promptly(session.answer, "killed during a decryption").out, "two", "a decryption is asked again by itself")
    server.restart()
    tap.is_(session.ask(read_one).out, "one", "an orderly restart shows nowhere")
    tap.is_(session.ask("SELECT pg_backend_pid()").out, str(session.pid), "all that in one session")
    server.must("audit", "verify")
    tap.ok(True, "the audit log is intact after all that")

    # PostgreSQL's own end
    server.freeze()
    send(session, read_one)
    agent = stack.agent_pid
    stopped = promptly(lambda: run(stack.pg_ctl, "-D", stack.path / "data", "-m", "fast", "-w", "-t", "30", "stop"),
                       "fast shutdown")
    tap.is_(stopped.returncode, 0, "a waiting backend does not keep PostgreSQL from stopping")
    tap.ok(wait_until(lambda: not alive(agent), PROMPT), "its agent stops with it")
