"""What the tests of encrypted columns share: tables and their contents."""
import json

from harness import ROOT

KEYS = "customer-pii:aes-256-gcm customer-ssn:aes-256-siv forbidden-key:aes-256-gcm"
TYPES = {"ssn": "nae.enc_det_text('customer-ssn')", "note": "nae.enc_text('customer-pii')",
         "salary": "nae.enc_numeric('customer-pii', 'context=hr')", "photo": "nae.enc_bytea('customer-pii')",
         "age": "nae.enc_int4('customer-pii')", "balance": "nae.enc_int8('customer-pii')",
         "vip": "nae.enc_bool('customer-pii')", "born": "nae.enc_date('customer-pii')",
         "seen": "nae.enc_timestamptz('customer-pii')", "ref": "nae.enc_det_uuid('customer-ssn')",
         "doc": "nae.enc_jsonb('customer-pii')"}
VALUES = ("'ssn-' || n, repeat('note ', n * n) || n, n * 1.25, decode(md5(n::text), 'hex'), n, n * 10000000000, n % 2 = 0, "
          "date '2000-01-01' + n, timestamptz '2000-01-01 UTC' + n * interval '1 hour', md5(n::text)::uuid, "
          "jsonb_build_object('n', n)")
CUSTOMER = f"""
CREATE TABLE customer (id int PRIMARY KEY, {', '.join(f'{name} {kind}' for name, kind in TYPES.items())}, UNIQUE (ssn));
INSERT INTO customer SELECT n, {VALUES} FROM generate_series(1, 50) n;
INSERT INTO customer (id, note) VALUES (51, NULL), (52, '');
"""
DIGEST = f"SELECT md5(string_agg(concat_ws('|', id, {', '.join(TYPES)}), ';' ORDER BY id)) FROM customer"
TWIN = (f"SELECT md5(string_agg(concat_ws('|', n, {', '.join(TYPES)}), ';' ORDER BY n)) FROM (SELECT n, {VALUES} "
        f"FROM generate_series(1, 50) n UNION ALL SELECT 51, {', '.join(['NULL'] * 11)} UNION ALL "
        f"SELECT 52, NULL, '', {', '.join(['NULL'] * 9)}) AS twin (n, {', '.join(TYPES)})")

# A table with a column of each encrypted type: a value of each plaintext type, and whether it has a deterministic one.
LITERALS = {"text": ("Grüße", True), "bytea": ("\\x00ff", True), "int4": ("-4", True), "int8": ("8589934592", True),
            "numeric": ("1.5", True), "bool": ("t", False), "date": ("1999-12-31", True),
            "timestamptz": ("2024-06-01 12:00:00.5+00", True), "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", True),
            "jsonb": ('{"a": [1]}', False), "timestamp": ("-infinity", True), "time": ("24:00", True),
            "interval": ("1 mon -2 days", False), "float4": ("0.1", False), "float8": ("-0", False), "json": ("[1 ]", False),
            "inet": ("10.0.0.1/8", True), "bpchar": ("c", True), "int2": ("-2", True)}
EVERY_TYPE = {f"{kind}{name}{array}": json.dumps([literal, None], ensure_ascii=False).replace("[", "{", 1)[:-1] + "}" if array else literal
              for name, (literal, deterministic) in LITERALS.items()
              for kind, array in [("enc_", ""), ("enc_", "_array")] + [("enc_det_", "")] * deterministic}
EVERY = f"""
CREATE TABLE every (id int PRIMARY KEY, {', '.join(f"{name} nae.{name}('customer-{'ssn' if '_det_' in name else 'pii'}')" for name in EVERY_TYPE)});
INSERT INTO every (id, {', '.join(EVERY_TYPE)}) VALUES (1, {', '.join(f"'{literal}'" for literal in EVERY_TYPE.values())});
INSERT INTO every (id) VALUES (2);
"""
EVERY_DIGEST = "SELECT count(*), md5(string_agg(row_to_json(every)::text, ';' ORDER BY id)) FROM every"


def allow_databases(stack, *names):
    """Roles may use their keys in these databases too."""
    policy = (ROOT / "tests/fixtures/policy.toml").read_text()
    listed = "".join(f', "{name}"' for name in names)
    stack.key_server.apply_policy(policy.replace('"nae_test_latin1"]', f'"nae_test_latin1"{listed}]'))


def asked(session, *queries):
    """The last one's rows; an error ends the test."""
    for query in queries:
        answer = session.ask(query)
        if answer.state:
            raise RuntimeError(f"{query}: {answer}")
    return answer.out
