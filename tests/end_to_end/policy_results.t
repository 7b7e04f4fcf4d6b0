#!/usr/bin/python3 -B
# What a policy says beyond yes and no, seen from SQL: masks, NULL, ciphertext, limits, time, network, delegation.
import datetime
import re

from harness import Stack, Tap, run, wait_until

HEAD = 'version = 1\n[[device]]\nname = "database-host"\n[[program]]\nname = "postgres"\n'
ALL = '["nae_all", "nae_clerk", "nae_analyst", "nae_auditor", "nae_loner"]'


def rule(name, roles, result, keys="customer-*", actions="decrypt", more=""):
    roles = roles if roles.startswith("[") else f'["{roles}"]'
    listed = ", ".join(f'"{action}"' for action in actions.split())
    return (f'[[rule]]\nname = "{name}"\nroles = {roles}\nkeys = ["{keys}"]\nactions = [{listed}]\nresult = "{result}"\n{more}\n')


WRITING = rule("all-write", ALL, "value", actions="encrypt rewrap") + rule("owner", "nae_all", "value")
READING = (rule("shows-the-end", "nae_clerk", "mask(digits, last=4)") + rule("hides", "nae_auditor", "null")
           + rule("keeps", "nae_loner", "ciphertext"))

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm customer-ssn:aes-256-siv") as stack:
    server = stack.key_server
    server.apply_policy(HEAD + WRITING + READING)
    owner = stack.session("nae_all")
    roles = ("nae_all", "nae_clerk", "nae_analyst", "nae_auditor", "nae_loner")
    sessions = {role: stack.session(role) for role in roles}
    owner.ask("CREATE TABLE person (id int, ssn bytea)")
    owner.ask("GRANT SELECT, UPDATE ON person TO PUBLIC")
    owner.ask("INSERT INTO person VALUES (1, nae_encrypt('customer-pii', '123-45-6789'))")
    sealed = owner.ask("SELECT ssn FROM person").out

    # one SELECT, five answers
    query = "SELECT nae_decrypt_text(ssn) FROM person WHERE id = 1"
    tap.is_(sessions["nae_all"].ask(query).out, "123-45-6789", "the owner reads the value")
    tap.is_(sessions["nae_clerk"].ask(query).out, "***-**-6789", "the clerk a part of it")
    tap.is_(sessions["nae_clerk"].ask("SELECT actions, results FROM nae_keys() WHERE name = 'customer-pii'").out,
            "{encrypt,decrypt,rewrap}|{value,masked,value}", "and is told so beforehand")
    tap.is_(sessions["nae_auditor"].ask(f"SELECT ({query}) IS NULL").out, "t", "the auditor NULL")
    tap.is_(sessions["nae_loner"].ask(query).out, sealed, "the loner the ciphertext, as text")
    tap.is_(sessions["nae_loner"].ask("SELECT nae_decrypt(ssn) = ssn FROM person").out, "t", "and as bytea")
    denied = sessions["nae_analyst"].ask(query)
    tap.refused(denied, "NE001", "the analyst an error that names action and key", 'decrypt with key "customer-pii"')
    tap.ok(not re.search("owner|shows|hides|keeps", denied.text), "and no rule", denied)
    tap.is_(sessions["nae_clerk"].ask("SELECT convert_from(nae_decrypt(ssn), 'UTF8') FROM person").out, "***-**-6789",
            "a bytea is masked the same way")
    tap.is_(sessions["nae_clerk"].ask("SELECT nae_decrypt_text(ARRAY[ssn, NULL, ssn]) FROM person").out,
            "{***-**-6789,NULL,***-**-6789}", "and so is an array")
    verdicts = {record["role"]: (record["verdict"], record["rule"]) for record in server.audit("--action", "decrypt")}
    tap.is_(verdicts, {"nae_all": ("value", "owner"), "nae_clerk": ("masked", "shows-the-end"), "nae_auditor": ("null", "hides"),
                       "nae_loner": ("ciphertext", "keeps"), "nae_analyst": ("deny", "")}, "the audit log says which, and by which rule")

    # what a mask cannot do
    binary = owner.ask("SELECT nae_encrypt('customer-pii', '\\xfffe'::bytea)").out
    tap.refused(sessions["nae_clerk"].ask(f"SELECT nae_decrypt('{binary}'::bytea)"), "NE025", "what is no text is not masked")
    tap.is_(sessions["nae_all"].ask(f"SELECT nae_decrypt('{binary}'::bytea)").out, "\\xfffe", "but read by who may")
    changed = sealed[:-1] + ("0" if sealed[-1] != "0" else "1")
    tap.refused(sessions["nae_clerk"].ask(f"SELECT nae_decrypt('{changed}'::bytea)"), "NE022", "nor is what was changed")

    # writing back
    write_back = "UPDATE person SET ssn = nae_encrypt('customer-pii', nae_decrypt_text(ssn)) WHERE id = 1"
    tap.refused(sessions["nae_clerk"].ask(write_back), "NE026", "a masked value is not written back")
    tap.refused(sessions["nae_loner"].ask(write_back), "NE023", "nor is a ciphertext")
    tap.is_(owner.ask(query).out, "123-45-6789", "and the value is what it was")
    tap.is_(sessions["nae_clerk"].ask("UPDATE person SET ssn = nae_encrypt('customer-pii', '987-65-4321') WHERE id = 1").state, "",
            "a new value is written")
    tap.is_(sessions["nae_clerk"].ask(query).out, "***-**-4321", "by who sees it masked afterwards")

    # limits
    server.apply_policy(HEAD + WRITING + rule("a-few", "nae_clerk", "value", more='limits = ["10 per hour"]')
                        + rule("a-moment", "nae_auditor", "value", more='limits = ["4 per second"]'))
    first, second = sessions["nae_clerk"], stack.session("nae_clerk")
    many = "SELECT count(nae_decrypt(ssn)) FROM person, generate_series(1, {})"
    tap.is_(first.ask(many.format(6)).out, "6", "a limit lets values through")
    tap.is_(second.ask(many.format(4)).out, "4", "and counts over all backends")
    for session in (first, second):
        refused = session.ask(query)
        tap.refused(refused, "NE009", "up to its number", "decrypt with key .customer-pii.*10 per hour")
        tap.like(refused.hint, r"Try again in 3\d{3} s\.", "the hint says when to try again")
        tap.ok("a-few" not in refused.text, "and names no rule", refused)
    tap.is_(owner.ask(query).out, "987-65-4321", "another role reads on")
    recorded = server.audit("--action", "decrypt", "--verdict", "deny")[-1]
    tap.is_((recorded["reason"], recorded["rule"]), ("limit_exceeded", "a-few"), "the audit log says which limit")
    auditor = sessions["nae_auditor"]
    tap.refused(auditor.ask("SELECT nae_decrypt(array_agg(ssn)) FROM person, generate_series(1, 5)"), "NE009",
                "a request beyond the limit never passes", "4 per second")
    tap.ok(wait_until(lambda: auditor.ask(query).out == "987-65-4321"), "one within it does, when its second is over")

    # time, on open connections
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    server.apply_policy(HEAD + WRITING + rule("until", "nae_clerk", "value", more=f"not_after = {end:%Y-%m-%dT%H:%M:%SZ}"))
    states = []
    tap.ok(wait_until(lambda: [states.append(first.ask(query).state), states[-1] == "NE001"][1]), "a rule ends with its time", states[-3:])
    tap.ok(datetime.datetime.now(datetime.timezone.utc) >= end.replace(microsecond=0), "not before")
    tap.is_(set(states), {"", "NE001"}, "and was in force until then")
    tap.is_(owner.ask(query).out, "987-65-4321", "others read on")

    # network
    for networks, state in (('networks = ["127.0.0.0/8"]', ""), ('networks = ["198.51.100.0/24"]', "NE001"),
                            ('client_networks = ["127.0.0.0/8"]', "NE001")):
        server.apply_policy(HEAD + WRITING + rule("from-there", "nae_clerk", "value", more=networks))
        tap.is_(first.ask(query).state, state, f"{networks} for a device at 127.0.0.1 and a client on a Unix socket")

    # delegation
    server.apply_policy(HEAD + WRITING + rule("in-person", "nae_clerk", "value", more="delegation = false"))
    tap.refused(first.ask(query), "NE001", "a role that was set is not the one that logged in")
    stack.sql(None, "ALTER ROLE nae_clerk LOGIN")
    in_person = run(stack.psql, "-XAtq", "-h", stack.path / "run", "-p", "5432", "-U", "nae_clerk", "-d", "nae_test", "-c", query)
    tap.is_(in_person.stdout.strip(), "987-65-4321", "one that logged in reads")
