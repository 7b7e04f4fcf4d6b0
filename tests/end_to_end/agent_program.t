#!/usr/bin/python3 -B
# Which programs the agent serves, and that what a served one sends cannot hurt the others. The asker
# is this file again, run as the user that PostgreSQL runs as ("ask" below).
import json
import os
import pathlib
import re
import shutil
import sys

import malformed
from harness import Stack, Tap, run, wait_until
from wire import (CONTEXT_OPENED, CRYPTO_REPLY, DENIED, HELLO_REPLY, PROGRAM_UNKNOWN, PROTOCOL_VIOLATION, crypto, frame, hello,
                  open_context, unix_peer)

GREETED = hello(), open_context(attested=False)


def ask(path):
    """Everything that an asker tries, as [name, error or null, whether the connection was closed]."""
    for name, frames, _ in malformed.fatal(attested=False):
        with unix_peer(path) as peer:
            print(json.dumps([name, peer.send(*frames).error(), peer.closed()]))
    for name, wrong, _ in malformed.tolerated():
        with unix_peer(path) as peer:
            print(json.dumps([name, peer.send(*GREETED, wrong).error(), False]))
    with unix_peer(path) as peer:
        print(json.dumps(["attests itself", peer.send(hello(), open_context(attested=True)).error(), peer.closed()]))
    with unix_peer(path) as peer:
        got = peer.send(*GREETED, crypto(b"x")).read_past(HELLO_REPLY, CONTEXT_OPENED)
        code = int.from_bytes(got[2][:2], "big") if got and got[0] != CRYPTO_REPLY else 0
        print(json.dumps(["encrypts", [code, ""], False]))


if sys.argv[1:2] == ["ask"]:
    ask(sys.argv[2])
    sys.exit(0)

PYTHON = str(pathlib.Path(sys.executable).resolve())

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    session = stack.session("nae_all")
    encrypt = "SELECT length(nae_encrypt('customer-pii', 'x'))"
    good = stack.agent_config.read_text()
    postgres = re.search(r'executable = "(.*)"', good).group(1)
    uid = os.geteuid() or stack.path.stat().st_uid

    def asked(python=PYTHON):
        done = run(python, "-B", pathlib.Path(__file__).resolve(), "ask", stack.agent_socket,
                   env={**os.environ, "PYTHONHOME": sys.prefix})
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return {name: (error, closed) for name, error, closed in map(json.loads, done.stdout.splitlines())}

    tap.is_(session.ask(encrypt).out, "42", "PostgreSQL is served")
    answers = asked()
    error, closed = answers["encrypts"]
    tap.is_(error[0], PROGRAM_UNKNOWN, "a program that the agent does not know is refused")
    error, closed = answers["a second hello"]
    tap.ok(error[0] == PROGRAM_UNKNOWN and closed, "with its first frame, and the connection is closed", answers)
    tap.like(error[1], rf"^{re.escape(PYTHON)} of uid {uid} with SHA-256 [0-9a-f]{{64}} ", "the error names path, user and digest")
    digest = re.search("[0-9a-f]{64}", error[1]).group()

    # Python enters the table, and may then send what it likes.
    table = f'\n[[program]]\nname = "python"\nuid = {uid}\nexecutable = "{PYTHON}"\n'
    stack.configure_agent(lambda _: good + table)
    tap.is_(session.ask(encrypt).out, "42", "PostgreSQL is served on")
    agent = stack.agent_pid
    connects = "SELECT sum(value::int) FROM nae_agent_stats() WHERE name LIKE 'upstream.%.connects'"
    before = session.ask(connects).out
    answers = asked()
    for name, _, codes in malformed.fatal(attested=False):
        error, closed = answers[name]
        tap.ok(error and error[0] in codes and closed, f"{name}: an error frame, and the end", answers[name])
    for name, _, codes in malformed.tolerated():
        error, _ = answers[name]
        tap.ok(error and error[0] in codes, f"{name}: an error frame", answers[name])
    error, closed = answers["attests itself"]
    tap.ok(error[0] == PROTOCOL_VIOLATION and closed, "a client that attests itself is cut off", error)
    tap.is_(answers["encrypts"][0][0], DENIED, "a program that the agent knows and the policy does not is denied")
    records = wait_until(lambda: [r for r in stack.key_server.audit() if r["program"] == "python"])
    tap.is_([r["reason"] for r in records], ["program_not_in_policy"], "and the audit says why; nothing malformed got that far")
    tap.is_(session.ask(connects).out, before, "the connections to the key server lived through all that")
    tap.is_(stack.agent_pid, agent, "so did the agent")
    tap.is_(session.ask(encrypt).out, "42", "PostgreSQL is served on")

    copy = stack.path / "python-copy"
    shutil.copy(PYTHON, copy)
    copy.chmod(0o755)
    error, _ = asked(copy)["encrypts"]
    tap.is_(error[0], PROGRAM_UNKNOWN, "the same program at another path is refused")

    for name, change in [
        ("an executable at another path", lambda text: text.replace(postgres, "/usr/bin/true")),
        ("another user", lambda text: re.sub(r"uid = .*", f"uid = {uid + 1}", text)),
        ("another digest", lambda text: text + f'sha256 = ["{digest}"]\n'),
    ]:
        stack.configure_agent(lambda _: change(good))
        answer = session.ask(encrypt)
        tap.refused(answer, "NE003", f"{name}: PostgreSQL itself is refused", re.escape(postgres))
    own = re.search("[0-9a-f]{64}", answer.message).group()
    stack.configure_agent(lambda _: good + f'sha256 = ["{own}"]\n')
    tap.is_(session.ask(encrypt).out, "42", "with its own digest it is served, in the same session")
