"""A PIV card (NIST SP 800-73-4) with one RSA key, that of slot 9d, in the reader of vpcd: the commands that reading it, its PIN and a
decryption take. Swapped as people do, for pcscd's driver takes one reader."""
import socket
import struct
import threading

from cryptography.hazmat.primitives import serialization

ATR = bytes.fromhex("3B800181")
AID = bytes.fromhex("A000000308")
DISCOVERY = bytes.fromhex("7E124F0BA0000003080000100001005F2F024000")
CERTIFICATE = bytes.fromhex("5FC10B")  # of slot 9d
DONE, NOT_FOUND, NOT_ALLOWED, NOT_VERIFIED, LOCKED, UNKNOWN = 0x9000, 0x6A82, 0x6A80, 0x6982, 0x6983, 0x6D00
MOST = 256  # bytes of an answer


def tlv(tag, value):
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + struct.pack(">H", size)
    return bytes(tag) + length + value


def value_of(data):
    """Of one object: its length is one, two or three bytes behind a tag of one."""
    skip = {0x81: 3, 0x82: 4}.get(data[1], 2)
    return data[skip:]


class PivCard:
    """In the reader while it is open."""
    def __init__(self, key_pem, certificate_der, guid, pin="246800", port=35963):
        self.key = serialization.load_pem_private_key(key_pem, None).private_numbers()
        self.certificate, self.guid, self.pin = certificate_der, guid, pin.encode().ljust(8, b"\xff")
        self.tries, self.verified, self.chained, self.rest = 3, False, b"", b""
        self.pull_at_decryption = False
        self.reader = socket.create_connection(("127.0.0.1", port))
        self.reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pull()
        self.thread.join()

    def pull(self):
        try:
            self.reader.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.reader.recv(size - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    def work(self):
        try:
            while True:
                command = self.read(struct.unpack(">H", self.read(2))[0])
                if len(command) > 1:
                    self.send(self.answer(command))
                elif command == b"\x04":
                    self.send(ATR)
                else:  # power and reset
                    self.verified, self.chained, self.rest = False, b"", b""
        except (ConnectionError, OSError):
            self.reader.close()

    def send(self, data):
        self.reader.sendall(struct.pack(">H", len(data)) + data)  # in one piece: two cost 40 ms a command

    def answer(self, command):
        cla, ins, p1, p2 = command[:4]
        data = command[5:5 + command[4]] if len(command) > 5 else b""
        wanted = (command[-1] or MOST) if len(command) in (5, 6 + len(data)) else MOST
        if ins == 0xC0:
            return self.piece(self.rest, wanted)
        if cla & 0x10:
            self.chained += data
            return struct.pack(">H", DONE)
        data, self.chained = self.chained + data, b""
        done = self.do(ins, p1, p2, data)
        return struct.pack(">H", done) if isinstance(done, int) else self.piece(done, wanted)

    def piece(self, data, size):
        self.rest = data[size:]
        status = 0x6100 | (len(self.rest) if len(self.rest) < MOST else 0) if self.rest else DONE
        return data[:size] + struct.pack(">H", status)

    def do(self, ins, p1, p2, data):
        if ins == 0xA4:
            return tlv([0x61], tlv([0x4F], bytes.fromhex("000010000100")) + tlv([0x79], tlv([0x4F], AID))) if data.startswith(AID) else NOT_FOUND
        if ins == 0xCB:
            return self.object(value_of(data))
        if ins == 0x20:
            return self.verify(data)
        if ins == 0x87 and p2 == 0x9D:
            return self.decrypt(data)
        return UNKNOWN

    def object(self, tag):
        if tag == b"\x7e":
            return DISCOVERY
        if tag == CERTIFICATE:
            return tlv([0x53], tlv([0x70], self.certificate) + bytes.fromhex("710100FE00"))
        if tag == bytes.fromhex("5FC102"):
            return tlv([0x53], tlv([0x30], bytes(25)) + tlv([0x34], self.guid) + tlv([0x35], b"20991231") + bytes.fromhex("3E00FE00"))
        return NOT_FOUND

    def verify(self, pin):
        if self.tries == 0:
            return LOCKED
        if not pin:
            return DONE if self.verified else 0x63C0 | self.tries
        self.verified = pin == self.pin
        self.tries = 3 if self.verified else self.tries - 1
        return DONE if self.verified else 0x63C0 | self.tries if self.tries else LOCKED

    def decrypt(self, data):
        if self.pull_at_decryption:
            raise ConnectionError
        if not self.verified:
            return NOT_VERIFIED
        ciphertext = data[-256:]
        number = pow(int.from_bytes(ciphertext, "big"), self.key.d, self.key.public_numbers.n)
        return tlv([0x7C], tlv([0x82], number.to_bytes(256, "big")))
