"""What a client does: each operation asks, checks the answer, and counts the uses of keys that succeeded."""
from .ledger import ABSENT, token_of, values_of

MOST_ROWS = 150
POOL = 40
COLUMNS = "id, version, token, note, amount"
INSERT = f"INSERT INTO chaos ({COLUMNS}, owner) VALUES (%s, %s, %s, %s, %s, %s)"
UPDATE = "UPDATE chaos SET version = %s, token = %s, note = %s, amount = %s WHERE id = %s"
READ_ROW = 3  # encrypted columns of a row


def _keep(pool, random, entry):
    if len(pool) >= POOL:
        pool.pop(random.randrange(len(pool)))
    pool.append(entry)


def _pick_row(client):
    rows = client.ledger.rows()
    return client.random.choice(rows) if rows else None


def insert(client):
    row = client.ledger.new_row()
    client.change({row: 1}, lambda: client.ask(INSERT, *values_of(row, 1), client.ledger.owner))
    client.succeed("encrypt", READ_ROW)


def insert_many(client):
    """Values that a query makes, in one statement."""
    rows = [client.ledger.new_row() for _ in range(client.random.randrange(2, 20))]
    words = [word for row in rows for word in (*values_of(row, 1), client.ledger.owner)]
    tuples = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
    client.change({row: 1 for row in rows}, lambda: client.ask(f"INSERT INTO chaos ({COLUMNS}, owner) VALUES {tuples}", *words))
    client.succeed("encrypt", READ_ROW * len(rows))


def copy(client):
    rows = [client.ledger.new_row() for _ in range(client.random.randrange(1, 40))]
    lines = [(*values_of(row, 1), client.ledger.owner) for row in rows]
    client.change({row: 1 for row in rows}, lambda: client.copy(f"COPY chaos ({COLUMNS}, owner) FROM STDIN", lines))
    client.succeed("encrypt", READ_ROW * len(rows))


def _update(client, row, version):
    _, _, token, note, amount = values_of(row, version)
    client.ask(UPDATE, version, token, note, amount, row)


def update(client):
    row = _pick_row(client)
    if row:
        version = client.ledger.version(row) + 1
        client.change({row: version}, lambda: _update(client, row, version))
        client.succeed("encrypt", READ_ROW)


def transaction(client):
    """Several changes that come together or not at all."""
    rows = client.random.sample(client.ledger.rows(), min(3, len(client.ledger.rows())))
    changes = {row: client.ledger.version(row) + 1 for row in rows}
    made = client.ledger.new_row()

    def act():
        client.ask("BEGIN")
        for row, version in changes.items():
            _update(client, row, version)
        client.ask(INSERT, *values_of(made, 1), client.ledger.owner)
        client.ask("COMMIT")
    client.change({**changes, made: 1}, act)
    client.succeed("encrypt", READ_ROW * (len(rows) + 1))


def delete(client):
    rows = client.ledger.rows()
    count = max(1, len(rows) - MOST_ROWS)
    if rows:
        gone = client.random.sample(rows, min(count, len(rows)))
        client.change({row: ABSENT for row in gone}, lambda: client.ask("DELETE FROM chaos WHERE id = ANY (%s)", gone))


def _saw_one(client, row, found, what):
    if len(found) > 1:
        client.findings.add("wrong", f"{what}: {len(found)} rows for {row}")
    client.ledger.saw(row, found[0][1] if found else ABSENT, what)
    for one in found:
        client.ledger.check_values(one, what)
    client.succeed("decrypt", READ_ROW * len(found))


def read(client):
    unclear = client.ledger.unclear()
    row = client.random.choice(unclear) if unclear else _pick_row(client)
    if row:
        _saw_one(client, row, client.ask(f"SELECT {COLUMNS} FROM chaos WHERE id = %s", row), "read by id")


def find_by_token(client):
    row = _pick_row(client)
    if row:
        token = token_of(row, client.ledger.version(row))
        _saw_one(client, row, client.ask(f"SELECT {COLUMNS} FROM chaos WHERE token = %s", token), "found by its token")
        client.succeed("search")


