#!/usr/bin/python3 -B
# The audit log in trouble: read-only, removed, killed under load; with on_failure = alarm-and-continue too.
import json
import os
import re
import shutil
import subprocess
import threading

from harness import KEY_SERVER, Seconds, Stack, Tap, alive, give_to_owner, run, wait_until

MOUNT = os.geteuid() == 0  # only root can

with Tap() as tap, Stack() as stack:
    server, audit = stack.key_server, stack.path / "keyserver" / "audit"
    encrypt = "SELECT nae_encrypt('customer-pii', 'x')"
    session = stack.session("nae_all")

    def events(name):
        return json.loads(server.must("audit", "query", "--event", name, "--json"))["records"]

    def well():
        return server.nae("status").returncode == 0

    # kill -9 under load: every answer has its record, the chain goes on and says that it was cut
    answered, stop = [0, 0, 0], threading.Event()

    def load(number):
        client = stack.session("nae_all")
        while not stop.is_set():
            answered[number] += client.ask(encrypt).state == ""
        client.close()

    threads = [threading.Thread(target=load, args=(n,)) for n in range(len(answered))]
    for thread in threads:
        thread.start()
    tap.ok(wait_until(lambda: min(answered) > 50), "there is load")
    pid = server.pid
    server.send_signal(9)
    wait_until(lambda: not alive(pid))
    stop.set()
    for thread in threads:
        thread.join()
    server.start()
    stack.reconnected()
    tap.ok(len(server.audit("--action", "encrypt")) >= sum(answered), "kill -9: every answer has its record", sum(answered))
    tap.is_(server.nae("audit", "verify").returncode, 0, "kill -9: the chain continues and is intact")
    tap.is_(len(events("interrupted")), 1, "kill -9: it says that it was cut")
    server.restart()
    stack.reconnected()
    tap.is_(len(events("interrupted")), 1, "a stop in order says nothing of the kind")
    tap.like(events("started")[-1]["detail"], "fails: refuse", "what happens when the log fails stands in it")

    def trouble(name, begin, end, continues=False, has_last_block=False):
        """Shows within a second, also when nobody asks; ends without a restart."""
        tap.ok(wait_until(well), f"{name}: all is well before")
        begin()
        with Seconds() as took:
            shown = wait_until(lambda: not well(), 10)
        tap.ok(shown, f"{name}: status says it without a request", took.passed)
        if has_last_block:  # of the segment, where a few records may still fit
            wait_until(lambda: session.ask(encrypt).state)
        answers = [session.ask(encrypt) for _ in range(5)]
        if continues:
            tap.is_([a.state for a in answers], [""] * 5, f"{name}: requests are answered")
        else:
            tap.ok(all(a.state == "NE045" for a in answers), f"{name}: requests are refused", answers)
        end()
        tap.ok(wait_until(well), f"{name}: it ends without a restart")
        tap.is_(session.ask(encrypt).state, "", f"{name}: afterwards SQL is answered")
        tap.is_(server.nae("audit", "verify").returncode, 0, f"{name}: the log is intact")

    def segment():
        return max(audit.glob("audit-*.jsonl"))

    away = stack.path / "segment-away"
    trouble("a deleted segment", lambda: segment().rename(away), lambda: away.rename(audit / "audit-000000000001.jsonl"))

    # hands on the segment that is being written
    rotated = stack.path / "rotated"

    def copy_and_truncate():
        shutil.copy2(segment(), rotated)
        os.truncate(segment(), 0)

    def put_back():
        with open(segment(), "r+b") as file:
            file.write(rotated.read_bytes())

    def append_a_line():
        shutil.copy2(segment(), rotated)
        with open(segment(), "ab") as file:
            file.write(b"rotated by somebody\n")

    def cut_the_line():
        os.truncate(segment(), rotated.stat().st_size)

    trouble("a rotation by copy and truncation", copy_and_truncate, put_back)
    trouble("a line of somebody else", append_a_line, cut_the_line)
    tap.like(events("resumed")[-1]["detail"], "was changed while in use", "the log says what had happened to it")
    alarms = [line for line in server.log.read_text().splitlines() if "event=audit-unavailable" in line]
    tap.ok(any(re.search("changed while in use.*accept-audit-loss", line) for line in alarms), "the server's log says it and the way on", *alarms)

    # records that no head has signed yet are cut, and the server is started anew
    server.stop()
    server.config.write_text(server.config.read_text().replace("[audit]\n", "[audit]\nhead_interval_s = 3600\nhead_records = 0\n"))
    server.start()
    stack.reconnected()
    tap.is_([session.ask(encrypt).state for _ in range(5)], [""] * 5, "records without a head")
    lines = segment().read_bytes().splitlines(True)
    os.truncate(segment(), sum(map(len, lines[:-3])))
    with Seconds() as took:
        refused = session.ask(encrypt)
    tap.ok(refused.state == "NE045" and took.passed < 5, "the very next request is refused", refused, took.passed)
    server.stop(9)
    for attempt in ("a start", "another start"):
        done = run(KEY_SERVER, "run", "--config", server.config)
        tap.ok(done.returncode == 78 and "(audit_broken)" in done.stderr and "was written" in done.stderr and "accept-audit-loss" in done.stderr,
               f"{attempt} refuses a log that lost records, and says the way on", done.stderr)
    done = run(KEY_SERVER, "accept-audit-loss", "--config", server.config, "--reason", "cut by a test")
    tap.is_(done.returncode, 0, "the loss is accepted")
    server.start()
    stack.reconnected()
    tap.is_((session.ask(encrypt).state, server.nae("audit", "verify").returncode), ("", 0), "and the server goes on, with a log that is intact")
    server.stop()
    server.config.write_text(server.config.read_text().replace("[audit]\nhead_interval_s = 3600\nhead_records = 0\n", "[audit]\n"))
    server.start()
    stack.reconnected()

    if MOUNT:
        disks = []

        def mount(*words):
            subprocess.run(["mount", *map(str, words)], check=True)

        def fill():
            with open(audit / "filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(bytes(4096)):
                        pass
                except OSError:
                    pass

        def free():
            disk = os.statvfs(audit)
            return disk.f_bavail * disk.f_frsize

        def fill_to_the_reserve():
            """A sixteenth of the disk is kept, of which this leaves a part."""
            disk = os.statvfs(audit)
            with open(audit / "filler", "wb", buffering=0) as filler:
                while free() > disk.f_blocks * disk.f_frsize // 24:
                    filler.write(bytes(4096))

        def make_room():
            tap.is_(server.nae("key", "list").returncode, 0, "an administrator is served and recorded meanwhile")
            (audit / "filler").unlink()

        def copy_log(target):
            for file in audit.iterdir():
                if file.is_file():
                    shutil.copy2(file, target)
            target.chmod(0o700)
            for file in [target, *target.iterdir()]:
                give_to_owner(file)

        def insert_disk(read_only_after_errors=False):
            """Another disk with the same log takes the place of what is there."""
            disk = stack.path / f"disk-{len(disks)}"
            disk.mkdir()
            if read_only_after_errors:
                image = disk.with_suffix(".image")
                with open(image, "wb") as file:
                    file.truncate(16 << 20)
                subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
                mount("-o", "loop,errors=remount-ro", image, disk)
            else:
                mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", disk)
            disks.append(disk)
            copy_log(disk)
            mount("--bind", disk, audit)

        def break_disk():
            """As the kernel does it when a disk fails: read-only, whatever is open on it."""
            device = subprocess.run(["findmnt", "-no", "SOURCE", disks[-1]], check=True, capture_output=True, text=True).stdout.strip()
            with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w") as trigger:
                trigger.write("1")

        server.stop()
        try:
            insert_disk(read_only_after_errors=True)
            server.start()
            stack.reconnected()
            trouble("a full disk", fill, lambda: (audit / "filler").unlink(), has_last_block=True)
            trouble("a disk with nothing left but the reserve", fill_to_the_reserve, make_room)
            tap.is_(len(events("disk-reserve")) >= 1, True, "the log says that requests were refused for want of room")
            trouble("a disk that turned read-only", break_disk, insert_disk)
            server.stop()

            server.config.write_text(server.config.read_text().replace("[audit]\n", "[audit]\non_failure = 'alarm-and-continue'\n"))
            insert_disk(read_only_after_errors=True)
            server.start()
            stack.reconnected()
            tap.like(events("started")[-1]["detail"], "fails: alarm-and-continue", "that it goes on without the log stands in the log")
            trouble("alarm and continue", break_disk, insert_disk, continues=True)
            tap.like(events("resumed")[-1]["detail"], "[1-9][0-9]* lost", "what was lost is counted in the log")
            tap.ok(json.loads(server.must("status", "--json"))["audit_lost_records"] >= 5, "and in the status")
            server.stop()
        finally:
            for _ in disks:
                subprocess.run(["umount", "-l", audit], check=False)
            for disk in disks:
                subprocess.run(["umount", "-l", disk], check=False)
