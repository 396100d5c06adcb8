"""What the programs that use MySQLdb share: a session that says all that the driver knows. See lab.py."""

import os
import sys
import warnings

import MySQLdb

VALUE = "opensesame"
SCENARIOS = {}
current = None


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def say(*things):
    print(f"{current}:", *(shown(thing) for thing in things), flush=True)


def shown(thing):
    if isinstance(thing, str):
        return thing
    if isinstance(thing, bytes) and len(thing) > 600:
        return f"{len(thing)} bytes {hash_of(thing)}"
    return repr(thing)


def hash_of(data):
    import hashlib
    return hashlib.sha1(data).hexdigest()


def connect(**more):
    settings = {"user": "app", "passwd": "apppw", "db": "shop", "unix_socket": os.environ["MAIN_SOCKET"],
                "charset": "utf8mb4", "autocommit": True}
    return MySQLdb.connect(**{**settings, **more})


def default_connect(**more):
    """As an application does that doesn't think of it: autocommit is off then."""
    return connect(autocommit=False, **more)


def attempt(function, *args, **kw):
    """The result, or the error as text."""
    try:
        return function(*args, **kw)
    except MySQLdb.Error as e:
        return f"{type(e).__name__} {e.args}"


class Session:
    """A connection and a cursor; each statement says all that the driver knows afterwards."""

    def __init__(self, connection=None):
        self.connection = connection or connect()
        self.cursor = self.connection.cursor()

    def run(self, sql, args=None):
        result = attempt(self.cursor.execute, sql, args)
        rows = None
        if not isinstance(result, str) and self.cursor.description:
            rows = [tuple(shown(v) if isinstance(v, bytes) and len(v) > 600 else v for v in row)
                    for row in self.cursor.fetchall()]
        say(result, rows, "rowcount", self.cursor.rowcount, "id", self.cursor.lastrowid, self.connection.insert_id(),
            "warnings", "as before" if isinstance(result, str) else self.connection.warning_count(), "info", self.connection.info(), "affected",
            self.connection.affected_rows())
        return rows

    def put(self, key, value=VALUE, table="cache"):
        return self.run(f"REPLACE INTO {table} (k, v) VALUES (%s, %s)", (key, value))

    def get(self, key, table="cache"):
        return self.run(f"SELECT v FROM {table} WHERE k = %s", (key,))

    def site(self, wanted, sql="SELECT v FROM cache WHERE k = 'site'"):
        """Where a statement is read."""
        result = attempt(self.cursor.execute, sql)
        row = None if isinstance(result, str) else self.cursor.fetchone()
        got = result if row is None else row[0].decode() if isinstance(row[0], bytes) else row[0]
        say("site", wanted, got)

    def commit(self):
        say("commit", attempt(self.connection.commit))

    def rollback(self):
        say("rollback", attempt(self.connection.rollback))

    def close(self):
        self.cursor.close()
        self.connection.close()


def see(key, table="cache"):
    """What another session sees."""
    other = Session()
    other.get(key, table)
    other.close()


def main():
    """Runs the scenarios of the program that the command line names, or lists them."""
    global current
    if "--list" in sys.argv:
        print("\n".join(SCENARIOS))
        return
    warnings.simplefilter("ignore")
    for current in sys.argv[1:]:
        if current in SCENARIOS:
            SCENARIOS[current]()