def find_by_note(client):
    """A randomized column: all values of the client's rows are decrypted to find one."""
    row = _pick_row(client)
    if row:
        note = values_of(row, client.ledger.version(row))[3]
        found = client.ask(f"SELECT {COLUMNS} FROM chaos WHERE owner = %s AND note = %s", client.ledger.owner, note)
        _saw_one(client, row, found, "found by its note")


def read_others(client):
    """Nothing is known of them but that each value belongs to its row and version."""
    for row in client.ask(f"SELECT {COLUMNS} FROM chaos WHERE id > %s ORDER BY id LIMIT 5", client.random.getrandbits(36)):
        client.ledger.check_values(row, "another client's")
        client.succeed("decrypt", READ_ROW)


def read_all(client):
    found = client.ask(f"SELECT {COLUMNS} FROM chaos WHERE owner = %s", client.ledger.owner)
    versions = {row[0]: row[1] for row in found}
    for row in set(client.ledger.possible) | set(versions):
        client.ledger.saw(row, versions.get(row, ABSENT), "read of all")
    for row in found:
        client.ledger.check_values(row, "read of all")
    client.succeed("decrypt", READ_ROW * len(found))


def encrypt(client):
    plaintext = f"{client.name} {client.random.getrandbits(64)}"
    (sealed,), = client.ask("SELECT nae_encrypt('customer-pii', %s::text)", plaintext)
    client.envelopes.add(sealed, client.name)
    _keep(client.sealed, client.random, (sealed, plaintext))
    client.succeed("encrypt")


def encrypt_deterministic(client):
    (one, other), = client.ask("SELECT nae_encrypt('customer-ssn', v), nae_encrypt('customer-ssn', v) FROM (SELECT %s::text) AS t (v)", client.name)
    if one != other:
        client.findings.add("wrong", f"two deterministic ciphertexts of {client.name}")
    _keep(client.sealed, client.random, (one, client.name))
    client.succeed("encrypt", 2)


def decrypt(client):
    if client.sealed:
        sealed, plaintext = client.random.choice(client.sealed)
        (got,), = client.ask("SELECT nae_decrypt_text(%s)", sealed)
        if got != plaintext:
            client.findings.add("wrong", f"{plaintext!r} is decrypted as {got!r}")
        client.succeed("decrypt")


def decrypt_many(client):
    chosen = [client.random.choice(client.sealed) for _ in range(200)] if client.sealed else []
    got = client.ask("SELECT nae_decrypt_text(v) FROM unnest(%s::bytea[]) WITH ORDINALITY AS t (v, n) ORDER BY n", [sealed for sealed, _ in chosen])
    if [text for text, in got] != [plaintext for _, plaintext in chosen]:
        client.findings.add("wrong", "a batch is decrypted as another")
    client.succeed("decrypt", len(chosen))


def mac(client):
    message = f"{client.name} {client.random.randrange(1000)}"
    (code,), = client.ask("SELECT nae_mac('index-key', %s::text)", message)
    _keep(client.codes, client.random, (code, message))
    client.succeed("mac")


def sign(client):
    message = f"{client.name} {client.random.getrandbits(64)}"
    (signature,), = client.ask("SELECT nae_sign('doc-p256', %s::text)", message)
    _keep(client.signatures, client.random, (signature, message))
    client.succeed("sign")


def _verify(client, call, pool, action):
    if pool:
        proof, message = client.random.choice(pool)
        forged = client.random.random() < 0.3
        (good,), = client.ask(f"SELECT {call}", message + " and more" * forged, proof)
        if good is forged:
            client.findings.add("wrong", f"{call} says {good} of {message!r}, forged: {forged}")
        client.succeed(action)


def verify(client):
    _verify(client, "nae_verify('doc-p256', %s::text, %s)", client.signatures, "verify")


def verify_mac(client):
    _verify(client, "nae_mac_verify('index-key', %s::text, %s)", client.codes, "mac-verify")


OPERATIONS = {function.__name__: (weight, function) for weight, function in [
    (12, insert), (4, insert_many), (4, copy), (16, update), (5, transaction), (5, delete), (14, read), (12, find_by_token), (3, find_by_note),
    (3, read_others), (1, read_all), (10, encrypt), (3, encrypt_deterministic), (12, decrypt), (4, decrypt_many), (5, mac), (3, sign), (5, verify),
    (5, verify_mac)]}
