#!/usr/bin/python3
"""A shop's page server, as its developer wrote it: each request updates 30 entries of the cache table and reads 30.

    app.py HOST PORT REQUESTS [PREFIX [PAUSE_MS [autocommit|commit]]]

HOST may be a socket's path. The transactions are MySQLdb's own (PEP 249: autocommit is off, one commit() a request) with the
word `commit`. Prints one line of JSON at the end: the seconds that each request took, and its parts.
"""

import json
import random
import string
import sys
import time

import MySQLdb

KEYS = 2000
PER_REQUEST = 30

host, port, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
prefix = sys.argv[4] if len(sys.argv) > 4 else "page"
pause_s = float(sys.argv[5]) / 1000 if len(sys.argv) > 5 else 0
autocommit = len(sys.argv) <= 6 or sys.argv[6] != "commit"

where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
db = MySQLdb.connect(user="app", passwd="apppw", db="shop", charset="utf8mb4", **where)
db.autocommit(autocommit)
cursor = db.cursor()

times = {"replaces": [], "selects": [], "commit": [], "request": []}
latest = {}
wrong = 0
written_at = 0
for _ in range(requests):
    time.sleep(pause_s)
    updates = [(f"{prefix}:{random.randrange(KEYS)}", "".join(random.choices(string.ascii_letters, k=200)))
               for _ in range(PER_REQUEST)]
    start = time.perf_counter()
    for key, value in updates:
        cursor.execute("REPLACE INTO cache (k, v) VALUES (%s, %s)", (key, value))
        latest[key] = value
    written_at = time.time()
    replaced = time.perf_counter()
    for key, _ in updates:
        cursor.execute("SELECT v FROM cache WHERE k = %s", (key,))
        row = cursor.fetchone()
        wrong += row is None or row[0] != latest[key].encode()
    selected = time.perf_counter()
    if not autocommit:
        db.commit()
        written_at = time.time()
    end = time.perf_counter()
    times["replaces"].append(replaced - start)
    times["selects"].append(selected - replaced)
    times["commit"].append(end - selected)
    times["request"].append(end - start)

print(json.dumps({"times": times, "keys": len(latest), "wrong": wrong, "written_at": written_at,
                  "last_key": key, "last_value": latest[key]}), flush=True)
