"""Two schemas with the same tables, one encrypted and one plain: whatever software asks of both, it must answer alike."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from columns import KEYS, asked  # noqa: E402
from harness import Stack  # noqa: E402

SCHEMAS = ("plain", "secret")
CANARY = "canary-7f3a"  # part of every text that must not be seen outside
CUSTOMER = {
    "ssn": ("text", "nae.enc_det_text('customer-ssn')"), "name": ("text", "nae.enc_text('customer-pii')"),
    "email": ("text", "nae.enc_text('customer-pii')"), "age": ("int", "nae.enc_int4('customer-pii')"),
    "balance": ("numeric", "nae.enc_numeric('customer-pii')"), "born": ("date", "nae.enc_date('customer-pii')"),
    "seen": ("timestamptz", "nae.enc_timestamptz('customer-pii')"), "vip": ("boolean", "nae.enc_bool('customer-pii')"),
    "ref": ("uuid", "nae.enc_det_uuid('customer-ssn')"), "doc": ("jsonb", "nae.enc_jsonb('customer-pii')")}
PURCHASE = {"item": ("text", "nae.enc_text('customer-pii')"), "price": ("numeric", "nae.enc_numeric('customer-pii')")}


def tables(schema):
    """The statements that make them; rows belong to whoever runs them."""
    secret = schema == "secret"
    customer, purchase = (", ".join(f"{name} {kinds[secret]}" for name, kinds in columns.items()) for columns in (CUSTOMER, PURCHASE))
    return (f"CREATE TABLE {schema}.customer (id serial PRIMARY KEY, {customer}, UNIQUE (ssn))",
            f"CREATE TABLE {schema}.purchase (id serial PRIMARY KEY, customer_id int NOT NULL REFERENCES {schema}.customer ON DELETE CASCADE, "
            f"bought date NOT NULL DEFAULT '2024-01-01', {purchase})")


def rows(schema, count=20):
    return (f"INSERT INTO {schema}.customer (ssn, name, email, age, balance, born, seen, vip, ref, doc) SELECT '{CANARY}-' || n, "
            f"'{CANARY} name ' || n, 'user' || n || '@{CANARY}.example', 20 + n, n * 10.25, date '1970-01-01' + n * 100, "
            f"timestamptz '2024-01-01 12:00+00' + n * interval '1 hour', n % 3 = 0, md5(n::text)::uuid, jsonb_build_object('n', n, 'tag', '{CANARY}') "
            f"FROM generate_series(1, {count}) n",
            f"INSERT INTO {schema}.purchase (customer_id, bought, item, price) SELECT 1 + n % {count}, date '2024-01-01' + n, "
            f"'{CANARY} item ' || n % 7, n * 1.5 FROM generate_series(1, {3 * count}) n")


def stack(postgresql=""):
    """With both schemas and their rows, of role nae_all, which may log in."""
    made = Stack(keys=KEYS, postgresql=postgresql)
    superuser = made.session(None)
    asked(superuser, "ALTER ROLE nae_all LOGIN", *(f"CREATE SCHEMA {schema} AUTHORIZATION nae_all" for schema in SCHEMAS))
    session = made.session("nae_all")
    for schema in SCHEMAS:
        asked(session, *tables(schema), *rows(schema))
    session.close()
    superuser.close()
    return made


def fresh(made):
    """The rows as they were at first."""
    session = made.session("nae_all")
    for schema in SCHEMAS:
        asked(session, f"TRUNCATE {schema}.customer, {schema}.purchase RESTART IDENTITY", *rows(schema))
    session.close()


def both(tap, ask, name):
    """`ask(schema)` gives for both schemas the same, and not nothing. Its answer."""
    plain, secret = (ask(schema) for schema in SCHEMAS)
    if tap.ok(bool(plain), f"{name}: there is an answer", repr(plain)):
        tap.is_(secret, plain, name)
    return secret
