#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands between a client and a server on loopback, and is in the way.

proxy.py TO-PORT FILE MODE [N|METHOD]: writes its own port to FILE.
  pass       does nothing
  cut N      breaks the connection off once N bytes of one request came
  cut-put N  breaks off the Nth PUT at once
  slow N     passes on N bytes a second
  unauthorized METHOD   answers the first such request for one image with 401 itself
  corrupt N  changes the byte N of a request
"""
import os
import socket
import sys
import threading
import time

to, port_file, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
method = sys.argv[4] if mode == "unauthorized" else ""
number = int(sys.argv[4]) if len(sys.argv) > 4 and not method else 0
refused = threading.Event()
puts = 0
REFUSAL = (b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 42\r\n"
           b"Connection: close\r\n\r\n" + b'{"message":"old","code":"401 Unauthorized"}'[:42])


def back(server, client):
    try:
        while data := server.recv(65536):
            client.sendall(data)
    except OSError:
        pass
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    global puts
    server = socket.create_connection(("127.0.0.1", to))
    threading.Thread(target=back, args=(server, client), daemon=True).start()
    count = 0
    try:
        while data := client.recv(65536):
            if method and data.startswith(f"{method} /v2/images/".encode()) and not refused.is_set():
                refused.set()
                client.sendall(REFUSAL)
                break
            if mode == "cut-put" and data.startswith(b"PUT "):
                puts += 1
                if puts == number:
                    break
            if mode == "corrupt" and count <= number < count + len(data):
                at = number - count
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            count += len(data)
            if mode == "cut" and count > number:
                break
            if mode == "slow":
                time.sleep(len(data) / number)
            server.sendall(data)
    except OSError:
        pass
    for s in (server, client):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


listener = socket.create_server(("127.0.0.1", 0))
with open(port_file + ".new", "w", encoding="ascii") as f:
    print(listener.getsockname()[1], file=f)
os.rename(port_file + ".new", port_file)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
