# custody.nae and backup.nae read by another implementation, from docs/spec alone.
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding

GROUP_KEY, CHECK_KEY, AUTHORITY, AUDIT, BINDING, LEDGER_KEY, SO_PIN = range(1, 8)


class Custody:
    """custody.nae, read by docs/spec/custody.md."""
    def __init__(self, data):
        assert data.startswith(b"NAE custody\n\x01")
        self.group, self.generation, _, self.k, self.n = struct.unpack(">16sIQBB", data[13:43])
        self.rest = data[75:]
        (count,) = self.take(1)
        self.kept = {self.take(1)[0]: (self.text(), self.text()) for _ in range(count)}
        self.shares = [{"holder": self.text().decode(), "sealing": self.take(1)[0], "card": self.take(32), "salt": self.take(16),
                        "commitment": self.take(32), "sealed": self.text()} for _ in range(self.n)]
        self.signature, self.signed = None, data[:len(data) - len(self.rest)]
        self.signature = self.text()
        assert not self.rest

    def take(self, size):
        taken, self.rest = self.rest[:size], self.rest[size:]
        assert len(taken) == size
        return taken

    def text(self):
        return self.take(struct.unpack(">H", self.take(2))[0])

    def share(self, x, card):
        record = self.shares[x - 1]
        digest = hashes.SHA256() if record["sealing"] == 1 else hashes.SHA1()
        text = card.decrypt(record["sealed"], padding.OAEP(padding.MGF1(digest), digest, None))
        assert text[:22] == b"\x01" + self.group + struct.pack(">IB", self.generation, x)
        committed = b"NAE custody share 1" + self.group + struct.pack(">I", self.generation) + record["salt"] + text[21:]
        assert hashlib.sha256(committed).digest() == record["commitment"]
        return x, text[22:]

    def unwrap(self, secret, kind):
        wrapping = hmac.digest(secret, b"NAE custody wrap 1" + self.group + struct.pack(">IB", self.generation, kind), "sha256")
        return aes_key_unwrap_with_padding(wrapping, self.kept[kind][1])


def multiply(a, b):
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11B << bit - 8) * (product >> bit & 1)
    return product


def combine(shares):
    secret = bytes(32)
    for x, y in shares:
        weight = 1
        for other, _ in shares:
            if other != x:
                inverse = next(b for b in range(1, 256) if multiply(x ^ other, b) == 1)
                weight = multiply(weight, multiply(other, inverse))
        secret = bytes(s ^ multiply(b, weight) for s, b in zip(secret, y))
    return secret


def load(pem, passphrase=None):
    return serialization.load_pem_private_key(pem, passphrase)


class Backup:
    """backup.nae, read by docs/spec/backup.md."""
    def __init__(self, data):
        self.data = data
        assert data.startswith(b"NAE backup\n\x01")
        (fields,) = struct.unpack(">I", data[12:16])
        rest = data[16:16 + fields]
        self.id, self.made_at, self.key, self.salt, wrapped = struct.unpack(">8sQ6s12sH", rest[:36])
        self.wrapped, rest = rest[36:36 + wrapped], rest[36 + wrapped:]
        self.content, self.block, self.bytes, custody = struct.unpack(">BIQI", rest[:17])
        self.custody_file = rest[17:17 + custody]
        self.custody = Custody(self.custody_file)
        assert len(rest) == 17 + custody
        length = data[16 + fields]
        signature = data[17 + fields:17 + fields + length]
        self.header = 16 + fields + 73
        assert not any(data[17 + fields + length:self.header])
        audit = serialization.load_der_public_key(self.custody.kept[AUDIT][0])
        audit.verify(signature, data[:16 + fields], ec.ECDSA(hashes.SHA256()))
        self.blocks = -(-self.bytes // self.block)
        assert len(data) == self.header + self.bytes + 16 * self.blocks

    def key_of(self, group_key, salt):
        secret = aes_key_unwrap_with_padding(group_key, self.wrapped)
        counter = struct.pack(">I", 1) + b"nae/1 aes-256-gcm\0" + self.key + struct.pack(">H", 1) + salt + struct.pack(">I", 256)
        return AESGCM(hmac.digest(secret, counter, "sha256"))

    def sealed_again(self, content, group_key, audit_key):
        """Of another content, signed by the group's audit key: what k cards can make, and only they."""
        salt, custody = os.urandom(12), self.custody_file
        fields = (struct.pack(">8sQ6s12sH", self.id, self.made_at, self.key, salt, len(self.wrapped)) + self.wrapped
                  + struct.pack(">BIQI", self.content, self.block, len(content), len(custody)) + custody)
        signed = b"NAE backup\n\x01" + struct.pack(">I", len(fields)) + fields
        signature = serialization.load_der_private_key(audit_key, None).sign(signed, ec.ECDSA(hashes.SHA256()))
        whole = signed + bytes([len(signature)]) + signature + bytes(72 - len(signature))
        key, header = self.key_of(group_key, salt), hashlib.sha256(whole).digest()
        for number, at in enumerate(range(0, len(content), self.block)):
            whole += key.encrypt(struct.pack(">IQ", 0, number), content[at:at + self.block], header)
        return whole

    def open(self, group_key):
        key = self.key_of(group_key, self.salt)
        header = hashlib.sha256(self.data[:self.header]).digest()
        content, at = b"", self.header
        for number in range(self.blocks):
            size = min(self.block, self.bytes - number * self.block) + 16
            content += key.decrypt(struct.pack(">IQ", 0, number), self.data[at:at + size], header)
            at += size
        return content
