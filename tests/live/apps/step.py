"""Runs statements that it reads, a line each, on one connection, and answers with a line each. With the word "streaming", the
first one's rows are streamed, and read on after another line; with "sigpipe", SIGPIPE ends the program, as it does before
the library sees to it."""

import os
import signal
import sys

import MySQLdb
import MySQLdb.cursors

streaming = "streaming" in sys.argv
connection = MySQLdb.connect(user="app", passwd="apppw", db="shop", unix_socket=os.environ["MAIN_SOCKET"], charset="utf8mb4",
                             autocommit=True)
if "sigpipe" in sys.argv:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
for line in sys.stdin:
    cursor = connection.cursor(MySQLdb.cursors.SSCursor if streaming else MySQLdb.cursors.Cursor)
    try:
        rows = cursor.execute(line.rstrip("\n"))
        if streaming:
            cursor.fetchone()
            print("first row", flush=True)
            sys.stdin.readline()
            while cursor.fetchone():
                pass
        elif cursor.description:
            print(list(cursor.fetchall()), flush=True)
        else:
            print(f"{rows} row" + ("" if rows == 1 else "s"), flush=True)
        cursor.close()
    except MySQLdb.Error as e:
        print("error", e.args[0], flush=True)
    streaming = False
connection.close()
