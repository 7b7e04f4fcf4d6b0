"""Custodians' cards in software: for each name a certificate, NAME.pem, and a key under a passphrase, NAME.card and NAME.pass."""
import os

from harness import give_to_owner, run


def make_cards(directory, names):
    for name in names:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", directory / f"{name}.key", "-out",
            directory / f"{name}.pem").check_returncode()
        (directory / f"{name}.pass").write_text(f"of {name}\n")
        run("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", directory / f"{name}.key", "-out", directory / f"{name}.card", "-passout",
            f"pass:of {name}").check_returncode()
        for file in (directory / f"{name}.pass", directory / f"{name}.card"):
            file.chmod(0o600)
            give_to_owner(file)


def certificates(directory, names):
    """As options of nae-keyserver init."""
    return [word for name in names for word in ("--card", directory / f"{name}.pem")]


SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


def make_token_cards(directory, names):
    """Cards that a PKCS#11 module reaches: tokens NAME of SoftHSM in `directory`/tokens, by `directory`/cards.conf; PIN in card-pin."""
    (directory / "tokens").mkdir()
    (directory / "cards.conf").write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    (directory / "card-pin").write_text("2468\n")
    (directory / "card-pin").chmod(0o600)
    give_to_owner(directory / "tokens", directory / "cards.conf", directory / "card-pin")
    environment = {**os.environ, "SOFTHSM2_CONF": str(directory / "cards.conf")}
    for name in names:
        run("softhsm2-util", "--init-token", "--free", "--label", name, "--so-pin", "13579", "--pin", "2468", env=environment).check_returncode()
        on_token = ["pkcs11-tool", "--module", SOFTHSM, "--token-label", name]
        run(*on_token, "--login", "--pin", "2468", "--keypairgen", "--key-type", "rsa:2048", "--usage-decrypt", "--label", name, env=environment).check_returncode()
        run(*on_token, "--read-object", "--type", "pubkey", "--label", name, "--output-file", directory / f"{name}.der", env=environment).check_returncode()
        run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", directory / f"{name}.der", "-out", directory / f"{name}.pem").check_returncode()
    return environment
