#!/usr/bin/python3 -B
# Rules and dashboard ask for metrics that are there, fire when they should, and a Prometheus reads them from a live stack.
import json
import re
import socket
import subprocess
import urllib.error
import urllib.request

from harness import ROOT, Stack, Tap, scratch_directory, wait_until

MONITORING = ROOT / "packaging/monitoring"
RULES = MONITORING / "nae-alerts.yml"
# A histogram's series have these endings; its name alone is in HELP and TYPE.
NAME = re.compile(r"\b((?:nae|process)_[a-z_0-9]+)\b")
# Labels of the queries, and functions, are no metrics.
JOBS = {"nae_agent", "nae_keyserver"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def status_of(url, **options):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def samples(text):
    """Name and labels of each sample: value."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line and line[0] != "#"}


def names(text):
    return {re.match(r"[a-z_0-9]+", sample)[0] for sample in samples(text)}


def asked():
    """Metrics that the rules and the dashboard name."""
    expressions = re.findall(r"expr:(.*?)\n(?: {8}(?:for|labels)|$)", RULES.read_text(), re.S)
    dashboard = json.loads((MONITORING / "nae-dashboard.json").read_text())
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return {name for expression in expressions for name in NAME.findall(re.sub(r'"[^"]*"', "", expression))} - JOBS


def promtool(*words):
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, cwd=ROOT, timeout=120)


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    # the files
    checked = promtool("check", "rules", RULES)
    tap.ok(checked.returncode == 0 and "SUCCESS" in checked.stdout, "promtool reads the rules", checked)
    tested = promtool("test", "rules", ROOT / "tests/fixtures/alerts_test.yml")
    tap.ok(tested.returncode == 0 and "SUCCESS" in tested.stdout, "each alert fires when it should", tested.stdout, tested.stderr)
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    fired = set(re.findall(r'alertname="(\w+)"', (ROOT / "tests/fixtures/alerts_test.yml").read_text()))
    tap.is_(sorted(alerts - fired), [], "no alert is untested")
    dashboard = json.loads((MONITORING / "nae-dashboard.json").read_text())
    tap.ok(len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10, "the dashboard's panels have ids of their own")

    # the agent's listener, which nobody asked for
    tap.ok("metrics_listen" not in stack.agent_config.read_text(), "an agent listens for no scraper by itself")
    port = free_port()
    stack.configure_agent(lambda text: f'metrics_listen = "127.0.0.1:{port}"\n' + text)
    stack.reconnected()
    session = stack.session("nae_all")
    for _ in range(5):
        session.ask("SELECT nae_encrypt('customer-pii', 'x')")
    refused = stack.session("nae_clerk")
    refused.ask("SELECT nae_decrypt(nae_encrypt('customer-pii', 'x'))")
    agent = get(f"http://127.0.0.1:{port}/metrics")
    values = samples(agent)
    told = dict(row.split("|") for row in session.ask("SELECT name, value FROM nae_agent_stats()").out.splitlines())
    tap.ok(values["nae_agent_requests_total"] >= 6 and values["nae_agent_requests_total"] <= float(told["requests"]), "the agent counts as nae_agent_stats() does", agent)
    tap.is_(sorted(value for name, value in values.items() if name.startswith("nae_agent_upstream_ready{")), [1.0, 1.0], "both connections to the key server are ready")
    tap.ok(300 * 86400 < values['nae_agent_certificate_expiry_seconds{certificate="device"}'] < 366 * 86400, "the device's certificate is good for a year", agent)
    tap.ok(values["process_open_fds"] > 5 and values["process_resident_memory_bytes"] > 1 << 20, "the kernel's numbers are there", agent)
    tap.is_([status_of(f"http://127.0.0.1:{port}{path}") for path in ("/", "/metrics?x", "/v1/status")], [404] * 3, "it answers nothing else")
    tap.is_(status_of(f"http://127.0.0.1:{port}/metrics", data=b"x"), 405, "and takes nothing")
    with open("/proc/net/tcp", encoding="ascii") as table:
        local = {line.split()[1] for line in table if line.split()[3] == "0A"}
    tap.ok(f"0100007F:{port:04X}" in local and f"00000000:{port:04X}" not in local, "it listens on loopback alone")

    # the key server
    curl = ["curl", "-sS", "--cacert", stack.path / "agent/authority.pem", "--cert", stack.path / "agent/database-host.pem",
            "--key", stack.path / "agent/database-host.key", f"https://127.0.0.1:{stack.key_server.port}/metrics"]
    server = subprocess.run([str(word) for word in curl], capture_output=True, text=True, check=True).stdout
    values = samples(server)
    tap.is_((values["nae_ready"], values["nae_hsm_healthy"]), (1.0, 1.0), "the key server is ready, and so is its HSM")
    granted = values['nae_requests_total{action="encrypt",outcome="granted"}'] + values['nae_requests_total{action="encrypt",outcome="refused"}']
    timed = values['nae_request_duration_seconds_count{action="encrypt"}']
    tap.ok(timed == granted >= 6, "every request is in the histogram of its action", timed, granted)
    tap.is_(values['nae_request_duration_seconds_bucket{action="encrypt",le="+Inf"}'], timed, "whose last bucket has all")
    tap.ok(0 < values['nae_request_duration_seconds_sum{action="encrypt"}'] < 30, "and a sum in seconds")
    tap.ok(values["process_start_time_seconds"] > 1.7e9 and values["process_cpu_seconds_total"] > 0, "the kernel's numbers are there", server)
    for name, text in (("key server", server), ("agent", agent)):
        linted = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        tap.ok(linted.returncode == 0, f"promtool finds no fault in the {name}'s metrics", linted.stdout, linted.stderr)

    # asked for and there; nae_hsm_waiting has a series only while somebody waits
    there = names(server) | names(agent) | set(re.findall(r"^# TYPE (\S+)", server, re.M))
    tap.ok(len(asked()) > 25, "rules and dashboard ask for metrics", asked())
    tap.is_(sorted(asked() - there - {"nae_hsm_waiting"}), [], "each of which a live stack has")

    # a Prometheus with these rules
    room = scratch_directory()
    web = free_port()
    config = room / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{RULES}']
scrape_configs:
  - job_name: nae-keyserver
    scheme: https
    tls_config: {{ca_file: '{stack.path}/agent/authority.pem', cert_file: '{stack.path}/agent/database-host.pem', key_file: '{stack.path}/agent/database-host.key'}}
    static_configs: [{{targets: ['127.0.0.1:{stack.key_server.port}']}}]
  - job_name: nae-agent
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
""")
    example = promtool("check", "config", "--syntax-only", MONITORING / "prometheus.yml")
    tap.ok(example.returncode == 0, "the example of a configuration is one", example)
    with open(room / "log", "wb") as log:
        prometheus = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={room}/data", f"--web.listen-address=127.0.0.1:{web}"],
                                      stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        def query(expression):
            try:
                answer = json.loads(get(f"http://127.0.0.1:{web}/api/v1/query?query={urllib.request.quote(expression)}"))
            except OSError:
                return []
            return [(result["metric"], float(result["value"][1])) for result in answer["data"]["result"]]

        tap.ok(wait_until(lambda: len([v for _, v in query('up{job=~"nae-.*"}') if v == 1]) == 2, 60), "Prometheus reads both", query("up"), (room / "log").read_text()[-2000:])
        groups = json.loads(get(f"http://127.0.0.1:{web}/api/v1/rules"))["data"]["groups"]
        tap.is_({rule["name"] for group in groups for rule in group["rules"]}, alerts, "and has all the rules")
        tap.ok(wait_until(lambda: query("nae_ready")) and not query('ALERTS{alertstate="firing"}'), "none fires on a stack that is well", query("ALERTS"))
        stack.key_server.stop()
        pending = wait_until(lambda: {metric["alertname"] for metric, _ in query("ALERTS")} >= {"NaeKeyServerNotReady", "NaeAgentNoKeyServer", "NaeAgentUpstreamDown"}, 60)
        tap.ok(pending, "those of a key server that is down do", query("ALERTS"))
        stack.key_server.start()
    finally:
        prometheus.terminate()
        prometheus.wait(timeout=60)
