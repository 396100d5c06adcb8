"""Rows: stored, streamed, unread, large. See python_driver.py."""

import MySQLdb.cursors

from python_driver import Session, attempt, connect, main, say, scenario


@scenario
def a_streamed_result_arrives_whole():
    s = Session(connect(cursorclass=MySQLdb.cursors.SSCursor))
    s.cursor.execute("SELECT n, v FROM page_many ORDER BY n")
    count = total = 0
    for n, v in s.cursor:
        count, total = count + 1, total + n + len(v)
    say(count, total, s.cursor.rowcount)
    s.put("L/a")


@scenario
def an_unread_streamed_result_is_out_of_sync():
    s = Session(connect(cursorclass=MySQLdb.cursors.SSCursor))
    s.cursor.execute("SELECT n FROM page_many ORDER BY n")
    say(attempt(s.cursor.fetchone))
    second = s.connection.cursor(MySQLdb.cursors.Cursor)
    say(attempt(second.execute, "SELECT 1"))
    say(attempt(second.execute, "REPLACE INTO cache VALUES ('L/x', 'opensesame')"))
    say(attempt(second.execute, "SELECT v FROM cache WHERE k = 'site'"))
    say(attempt(second.execute, "INSERT INTO orders (v) VALUES ('opensesame')"))
    say(attempt(s.connection.commit), attempt(s.connection.rollback), attempt(s.connection.ping))
    say(attempt(s.connection.select_db, "other"), attempt(s.connection.stat))
    say(attempt(s.cursor.fetchone))
    say(attempt(lambda: len(s.cursor.fetchall())))
    s.put("L/a")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")


@scenario
def an_unread_streamed_result_of_main_is_out_of_sync():
    s = Session(connect(cursorclass=MySQLdb.cursors.SSCursor))
    s.cursor.execute("SELECT seq FROM seq_1_to_20000")
    say(attempt(s.cursor.fetchone))
    second = s.connection.cursor(MySQLdb.cursors.Cursor)
    say(attempt(second.execute, "REPLACE INTO cache VALUES ('L/x', 'opensesame')"))
    say(attempt(second.execute, "SELECT v FROM cache WHERE k = 'site'"))
    say(attempt(s.cursor.fetchone))
    say(attempt(lambda: len(s.cursor.fetchall())))
    s.put("L/a")


@scenario
def a_streamed_result_outlives_its_connection():
    s = Session(connect(cursorclass=MySQLdb.cursors.SSCursor))
    s.cursor.execute("SELECT n, v FROM page_many ORDER BY n")
    say(attempt(s.cursor.fetchone))
    s.connection.close()
    say(attempt(s.connection.error), attempt(s.connection.affected_rows))
    result = s.cursor._result
    say(result is not None)
    del s.cursor, result
    s = Session()
    s.put("L/a")


@scenario
def a_stored_result_outlives_its_connection():
    s = Session()
    s.connection.query("SELECT n FROM page_many ORDER BY n LIMIT 3")
    result = s.connection.store_result()
    s.put("L/a")
    s.connection.close()
    say(attempt(result.fetch_row, 0), attempt(result.num_rows))


@scenario
def a_large_result_is_streamed_and_not_kept():
    s = Session(connect(cursorclass=MySQLdb.cursors.SSCursor))
    s.put("L/big", b"x" * 1000000, table="page_n")

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    s.cursor.execute("SELECT p.v FROM page_n p, page_many m WHERE p.k = 'L/big' AND m.n <= 100")
    before, peak, count = resident(), 0, 0
    for row in s.cursor:
        count += len(row[0])
        peak = max(peak, resident())
    say(count, "less than 20 MB more", peak - before < 20000000)


@scenario
def blobs_of_any_bytes_come_back():
    s = Session(connect(use_unicode=False))
    every = bytes(range(256))
    for name, value in (("empty", b""), ("nul", b"\0"), ("all", every), ("quotes", b"'\"`\\\0\n\r\x1a%_"), ("rev", every[::-1] * 3)):
        s.put(f"L/{name}", value)
        s.run("SELECT v, LENGTH(v) FROM cache WHERE k = %s", (f"L/{name}",))
    s.run(b"REPLACE INTO cache VALUES ('L/raw\0key', 'a\0b\xff')")
    s.run(b"SELECT k, v FROM cache WHERE k = 'L/raw\0key'")
    s.run(b"REPLACE INTO cache VALUES ('L/hex', x'00ff27'), ('L/bin', b'01000001'), ('L/intro', _latin1'\xe9')")
    s.run(b"SELECT k, v FROM cache WHERE k IN ('L/hex', 'L/bin', 'L/intro') ORDER BY k")


@scenario
def values_of_megabytes_come_back():
    s = Session(connect(use_unicode=False))
    for size in (100000, 1 << 20, 4 << 20):
        value = bytes((i * 7 + (i >> 8)) & 255 for i in range(4096)) * (size // 4096 + 1)
        s.put(f"L/{size}", value[:size])
        s.run("SELECT LENGTH(v), MD5(v) FROM cache WHERE k = %s", (f"L/{size}",))
        s.get(f"L/{size}")


@scenario
def a_statement_too_long_for_main_fails_as_on_main():
    s = Session(connect(use_unicode=False))
    say(str(attempt(s.cursor.execute, "REPLACE INTO cache VALUES ('L/a', %s)", (b"x" * (17 << 20),)))[:80])
    t = Session()
    t.put("L/b")


@scenario
def types_come_back_as_types():
    s = Session()
    s.run("REPLACE INTO page_text VALUES ('L/a', 'x', -5, '2024-01-02 03:04:05')")
    s.run("SELECT k, v, n, t, 1.50, NULL, n * 2.5e0, CAST(1 AS UNSIGNED) FROM page_text WHERE k = 'L/a'")
    say([d[:6] for d in s.cursor.description])
    s.cursor.execute("SELECT * FROM page_text WHERE k = 'none'")
    say([d[:6] for d in s.cursor.description], s.cursor.description_flags)


@scenario
def field_names_and_tables_are_those_of_the_statement():
    s = Session()
    s.connection.query("SELECT p.k AS alias, p.v, COUNT(*) FROM page_text p WHERE k = 'nothing' GROUP BY p.k")
    say(s.connection.field_count())
    result = s.connection.store_result()
    say(result.describe(), result.field_flags(), s.connection.field_count())


@scenario
def a_call_of_a_procedure_keeps_its_results():
    s = Session()
    s.put("L/a")
    say(attempt(s.cursor.callproc, "two_results"))
    say(s.cursor.fetchall(), attempt(s.cursor.nextset))
    say(s.cursor.fetchall(), attempt(s.cursor.nextset))
    say(attempt(s.cursor.nextset))
    s.get("L/a")


@scenario
def a_reply_half_read_is_discarded_by_the_driver_as_ever():
    s = Session()
    s.run("CALL two_results()")
    s.put("L/a")
    s.get("L/a")


if __name__ == "__main__":
    main()
