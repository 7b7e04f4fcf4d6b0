#!/usr/bin/python3 -B
# Answers that are longer than the largest request: the agent passes on what the key server may make, and what could
# become longer than that is not done.
from harness import ROOT, Stack, Tap, scratch_directory

KEYS = "index:hmac-sha-256 signer:rsa-4096 pii:aes-256-gcm"
SMALL = "\n[limits]\nmax_frame_bytes = 65536\nmax_items = 1000\n"
MANY = "ARRAY(SELECT i::text FROM generate_series(1, {}) AS i)"

with Tap() as tap, Stack(keys=KEYS) as stack:
    # A row for each key, which names the rule of each action: of 150 they have more than 64 KiB.
    policy = scratch_directory() / "policy.toml"
    policy.write_text((ROOT / "tests/fixtures/policy.toml").read_text().replace("one-role-does-everything", "r" * 120))
    stack.key_server.must("policy", "apply", policy)
    for number in range(150):
        stack.key_server.must("key", "create", "k" * 100 + f"{number:03}", "--type", "aes-256-gcm")
    session = stack.session("nae_all")
    before = session.ask("SELECT count(*), md5(string_agg(key_name, ',' ORDER BY key_name)) FROM nae_keys()"
                         .replace("key_name", "name")).out
    codes = session.ask(f"SELECT md5(nae_mac('index', {MANY.format(5000)})::text)").out
    session.close()
    stack.configure_agent(lambda text: text + SMALL)
    stack.reconnected()
    session = stack.session("nae_all")
    answer = session.ask("SELECT count(*), md5(string_agg(name, ',' ORDER BY name)) FROM nae_keys()")
    tap.ok(int(session.ask("SELECT sum(length(k::text)) FROM nae_keys() k").out) > 65536, "there is a list of keys longer than the largest frame")
    tap.is_(answer.out, before, "a list of keys longer than the largest frame arrives")
    tap.ok(int(answer.out.split("|")[0]) >= 150, "with all of them", answer)
    answer = session.ask(f"SELECT md5(nae_mac('index', {MANY.format(5000)})::text)")
    tap.is_(answer.out, codes, "so do the codes of 5,000 values")
    answer = session.ask(f"SELECT cardinality(nae_sign('signer', {MANY.format(300)}))", 120)
    tap.is_(answer.out, "300", "300 signatures arrive in parts that fit")
    answer = session.ask(f"SELECT bool_and(t = nae_decrypt_text(nae_encrypt('pii', t))) FROM unnest({MANY.format(3000)}) AS t", 120)
    tap.is_(answer.out, "t", "values come and go")
    refused = [record for record in stack.key_server.audit("--verdict", "deny")]
    tap.is_(refused, [], "nothing was done and then refused")
    signed = sum(record.get("items", 0) for record in stack.key_server.audit("--action", "sign"))
    tap.is_(signed, 300, "and nothing was signed twice")
    session.close()
