#!/usr/bin/env python3
"""The web shop of the tour's last act. It keeps what it is sent, knows no key, and says in its log all that it saw.

    web_shop.py ports                 two free ports of this machine
    web_shop.py serve PORT            the shop; PGHOST and the like name its database
    web_shop.py buy PORT BUYER CARD   what a browser sends

PORT may have a host before it, and a colon; without one it is a port of loopback.
"""
import http.server
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

INSERT = "INSERT INTO sales (buyer, card) VALUES (:'buyer', :'card');\n"


class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = dict(urllib.parse.parse_qsl(body))
        print(f"{self.command} {self.path}", *(f"  {name} = {value}" for name, value in sent.items()), sep="\n", flush=True)
        words = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "shop_web", "-d", "shop"]
        stored = subprocess.run([*words, *(f"--set={name}={sent.get(name, '')}" for name in ("buyer", "card"))], input=INSERT, text=True)
        self.send_response(201 if stored.returncode == 0 else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def address_of(text):
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


def buy(address, buyer, card):
    body = urllib.parse.urlencode({"buyer": buyer, "card": card})
    url = "http://{}:{}/sales".format(*address)
    print(f"POST /sales  {body}", flush=True)
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, body.encode(), timeout=30) as answer:
                print(answer.status, answer.reason)
                return 0
        except urllib.error.HTTPError as refused:
            # The gateway or the shop behind it is still starting.
            if refused.code not in (502, 503, 504) or time.monotonic() > until:
                print(refused.code, refused.read().decode())
                return 1
        except urllib.error.URLError as away:
            if time.monotonic() > until:
                print(re.sub(r"[<>]", "", str(away)))
                return 1
        time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[1:] == ["ports"]:
        print(free_port(), free_port())
    elif len(sys.argv) == 3 and sys.argv[1] == "serve":
        http.server.ThreadingHTTPServer(address_of(sys.argv[2]), Shop).serve_forever()
    elif len(sys.argv) == 5 and sys.argv[1] == "buy":
        sys.exit(buy(address_of(sys.argv[2]), *sys.argv[3:]))
    else:
        sys.exit(__doc__)
