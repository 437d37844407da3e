#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tools/with-servers asks of the servers it starts.

  server_probe.py ports N                 N free TCP ports of 127.0.0.1
  server_probe.py kafka PORT PID SECONDS  wait until the broker answers
  server_probe.py mongo PORT PID SECONDS  make mongod a replica set of one and wait until it takes writes

Waiting ends with 0 when the server is ready, 1 when the process PID has ended, 2 when the time is over.
"""
import os
import random
import socket
import struct
import sys
import time

READY, ENDED, TOO_LATE = 0, 1, 2


def free_ports(count):
    """Below 32768, so that no outgoing connection takes one before the server does."""
    held = []
    while len(held) < count:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(20000, 32000)))
            held.append(s)
        except OSError:
            s.close()
    return [s.getsockname()[1] for s in held]


def listens(pid, port):
    """Whether it is the process itself that has the port: another one may have been quicker."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as f:
            rows = [line.split() for line in f.readlines()[1:]]
        inodes |= {r[9] for r in rows if r[3] == "0A" and int(r[1].rpartition(":")[2], 16) == port}
    folder = f"/proc/{pid}/fd"
    links = []
    for fd in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{fd}"))
        except FileNotFoundError:
            pass
    return any(f"socket:[{inode}]" in links for inode in inodes)


def kafka_answers(port):
    """Whether the broker answers ApiVersions (key 18, version 0) without an error."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
        s.sendall(struct.pack(">i", len(request)) + request)
        reply = s.recv(10, socket.MSG_WAITALL)
    return len(reply) == 10 and struct.unpack(">iih", reply)[1:] == (1, 0)


def mongo_is_primary(port):
    import pymongo
    from pymongo.errors import OperationFailure

    client = pymongo.MongoClient("127.0.0.1", port, directConnection=True,
                                 serverSelectionTimeoutMS=1000, socketTimeoutMS=5000)
    try:
        hello = client.admin.command("isMaster")
        if not hello.get("setName"):
            config = {"_id": "rs0", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
            try:
                client.admin.command("replSetInitiate", config)
            except OperationFailure as e:
                if e.code != 23:  # AlreadyInitialized
                    raise
        return bool(hello.get("ismaster"))
    finally:
        client.close()


def wait(is_ready, port, pid, seconds):
    last = "no answer"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if listens(pid, port) and is_ready(port):
                return READY
        except ImportError:
            raise
        except Exception as e:  # refused, reset, not yet: all mean "ask again"
            last = f"{type(e).__name__}: {e}"
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ENDED
        time.sleep(0.05)
    print(f"last answer: {last}", file=sys.stderr)
    return TOO_LATE


def main(argv):
    if argv[1:2] == ["ports"]:
        print(*free_ports(int(argv[2])))
        return READY
    is_ready = {"kafka": kafka_answers, "mongo": mongo_is_primary}[argv[1]]
    return wait(is_ready, int(argv[2]), int(argv[3]), float(argv[4]))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
