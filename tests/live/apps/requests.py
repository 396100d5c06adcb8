"""Requests without end, each checked against what a cache and a database owe: requests.py WORKER UNTIL THREADS [PAUSE_S]

Until the file UNTIL is there, with a pause after each. One worker's keys are nobody else's, and each value says which request made it, so that it knows every value that a key ever
had. requests.pl and requests.rb do the same through their drivers. A worker says a line of JSON at its end:

    statements   how many
    errors       those that it did not ask for
    wrong        a value that the key never had, a row of another statement, a count that isn't what was inserted, a value that was rolled back
    misses       cache reads that found nothing
    older        ... or a value that the key had before
    longest_s    the longest statement"""

import json
import os
import sys
import threading
import time

import MySQLdb

KEYS = 40
ORDERS_MAX = 2000


class Worker:
    def __init__(self, name, until, pause_s):
        self.name, self.until, self.pause_s = name, until, pause_s
        self.counts = {"statements": 0, "errors": [], "wrong": [], "misses": 0, "older": 0, "longest_s": 0.0}
        self.latest = {}
        self.orders = 0

    def connect(self):
        self.connection = MySQLdb.connect(user="app", passwd="apppw", db="shop", unix_socket=os.environ["MAIN_SOCKET"], charset="utf8mb4", autocommit=True)
        self.cursor = self.connection.cursor()

    def say(self, sql, *values):
        started = time.monotonic()
        try:
            self.cursor.execute(sql, values)
            return self.cursor.fetchall()
        finally:
            self.counts["statements"] += 1
            self.counts["longest_s"] = max(self.counts["longest_s"], time.monotonic() - started)

    def wrong(self, what):
        self.counts["wrong"].append(what)

    def put(self, key, value):
        self.say("REPLACE INTO cache (k, v) VALUES (%s, %s)", key, value)
        if self.cursor.rowcount not in (1, 2):
            self.wrong(f"REPLACE affected {self.cursor.rowcount} rows")

    def value(self, i):
        return f"{self.name} {i} " + "x" * (i * 37 % 4000)

    def is_ours(self, key, value):
        """Some request has written it, for good."""
        try:
            i = int(value.split(" ")[1])
        except (IndexError, ValueError):
            return False
        latest = int(self.latest[key].split(" ")[1])
        written = [self.value(i)] + ([self.value(i) + " kept"] if i % 11 == 0 else [])
        return 0 < i <= latest and key == f"{self.name}/{i % KEYS}" and value in written

    def look(self, key):
        rows = self.say("SELECT k, v FROM cache WHERE k = %s", key)
        value = rows[0][1].decode() if rows else None
        if value is None:
            self.counts["misses"] += 1
        elif len(rows) != 1 or rows[0][0] != key.encode() or not self.is_ours(key, value):
            self.wrong(f"{key} is {value[:40]}...{value[-8:]}")
        elif value != self.latest[key]:
            self.counts["older"] += 1

    def order(self):
        self.say("INSERT INTO orders (v) VALUES (%s)", self.name)
        self.orders += 1

    def forget_orders(self):
        self.say("DELETE FROM orders WHERE v = %s", self.name)
        self.orders = 0

    def request(self, i):
        key = f"{self.name}/{i % KEYS}"
        value = self.latest[key] = self.value(i)
        self.put(key, value)
        self.look(key)
        if i % 5 == 0:
            self.order()
            count = self.say("SELECT COUNT(*) FROM orders WHERE v = %s", self.name)[0][0]
            if count != self.orders:
                self.wrong(f"{count} orders, {self.orders} were inserted")
        if i % 7 == 0:
            self.say("START TRANSACTION")
            self.put(key, value + " undone")
            self.say("INSERT INTO orders (v) VALUES (%s)", self.name)
            self.say("ROLLBACK")
            self.look(key)
        if i % 11 == 0:
            self.say("START TRANSACTION")
            self.put(key, value + " kept")
            self.latest[key] = value + " kept"
            self.order()
            self.say("COMMIT")
            self.look(key)
        if self.orders > ORDERS_MAX:
            self.forget_orders()
        if i % 13 == 0:
            try:
                self.say("INSERT INTO orders (id, v) VALUES (1, 'again')")
                self.wrong("a duplicate key was inserted")
            except MySQLdb.IntegrityError as error:
                if error.args[0] != 1062:
                    raise

    def run(self):
        i = 0
        try:
            self.connect()
            while not os.path.exists(self.until):
                i += 1
                try:
                    self.request(i)
                except MySQLdb.Error as error:
                    self.counts["errors"].append(f"{error.args}")
                    self.connect()
                time.sleep(self.pause_s)
        except Exception as error:  # said, not lost in a thread
            self.counts["errors"].append(repr(error))


def main():
    name, until, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pause_s = float(sys.argv[4]) if len(sys.argv) > 4 else 0
    workers = [Worker(f"{name}.{n}", until, pause_s) for n in range(threads)]
    running = [threading.Thread(target=worker.run) for worker in workers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    for worker in workers:
        print(json.dumps(worker.counts))


main()
