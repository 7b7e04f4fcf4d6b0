#!/usr/bin/python3 -B
# No program of ours does what the environment asks its libraries to do with secrets.
import os
import pathlib
import tempfile

from harness import Stack, Tap

ASKED = pathlib.Path(tempfile.mkdtemp(prefix="nae-environment-"))
ASKED.chmod(0o777)
for name in ("SSLKEYLOGFILE", "QLOGDIR", "KRB5_TRACE", "PKCS11SPY_OUTPUT"):
    os.environ[name] = str(ASKED / name)

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    done = stack.nae("status")
    tap.is_(done.returncode, 0, "nae speaks TLS with a file for its secrets named")
    stack.key_server.restart()
    stack.reconnected()
    tap.is_(stack.sql("nae_all", "SELECT nae_decrypt_text(nae_encrypt('customer-pii', 'x'))").out, "x",
            "so do agent and key server")
    tap.is_(sorted(path.name for path in ASKED.iterdir()), [], "nobody wrote anything there")
