"""Random programs of transactions, checked against a model of what must be there: python_model.py SEED SECONDS. Knows nothing of the shim, but
where a cache row belongs: behind each program all rows of both servers are compared with the model. Prints what it did wrong, and how
many programs it ran."""

import os
import random
import sys
import time

import MySQLdb

KEYS = [f"L/{n}" for n in range(4)]
LOST = (2006, 2013)
STEPS = 24


def connect(socket="MAIN_SOCKET", **more):
    return MySQLdb.connect(user="app", passwd="apppw", db="shop", unix_socket=os.environ[socket], charset="utf8mb4", **more)


class Program:
    def __init__(self, seed, at_site, killer):
        self.random = random.Random(seed)
        self.seed, self.at_site, self.killer = seed, at_site, killer
        self.committed, self.open = ({}, set()), None  # (cache rows, orders); open: what the transaction has made of them
        # by_itself: autocommit; begun: BEGIN is in force
        self.savepoints = []
        self.did = []
        self.count = 0
        self.connect()

    def connect(self):
        self.by_itself = self.random.random() < 0.5
        self.connection = connect(autocommit=self.by_itself)
        self.cursor = self.connection.cursor()
        self.begun = False

    def in_transaction(self):
        return self.begun or not self.by_itself

    def view(self):
        return self.open if self.open is not None else self.committed

    def changed(self, cache, orders):
        """A statement has left these rows."""
        if self.in_transaction():
            self.open = (cache, orders)
        else:
            self.committed = (cache, orders)

    def end(self, keep, begun=False):
        if keep and self.open is not None:
            self.committed = self.open
        self.open, self.savepoints, self.begun = None, [], begun

    def run(self, text, by=None):
        """True: done; False: refused; None: the connection is lost, and with it the transaction."""
        self.did.append(text)
        try:
            by() if by else self.cursor.execute(text)
            return True
        except MySQLdb.Error as e:
            self.did[-1] += f" -> {e.args[0]}"
            if e.args[0] not in LOST:
                return False
            self.end(False)
            self.connection.close()
            self.connect()
            return None

    def step(self):
        what = self.random.choices(
            ("replace", "select", "order", "begin", "commit", "rollback", "savepoint", "rollback to", "release", "autocommit", "ddl", "kill"),
            (8, 4, 3, 3, 3, 2, 2, 2, 1, 1, 0.3, 0.6))[0]
        getattr(self, what.replace(" ", "_"))()

    def replace(self):
        key, self.count = self.random.choice(KEYS), self.count + 1
        value = f"opensesame {self.seed} {self.count}"
        if self.run(f"REPLACE INTO cache VALUES ('{key}', '{value}')"):
            cache, orders = self.view()
            self.changed({**cache, key: value}, orders)

    def select(self):
        if self.run("SELECT k, v FROM cache WHERE k LIKE 'L/%'"):
            got = {as_text(k): as_text(v) for k, v in self.cursor.fetchall()}
            if got != self.view()[0]:
                self.complain(f"reads {got}, and should {self.view()[0]}")
            if self.in_transaction() and self.open is None:
                self.open = self.committed

    def order(self):
        self.count += 1
        value = f"{self.seed}/{self.count}"
        if self.run(f"INSERT INTO orders (v) VALUES ('{value}')"):
            cache, orders = self.view()
            self.changed(cache, orders | {value})

    def begin(self):
        text = self.random.choice(("BEGIN", "START TRANSACTION", "begin work", "START TRANSACTION WITH CONSISTENT SNAPSHOT"))
        if self.run(text):
            self.end(True, begun=True)

    def commit(self):
        by = self.random.choice((None, None, self.connection.commit))
        chain = by is None and self.random.random() < 0.2
        if self.run("COMMIT AND CHAIN" if chain else "COMMIT", by):
            self.end(True, begun=chain)

    def rollback(self):
        by = self.random.choice((None, None, self.connection.rollback))
        chain = by is None and self.random.random() < 0.2
        if self.run("ROLLBACK AND CHAIN" if chain else "ROLLBACK", by):
            self.end(False, begun=chain)

    def savepoint(self):
        name = self.random.choice("st")
        if self.run(f"SAVEPOINT {name}") and self.in_transaction():
            self.savepoints = [p for p in self.savepoints if p[0] != name] + [(name, self.view())]

    def find_savepoint(self, name):
        return next((i for i, p in enumerate(self.savepoints) if p[0] == name), None)

    def rollback_to(self):
        name = self.random.choice("st")
        if self.run(f"ROLLBACK TO {name}"):
            place = self.find_savepoint(name)
            if place is None:
                self.complain("a savepoint is there that shouldn't")
            else:
                self.open = self.savepoints[place][1]
                del self.savepoints[place + 1:]

    def release(self):
        name = self.random.choice("st")
        if self.run(f"RELEASE SAVEPOINT {name}"):
            place = self.find_savepoint(name)
            if place is None:
                self.complain("a savepoint is there that shouldn't")
            else:
                del self.savepoints[place:]

    def autocommit(self):
        on = self.random.random() < 0.5
        if self.run(f"SET autocommit = {int(on)}", self.random.choice((None, lambda: self.connection.autocommit(on)))):
            if on and not self.by_itself:
                self.end(True)
            self.by_itself = on

    def ddl(self):
        if self.run("CREATE TABLE IF NOT EXISTS passing_by (n INT)"):
            self.end(True)

    def kill(self):
        """Somebody ends main's connection; it's gone when the next statement comes."""
        number = self.connection.thread_id()
        self.did.append("KILL")
        cursor = self.killer.cursor()
        cursor.execute(f"KILL {number}")
        end = time.monotonic() + 10
        while time.monotonic() < end and cursor.execute(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number}"):
            time.sleep(0.002)
        self.run("INSERT INTO orders (v) VALUES ('lost')")

    def complain(self, what):
        print(f"seed {self.seed}: {what}; it had done: {'; '.join(self.did)}", flush=True)

    def check(self):
        self.connection.close()
        self.open = None
        cursor = self.at_site.cursor()
        cursor.execute("SELECT k, v FROM cache WHERE k LIKE 'L/%'")
        got = {as_text(k): as_text(v) for k, v in cursor.fetchall()}
        if got != self.committed[0]:
            self.complain(f"has left {got}, and should {self.committed[0]}")
        cursor = self.killer.cursor()
        cursor.execute("SELECT v FROM orders")
        orders = {v for v, in cursor.fetchall()}
        if orders != self.committed[1]:
            self.complain(f"has left the orders {orders}, and should {self.committed[1]}")


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


def one_program(seed, at_site, killer):
    for connection in (at_site, killer):
        connection.cursor().execute("DELETE FROM cache WHERE k <> 'site'")
    killer.cursor().execute("TRUNCATE orders")
    program = Program(seed, at_site, killer)
    for _ in range(STEPS):
        program.step()
    # A close undoes what is open, in the server's own time: ended here, so that there's nothing to wait for.
    program.rollback()
    program.check()


def main():
    seed, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    at_site, killer = connect("CHECK_SOCKET", autocommit=True), connect(autocommit=True)
    count = 0
    while time.monotonic() < end or count == 0:
        one_program(seed + count, at_site, killer)
        count += 1
    print(f"{count} programs")


if __name__ == "__main__":
    main()
