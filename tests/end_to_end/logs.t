#!/usr/bin/python3 -B
# The log's forms: fields as text, as JSON, and with the journal's priorities; nothing of a line is lost on the way.
import json
import os
import re

from harness import KEY_SERVER, Stack, Tap, run, wait_until

EVENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=(debug|info|warning|error) event=([\w-]+)")


def logged(configuration, form):
    """The configuration with that form of its log."""
    return re.sub(r"\n\[log\]\n.*?(?=\n\[|$)", "", configuration, flags=re.S) + f'\n[log]\nlevel = "debug"\nformat = "{form}"\n'


def written_since(path, before):
    with open(path, errors="replace") as file:
        file.seek(before)
        return file.read().splitlines()


def restarted(server, form, name):
    """What the key server writes from this start to its end, but for hellos: an agent's next try comes when it comes."""
    server.config.write_text(logged(server.config.read_text(), form))
    server.stop()
    before = server.log.stat().st_size
    server.start()
    server.must("device", "enroll", name, "--out", server.path.with_name(name))
    server.stop()
    lines = [line for line in written_since(server.log, before) if not re.search(r'event("?[:=]"?)hello', line)]
    server.start()
    return lines


with Tap() as tap, Stack() as stack:
    server = stack.key_server
    lines = restarted(server, "text", "host-1")
    tap.ok(len(lines) >= 3 and all(EVENT.match(line) for line in lines), "text: each line has time, level and event", *lines)
    events = [EVENT.match(line)[2] for line in lines if EVENT.match(line)]

    lines = restarted(server, "json", "host-2")
    records = [json.loads(line) for line in lines]
    tap.ok(all(list(record)[:3] == ["time", "level", "program"] for record in records), "JSON: each line is an object with time, level and program", *lines)
    tap.ok(all(record["program"] == "nae-keyserver" and "event" in record and "message" not in record or record["event"] == "descriptors-few" for record in records), "JSON: the rest is fields", *lines)
    tap.is_([record["event"] for record in records], events, "JSON: the same events")
    tap.ok(all(isinstance(value, str) for record in records for value in record.values()), "JSON: every value is a text")

    # As systemd starts a unit: standard error is the journal, and the variable says which file that is.
    before = server.log.stat()
    server.environment = {"JOURNAL_STREAM": f"{before.st_dev}:{before.st_ino}"}
    lines = restarted(server, "auto", "host-3")
    tap.ok(len(lines) >= 3 and all(re.match(r"<[3-7]>event=[\w-]+", line) for line in lines[1:]), "auto, under systemd: priorities for the journal, which knows the time", *lines)
    server.environment = {"JOURNAL_STREAM": f"{before.st_dev}:{before.st_ino + 1}"}
    lines = restarted(server, "auto", "host-4")
    tap.ok(all(EVENT.match(line) for line in lines[1:]), "auto, standard error led elsewhere: text", *lines)
    server.environment = {}

    before = (stack.path / "postgresql.log").stat().st_size
    stack.configure_agent(lambda text: logged(text, "json"))
    os.kill(stack.agent_pid, 1)
    records = wait_until(lambda: [json.loads(line) for line in written_since(stack.path / "postgresql.log", before) if '"event":"reloaded"' in line])
    tap.is_([record["program"] for record in records], ["nae-agent"], "an embedded agent writes JSON into PostgreSQL's log")
    configuration = server.config.read_text()
    for form in ("xml", "", "JSON"):
        server.config.write_text(logged(configuration, form))
        checked = run(KEY_SERVER, "check-config", "--config", server.config)
        tap.ok(checked.returncode != 0 and 'format' in checked.stderr and "auto, text, json or journal" in checked.stderr, f"another word is refused: '{form}'", checked.stderr)
