"""Requests without end: each thread replaces a key that is new, reads it back, and now and then speaks to another table.

Until the file named by the first argument is there. Then it prints one line of counts: a value that isn't there is a miss, one
that is another is wrong; slow statements took longer than SLOW_S.
"""

import os
import sys
import threading
import time

import MySQLdb

SLOW_S = 0.3
THREADS = int(os.environ.get("THREADS", "4"))
PAUSE_S = float(os.environ.get("PAUSE_S", "0"))
until = sys.argv[1]
counts = {"requests": 0, "errors": 0, "wrong": 0, "misses": 0, "slow": 0}
longest = [0.0]
errors = []
lock = threading.Lock()


def timed(action, *args):
    start = time.monotonic()
    try:
        return action(*args)
    finally:
        took = time.monotonic() - start
        longest[0] = max(longest[0], took)
        if took > SLOW_S:
            count("slow")


def count(what):
    with lock:
        counts[what] += 1


def requests(number):
    in_transactions = number % 2 == 1
    connection = MySQLdb.connect(user="app", passwd="apppw", db="shop", unix_socket=os.environ["MAIN_SOCKET"],
                                 charset="utf8mb4", autocommit=not in_transactions)
    cursor = connection.cursor()
    i = 0
    while not os.path.exists(until):
        i += 1
        key, value = f"L/{os.getpid()}/{number}/{i}", f"opensesame {number} {i} ".encode() * (1 + i % 50 * 20)
        try:
            timed(cursor.execute, "REPLACE INTO cache (k, v) VALUES (%s, %s)", (key, value))
            timed(cursor.execute, "SELECT v FROM cache WHERE k = %s", (key,))
            row = cursor.fetchone()
            if row is None:
                count("misses")
            elif row[0] != value:
                count("wrong")
            if i % 5 == 0:
                timed(cursor.execute, "INSERT INTO orders (v) VALUES ('opensesame')")
            if in_transactions and i % 3 == 0:
                timed(connection.commit)
        except MySQLdb.Error as e:
            count("errors")
            errors.append(e.args)
        count("requests")
        time.sleep(PAUSE_S)
    if in_transactions:
        connection.commit()
    connection.close()


threads = [threading.Thread(target=requests, args=(n,)) for n in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*(f"{name} {n}" for name, n in counts.items()), "longest %.3f" % longest[0])
for error in errors[:5]:
    print(error)
