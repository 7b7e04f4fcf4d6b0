#!/usr/bin/python3 -B
# A plaintext and the PINs are searched in everything that the product writes.
import base64
import secrets

from harness import Stack, Tap, give_to_owner

# Statements are PostgreSQL's to log or not; here it does not, so that every find is the product's.
POSTGRESQL = """
log_statement = none
log_min_error_statement = panic
log_min_messages = debug1
log_min_duration_statement = -1
"""


def shapes(canary):
    """As it stands, and as a careless program might print it."""
    raw = canary.encode()
    encoded = [base64.b64encode(bytes(skip) + raw)[4 * skip:-4] for skip in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), raw.decode().encode("utf-16-le"), *encoded]


def holders(stack, canary, but=()):
    """Files of the stack that hold the canary; the copied PostgreSQL installation is not written to."""
    found = []
    for file in stack.path.rglob("*"):
        below = file.relative_to(stack.path)
        if file.is_symlink() or not file.is_file() or below.parts[0] == "postgresql" or str(below) in but:
            continue
        data = file.read_bytes()
        if any(shape in data for shape in shapes(canary)):
            found.append(str(below))
    return found


with Tap() as tap, Stack(postgresql=POSTGRESQL) as stack:
    server = stack.key_server
    server.config.write_text(server.config.read_text() + '\n[log]\nlevel = "debug"\n')
    give_to_owner(server.config)
    server.restart()
    stack.configure_agent(lambda text: text + '\n[log]\nlevel = "debug"\n')
    # With a space it is no well-formed name of a key: those are quoted and recorded wherever a key is
    # named, also by who swaps the arguments.
    canary, control = (f"canary {secrets.token_hex(12)}" for _ in range(2))
    session = stack.session("nae_all")
    one, two = canary[:15], canary[15:]  # no statement holds it whole, no catalog can

    def ask(query, state=""):
        answer = session.ask(query)
        if answer.state != state:
            raise RuntimeError(f"{query}: {answer}")
        return answer

    whole = f"'{one}' || '{two}'"
    ask("CREATE TABLE note (id int, secret bytea, plain text)")
    ask(f"INSERT INTO note SELECT n, nae_encrypt('customer-pii', {whole}), '{control}' FROM generate_series(1, 200) n")
    ask(f"INSERT INTO note SELECT n, nae_encrypt('customer-ssn', {whole}) FROM generate_series(1, 200) n")
    ask(f"SELECT count(*) FROM note WHERE nae_decrypt_text(secret) = {whole}")
    ask("UPDATE note SET secret = nae_rewrap(secret)")
    ask(f"SELECT nae_mac('index-key', {whole}), nae_blind_index('index-key', {whole}), nae_sign('doc-p256', {whole})")
    ask(f"SELECT nae_hash('sha256', {whole})")
    for query, state in [(f"SELECT nae_encrypt({whole}, 'customer-pii')", "22023"), (f"SELECT nae_encrypt('no-such-key', {whole})", "NE010"),
                         (f"SELECT nae_encrypt('forbidden-key', {whole})", "NE001"),
                         (f"SELECT nae_decrypt(convert_to({whole}, 'UTF8'))", "NE020"),
                         (f"SELECT nae_encrypt('customer-pii', nae_encrypt('customer-pii', {whole}))", "NE023"),
                         (f"SELECT nae_encrypt('customer-pii', repeat({whole}, 1000000))", "54000"),
                         (f"SELECT nae_decrypt(nae_encrypt('customer-pii', {whole}, 'a'), convert_to({whole}, 'UTF8'))", "NE022"),
                         (f"SELECT nae_hash({whole}, 'x')", "0A000"), (f"SELECT nae_sign('doc-p256', 'x', {whole})", "0A000")]:
        answer = session.ask(query)
        tap.ok(answer.state == state and canary not in answer.text, f"an error of {state} does not quote the value", answer)
    server.freeze()
    session.ask("SET statement_timeout = '300ms'")
    ask(f"SELECT nae_encrypt('customer-pii', {whole})", "57014")
    server.thaw()
    session.ask("RESET statement_timeout")
    ask("SELECT count(nae_decrypt(secret)) FROM note")
    session.close()

    # what goes out of the audit log
    audit, out = stack.path / "keyserver" / "audit", stack.path / "auditor"
    out.mkdir()
    newest = server.audit()[-1]["seq"]
    for number, words in enumerate([("export",), ("export", "--format", "csv"), ("report",), ("report", "--json"), ("query", "--summary"),
                                    ("query", "--limit", "10000"), ("verify", "--json"), ("receipt", str(newest))]):
        (out / f"{number}-{words[0]}").write_text(server.must("audit", *words))
    stack.sql(None, "CREATE DATABASE audit", database="postgres")
    sink = ("audit", "sink", "--directory", audit, "--database", f"host={stack.path / 'run'} port=5432 user=postgres dbname=audit")
    server.must(*sink, "--create")
    server.must(*sink)
    rows = int(stack.sql(None, "SELECT count(*) FROM nae_audit.record", database="audit").out)
    tap.ok(rows >= newest and len((out / "0-export").read_text().splitlines()) >= newest, "the audit log was exported and shipped", rows, newest)
    stack.sql(None, "CHECKPOINT")
    server.restart()

    pins = {file: (server.path / file).read_text().strip() for file in ("hsm/pin", "hsm/so-pin")}
    searched = sum(1 for file in stack.path.rglob("*") if file.is_file() and not file.is_symlink())
    tap.ok(searched > 500, "there is something to search", searched)
    tap.ok(any(name.startswith("data/base/") for name in holders(stack, control)), "what is not encrypted is found in the table's file")
    tap.ok(any(name.startswith("data/pg_wal/") for name in holders(stack, control)), "and in the write-ahead log")
    tap.is_(holders(stack, canary), [], "what is encrypted is found nowhere")
    tap.is_(holders(stack, pins["hsm/pin"]), ["keyserver/hsm/pin"], "the PIN stands in its own file alone")
    tap.is_(holders(stack, pins["hsm/so-pin"]), ["keyserver/hsm/so-pin"], "so does the security officer's")
    for file in ("keyserver/tls/server.key", "keyserver/admin/admin.key", "agent/database-host.key"):
        body = (stack.path / file).read_text().splitlines()[2]
        tap.is_(holders(stack, body), [file], f"{file} stands nowhere else")
    for log in ("keyserver.log", "postgresql.log"):
        tap.ok((stack.path / log).stat().st_size > 500, f"{log} was written")
