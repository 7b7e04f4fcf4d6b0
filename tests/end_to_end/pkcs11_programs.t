#!/usr/bin/python3 -B
# Programs that nobody here wrote use keys of the key server through the PKCS#11 module, which knows nothing of them.
import hashlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading

from harness import OWNER, Tap, give_to_owner, wait_until
from unix_programs import MODULE, USER, Host, engine_configuration

JAVA = pathlib.Path("/usr/bin/java").resolve()
CLIENT = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"
HELPER = "/usr/lib/openssh/ssh-pkcs11-helper"
PROGRAMS = ["/usr/bin/pkcs11-tool", "/usr/bin/p11tool", "/usr/bin/openssl", "/usr/bin/ssh-keygen", HELPER, "/usr/sbin/nginx", "/usr/bin/p11-kit", "/usr/libexec/p11-kit/p11-kit-remote", JAVA]
KEYS = "web:ecdsa-p256 big:ecdsa-p384 api:rsa-2048 codes:hmac-sha-256-raw forbidden:ecdsa-p256 edwards:ed25519"
NGINX = """pid {d}/nginx.pid;
error_log {d}/nginx.log info;
worker_processes 2;
daemon off;
ssl_engine pkcs11;
env OPENSSL_CONF;
env NAE_PKCS11;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {d}/t1; proxy_temp_path {d}/t2; fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_tickets off;
  ssl_session_cache off;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {d}/web.pem;
    ssl_certificate_key "engine:pkcs11:pkcs11:token=NAE;object=web;type=private";
    ssl_certificate {d}/api.pem;
    ssl_certificate_key "engine:pkcs11:pkcs11:token=NAE;object=api;type=private";
    location / {{ return 200 "served"; }}
  }}
}}
"""
JAVA_TEST = """import java.security.*; import java.util.*; import javax.crypto.*;
public class Door {
  public static void main(String[] a) throws Exception {
    Provider nae = Security.getProvider("SunPKCS11").configure(a[0]);
    KeyStore store = KeyStore.getInstance("PKCS11", nae);
    store.load(null, null);
    System.out.println("aliases " + Collections.list(store.aliases()));
    Mac mac = Mac.getInstance("HmacSHA256", nae);
    mac.init(store.getKey("codes", null));
    System.out.println("mac " + HexFormat.of().formatHex(mac.doFinal("message".getBytes())));
    System.out.println("format " + store.getKey("codes", null).getFormat());
    byte[] drawn = new byte[40];
    SecureRandom.getInstance("PKCS11", nae).nextBytes(drawn);
    System.out.println("drawn " + (new HashSet<>(List.of(HexFormat.of().formatHex(drawn).split("(?<=\\\\G..)"))).size() > 8));
  }
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


with Tap() as tap, Host(*PROGRAMS, keys=KEYS) as host:
    message = host.file("message", "a message")
    host.environment["OPENSSL_CONF"] = str(host.file("openssl.cnf", engine_configuration()))
    give_to_owner(host.path)

    def tool(*words, **options):
        return host.run("/usr/bin/pkcs11-tool", "--module", MODULE, *words, **options)

    def uri(name, kind="private"):
        return f"pkcs11:token=NAE;object={name};type={kind}"

    # ---- pkcs11-tool
    listed = tool("-O")
    labels = re.findall(r"label: +(\S+)", listed.stdout)
    tap.is_(sorted(set(labels)), ["api", "big", "codes", "web"], "pkcs11-tool lists what the policy lets its user use, and no Ed25519 key")
    ids = dict(reversed(re.findall(r"label: +(\S+)\n +ID: +([0-9a-f]+)", listed.stdout)))
    access = re.findall(r"^Private Key Object.*?Access: +([^\n]*)$", listed.stdout, re.M | re.S)
    tap.is_(sorted(set(access)), ["sensitive, always sensitive, local"], "as keys that are not extractable, and were, once, to be wrapped")

    def public_pem(name):
        exported = host.run("/usr/bin/p11tool", "--provider", MODULE, "--export", uri(name, "public"))  # pkcs11-tool 0.23 knows no P-384
        return host.file(f"{name}.pub.pem", exported.stdout)

    for name, mechanism, words, check in [
        ("web", "ECDSA-SHA256", ["--signature-format", "openssl"], ["-sha256"]),
        ("big", "ECDSA-SHA384", ["--signature-format", "openssl"], ["-sha384"]),
        ("api", "SHA256-RSA-PKCS", [], ["-sha256"]),
        ("api", "SHA512-RSA-PKCS", [], ["-sha512"]),
        ("api", "SHA256-RSA-PKCS-PSS", [], ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"]),
    ]:
        signature = host.path / "signature"
        made = tool("--sign", "-m", mechanism, "--id", ids[name], "-i", message, "-o", signature, *words)
        checked = host.run("/usr/bin/openssl", "dgst", *check, "-verify", public_pem(name), "-signature", signature, message)
        tap.ok(made.returncode == 0 and "Verified OK" in checked.stdout, f"pkcs11-tool signs by {mechanism}, and OpenSSL verifies it",
               made.stderr, checked.stdout, checked.stderr)
    made = tool("--sign", "-m", "ECDSA", "--id", "00112233445566770001"[:16], "-i", message, "-o", host.path / "none")
    tap.ok(made.returncode != 0, "a key that the policy forbids is not found by an id either")

    tested = tool(*["--test-threads", "ILGISLT0"] * 8)
    tap.ok(tested.returncode == 0 and "all threads have ended with CKR_OK" in tested.stdout + tested.stderr,
           "pkcs11-tool's own test of threads: eight initialise the module at once", tested.stdout[-500:], tested.stderr[-500:])

    # ---- GnuTLS
    listed = host.run("/usr/bin/p11tool", "--provider", MODULE, "--list-all")
    tap.is_(listed.stdout.count("Type: Private key"), 3, "p11tool lists three private keys")
    for name in ("web", "api", "big"):
        tested = host.run("/usr/bin/p11tool", "--provider", MODULE, "--test-sign", uri(name))
        tap.ok(tested.returncode == 0 and tested.stdout.count("ok") + tested.stderr.count("ok") >= 2, f"p11tool tests a signature of {name}",
               tested.stdout, tested.stderr)

    # ---- p11-kit, for every program that uses it
    folder = host.path / ".config" / "pkcs11" / "modules"
    folder.mkdir(parents=True)
    (folder / "nae.module").write_text(f"module: {MODULE}\nx-init-reserved: socket={host.socket} token=door\n")
    give_to_owner(folder.parent.parent, folder.parent, folder, folder / "nae.module")
    bare = {name: value for name, value in host.environment.items() if name != "NAE_PKCS11"}
    listed = host.run("/usr/bin/p11-kit", "list-modules", env=bare)
    tap.like(listed.stdout, r"nae: .*\n(    .*\n)*    token: door\n", "p11-kit hands on where the agent is, and the token's name")
    listed = host.run("/usr/bin/p11tool", "--list-all", "pkcs11:token=NAE")
    tap.is_(listed.stdout.count("Type: Private key"), 3, "GnuTLS finds the keys through it without being told of a module")

    # ---- p11-kit remote: a process without the agent's socket uses the keys that another one shows
    remote = host.path / "remote.sock"
    shower = subprocess.Popen(["/usr/bin/p11-kit", "server", "-f", "-n", remote, "--provider", MODULE, "pkcs11:token=NAE"], cwd="/",
                              env=host.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **OWNER)
    try:
        tap.ok(wait_until(remote.exists), "p11-kit shows the token on a socket of its own")
        far = {**bare, "P11_KIT_SERVER_ADDRESS": f"unix:path={remote}"}
        digest, signature = host.file("digest", hashlib.sha256(message.read_bytes()).digest()), host.path / "remote.signature"
        made = host.run("/usr/bin/pkcs11-tool", "--module", CLIENT, "--sign", "-m", "ECDSA", "--id", ids["web"], "-i", digest, "-o", signature,
                        "--signature-format", "openssl", env=far)
        checked = host.run("/usr/bin/openssl", "dgst", "-sha256", "-verify", public_pem("web"), "-signature", signature, message)
        tap.ok(made.returncode == 0 and "Verified OK" in checked.stdout, "and another program signs through it", made.stderr, checked.stdout)
    finally:
        shower.terminate()
        shower.wait(timeout=30)

    # ---- OpenSSL's engine of libp11
    for name in ("web", "api"):
        signature = host.path / "engine.signature"
        made = host.run("/usr/bin/openssl", "dgst", "-engine", "pkcs11", "-keyform", "engine", "-sha256", "-sign", uri(name), "-out", signature, message)
        checked = host.run("/usr/bin/openssl", "dgst", "-sha256", "-verify", public_pem(name), "-signature", signature, message)
        tap.ok(made.returncode == 0 and "Verified OK" in checked.stdout, f"OpenSSL's engine signs with {name}", made.stderr, checked.stdout)
        made = host.run("/usr/bin/openssl", "req", "-engine", "pkcs11", "-keyform", "engine", "-new", "-x509", "-key", uri(name), "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-out", host.path / f"{name}.pem")
        tap.ok(made.returncode == 0, f"and makes a certificate of {name}", made.stderr)

    # ---- OpenSSH: the agent of a user, and the host key of a server that is this agent's
    script = host.file("ssh.sh", f"""set -e
