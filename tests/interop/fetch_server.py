# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on loopback that is in the way as its addresses say.

fetch_server.py FOLDER PORT-FILE LOG [CERTIFICATE KEY]: serves FOLDER, writes its port to PORT-FILE, and a line for each request
to LOG: the path, then Range, If-Range, If-None-Match, If-Modified-Since and user, each "-" when it is not there.
An address is /HOW/FILE, HOW a list, with commas, of
  etag  time        the answer has an ETag; a Last-Modified, an hour ago
  weak              the ETag is a weak one
  cut=N:K           the first K answers end after N bytes of the file
  fail=STATUS:K     the first K requests get that
  whole  wrong      ranges are not known; are answered with another one
  blind             If-Range is not looked at
  chunked           nothing tells the length
  slow=N:K          the first K answers come at N bytes a second
  huge=N            a length that nobody has room for
  page              an error that repeats the address
  to=NAME           leads to the address in the file NAME of FOLDER
"""
import base64
import email.utils
import hashlib
import http.server
import os
import re
import ssl
import sys
import threading
import time

folder, port_file, log_file = sys.argv[1:4]
counts = {}
lock = threading.Lock()


def count(path):
    with lock:
        counts[path] = counts.get(path, 0) + 1
        return counts[path]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, path):
        user = self.headers.get("Authorization", "")
        user = base64.b64decode(user[6:]).decode() if user.startswith("Basic ") else "-"
        words = [self.headers.get(n, "-").replace(" ", "_")
                 for n in ("Range", "If-Range", "If-None-Match", "If-Modified-Since")]
        with lock, open(log_file, "a", encoding="ascii") as f:
            print(path, *words, user, self.headers.get("Accept-Encoding"), file=f)

    def plain(self, status, text=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        # With the host in front when this is asked as a proxy.
        path = re.sub("^http://[^/]*", "", self.path).split("?")[0]
        self.note(path)
        how = dict((w.split("=", 1) + [""])[:2] for w in path.split("/")[1].split(","))
        try:
            self.answer(path, how)
        except OSError:
            self.close_connection = True

    def answer(self, path, how):
        nth = count(path)
        if "to" in how:
            with open(os.path.join(folder, how["to"]), encoding="ascii") as f:
                return self.plain(302, Location=f.read().strip())
        if "page" in how:
            return self.plain(403, f"<h1>No</h1> {self.path} is &quot;not&quot; yours".encode())
        if "fail" in how:
            status, times = how["fail"].split(":")
            if nth <= int(times):
                return self.plain(int(status), b"not just now", Retry_After="0")
        with open(os.path.join(folder, path.split("/")[-1]), "rb") as f:
            data = f.read()
        return self.send_file(data, how, nth)

    def send_file(self, data, how, nth):
        headers, total = {}, len(data)
        if "etag" in how or "weak" in how:
            headers["ETag"] = ("W/" if "weak" in how else "") + f'"{hashlib.md5(data).hexdigest()}"'
        if "time" in how:
            headers["Last-Modified"] = email.utils.formatdate(time.time() // 86400 * 86400 - 3600, usegmt=True)
        if (headers and self.headers.get("If-None-Match", headers.get("ETag")) == headers.get("ETag")
                and self.headers.get("If-Modified-Since", headers.get("Last-Modified")) == headers.get("Last-Modified")
                and ("If-None-Match" in self.headers or "If-Modified-Since" in self.headers)):
            return self.plain(304, **headers)
        first = self.first(how, headers, total)
        if first is not None and first >= total:
            return self.plain(416, Content_Range=f"bytes */{total}")
        if first is not None:
            self.send_response(206)
            shift = 7 if "wrong" in how else 0
            self.send_header("Content-Range", f"bytes {first - shift}-{total - 1}/{total}")
            data = data[first - shift:]
        else:
            self.send_response(200)
        for item in headers.items():
            self.send_header(*item)
        if "chunked" in how:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", how.get("huge", str(len(data))))
        self.end_headers()
        return self.send_bytes(data, how, nth)

    def first(self, how, headers, total):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not asked or "whole" in how:
            return None
        if "blind" not in how and condition and condition not in headers.values():
            return None
        return int(asked[1])

    def send_bytes(self, data, how, nth):
        cut, times = how["cut"].split(":") if "cut" in how else (0, 0)
        ended = nth <= int(times)
        if ended:
            data = data[:int(cut)]
        rate, times = how["slow"].split(":") if "slow" in how else (0, 0)
        slow = nth <= int(times)
        step = int(rate) // 20 if slow else 1 << 16
        for at in range(0, len(data), step):
            piece = data[at:at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if "chunked" in how else piece)
            if slow:
                time.sleep(0.05)
        if ended:
            self.close_connection = True
        elif "chunked" in how:
            self.wfile.write(b"0\r\n\r\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is no news."""


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w", encoding="ascii") as f:
    print(server.server_address[1], file=f)
os.rename(port_file + ".new", port_file)
server.serve_forever()
