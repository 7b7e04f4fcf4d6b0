"""What remains afterwards: nonces of all envelopes, and the records of the audit log."""
import base64
import collections
import json
import threading

SEALED, COLUMN = 0xa4, 0xe1  # first bytes, docs/spec/envelope.md and docs/spec/column.md
COLUMN_HEADER = 6


class Envelopes:
    """Of one key version no two have the same salt and counter, which are never given twice; nor then the same nonce."""
    def __init__(self):
        self.lock = threading.Lock()
        self.seen = set()
        self.repeated = []
        self.count = 0

    def add(self, envelope, where):
        if envelope[0] == COLUMN:
            envelope = envelope[COLUMN_HEADER:]
        if envelope[0] != SEALED:
            raise ValueError(f"an envelope of format {envelope[0]:x} {where}")
        mark = envelope[1:14] + envelope[22:25]  # key id, version, salt; counter
        with self.lock:
            self.count += 1
            if mark in self.seen:
                self.repeated.append(f"{mark.hex()} {where}")
            self.seen.add(mark)

    def add_columns(self, connection):
        """The trigger of the table has kept the ciphertext of every randomized value that was ever committed."""
        with connection.cursor("made") as cursor:
            for row in cursor.execute("SELECT note, amount FROM made"):
                for text in row:
                    self.add(base64.b64decode(text.removeprefix("nae1:"), validate=True), "in a column")


class Audit:
    """Uses of keys that were granted and succeeded, by application and action."""
    def __init__(self, directory):
        self.items = collections.Counter()
        self.records = 0
        for segment in sorted(directory.glob("audit-*.jsonl")):
            with open(segment, encoding="utf-8") as file:
                for line in file:
                    self.records += 1
                    record = json.loads(line)
                    if record["event"] == "request" and record["verdict"] == "value":
                        self.items[record["application_name"], record["action"]] += record["items"] - record["failed_items"]

    def missing(self, client):
        """Successes of a client that have no record."""
        return [f"{client.name}: {count} items of {action}, {self.items[client.name, action]} in the log"
                for action, count in client.successes.items() if self.items[client.name, action] < count]
