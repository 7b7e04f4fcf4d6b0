#!/usr/bin/python3 -B
# Silence and its bounds: a way to the server that forgets its connections, a server and an agent that are frozen, an
# agent that cannot start. docs/operations.md has the figures.
import os
import re
import signal

from harness import Seconds, Stack, Tap, run, wait_until
from tcp_proxy import TcpProxy

NOTICED = 2.0  # seconds; the agent takes 1.0
SLACK = 1.0    # of a machine that does other things


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm doc-p256:ecdsa-p256") as stack:
    server = stack.key_server
    proxy = TcpProxy(server.port)
    stack.configure_agent(lambda text: re.sub(r"servers = .*", f'servers = ["127.0.0.1:{proxy.port}"]', text))
    stack.reconnected()
    session = stack.session("nae_all")
    value = session.ask("SELECT nae_encrypt('customer-pii', 'one')").out
    read = f"SELECT nae_decrypt_text('{value}'::bytea)"

    def timed(query, **options):
        with Seconds() as took:
            answer = session.ask(query, **options)
        return answer, took.passed

    # connections that carry nothing any more
    slowest = 0
    for _ in range(3):
        proxy.forget_connections()
        answer, passed = timed(read)
        slowest = max(slowest, passed)
        tap.is_(answer.out, "one", f"a forgotten connection: the read is answered ({passed:.2f} s)")
        answer, passed = timed(read)
        tap.ok(answer.out == "one" and passed < 0.5, f"and the next one at once ({passed:.2f} s)")
        wait_until(lambda: stack.sql(None, "SELECT count(*) FROM nae_agent_stats() WHERE name LIKE 'upstream.%.state' AND value = 'ready'").out
                   not in ("", "0"))
    tap.ok(slowest < NOTICED, f"a forgotten connection is noticed within {NOTICED} s", slowest)

    # nothing gets through any more, and the server is the only one
    session.ask("SET nae.request_timeout = '1500ms'")
    proxy.swallows = True
    proxy.forget_connections()
    answer, passed = timed(read)
    tap.ok(answer.state == "NE060" and passed < 1.5 + SLACK, f"a black hole: nae.request_timeout bounds the call ({passed:.2f} s)", answer)
    session.ask("RESET nae.request_timeout")
    answer, passed = timed(read, seconds=60)
    tap.ok(answer.state in ("08001", "08006") and passed < 20, f"without it the agent gives up ({answer.state} after {passed:.2f} s)", answer)
    proxy.swallows = False
    proxy.forget_connections()
    found = wait_until(lambda: session.ask(read).out == "one", 20)
    tap.ok(found, "when it is gone the same session works")

    # the agent is frozen
    agent = stack.agent_pid
    session.ask("SET nae.request_timeout = '700ms'")
    os.kill(agent, signal.SIGSTOP)
    answer, passed = timed(read)
    tap.ok(answer.state == "NE060" and passed < 0.7 + SLACK, f"a frozen agent: nae.request_timeout bounds the call ({passed:.2f} s)", answer)
    other = stack.session("nae_all")
    other.ask("SET nae.connect_timeout = '700ms'; SET nae.request_timeout = '700ms'")
    with Seconds() as took:
        answer = other.ask(read)
    tap.ok(answer.state in ("08001", "NE060") and took.passed < 1.4 + SLACK,
           f"and of a new session, with nae.connect_timeout ({answer.state} after {took.passed:.2f} s)", answer)
    os.kill(agent, signal.SIGCONT)
    session.ask("RESET nae.request_timeout")
    tap.is_(session.ask(read).out, "one", "thawed it answers")

    # an agent that cannot start, until somebody corrects what is wrong
    good = stack.agent_config.read_text()
    for name, bad in [("a configuration that it cannot use", good + "\nnonsense = 1\n"),
                      ("a certificate that is not there", good.replace("database-host.pem", "elsewhere.pem"))]:
        log = stack.path / "postgresql.log"
        before = len(log.read_text())
        stack.agent_config.write_text(bad)
        os.kill(stack.agent_pid, signal.SIGTERM)
        tap.ok(wait_until(lambda: re.search("cannot use its configuration|exited with code", log.read_text()[before:])),
               f"{name}: the agent does not start")
        wait_until(lambda: log.read_text()[before:].count("nae-agent:") > 3, 6)
        stack.agent_config.write_text(good)
        with Seconds() as took:
            answered = wait_until(lambda: stack.agent_pid and stack.agent_sockets() and session.ask(read).out == "one")
        tap.ok(answered and took.passed < 1 + SLACK, f"{name}: corrected it takes a second, without a reload ({took.passed:.2f} s)")
        told = len(re.findall("nae-agent (exited|cannot use)", log.read_text()[before:]))
        tap.ok(told <= 2, f"{name}: the supervisor says it once, not at every try", told)
