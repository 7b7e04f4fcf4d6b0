#!/usr/bin/python3 -B
# The audit logs of a group as one: searched together, each proved, and compared with what the others and the store have of it. One is away,
# one is put back to an earlier state, alone and together with the store.
import json
import re
import shutil

from harness import KEY_SERVER, NAE, Stack, Tap, give_to_owner, run, wait_until
from key_servers import bring_keys, free_port, in_store, ready, second_machine, start_store

PORT = 5460
NAMES = ["ks1", "ks2", "ks3"]
UNREACHABLE = 3  # exit code of nae


def follows(server, name):
    states = {node["name"]: node["state"] for node in json.loads(server.must("node", "list", "--json"))["nodes"]} if ready(server) else {}
    return states.get(name) == "following"


def every_second(server):
    server.config.write_text(server.config.read_text().replace("[audit]\n", "[audit]\nwitness_interval_s = 1\n"))


def log_of(server):
    return server.path / "audit"


def witnessed(by, node):
    """The newest record of the node that the other one has."""
    records = json.loads(by.must("audit", "query", "--event", "witness", "--limit", "10000", "--json"))["records"]
    return max((int(seq) for record in records for seq in re.findall(rf"(?:^|; ){node} (\d+) ", record["detail"])), default=0)


def newest(server):
    return json.loads(server.must("audit", "query", "--limit", "1", "--json"))["records"][-1]["seq"]


