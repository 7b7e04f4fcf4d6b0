#!/usr/bin/python3 -B
# What nae-gateway cannot understand of a claimed request is refused with a name and never reaches the application; what no route
# claims reaches it byte for byte.
import gzip
import json
import os
import re

from gateway_shop import Shop
from harness import Tap

CANARY = "4111111111111111"
JSON = {"Content-Type": "application/json"}


def names(answers):
    """Status and name of each answer in what a connection sent back."""
    found = []
    for part in answers.split(b"HTTP/1.1 ")[1:]:
        name = re.search(rb'"error":"(\w+)"', part)
        found.append((int(part[:3]), name.group(1).decode() if name else ""))
    return found


with Tap() as tap, Shop() as shop:
    gateway = shop.gateway
    body = '{"name":"Ann","card":"%s"}' % CANARY

    def refused(name, status, error, *request):
        got = gateway.ask(*request)
        tap.is_((got[0], got[1].get("error") if isinstance(got[1], dict) else got[1]), (status, error), name)

    for name, status, error, text in [
            ("a key that stands twice", 400, "json_key_twice", '{"card":"%s","card":"1"}' % CANARY),
            ("the same with an escape", 400, "json_key_twice", '{"card":"%s","c\\u0061rd":"1"}' % CANARY),
            ("a key of another case", 400, "field_ambiguous", '{"Card":"%s"}' % CANARY),
            ("what stands behind the value", 400, "json_trailing_bytes", body + " x"),
            ("a second value", 400, "json_trailing_bytes", body + body),
            ("a comment", 400, "json_malformed", '{/**/"card":"%s"}' % CANARY),
            ("single quotes", 400, "json_malformed", "{'card':'%s'}" % CANARY),
            ("NaN", 400, "json_malformed", '{"x":NaN,"card":"%s"}' % CANARY),
            ("half a surrogate pair", 400, "json_malformed", '{"name":"\\ud800","card":"%s"}' % CANARY),
            ("U+0000", 400, "json_malformed", '{"name":"\\u0000","card":"%s"}' % CANARY),
            ("a body that ends early", 400, "json_malformed", body[:-1]),
            ("an array of customers", 422, "field_shape", f"[{body}]"),
            ("an object in a value's place", 422, "value_invalid", '{"card":{"number":"%s"}}' % CANARY),
            ("no number of the column's type", 422, "value_invalid", '{"salary":"a lot"}'),
            ("a ciphertext from outside", 422, "value_is_ciphertext", '{"card":"nae1:4QHEi5L1"}'),
            ("65 levels", 400, "json_depth", "[" * 65 + "]" * 65),
            ("no UTF-8", 400, "json_encoding", b'{"name":"\xff","card":"%s"}' % CANARY.encode()),
            ("a byte order mark", 400, "json_malformed", b"\xef\xbb\xbf" + body.encode()),
            ("UTF-16", 400, "json_encoding", body.encode("utf-16"))]:
        refused(f"{name} is refused", status, error, "POST", "/customers", text, JSON)
    for name, status, error, headers in [
            ("no content type", 415, "content_type_missing", {}), ("a form's", 415, "content_type_unexpected", {"Content-Type": "application/x-www-form-urlencoded"}),
            ("text/plain", 415, "content_type_unexpected", {"Content-Type": "text/plain"}),
            ("another charset", 415, "charset_unsupported", {"Content-Type": "application/json; charset=utf-16"}),
            ("a body in another coding than gzip", 415, "content_encoding_unsupported", {**JSON, "Content-Encoding": "br"}),
            ("a body in two codings", 415, "content_encoding_unsupported", {**JSON, "Content-Encoding": "gzip, gzip"}),
            ("a body that is not in gzip and says so", 400, "gzip_malformed", {**JSON, "Content-Encoding": "gzip"}),
            ("another method by a header", 400, "method_override", {**JSON, "X-HTTP-Method-Override": "PUT"})]:
        connection = gateway.ask("POST", "/customers", body.encode(), headers or {"X": "y"})
        tap.is_((connection[0], connection[1].get("error")), (status, error), f"{name} is refused")
    refused("a body over the limit is refused", 413, "body_too_large", "POST", "/customers", json.dumps({"x": "a" * (1 << 20)}), JSON)
    packed = {**JSON, "Content-Encoding": "gzip"}
    for name, status, error, data in [
            ("two members of gzip", 400, "gzip_malformed", gzip.compress(body.encode()) * 2), ("gzip that ends early", 400, "gzip_malformed", gzip.compress(body.encode())[:-4]),
            ("a mebibyte of blanks in gzip", 413, "body_too_dense", gzip.compress(b" " * (1 << 19) + body.encode())),
            ("gzip that holds more than the limit", 413, "body_too_large", gzip.compress(os.urandom(1 << 19).hex().encode() * 2)),
            ("what gzip holds and is no JSON", 400, "json_malformed", gzip.compress(body[:-1].encode()))]:
        refused(f"{name} is refused", status, error, "POST", "/customers", data, packed)
    for path in ("/Customers/", "/c%75stomers", "/customers;v=1"):
        refused(f"{path} is the same path", 400, "json_malformed", "POST", path, body[:-1], JSON)
    for path in ("/x/../customers", "//customers", "/customers/%2e%2e/customers", "/x%2f..%2fcustomers", "/customers%5c"):
        refused(f"{path} is refused", 400, "path_ambiguous", "POST", path, body, JSON)
    refused("a parameter that stands twice is refused", 400, "field_twice", "GET", f"/customers?card={CANARY}&card=1")
    refused("a parameter of an array is refused", 400, "field_ambiguous", "GET", f"/customers?card[]={CANARY}".replace("[", "%5B").replace("]", "%5D"))

    # Framing: of requests that two readers may cut differently none reaches the application.
    head = b"POST /customers HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body.encode())
    length = b"Content-Length: %d\r\n" % len(body)
    hidden = b"GET /hidden HTTP/1.1\r\nHost: shop\r\n\r\n"
    before = shop.application.log.read_text().count("\n")
    for name, data in [
            ("Content-Length and Transfer-Encoding", head + length + b"Transfer-Encoding: chunked\r\n\r\n" + chunked + hidden),
            ("Transfer-Encoding and Content-Length", head + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunked + hidden),
            ("two Content-Lengths", head + length + b"Content-Length: 1\r\n\r\n" + body.encode() + hidden),
            ("a Content-Length with a sign", head + b"Content-Length: +%d\r\n\r\n" % len(body) + body.encode() + hidden),
            ("a list of Content-Lengths", head + b"Content-Length: %d, %d\r\n\r\n" % (len(body), len(body)) + body.encode() + hidden),
            ("an unknown Transfer-Encoding", head + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked + hidden),
            ("a Transfer-Encoding twice", head + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked + hidden),
            ("a Transfer-Encoding with a tab", head + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + chunked + hidden),
            ("a blank before the colon", head + b"Transfer-Encoding : chunked\r\n\r\n" + chunked + hidden),
            ("a chunk's size that is none", head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body.encode() + b"\r\n0\r\n\r\n" + hidden),
            ("a chunk that is longer than it says", head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + body.encode() + b"\r\n0\r\n\r\n" + hidden),
            ("lines that end in LF alone", head.replace(b"\r\n", b"\n") + length.replace(b"\r\n", b"\n") + b"\n" + body.encode() + hidden),
            ("Transfer-Encoding in HTTP/1.0", head.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked + hidden),
            ("no Host", b"GET / HTTP/1.1\r\n\r\n" + hidden), ("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden),
            ("a Host that is none", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" + hidden),
            ("a target in absolute form", b"GET http://shop/hidden HTTP/1.1\r\nHost: shop\r\n\r\n"),
            ("CONNECT", b"CONNECT shop:443 HTTP/1.1\r\nHost: shop\r\n\r\n"), ("no HTTP", b"\x16\x03\x01hello\r\n\r\n"),
            ("a header that is too large", b"GET / HTTP/1.1\r\nHost: shop\r\nX: " + b"a" * 20000 + b"\r\n\r\n"),
            ("a body that ends early", head + b"Content-Length: 1000\r\n\r\n" + body.encode())]:
        answers = names(gateway.raw(data))
        tap.ok(len(answers) == 1 and answers[0][0] in (400, 408, 431, 501, 505) and answers[0][1], f"{name}: one refusal with a name, and the end", answers)
    tap.is_(shop.application.log.read_text().count("\n"), before, "none of them reached the application")
    tap.ok(CANARY not in shop.application.log.read_text(), "nor did a card number")

    # What no route claims.
    sent = b'{"card":"not claimed", "card": 2}\xff'
    status, echoed, _ = gateway.ask("PUT", "/other?x=%20;y&z", sent, {"Content-Type": "text/x", "X-Own": "a", "X-Forwarded-For": "6.6.6.6",
                                                                 "X_Forwarded_For": "6.6.6.6", "Connection": "X-Gone", "X-Gone": "1", "X-Request-Id": "forged"})
    tap.is_((status, echoed["method"], echoed["path"], echoed["body"].encode("latin-1")), (200, "PUT", "/other?x=%20;y&z", sent),
            "what no route claims passes byte for byte")
    headers = {name.lower(): value for name, value in echoed["headers"]}
    tap.is_((headers.get("x-own"), headers.get("x-forwarded-for"), headers.get("x-forwarded-proto"), headers.get("x-gone"), headers.get("x_forwarded_for")),
            ("a", "127.0.0.1", "http", None, None), "with the headers of a proxy, and without those of the connection and forged ones")
    tap.like(headers.get("x-request-id", ""), r"^[0-9a-f]{32}$", "and an id of its own")
    tap.like(headers.get("forwarded", ""), r'^for=127\.0\.0\.1;proto=http;host="127', "Forwarded, too")
    large = bytes(range(256)) * 20_000
    status, echoed, _ = gateway.ask("POST", "/large", iter([large]), {})
    tap.ok(status == 200 and echoed["body"].encode("latin-1") == large, "a large chunked body streams through")
    tap.is_(gateway.ask("GET", "/stream")[1], "firstsecond" + "x" * 100_000, "and a chunked answer streams back")
    pipelined = gateway.raw(b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\nGET /b HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    tap.is_([status for status, _ in names(pipelined)], [200, 200], "requests that were sent without waiting are answered in order")
    tap.like(gateway.raw(b"HEAD /a HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"), r"200 OK.*Content-Length: \d+.*\\r\\n\\r\\n'$", "HEAD has a length and no body")
    waiting = (b"POST %s HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n" + length + b"\r\n" + body.encode())
    for path in (b"/customers", b"/other"):
        tap.like(gateway.raw(waiting % path), r"^b'HTTP/1\.1 100 Continue\\r\\n\\r\\nHTTP/1\.1 20[01] ", f"{path.decode()}: a client that waits is told to go on")
    tap.ok(gateway.metric("connections_total") > 50 and 'reason="json_key_twice"} 2' in gateway.monitoring("/metrics")[1], "the metrics count refusals by name")
