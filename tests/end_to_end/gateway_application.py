"""The web application of the gateway's tests: it INSERTs what it gets by plain SQL, keeps every request it saw in its log and in its
memory, and knows no key. `gateway_application.py PORT DIRECTORY_OF_POSTGRESQL'S_SOCKET`."""
import http.server
import json
import sys
import threading
import time
import urllib.parse

import psycopg2

SEEN = []  # a session store that nobody cleans
COLUMNS = ("name", "card", "note", "salary", "born")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def rows(self, query, *parameters):
        with self.server.one_at_a_time, self.server.database, self.server.database.cursor() as cursor:
            cursor.execute(query, parameters)
            return [dict(zip(("id", *COLUMNS), row)) for row in cursor.fetchall()]

    def handle_request(self):
        if self.path == "/upload":  # of any size, and kept nowhere
            left = size = int(self.headers["Content-Length"])
            while left > 0:
                left -= len(self.rfile.read(min(left, 1 << 20)))
            return self.answer(200, {"bytes": size})
        body = self.read_body()
        SEEN.append((self.path, body, dict(self.headers)))
        print(self.command, self.path, dict(self.headers), body, flush=True)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        shown = "SELECT id, name, card, note, salary, born FROM customer"
        if url.path == "/customers" and self.command == "POST":
            customer = json.loads(body)
            values = [customer.get(name) for name in COLUMNS]
            self.answer(201, self.rows("INSERT INTO customer (name, card, note, salary, born) VALUES (%s, %s, %s, %s, %s) "
                                       "RETURNING id, name, card, note, salary, born", *values)[0])
        elif url.path == "/customers" and "card" in query:
            self.answer(200, self.rows(f"{shown} WHERE card = %s", query["card"]))
        elif url.path.startswith("/customers/"):
            self.answer(200, self.rows(f"{shown} WHERE id = %s", int(url.path.rsplit("/", 1)[1]))[0])
        elif url.path == "/slow":
            time.sleep(float(query["seconds"]))
            self.answer(200, {"slept": True})
        elif url.path == "/lies":  # about the length of what it sends
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True
        elif url.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"first", b"second", b"x" * 100_000):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.answer(200, {"method": self.command, "path": self.path, "headers": list(self.headers.items()), "body": body.decode("latin-1")})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_request

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    server.database = psycopg2.connect(host=sys.argv[2], port=5432, user="shop_web", dbname="nae_test")
    server.one_at_a_time = threading.Lock()
    server.serve_forever()