def of_all(server, *words):
    done = server.nae("audit", "verify", "--group", "--json", *words)
    return done, json.loads(done.stdout) if done.stdout else {}


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, PORT)
    first.stop()
    own = first.config.read_text()
    first.config.write_text(own.replace("[store]\n", '[store]\nnode = "ks1"\n'))  # whose log it has been
    run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    first.config.write_text(own)
    second = second_machine(first, first.path.with_name("second"), free_port())
    third = second_machine(first, first.path.with_name("third"), free_port())
    servers = [first, second, third]
    for server, name in zip(servers, NAMES):
        in_store(server, url, name)
        server.config.write_text(server.config.read_text().replace("[store]\n", "[store]\nfollow = true\n"))
        every_second(server)
    first.start()
    for server, name in ((second, "ks2"), (third, "ks3")):
        bring_keys(server)
        server.start(ready=False)
        tap.ok(wait_until(lambda: follows(server, name), 60), f"{name} follows", server.log.read_text()[-1500:])

    # all are read
    pairs = [(by, node) for by, own in zip(servers, NAMES) for node in NAMES if node != own]
    tap.ok(wait_until(lambda: all(witnessed(by, node) for by, node in pairs), 60), "each records how far the others have come")
    done, report = of_all(first)
    tap.is_((done.returncode, report.get("intact")), (0, True), "the logs of all are intact, and fit what each has of the others")
    tap.is_([node["node"] for node in report["nodes"] if node["read"] and node["report"]["signature_checked"]], NAMES, "each is proved by its own key server")
    tap.ok(report["witnesses"]["compared"] > len(pairs), "every witness was compared", report["witnesses"])
    found = json.loads(first.must("audit", "query", "--group", "--limit", "40", "--json"))["records"]
    tap.is_(len(found), 40, "records of all are found, the newest so many")
    tap.is_({record["node"] for record in found}, set(NAMES), "and name their nodes")
    order = [(record["time"], record["node"], record["seq"]) for record in found]
    tap.is_(order, sorted(order), "by time, then by node, then by number")
    tap.like(first.must("audit", "query", "--group", "--limit", "3"), r"^NODE +SEQ +TIME", "as they do for people")
    summed = json.loads(first.must("audit", "query", "--group", "--summary", "--json"))
    tap.is_(sum(node["requests"] for node in summed["by_node"]), summed["total"]["requests"], "sums are of all nodes")
    reported = json.loads(first.must("audit", "report", "--group", "--json"))
    tap.is_([node["node"] for node in reported["nodes"] if node["read"]], NAMES, "and so is the report")

    # one is away
    third.stop()
    done, report = of_all(first)
    tap.is_((done.returncode, report.get("intact")), (UNREACHABLE, False), "a log that cannot be read is not passed over")
    tap.like(done.stderr, "THE LOG OF ks3 WAS NOT READ", "and is named")
    tap.like(first.nae("audit", "verify", "--group").stdout, r"ks3, https://127\.0\.0\.1:\d+: NOT READ", "in what people read as well")
    for words in (("query",), ("query", "--summary"), ("report",)):
        done = first.nae("audit", *words, "--group")
        tap.ok(done.returncode == UNREACHABLE and "ks3 WAS NOT READ" in done.stderr and done.stdout, f"nor is it by {' '.join(words)}", done.stderr)
    copy = stack.path.with_name("copy-of-ks3")
    shutil.copytree(log_of(third), copy)
    give_to_owner(copy, *copy.iterdir())
    with_copy = ("--directory", f"ks3={copy}", "--public-key", copy / "audit-public.pem")
    done, report = of_all(first, *with_copy)
    tap.is_((done.returncode, report.get("intact")), (0, True), "a copy of its log takes its place")
    tap.like(first.nae("audit", "verify", "--group", "--directory", f"ks9={copy}").stderr, "has no node ks9", "a name that the group has not is none")
    tap.like(first.nae("audit", "verify", "--group", "--from", "1").stderr, "give times", "numbers are not of all logs")

    # its log is put back to that state
    third.start(ready=False)
    tap.ok(wait_until(lambda: follows(third, "ks3"), 60), "it comes back", third.log.read_text()[-1500:])
    for _ in range(5):
        third.must("audit", "query", "--limit", "1")  # each is a record
    at = newest(third)
    tap.ok(wait_until(lambda: min(witnessed(first, "ks3"), witnessed(second, "ks3")) >= at), "its newest records are witnessed")
    done, report = of_all(first)
    tap.is_(done.returncode, 0, "all logs are whole")
    third.stop()
    lost = log_of(third).with_name("audit-as-it-was")
    log_of(third).rename(lost)
    shutil.copytree(copy, log_of(third))
    give_to_owner(log_of(third), *log_of(third).iterdir())
    verified = run(NAE, "audit", "verify", "--directory", log_of(third), "--public-key", copy / "audit-public.pem")
    tap.is_(verified.returncode, 0, "a log that was put back with its head is whole by itself")
    done, report = of_all(first, *with_copy)
    tap.is_((done.returncode, report.get("intact")), (1, False), "the logs of the others tell that it is not")
    by = {finding["by"] for finding in report["witnesses"]["findings"]
          if finding["node"] == "ks3" and finding["fault"] == "record_absent" and finding["seq"] >= at}
    tap.is_(by, {"ks1", "ks2", "(store)"}, "both of them, and the store")

    # and the store forgets it as well
    store.ask("DELETE FROM nae_store.audit_head USING nae_store.nodes WHERE number = one AND name = 'ks3'", role=None, database="postgres")
    third.start(ready=False)
    tap.ok(wait_until(lambda: follows(third, "ks3"), 60), "put back together with the store it is served from", third.log.read_text()[-1500:])
    last = sum(len(file.read_text().splitlines()) for file in lost.glob("audit-*.jsonl"))
    while newest(third) <= last:
        pass  # each question is a record
    tap.ok(wait_until(lambda: witnessed(first, "ks3") > last), "and witnessed again")
    done, report = of_all(second)
    tap.is_((done.returncode, report.get("intact")), (1, False), "the logs of the others tell")
    by = {finding["by"] for finding in report["witnesses"]["findings"] if finding["node"] == "ks3" and finding["fault"] == "record_differs"}
    tap.is_(by, {"ks1", "ks2"}, "that it went on from another state")
    tap.is_([node["report"]["intact"] for node in report["nodes"]], [True] * 3, "though each is whole by itself")

    # without servers
    for server in reversed(servers):
        server.stop()
    directories = [word for server, name in zip(servers[:2], NAMES) for word in ("--directory", f"{name}={log_of(server)}")]
    keys = [word for server, name in zip(servers, NAMES) for word in ("--public-key", f"{name}={log_of(server) / 'audit-public.pem'}")]
    done = run(NAE, "audit", "verify", *directories, "--directory", f"ks3={lost}", *keys)
    tap.like(done.stdout, "record_(absent|differs) in the log of ks3", "copies are compared as well: what was witnessed since is in no older copy")
    tap.like(run(NAE, "audit", "verify", *directories, *keys).stderr, "is for no --directory", "a key that is for no copy is refused")
    done = run(NAE, "audit", "verify", *directories, *keys[:4])
    tap.ok(done.returncode == 1 and "log_not_given in the log of ks3" in done.stdout, "a node that they know of and that was not given is told", done.stdout)
    done = run(NAE, "audit", "query", *directories, "--limit", "5", "--json")
    tap.ok(done.returncode == 0 and len(json.loads(done.stdout)["records"]) == 5, "and copies are searched", done.stderr)
    store.control("stop", "-m", "immediate")
