#!/usr/bin/python3
"""The classifier against real servers: make check-oracle [STATEMENTS=100000]

    oracle.py [--statements N] [--seed N] [--mysql] [--keep FILE]

Random statements (oracle_grammar.py, and those of tests/data/statements.tsv with words moved about) are judged by `roundabout explain`. Each one that it
would send to the local master is then run twice, by an account that has rights on the cache tables and on nothing else, in two sessions that differ in
all that a session can differ in but what the shim keeps in step: user variables, locks, LAST_INSERT_ID(), FOUND_ROWS(), ROW_COUNT(), a temporary table.
A FALSE ROUTE is one where

    the server refuses it for want of a right   - it touched something else than cache tables, or called a stored function
    the two sessions get different answers      - it depends on the session
    a session is another one afterwards         - it changed something that stays
    it reads, and waits for rows that somebody else has locked

Some of the statements that were not routed are run the same way: those that could have been are MISSED ROUTES, counted by reason. They cost time and
nothing else. The last line is the sum, N passed (statements without a false route), N failed."""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import MySQLdb

import servers
from oracle_grammar import Grammar

HERE = os.path.dirname(os.path.abspath(__file__))
COMMAND = os.path.join(servers.BUILD, "roundabout")
CONFIG = """local = { socket = "/nowhere"; };
caches = ( { tables = [ "shop.cache", "shop.cache_?", "shop.page_?" ]; statements = [ "REPLACE", "SELECT", "INSERT", "UPDATE", "DELETE" ]; } );
"""
TABLES = ["cache", "cache_2", "cache_3", "page_1"]
MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]
# Only values that are another each time they are asked for.
RANDOM = re.compile(rb"RAND|UUID|RANDOM_BYTES|SYSDATE|ENCRYPT", re.I)
# 1044, 1045, 1142, 1143, 1227, 1345, 1356, 1370: no right to a database, table, column, routine ...; 1290, 1348: files
# Not native everywhere, and routed nevertheless (shim/sql_functions.c): the first five in MariaDB, the others in MySQL 9.7 without its component. A
# stored function of such a name can mean but the same.
FOREIGN = re.compile(rb"\b(ANY_VALUE|BIN_TO_UUID|IS_UUID|REGEXP_LIKE|UUID_TO_BIN|MD5|SHA|SHA1)\b", re.I)
NO_RIGHT = {1044, 1045, 1142, 1143, 1227, 1290, 1345, 1356, 1370, 4164}
SESSION_PROBE = "SELECT @a, @b, @z, LAST_INSERT_ID(), IS_USED_LOCK('l') IS NULL, DATABASE(), @@sql_mode, @@autocommit, @@time_zone, @@character_set_client"


def unescape(text):
    return text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()