cd {host.path}
eval "$(ssh-agent -P '/*')" >/dev/null
trap 'kill $SSH_AGENT_PID' EXIT
ssh-add -s {MODULE} </dev/null 2>/dev/null
ssh-add -L | grep nistp256 >web.pub
ssh-keygen -Y sign -n file -f web.pub <message >message.sig 2>/dev/null
(printf 'me '; cat web.pub) >allowed
ssh-keygen -Y verify -n file -f allowed -I me -s message.sig <message
cat >sshd.conf <<END
HostKey {host.path}/web.pub
HostKeyAgent $SSH_AUTH_SOCK
AuthorizedKeysFile {host.path}/web.pub
StrictModes no
UsePAM no
PidFile none
END
(printf 'here '; cat web.pub) >known
ssh -F none -o ProxyCommand="/usr/sbin/sshd -i -f {host.path}/sshd.conf" -o HostKeyAlias=here -o UserKnownHostsFile={host.path}/known \\
  -o GlobalKnownHostsFile=none -o BatchMode=yes {USER}@here 'echo logged in by a key that is elsewhere'
""")
    done = host.run("/bin/sh", script, env={**host.environment, "SSH_ASKPASS": "/bin/true", "SSH_ASKPASS_REQUIRE": "force"})
    tap.like(done.stdout, 'Good "file" signature for me with ECDSA key', "ssh-agent signs a file with a key of the module")
    tap.ok("logged in by a key that is elsewhere" in done.stdout, "and logs in to a server whose host key is one, too", done.stdout, done.stderr)

    # ---- Java
    configured = host.file("p11.cfg", f"name = NAE\nlibrary = {MODULE}\nslotListIndex = 0\n")
    done = host.run(JAVA, host.file("Door.java", JAVA_TEST), configured, seconds=180)
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    tap.ok(done.returncode == 0 and "codes" in lines.get("aliases", ""), "SunPKCS11 finds the key of HMACs", done.stdout, done.stderr)
    tap.ok(re.fullmatch("[0-9a-f]{64}", lines.get("mac", "")) and lines.get("format") == "null", "computes one, and gets no key", done.stdout)
    tap.is_(lines.get("drawn"), "true", "and draws random bytes")

    # ---- nginx
    port = free_port()
    config = host.file("nginx.conf", NGINX.format(d=host.path, port=port))
    with open(host.path / "nginx.out", "ab") as log:
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-e", host.path / "nginx.log"], cwd="/", stdout=log, stderr=log,
                                 env=host.environment, **OWNER)
    pid_file = host.path / "nginx.pid"

    def handshake(certificate="web", seconds=30):
        context = ssl.create_default_context(cafile=host.path / f"{certificate}.pem")
        if certificate == "api":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b""
                while part := connection.recv(4096):
                    answer += part
                return answer.endswith(b"served") and connection.version()

    def listens():
        try:
            return handshake()
        except (ConnectionRefusedError, ConnectionResetError):
            return None

    try:
        tap.is_(wait_until(listens), "TLSv1.3", "nginx serves with a key of the key server, by TLS 1.3")
        tap.is_(handshake("api"), "TLSv1.2", "and with one of RSA, by TLS 1.2")
        workers = lambda: set(subprocess.run(["ps", "--ppid", str(nginx.pid), "-o", "pid="], capture_output=True, text=True).stdout.split())
        before = workers()
        tap.is_(len(before), 2, "in two workers, forked from a process that had the module")
        os.kill(nginx.pid, signal.SIGHUP)
        tap.ok(wait_until(lambda: len(workers()) == 2 and not workers() & before), "it loads its configuration again")
        tap.is_({handshake() for _ in range(8)}, {"TLSv1.3"}, "and its new workers serve")

        outcomes, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                try:
                    outcomes.append(handshake())
                except OSError as error:
                    outcomes.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()

        def more(count=20):
            reached = len(outcomes) + count
            return wait_until(lambda: len(outcomes) >= reached, 60)

        steps = [("begins", lambda: None), ("goes on when the key server is stopped and started", host.key_server.restart),
                 ("when it is killed", lambda: (host.key_server.stop(signal.SIGKILL), host.key_server.start())),
                 ("when the agent is stopped and started", lambda: (host.stop_agent(), host.start_agent())),
                 ("when it is killed", lambda: (host.stop_agent(kill=True), host.start_agent())),
                 ("when the key is rotated: its certificate is of the version before", lambda: host.key_server.must("key", "rotate", "web"))]
        for name, step in steps:
            step()
            tap.ok(more(), f"load {name}")
        stop.set()
        for thread in threads:
            thread.join()
        tap.is_({outcome for outcome in outcomes}, {"TLSv1.3"}, f"none of {len(outcomes)} handshakes failed")
    finally:
        nginx.terminate()
        nginx.wait(timeout=30)

    records = host.key_server.audit("--action", "sign")
    tap.is_({record["role"] for record in records}, {f"unix:{USER}"}, "every signature is recorded by Unix user")
    tap.ok({"web", "api", "big"} >= {record["key"] for record in records} and len(records) > 100, "and key", len(records))
    # What is taken away is gone at once, without a restart of anybody.
    before = set(re.findall(r"label: +(\S+)", tool("-O").stdout))
    host.key_server.apply_policy(host.policy.replace('"glob:*"]\nactions = ["sign"', '"web"]\nactions = ["sign"'))
    after = set(re.findall(r"label: +(\S+)", tool("-O").stdout))
    tap.is_((before, after), ({"api", "big", "codes", "web"}, {"web"}), "a policy that takes keys away takes the objects")
