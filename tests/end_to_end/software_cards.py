"""Custodians' cards in software: for each name a certificate, NAME.pem, and a key under a passphrase, NAME.card and NAME.pass."""
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
