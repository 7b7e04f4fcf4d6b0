#!/usr/bin/python3 -B
# Keys that rotate and retire, roles that change, policies that are replaced: all under open sessions.
from harness import ROOT, Stack, Tap

POLICY = (ROOT / "tests/fixtures/policy.toml").read_text()

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm customer-ssn:aes-256-siv doc-p256:ecdsa-p256") as stack:
    server = stack.key_server
    session = stack.session("nae_all")

    def encrypt(key, value):
        return session.ask(f"SELECT nae_encrypt('{key}', '{value}')").out

    def version(value):
        return session.ask(f"SELECT (nae_envelope('{value}'::bytea)).key_version").out

    def read(value, asker=session):
        return asker.ask(f"SELECT nae_decrypt_text('{value}'::bytea)")

    def rewrap(value):
        return session.ask(f"SELECT nae_rewrap('{value}'::bytea)")

    def set_state(key, number, state):
        return server.nae("key", "states", key, "--version", str(number), "--set", state)

    # rotation
    old = {key: encrypt(key, "same") for key in ("customer-pii", "customer-ssn")}
    tap.ok(old["customer-pii"] != encrypt("customer-pii", "same"), "randomized: equal values look different")
    tap.is_(encrypt("customer-ssn", "same"), old["customer-ssn"], "deterministic: equal values look equal")
    session.ask("CREATE TABLE person (ssn bytea UNIQUE)")
    session.ask(f"INSERT INTO person VALUES ('{old['customer-ssn']}')")
    tap.is_(session.ask("INSERT INTO person VALUES (nae_encrypt('customer-ssn', 'same'))").state, "23505", "and UNIQUE holds for them")
    signature = session.ask("SELECT nae_sign('doc-p256', 'message')").out
    for key in ("customer-pii", "customer-ssn", "doc-p256"):
        server.must("key", "rotate", key)
    for key, value in old.items():
        fresh = encrypt(key, "same")
        tap.is_((version(value), version(fresh)), ("1", "2"), f"{key}: after a rotation new values have the new version")
        tap.is_((read(value).out, read(fresh).out), ("same", "same"), f"{key}: old and new values are read")
        moved = rewrap(value).out
        tap.is_((version(moved), read(moved).out), ("2", "same"), f"{key}: rewrap moves an old value")
    tap.is_(rewrap(old["customer-ssn"]).out, encrypt("customer-ssn", "same"), "a rewrapped deterministic value equals new ones")
    tap.is_(session.ask(f"SELECT nae_verify('doc-p256', 'message', '{signature}'::bytea)").out, "t", "old signatures verify")

    # states, key customer-pii: its new version stays active
    tap.is_(set_state("customer-pii", 1, "restricted").returncode, 0, "an old version is restricted")
    tap.is_(read(old["customer-pii"]).out, "same", "restricted: old values are read")
    tap.is_(version(rewrap(old["customer-pii"]).out), "2", "restricted: and rewrapped")
    tap.is_(set_state("customer-pii", 1, "retired").returncode, 0, "then retired")
    tap.refused(read(old["customer-pii"]), "NE011", "retired: old values are not read")
    tap.refused(rewrap(old["customer-pii"]), "NE011", "retired: nor rewrapped")
    tap.is_(read(encrypt("customer-pii", "new")).out, "new", "the new version goes on")
    # key customer-ssn: no active version is left
    newest = encrypt("customer-ssn", "same")
    set_state("customer-ssn", 1, "restricted")
    set_state("customer-ssn", 2, "restricted")
    tap.refused(session.ask("SELECT nae_encrypt('customer-ssn', 'x')"), "NE011", "restricted: nothing is encrypted", "customer-ssn")
    tap.is_(read(newest).out, "same", "restricted: but decrypted")
    refused = set_state("customer-ssn", 2, "active")
    tap.ok(refused.returncode == 1 and refused.stderr, "what was restricted does not become active again", refused)
    tap.is_(set_state("customer-ssn", 7, "retired").returncode, 1, "a version that does not exist has no state")

    # roles
    sealed = encrypt("customer-pii", "for analysts")
    session.ask("RESET ROLE")
    for role, may_write, may_read in [("nae_clerk", "", "NE001"), ("nae_analyst", "NE001", ""), ("nae_clerk", "", "NE001"),
                                      ("nae_member", "", "NE001"), ("nae_grandchild", "", "NE001"), ("nae_loner", "NE001", "NE001"),
                                      ("nae_auditor", "NE001", "NE001"), ("postgres", "NE001", "NE001"), ("nae_all", "", "")]:
        session.ask(f"SET ROLE {role}")
        states = session.ask("SELECT nae_encrypt('customer-pii', 'x')").state, read(sealed).state
        tap.is_(states, (may_write, may_read), f"one connection as {role}")
    session.ask("RESET ROLE")
    for owner in ("nae_analyst", "nae_clerk"):
        session.ask(f"CREATE FUNCTION read_as_{owner}(bytea) RETURNS text LANGUAGE sql SECURITY DEFINER "
                    f"SET search_path = public AS 'SELECT nae_decrypt_text($1)'; ALTER FUNCTION read_as_{owner} OWNER TO {owner}")
    session.ask("SET ROLE nae_clerk")
    tap.is_(session.ask(f"SELECT read_as_nae_analyst('{sealed}'::bytea)").out, "for analysts", "SECURITY DEFINER lends its owner's right")
    tap.refused(read(sealed), "NE001", "and no longer than it runs")
    session.ask("SET ROLE nae_analyst")
    tap.refused(session.ask(f"SELECT read_as_nae_clerk('{sealed}'::bytea)"), "NE001", "it also takes the caller's away")
    tap.is_(session.ask(f"BEGIN; SET LOCAL ROLE nae_analyst; SELECT nae_decrypt_text('{sealed}'::bytea); COMMIT").out, "for analysts",
            "SET LOCAL ROLE counts in its transaction")

    # policy
    analyst = stack.session("nae_analyst")
    tap.is_(read(sealed, analyst).out, "for analysts", "an open session reads")
    server.apply_policy(POLICY + '\n[[rule]]\nname = "closed"\nroles = ["nae_analyst"]\nkeys = ["glob:*"]\nactions = ["decrypt"]\nresult = "deny"\n')
    tap.refused(read(sealed, analyst), "NE001", "a new policy denies its very next query", "nae_analyst")
    broken = server.path.with_name("broken.toml")
    wrong = POLICY + '\n[[rule]]\nname = "typo"\nrole = ["nae_analyst"]\nkeys = ["glob:*"]\nactions = ["decrypt"]\nresult = "value"\n'
    line = wrong.splitlines().index('role = ["nae_analyst"]') + 1
    broken.write_text(wrong)
    broken.chmod(0o644)
    refused = server.nae("policy", "apply", broken)
    tap.ok(refused.returncode == 1 and f"line {line}:" in refused.stderr and "hint: " in refused.stderr,
           "a policy with a typing error is refused with its line", refused)
    tap.refused(read(sealed, analyst), "NE001", "and changes nothing")
    server.apply_policy(POLICY)
    tap.is_(read(sealed, analyst).out, "for analysts", "the old policy, applied again, allows at once")
    session.ask("RESET ROLE")
    session.ask("GRANT nae_analyst TO nae_auditor")
    auditor = stack.session("nae_auditor")
    tap.is_(read(sealed, auditor).out, "for analysts", "a granted role counts")
    session.ask("REVOKE nae_analyst FROM nae_auditor")
    tap.refused(read(sealed, auditor), "NE001", "a revoked one no longer, from the next statement on")
