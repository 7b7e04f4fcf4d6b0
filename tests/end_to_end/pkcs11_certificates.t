#!/usr/bin/python3 -B
# Certificates as an attribute of keys: requested and kept by the key server, and seen by programs beside the key: Java, NSS, GnuTLS, nginx.
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading

from harness import BUILD, KEY_SERVER, NAE, OWNER, Tap, give_to_owner, run, wait_until
from unix_programs import MODULE, USER, Host

JAVA, KEYTOOL = pathlib.Path("/usr/bin/java").resolve(), pathlib.Path("/usr/bin/keytool").resolve()
PROGRAMS = [JAVA, KEYTOOL, "/usr/bin/pkcs11-tool", "/usr/bin/p11tool", "/usr/bin/openssl", "/usr/sbin/nginx", "/usr/bin/modutil", "/usr/bin/certutil", "/usr/bin/p11-kit"]
KEYS = "web:ecdsa-p256 api:rsa-2048 codes:hmac-sha-256-raw other:ecdsa-p256"
NGINX = """pid {d}/nginx.pid;
error_log {d}/nginx.log info;
daemon off;
worker_processes 2;
ssl_engine pkcs11;
env OPENSSL_CONF;
env NAE_PKCS11;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {d}/t1; proxy_temp_path {d}/t2; fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {d}/{certificate};
    ssl_certificate_key "engine:pkcs11:pkcs11:token=NAE;id={key};type=private";
    location / {{ return 200 "served"; }}
  }}
}}
"""
JAVA_TEST = """import java.io.*; import java.security.*; import java.security.cert.*; import java.util.*; import javax.net.ssl.*;
public class Chain {
  static boolean signs(Provider nae, KeyStore store, String alias, String algorithm) throws Exception {
    byte[] message = "a message".getBytes();
    Signature signer = Signature.getInstance(algorithm, nae);
    signer.initSign((PrivateKey) store.getKey(alias, null));
    signer.update(message);
    byte[] signature = signer.sign();
    Signature verifier = Signature.getInstance(algorithm);
    verifier.initVerify(store.getCertificate(alias));
    verifier.update(message);
    return verifier.verify(signature);
  }
  public static void main(String[] a) throws Exception {
    Provider nae = Security.getProvider("SunPKCS11").configure(a[0]);
    KeyStore store = KeyStore.getInstance("PKCS11", nae);
    store.load(null, null);
    for (String alias : new String[] {"web", "api"}) {
      System.out.println(alias + " " + store.entryInstanceOf(alias, KeyStore.PrivateKeyEntry.class) + " " + store.getCertificateChain(alias).length + " "
        + ((X509Certificate) store.getCertificate(alias)).getSubjectX500Principal() + " " + store.getKey(alias, null).getEncoded());
    }
    System.out.println("ecdsa " + signs(nae, store, "web", "SHA256withECDSA"));
    System.out.println("rsa " + signs(nae, store, "api", "SHA256withRSA"));
    Security.addProvider(nae);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("NewSunX509");
    keys.init(new KeyStoreBuilderParameters(KeyStore.Builder.newInstance(store, new KeyStore.PasswordProtection(new char[0]))));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0);
    System.out.println("port " + server.getLocalPort());
    System.out.flush();
    for (int i = 0; i < 2; i++)
      try (SSLSocket client = (SSLSocket) server.accept()) {
        client.getOutputStream().write("from Java".getBytes());
      }
  }
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


with Tap() as tap, Host(*PROGRAMS, keys=KEYS) as host:
    server = host.key_server
    plain = lambda *words, **options: subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, cwd=host.path, **options)

    def init_file(name, form, *words):
        made = run(NAE, "pkcs11", "init-file", "--for", form, "--module", MODULE, "--out", host.path / name, *words)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        return host.path / name

    # ---- requests
    asked = server.nae("key", "csr", "web", "--subject", "/CN=web.example/O=An \\/ Example", "--san", "DNS:localhost", "--san", "IP:127.0.0.1")
    made = json.loads(server.must("audit", "query", "--action", "key-csr", "--json"))["records"][-1]["detail"]
    tap.ok("DNS:localhost IP:127.0.0.1" in made, "the audit log says for which names", made)
    (host.path / "web.csr").write_text(asked.stdout)
    read = plain("req", "-in", "web.csr", "-verify", "-noout", "-text")
    tap.ok(read.returncode == 0 and "self-signature verify OK" in read.stdout + read.stderr, "a request is signed by its key, as OpenSSL verifies", read.stderr)
    tap.ok(all(text in read.stdout for text in ("CN = web.example", "An / Example", "DNS:localhost", "IP Address:127.0.0.1", "ecdsa-with-SHA256")),
           "with the names that were given", read.stdout)
    (host.path / "api.csr").write_text(server.must("key", "csr", "api", "--subject", "/CN=api.example", "--san", "DNS:localhost"))
    tap.like(plain("req", "-in", "api.csr", "-verify", "-noout", "-text").stdout, "sha256WithRSAEncryption", "one of an RSA key by PKCS#1 v1.5")
    for words, message, name in [
        (["codes", "--subject", "/CN=a"], "has no public key", "a secret key"), (["nothing", "--subject", "/CN=a"], "no key is called", "a key that is not there"),
        (["web", "--subject", "CN=a"], "begin with a slash", "a subject without a slash"), (["web", "--subject", "/a"], "not NAME=VALUE", "one without a value"),
        (["web", "--subject", "/XX=a"], "not known", "one with an unknown part"), (["web", "--subject", "/CN=a", "--san", "a"], "which kind", "a name of no kind"),
        (["web", "--subject", "/CN=a", "--san", "IP:1.2.3"], "not an address", "what is no address"), (["web", "--subject", "/CN=a", "--san", "DNS:a b"], "printable", "a name with a blank"),
        (["web", "--subject", "/CN=a", "--version", "7"], "no version 7", "a version that is not there"), (["web", "--subject", "/C=long"], "", "a country of four letters"),
    ]:
        refused = server.nae("key", "csr", *words)
        tap.ok(refused.returncode != 0 and message in refused.stderr and not refused.stdout, f"no request for {name}", refused.stderr)
    server.must("key", "set", "other", "--allow-action", "verify")
    tap.like(server.nae("key", "csr", "other", "--subject", "/CN=a").stderr, "does not allow sign", "nor of a key that does not allow sign")

    # ---- an authority
    plain("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-days", "99")
    (host.path / "ca.ext").write_text("basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n")
    plain("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "middle.key", "-out", "middle.csr", "-subj", "/CN=Middle")
    plain("x509", "-req", "-in", "middle.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "90", "-extfile", "ca.ext", "-out", "middle.pem")

    def certify(request, out, days=20, hours_ago=0):
        (host.path / "clock").write_text(f"{-3600 * hours_ago}\n")
        then = {**os.environ, "LD_PRELOAD": str(BUILD / "tests/fixtures/clock_shim/libnae_clock_shim.so"), "NAE_TEST_CLOCK_OFFSET": str(host.path / "clock")}
        plain("x509", "-req", "-in", request, "-CA", "middle.pem", "-CAkey", "middle.key", "-CAcreateserial", "-days", days, "-copy_extensions", "copy", "-out", "leaf.pem", check=True,
              env=then)
        chain = "".join((host.path / name).read_text() for name in ("leaf.pem", "middle.pem", "root.pem"))
        (host.path / out).write_text(chain)
        return chain

    chain = certify("web.csr", "web.pem")
    certify("api.csr", "api.pem")

    # ---- what is refused
    leaf, middle, root = re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", chain, re.S)
    for text, message, name in [
        (leaf + root, "certificate 1 is not signed by the next", "a chain with a gap"), (middle + leaf, "certificate 1 is not signed", "one in the wrong order"),
        ("no certificate\n", "there is no certificate", "a text"), (leaf + (host.path / "root.key").read_text(), "something else", "a private key beside it"),
        (leaf.replace(leaf[100:104], "AAAA"), "", "a certificate that is bent"), (leaf + root * 8, "too long", "more than eight"), (middle + root, "no public key of key", "another key's"),
    ]:
        (host.path / "refused.pem").write_text(text)
        refused = server.nae("key", "set-certificate", "web", host.path / "refused.pem")
        tap.ok(refused.returncode != 0 and message in refused.stderr, f"{name} is no key's certificate", refused.stderr)
    tap.ok("certificate of" not in server.must("key", "show", "web"), "and none of these is kept")

    # ---- kept beside the key
    shown = server.must("key", "set-certificate", "web", str(host.path / "web.pem"))
    tap.like(shown, r"certificate of version 1\nsubject +O=An / Example,CN=web.example\nissuer +CN=Middle\nexpires +20", "a key shows whose certificate it has, and until when")
    server.must("key", "set-certificate", "api", str(host.path / "api.pem"))
    recorded = json.loads(server.must("audit", "query", "--event", "admin", "--action", "key-certificate", "--json"))["records"][-1]
    tap.ok("version 1 CN=api.example serial" in recorded["detail"], "it stands in the audit log", recorded)
    kept = json.loads(server.must("--json", "key", "show", "web"))["versions"][0]["certificate"]["pem"]
    tap.is_(kept, chain, "and is handed out as it came")
    server.restart()
    tap.is_(json.loads(server.must("--json", "key", "show", "web"))["versions"][0]["certificate"]["pem"], chain, "also after a restart, which compares it with the ledger")

    # ---- as objects
    pkcs11_tool = lambda *words: host.run("/usr/bin/pkcs11-tool", "--module", MODULE, *words)
    listed = pkcs11_tool("-O", "--type", "cert").stdout
    tap.is_(sorted(re.findall(r"label: +(.*)", listed)), ["Middle", "Root", "api", "web"], "pkcs11-tool lists the keys' certificates, and each authority once")
    ids = {match[0]: match[1] for match in re.findall(r"label: +(\S+)\n(?:.*\n)*? +ID: +([0-9a-f]+)", pkcs11_tool("-O", "--type", "privkey").stdout)}
    tap.ok(ids["web"] in listed and ids["api"] in listed, "with the ids of their keys", ids, listed)
    tap.is_(pkcs11_tool("--read-object", "--type", "cert", "--label", "web", "-o", host.path / "web.der").returncode, 0, "it reads one")
    tap.is_(plain("x509", "-inform", "DER", "-in", "web.der").stdout, leaf, "which is the key's")
    seen = "".join(host.run("/usr/bin/p11tool", "--provider", MODULE, "--export", f"pkcs11:token=NAE;object={name};type=cert").stdout for name in ("web", "Middle", "Root"))
    exported = re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", seen, re.S)
    tap.ok(exported == [leaf, middle, root], "p11tool exports the key's certificate and those above it", seen)
    host.file("seen.pem", seen)

    # ---- p11-kit, by the file that the command writes
    modules = host.path / ".config" / "pkcs11" / "modules"
    modules.mkdir(parents=True)
    give_to_owner(modules, *modules.parents[:2])
    written = init_file(".config/pkcs11/modules/nae.module", "p11-kit", "--socket", host.socket, "--token", "door", "--enable-in", "p11-kit", "--enable-in", "p11tool")
    bare = {name: value for name, value in host.environment.items() if name != "NAE_PKCS11"}
    tap.is_(written.read_text(), f"module: {MODULE}\nx-init-reserved: socket={host.socket} token=door\nenable-in: p11-kit, p11tool\n", "nae pkcs11 init-file writes a file for p11-kit")
    tap.like(host.run("/usr/bin/p11-kit", "list-modules", env=bare).stdout, r"nae: .*\n(    .*\n)*    token: door\n", "by which it finds agent and token")
    for words, message in [(["--socket", "agent.sock"], "absolute path"), (["--socket", "/a b"], "without blanks"), (["--socket", "/" + "a" * 107], "107 bytes"),
                           (["--token", "a" * 33], "32 bytes"), (["--enable-in", "/usr/bin/p11tool"], "without its folder"),
                           (["--for", "java", "--enable-in", "keytool"], "for p11-kit alone"), (["--out", str(written)], "")]:
        refused = run(NAE, "pkcs11", "init-file", *words)
        tap.ok(refused.returncode != 0 and message in refused.stderr, f"and none with {' '.join(words)[:40]}", refused.stderr)

    # ---- NSS
    database = host.path / "nss"
    database.mkdir()
    give_to_owner(database)
    host.run("/usr/bin/certutil", "-N", "-d", f"sql:{database}", "--empty-password")
    added = host.run("/usr/bin/modutil", "-force", "-dbdir", f"sql:{database}", "-add", "NAE", "-libfile", MODULE)
    listed = host.run("/usr/bin/certutil", "-L", "-d", f"sql:{database}", "-h", "NAE")
    tap.ok(added.returncode == 0 and re.search(r"NAE:web +u,u,u", listed.stdout), "NSS has the module, and a user's certificate in it", added.stderr, listed.stdout, listed.stderr)
    keys = host.run("/usr/bin/certutil", "-K", "-d", f"sql:{database}", "-h", "NAE")
    tap.ok(re.search(r"rsa .* api$", keys.stdout, re.M) and re.search(r"ec .* web$", keys.stdout, re.M), "and the private keys by their certificates' names", keys.stdout, keys.stderr)

    # ---- Java
    configured = init_file("p11.cfg", "java")
    listed = host.run(KEYTOOL, "-list", "-keystore", "NONE", "-storetype", "PKCS11", "-providerClass", "sun.security.pkcs11.SunPKCS11", "-providerArg", configured,
                      "-storepass", "any", seconds=180)
    tap.is_(sorted(re.findall(r"^(\w+), PrivateKeyEntry", listed.stdout, re.M)), ["api", "web"], "keytool lists private keys with their certificates")
    java = subprocess.Popen([JAVA, host.file("Chain.java", JAVA_TEST), configured], cwd="/", env=host.environment, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **OWNER)
    watchdog = threading.Timer(180, java.kill)
    watchdog.start()
    try:
        lines = {}
        for line in java.stdout:
            lines.update([line.rstrip("\n").split(" ", 1)])
            if "port" in lines:
                break
        tap.is_((lines.get("web"), lines.get("api")), ("true 3 O=An / Example, CN=web.example null", "true 3 CN=api.example null"),
                "Java's KeyStore has entries of three certificates and a key that it cannot have")
        tap.is_([lines.get(name) for name in ("ecdsa", "rsa")], ["true"] * 2, "signs by ECDSA and PKCS#1, and verifies with the certificate")
        served = []
        for highest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=host.path / "root.pem")
            context.maximum_version = highest
            with socket.create_connection(("127.0.0.1", int(lines["port"])), timeout=60) as tcp, context.wrap_socket(tcp, server_hostname="localhost") as connection:
                served.append((connection.version(), connection.recv(100)))
        tap.is_(served, [("TLSv1.2", b"from Java"), ("TLSv1.3", b"from Java")], "and serves TLS, which a client believes for the root")
    finally:
        java.wait()  # the watchdog bounds it
        watchdog.cancel()
        tap.is_(java.returncode, 0, "without complaint")
        for line in java.stderr:
            print("# " + line, end="")

    # ---- nginx serves by what the module showed, and moves to the next version without a failed handshake
    host.environment["OPENSSL_CONF"] = str(init_file("openssl.cnf", "openssl"))
    port = free_port()
    identity = json.loads(server.must("--json", "key", "show", "web"))["id"]

    def configure(certificate, version):
        key = "".join(f"%{byte}" for byte in re.findall("..", f"{identity}{version:04x}"))
        return host.file("nginx.conf", NGINX.format(d=host.path, port=port, certificate=certificate, key=key))

    with open(host.path / "nginx.out", "ab") as log:
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", configure("seen.pem", 1), "-e", host.path / "nginx.log"], cwd="/",
                                 stdout=log, stderr=log, env=host.environment, **OWNER)

    def handshake():
        context = ssl.create_default_context(cafile=host.path / "root.pem")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, context.wrap_socket(tcp, server_hostname="localhost") as connection:
            return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def listens():
        try:
            return handshake()
        except (ConnectionRefusedError, ConnectionResetError):
            return None

    outcomes, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                outcomes.append(handshake())
            except OSError as error:
                outcomes.append(f"{type(error).__name__}: {error}")

    def more(name, count=20):
        reached = outcomes.count(name) + count
        return wait_until(lambda: outcomes.count(name) >= reached, 60)

    try:
        tap.is_(wait_until(listens), "web.example", "nginx serves with key and certificate of the key server")
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        server.must("key", "rotate", "web")
        tap.ok(more("web.example"), "after a rotation it serves on by the version of its certificate")
        (host.path / "web2.csr").write_text(server.must("key", "csr", "web", "--subject", "/CN=second.example", "--san", "DNS:localhost"))
        second = certify("web2.csr", "web2.pem", days=12, hours_ago=9 * 24 + 12)
        shown = server.must("key", "set-certificate", "web", str(host.path / "web2.pem"))
        host.file("second.pem", second)
        configure("second.pem", 2)
        nginx.send_signal(signal.SIGHUP)
        tap.ok(more("second.example"), "and by the next one when it has a certificate and nginx has read its configuration again")
        stop.set()
        for thread in threads:
            thread.join()
        tap.is_(set(outcomes), {"web.example", "second.example"}, f"none of {len(outcomes)} handshakes failed meanwhile")
    finally:
        stop.set()
        nginx.terminate()
        nginx.wait(timeout=30)
    del host.environment["OPENSSL_CONF"]
    tap.ok(re.search("certificate of version 1\nsubject +O=An", shown) and re.search("certificate of version 2\nsubject +CN=second.example", shown),
           "each version has its certificate", shown)
    listed = pkcs11_tool("-O", "--type", "cert").stdout
    tap.is_(sorted(re.findall(r"label: +(.*)", listed)), ["Middle", "Root", "api", "web", "web"], "and is seen with it")
    server.restart()
    tap.ok(wait_until(lambda: re.search("event=certificate-expires kind=key name=web days_left=2", server.log.read_text())), "one that ends soon is warned of",
           server.log.read_text()[-2000:])
    tap.ok("certificate of version 2" not in server.must("key", "set-certificate", "web", "--remove", "2"), "one is taken away")
    tap.like(server.nae("key", "set-certificate", "web", "--remove", "2").stderr, "has no certificate", "once")
    for step in (["retire", "web", "1"], ["destroy", "web", "1", "--yes"]):
        server.must("key", *step)
    tap.ok("certificate of version 1" in server.must("key", "show", "web"), "a version keeps its certificate until it is destroyed")
    stopped = server.nae("key", "csr", "web", "--subject", "/CN=a", "--version", "1")
    tap.like(stopped.stderr, "may sign", "and makes no request when it may not sign")
    tap.is_(sorted(re.findall(r"label: +(.*)", pkcs11_tool("-O", "--type", "cert").stdout)), ["Middle", "Root", "api"], "a version that serves nobody is not seen")
    server.stop()
    verified = run(KEY_SERVER, "verify-store", "--config", server.config)
    tap.ok(verified.returncode == 0, "the ledger has all of it", verified.stderr)
    server.start()
