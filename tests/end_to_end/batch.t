#!/usr/bin/python3 -B
# nae batch: a thousand commands over one connection, an error that names its line, JSON lines.
import json
import re
import subprocess
import threading

from harness import NAE, OWNER, KeyServer, Seconds, Tap, scratch_directory

with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    server.start()

    def batch(lines, *options):
        text = lines if isinstance(lines, str) else "".join(line + "\n" for line in lines)
        return subprocess.run([NAE, "--config", server.path / "admin" / "cli.toml", "batch", *options], input=text, capture_output=True, text=True,
                              timeout=180, cwd="/", **OWNER)

    def objects(done):
        return [json.loads(line) for line in done.stdout.splitlines()]

    made = batch(["# two keys", "", "key create first --type aes-256-gcm", "  nae key create 'second' --type \"aes-256-siv\" --description \"it's \\\"ours\\\"\""])
    tap.is_((made.returncode, made.stderr), (0, ""), "comments, blank lines, quotes and the program's name before a command")
    tap.is_(json.loads(server.must("key", "show", "second", "--json"))["description"], 'it\'s "ours"', "words are as a shell would make them")

    with Seconds() as took:
        thousand = batch(["key show first"] * 1000, "--json")
    answers = objects(thousand)
    tap.is_((thousand.returncode, len(answers)), (0, 1000), f"a thousand key show, none refused ({took.passed:.0f} s)")
    tap.ok(all(each["exit"] == 0 and each["answer"]["name"] == "first" for each in answers), "each has its answer")
    tap.is_([each["line"] for each in answers], list(range(1, 1001)), "and its line")

    mixed = batch(["key show first", "key show missing", "key shwo first", "status", "key show 'first", "batch", "policy apply -", "--server https://x status"])
    tap.is_(mixed.returncode, 1, "the exit code is that of the first line that failed")
    for line, why in ((2, "missing"), (3, "shwo"), (5, "quote"), (6, "no batch"), (7, "standard input"), (8, "--server")):
        tap.ok(re.search(rf"(?m)^line {line}: .*{why}", mixed.stderr), f"line {line} says what is wrong: {why}", mixed.stderr)
    tap.ok("line 1:" not in mixed.stderr and "line 4:" not in mixed.stderr and "first" in mixed.stdout, "the others are done", mixed.stdout)

    failed = objects(batch(["key show missing", "key shwo", "\"", "key show first"], "--json"))
    tap.is_([each["exit"] for each in failed], [1, 2, 2, 0], "as JSON each line has its exit code")
    tap.is_([each.get("error", {}).get("name") for each in failed], ["key_unknown", "invalid_argument", "invalid_argument", None], "and its error, as an object")
    stopped = batch(["key show first", "key show missing", "key create third --type aes-256-gcm"], "--stop", "--json")
    tap.is_((stopped.returncode, len(objects(stopped))), (1, 2), "--stop ends at the first that fails")
    tap.ok(server.nae("key", "show", "third").returncode == 1, "and does nothing behind it")
    long = batch("key show " + "x" * 70_000 + "\nstatus\n", "--json")
    tap.is_(([each["exit"] for each in objects(long)], long.returncode), ([2, 0], 2), "a line that is too long is refused, the next one is done")
    tap.is_((batch("").returncode, batch("").stdout), (0, ""), "nothing to do is no error")

    # as a coprocess: an answer comes before the next line
    talk = subprocess.Popen([NAE, "--config", server.path / "admin" / "cli.toml", "batch", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True, cwd="/", **OWNER)
    ended = threading.Timer(60, talk.kill)
    ended.start()
    seen = []
    for word in ("key show first", "key show missing"):
        talk.stdin.write(word + "\n")
        talk.stdin.flush()
        seen.append(json.loads(talk.stdout.readline())["exit"])
    server.restart()
    talk.stdin.write("key show second\n")
    talk.stdin.close()
    seen.append(json.loads(talk.stdout.readline())["exit"])
    tap.is_((seen, talk.wait(timeout=60)), ([0, 1, 0], 1), "a program can talk to it, over a restart of the server too")
    ended.cancel()
    server.stop()
    away = batch(["key show first"])
    tap.ok(away.returncode == 3 and "line 1: " in away.stderr, "without a key server each line says so", away.stderr)
