"""Errors, warnings and counts after statements of both servers. See python_driver.py."""

from MySQLdb.constants import CLIENT

from python_driver import VALUE, Session, attempt, connect, default_connect, main, say, scenario


@scenario
def errors_are_those_of_main():
    s = Session()
    s.run("REPLACE INTO cache (k, v) VALUES ('L/a')")
    s.run("REPLACE INTO cache (k, nothing) VALUES ('L/a', 1)")
    s.run("SELECT nothing FROM cache")
    s.run("SELECT v FROM page_nowhere")
    s.run("REPLACE INTO cache (k, v) VALUES ('L/a', NULL)")
    s.run("REPLACE INTO cache (k, v) VALUES ('L/a', 'unfinished")
    s.run("SELECT v FROM cache WHERE")
    s.run("SELECT (SELECT n FROM page_many WHERE n < 3) FROM cache")
    s.run("INSERT INTO session_a (k, v) VALUES ('L/a', 'opensesame'), ('L/a', 'opensesame')")
    s.run("REPLACE INTO page_text (k, n) VALUES ('L/a', 99999999999)")
    s.run("REPLACE INTO page_text (k, n) VALUES ('L/a', 'no number')")
    s.run("SELECT 1 FROM cache GROUP BY")
    s.run("")
    s.run("  ;  ")
    s.put("L/a")


@scenario
def warnings_are_those_of_the_last_statement():
    s = Session()
    s.run("SET SESSION sql_mode = ''")
    s.run("REPLACE INTO page_text (k, v, n) VALUES ('L/a', '12345678901 opensesame', 'x')")
    s.run("SHOW WARNINGS")
    s.run("SHOW COUNT(*) WARNINGS")
    s.run("SELECT @@warning_count, @@error_count")
    say(attempt(s.connection.show_warnings))
    s.run("SELECT CAST('x1' AS SIGNED), CAST('2y' AS SIGNED)")
    s.run("SHOW WARNINGS LIMIT 1")
    s.run("SELECT k FROM page_text WHERE n = 'x' AND k = 'L/a'")
    s.run("SHOW WARNINGS")
    s.run("REPLACE INTO page_text (k) VALUES (1, 2)")
    s.run("SHOW ERRORS")
    s.run("SHOW WARNINGS")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("SHOW WARNINGS")


@scenario
def warning_counts_stay_when_a_statement_fails():
    s = Session()
    s.run("SELECT CAST('x1' AS SIGNED), CAST('2y' AS SIGNED)")
    s.run("REPLACE INTO page_text (k) VALUES (1, 2)")
    say(s.connection.warning_count())
    s.run("SET sql_mode = ''")
    s.run("REPLACE INTO page_text (k, n) VALUES ('L/b', 'x')")
    s.run("INSERT INTO nowhere VALUES (1)")
    say(s.connection.warning_count())


@scenario
def warnings_stay_over_statements_without_tables():
    s = Session()
    s.run("SET sql_mode = ''")
    s.run("REPLACE INTO page_text (k, n) VALUES ('L/b', 'x')")
    s.run("BEGIN")
    s.run("COMMIT")
    s.run("SELECT LAST_INSERT_ID()")
    s.run("SHOW WARNINGS")


@scenario
def found_rows_survive_the_first_cache_statement():
    s = Session()
    s.run("SELECT SQL_CALC_FOUND_ROWS n FROM page_many, orders LIMIT 3")
    s.run("SELECT SQL_CALC_FOUND_ROWS seq FROM seq_1_to_500 LIMIT 3")
    s.put("L/a")
    s.run("SELECT FOUND_ROWS()")
    s.put("L/b")
    s.run("SELECT SQL_CALC_FOUND_ROWS seq FROM seq_1_to_600 LIMIT 3")
    s.put("L/c")
    s.run("SELECT FOUND_ROWS()")


@scenario
def found_rows_are_those_of_the_last_select():
    s = Session()
    s.run("SELECT n FROM page_many WHERE n < 4")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("SELECT FOUND_ROWS()")
    s.run("SELECT id FROM orders")
    s.put("L/a")
    s.run("SELECT FOUND_ROWS()")
    s.run("SELECT n FROM page_many WHERE n < 6")
    s.run("ROLLBACK")
    s.run("SELECT FOUND_ROWS()")


@scenario
def a_failed_statement_leaves_the_session_usable():
    s = Session(default_connect())
    s.put("L/a")
    s.run("REPLACE INTO cache (k) VALUES ('L/b', 1)")
    s.put("L/c")
    s.run("INSERT INTO orders (nothing) VALUES (1)")
    s.put("L/d")
    s.commit()
    s.get("L/c")


@scenario
def multi_row_replaces_have_their_info():
    s = Session()
    s.put("L/1")
    n = attempt(s.cursor.executemany, "REPLACE INTO cache (k, v) VALUES (%s, %s)", [(f"L/{i}", VALUE) for i in range(3)])
    say(n, s.cursor.rowcount, s.connection.info(), s.connection.affected_rows(), s.connection.insert_id())
    s.run("REPLACE INTO cache (k, v) VALUES ('L/7', 'opensesame'), ('L/7', 'opensesame')")


@scenario
def found_rows_flag_holds_for_routed_updates():
    s = Session(connect(client_flag=CLIENT.FOUND_ROWS))
    s.put("L/a", table="session_a")
    s.run("UPDATE session_a SET v = v WHERE k = 'L/a'")
    s.run("INSERT INTO session_a (k, v) VALUES ('L/a', 'opensesame') ON DUPLICATE KEY UPDATE v = VALUES(v)")
    plain = Session()
    plain.run("UPDATE session_a SET v = v WHERE k = 'L/a'")


if __name__ == "__main__":
    main()
