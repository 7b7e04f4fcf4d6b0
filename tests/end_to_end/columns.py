"""What the tests of encrypted columns share: tables and their contents."""
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