def seeds():
    found = []
    with open(os.path.join(HERE, "..", "data", "statements.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                try:
                    found.append(unescape(line.rstrip("\n").split("\t")[3]).decode("utf-8"))
                except (UnicodeDecodeError, UnicodeEncodeError):
                    continue
    return found


def judge(config, mode, statements):
    """explain's own words on each statement."""
    command = [COMMAND, "explain", "-f", config, "--database", "shop", "--json", "-0"] + (["--sql-mode", mode] if mode else [])
    run = subprocess.run(command, input=b"\0".join(statements) + b"\0", stdout=subprocess.PIPE, check=False)
    answers = [json.loads(line) for line in run.stdout.decode("utf-8", "replace").splitlines()]
    if len(answers) != len(statements):
        sys.exit(f"oracle.py: {len(answers)} answers to {len(statements)} statements")
    return answers


class Session:
    """One of the two: its own state, and what a statement says in it. Everything that a statement does is undone."""

    def __init__(self, server, mode, number):
        self.server, self.mode, self.number = server, mode, number
        self.connection = None

    def open(self):
        for _ in range(200):
            try:
                self.connection = self.server.connect(user="reader", passwd="readerpw", db="shop", autocommit=False, read_timeout=30)
                break
            except MySQLdb.OperationalError:
                if not self.server.is_running():  # a statement has killed it: the server's own fault, and none of ours
                    self.server.restarts = getattr(self.server, "restarts", 0) + 1
                    self.server.restart()
                time.sleep(0.05)
        self.id = self.connection.thread_id()
        for statement in (f"SET sql_mode = '{self.mode}'", f"SET timestamp = 1764000000, @a = {self.number}, @b = {self.number * 7}, @z = {self.number}"):
            self.say(statement)
        self.prepare()
        self.state = self.rows(SESSION_PROBE)

    def prepare(self):
        """What the last statement of all leaves: LAST_INSERT_ID, FOUND_ROWS, ROW_COUNT, a lock that one of the two holds."""
        self.say(f"SELECT LAST_INSERT_ID({self.number * 100}), GET_LOCK('l{self.number}', 0)")
        self.say("SELECT 1" + " UNION SELECT 2" * (self.number - 1))

    def say(self, statement):
        cursor = self.connection.cursor()
        cursor.execute(statement)
        cursor.fetchall()
        cursor.close()

    def rows(self, statement):
        cursor = self.connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall()

    def run(self, statement):
        """(error number or None, rows, affected rows)"""
        if self.connection is None:
            self.open()
        try:
            self.connection.query(statement)
            result = self.connection.store_result()
            rows = result.fetch_row(maxrows=0) if result else None
            answer = (None, rows, None if rows is not None else self.connection.affected_rows())
            while self.connection.next_result() == 0:
                self.connection.store_result()
            return answer
        except MySQLdb.Error as error:
            if error.args[0] in (2006, 2013) or error.args[0] < 1000:  # a MariaDB that has crashed a table says 6, 126, ...
                self.connection = None
                return ("lost", None, None)
            return (error.args[0], None, None)
        except UnicodeDecodeError:
            return (None, "not text", None)

    def is_unchanged(self):
        return self.connection is not None and self.rows(SESSION_PROBE) == self.state

    def undo(self):
        if self.connection is not None:
            try:
                self.connection.rollback()
            except MySQLdb.Error:
                self.connection = None

    def reopen(self):
        if self.connection is not None:
            try:
                self.connection.close()
            except MySQLdb.Error:
                pass
        self.connection = None


def make_tables(server):
    server.unlogged("CREATE DATABASE IF NOT EXISTS elsewhere", "CREATE TABLE IF NOT EXISTS elsewhere.secret (k VARCHAR(64) PRIMARY KEY, v TEXT, n INT)")
    for table in TABLES + ["users", "orders", "cachex"]:
        server.unlogged(f"DROP TABLE IF EXISTS shop.{table}",
                        f"CREATE TABLE shop.{table} (k VARCHAR(64) PRIMARY KEY, v TEXT, n INT, t TIMESTAMP NULL)",
                        f"INSERT INTO shop.{table} (k, v, n) VALUES ('a', 'one', 1), ('b', NULL, 2), ('user:1', 'x', 3)")
    server.unlogged("CREATE VIEW shop.cache_view AS SELECT * FROM shop.cache",
                    "CREATE FUNCTION shop.f(i INT) RETURNS INT DETERMINISTIC READS SQL DATA RETURN i + 1",
                    "CREATE FUNCTION shop.g() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM shop.users)")
    server.unlogged("CREATE USER reader@'%' IDENTIFIED BY 'readerpw'", "CREATE USER reader@localhost IDENTIFIED BY 'readerpw'",
                    *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON shop.{table} TO reader@'{host}'" for table in TABLES for host in ("%", "localhost")))


def overlap(first, second, statement, one, other):
    """Rows without a full order come in any order, and a LIMIT takes any of them: whether each session's answers, asked some times more, are ones that the
    other gets as well."""
    seen = []
    for session, answer in ((first, one), (second, other)):
        answers = {repr(sorted(answer[1], key=repr) if answer[1] else answer[1])}
        for _ in range(10):
            rows = session.run(statement)[1]
            session.undo()
            answers.add(repr(sorted(rows, key=repr) if rows else rows))
        seen.append(answers)
    return bool(seen[0] & seen[1])


def fault(first, second, statement):
    """Why the statement should not have been routed; None: nothing speaks against it. Second value: whether it ran at all."""
    one = first.run(statement)
    if one[0] == 1370 and FOREIGN.search(statement):
        return None, False
    if one[0] in NO_RIGHT:
        return f"refused for want of a right: {one[0]}", False
    if one[0] == "lost":
        return None, False
    unchanged = first.is_unchanged()
    first.undo()
    if not unchanged:
        first.reopen()
        return "the session is another one afterwards", True
    other = second.run(statement)
    second.undo()
    first.prepare() if first.connection else None
    second.prepare() if second.connection else None
    if other[0] == "lost":
        return None, False
    if one[0] != other[0]:
        return f"errors differ: {one[0]} and {other[0]}", True
    if not RANDOM.search(statement) and one != other and not overlap(first, second, statement, one, other):
        return f"answers differ: {str(one)[:120]} and {str(other)[:120]}", True
    return None, one[0] is None


def locking_reads(server, mode, statements):
    """Those that wait for a row that somebody else has locked."""
    holder = server.connect(db="shop", autocommit=False)
    for table in TABLES:
        cursor = holder.cursor()
        cursor.execute(f"SELECT * FROM {table} FOR UPDATE")
        cursor.fetchall()
    session = Session(server, mode, 2)
    found = []
    for statement in statements:
        if session.connection is None:
            session.open()
            session.say("SET innodb_lock_wait_timeout = 1")
        if session.run(statement)[0] == 1205:
            found.append((mode, statement, "it waits for locked rows"))
        session.undo()
    session.reopen()
    holder.close()
    return found


def check_mode(server, config, mode, statements, missed_share, draw):
    """Counts: routed, ran, false routes (with why), asked of the passed ones, missed by reason."""
    first, second = Session(server, mode, 1), Session(server, mode, 2)
    found = {"routed": 0, "ran": 0, "false": [], "asked": 0, "missed": collections.Counter(), "examples": {}}
    reads = []
    for statement, answer in zip(statements, judge(config, mode, statements)):
        routed = answer["decision"] == "route"
        if not routed and (draw.random() > missed_share or answer["verb"] not in ("SELECT", "REPLACE", "INSERT", "UPDATE", "DELETE")
                           or re.search(rb"SLEEP|BENCHMARK|GET_LOCK|OUTFILE|DUMPFILE|WAIT", statement, re.I)):
            continue
        try:
            why, ran = fault(first, second, statement)
        except MySQLdb.Error:  # the server died, or ended the connection, between two of the steps
            first.reopen()
            second.reopen()
            continue
        if routed:
            found["routed"] += 1
            found["ran"] += ran
            if ran and answer["verb"] == "SELECT":
                reads.append(statement)
            if why:
                found["false"].append((mode, statement, why))
        else:
            found["asked"] += 1
            if ran and not why:
                found["missed"][answer["reason"]] += 1
                found["examples"].setdefault(answer["reason"], statement)
    first.reopen()
    second.reopen()
    found["false"] += locking_reads(server, mode, reads)
    return found


def start_server(mysql):
    if not mysql:
        return servers.Server("oracle", ring_member=False, max_statement_time=2, durability=servers.FAST).start()
    import mysql_servers
    return mysql_servers.MysqlServer("oracle", ring_member=False, max_execution_time=2000).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statements", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time; it is printed")
    parser.add_argument("--mysql", action="store_true", help="MySQL instead of MariaDB")
    parser.add_argument("--keep", help="false routes are appended to this file, one JSON object a line")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    kind = "MySQL" if options.mysql else "MariaDB"
    try:
        server = start_server(options.mysql)
    except Exception as error:
        if not options.mysql or type(error).__name__ != "CannotBeHad":
            raise
        print(f"{kind} can't be had here: {error}\n0 passed, 0 failed, 1 skipped")
        return 0
    make_tables(server)
    draw = random.Random(seed)
    grammar = Grammar(seed, seeds())
    total = collections.Counter()
    missed, examples, false = collections.Counter(), {}, []
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write(CONFIG)
        config.flush()
        print(f"{kind} {server.one('SELECT VERSION()')}: {options.statements} statements, seed {seed}", flush=True)
        done = 0
        while done < options.statements:
            batch = min(5000, options.statements - done)
            mode = MODES[(done // 5000) % len(MODES)] if draw.random() < 0.5 else ""
            made = (grammar.statement().replace("\0", "").encode("utf-8", "replace") for _ in range(batch))
            statements = [text if text.strip(b" \t\r\n") else b"SELECT 1" for text in made]  # explain passes over blank ones
            found = check_mode(server, config.name, mode, statements, 0.1, draw)
            done += batch
            for key in ("routed", "ran", "asked"):
                total[key] += found[key]
            missed.update(found["missed"])
            false += found["false"]
            for reason, statement in found["examples"].items():
                examples.setdefault(reason, statement)
            if sys.stderr.isatty():
                print(f"\r{done} statements, {total['routed']} routed, {len(false)} false ", end="", file=sys.stderr, flush=True)
    for mode, statement, why in false[:20]:
        print(f"FALSE ROUTE [{mode or '-'}] {why}:\n    {statement!r}")
    if options.keep:
        with open(options.keep, "a", encoding="utf-8") as file:
            for mode, statement, why in false:
                file.write(json.dumps({"mode": mode, "statement": statement.decode("utf-8", "replace"), "why": why}) + "\n")
    print(f"{total['routed']} of {options.statements} were routed, {total['ran']} of these ran without an error (the others are errors that the application would have had), "
          f"{len(false)} false routes" + (f"; the server died {server.restarts} times" if getattr(server, "restarts", 0) else ""))
    share = sum(missed.values()) / total["asked"] if total["asked"] else 0
    print(f"{total['asked']} of those that passed were tried: {share:.1%} could have been routed" + (":" if missed else ""))
    for reason, count in missed.most_common():
        print(f"    {count:6} {reason:20} {examples[reason].decode('utf-8', 'replace')[:120]!r}")
    print(f"{options.statements - len(false)} passed, {len(false)} failed, 0 skipped")
    return 1 if false or not total["routed"] else 0


if __name__ == "__main__":
    sys.exit(main())
