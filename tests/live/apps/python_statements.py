"""Which statements are routed, and what they answer. See python_driver.py."""

import os

import MySQLdb.cursors
from MySQLdb.constants import CLIENT

from python_driver import Session, attempt, connect, default_connect, main, say, scenario


@scenario
def a_replace_and_a_select_are_answered_as_ever():
    s = Session()
    s.put("L/a")
    s.put("L/a")
    s.get("L/a")
    s.get("L/none")
    s.run("SELECT COUNT(*), MIN(k) FROM cache WHERE k LIKE 'L/%'")
    s.run("SELECT a.k, b.v FROM cache a JOIN cache b ON a.k = b.k WHERE a.k IN ('L/a', 'L/b') ORDER BY a.k LIMIT 5")
    s.run("REPLACE INTO shop.cache SET k = 'L/b', v = 'opensesame'")
    s.run("REPLACE cache VALUES ('L/c', 'opensesame'), ('L/d', 'opensesame'), ('L/a', 'opensesame2')")
    s.run("REPLACE INTO cache (k, v) SELECT CONCAT(k, '/copy'), v FROM cache WHERE k = 'L/a'")
    s.run("replace low_priority into `shop`.`cache` (`k`, v) value ('L/e', 'opensesame');")
    s.site("L")


@scenario
def statements_on_other_tables_stay_on_main():
    s = Session()
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("REPLACE INTO plain VALUES ('x', 'opensesame')")
    s.run("SELECT * FROM orders")
    s.run("SELECT o.v, c.v IS NULL FROM orders o LEFT JOIN cache c ON c.k = 'nothing'")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' AND (SELECT COUNT(*) FROM orders) = 1")
    s.site("M", "SELECT cache.v FROM orders JOIN cache WHERE k = 'site'")
    s.run("INSERT INTO cache (k, v) VALUES ('M/insert', 'opensesame')")
    s.run("UPDATE cache SET v = 'opensesame2' WHERE k = 'M/insert'")
    s.run("DELETE FROM cache WHERE k = 'M/insert'")
    s.run("REPLACE INTO cache SELECT CONCAT('M/', v), v FROM orders")


@scenario
def groups_go_where_their_settings_say():
    s = Session()
    s.put("L/a", table="session_a")
    s.run("INSERT INTO session_a (k, v) VALUES ('L/b', 'opensesame') ON DUPLICATE KEY UPDATE v = 'opensesame3'")
    s.run("UPDATE session_a SET n = n + 1 WHERE k LIKE 'L/%'")
    s.run("DELETE FROM session_a WHERE k = 'L/a'")
    s.run("INSERT INTO session_a (k, v) VALUES ('L/b', 'opensesame')")
    s.put("L/stay", table="stay")
    s.put("M/seen", table="seen")
    s.put("M/off", table="switched_off")
    s.site("M", "SELECT v FROM seen WHERE k = 'site'")
    s.site("M", "SELECT v FROM switched_off WHERE k = 'site'")
    s.site("L", "SELECT v FROM stay WHERE k = 'site'")
    s.site("M", "SELECT cache.v FROM cache, session_a WHERE cache.k = 'site' AND session_a.k = 'site'")


@scenario
def comments_and_case_do_not_hide_a_statement():
    s = Session()
    s.run("/* app:1 */ REPLACE -- x\n INTO # y\n cache(k,v)VALUES('L/a','opensesame') -- end")
    s.run("\n\t RePlAcE INTO shop . cache VALUES ('L/b', 'opensesame')  ;  ")
    s.site("L", "(SELECT v FROM cache WHERE k = 'site')")
    s.run("SELECT REPLACE('xyz', 'y', 'REPLACE INTO cache') AS a")
    s.run("SELECT 'REPLACE INTO cache VALUES (1, 2)' /* REPLACE INTO cache */")


@scenario
def executable_comments_stay_on_main():
    s = Session()
    s.run("REPLACE /*! INTO */ cache (k, v) VALUES ('M/a', 'opensesame')")
    s.site("M", "SELECT v FROM cache /*! WHERE k = 'site' */")
    s.site("M", "SELECT v FROM cache /*M! WHERE k = 'site' */")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' /*!99999 FOR UPDATE */")


@scenario
def several_statements_in_one_text_stay_on_main():
    s = Session(connect(client_flag=CLIENT.MULTI_STATEMENTS))
    s.run("REPLACE INTO cache VALUES ('M/a', 'opensesame'); INSERT INTO orders (v) VALUES ('opensesame')")
    while True:
        more = attempt(s.cursor.nextset)
        say("next", more, s.cursor.rowcount, s.cursor.lastrowid, s.connection.insert_id())
        if more != 1:
            break
    s.put("L/b")
    s.run("SELECT 1; SELECT v FROM cache WHERE k = 'nothing'; SELECT 3")
    while s.cursor.nextset():
        say("next", s.cursor.fetchall())
    s.run("REPLACE INTO cache VALUES ('L/c', 'opensesame'); -- only a comment behind it")
    attempt(s.cursor.nextset)
    s.put("L/d")


@scenario
def a_second_statement_changes_the_session_for_what_follows():
    s = Session(connect(client_flag=CLIENT.MULTI_STATEMENTS))
    s.run("SELECT 1; SET SESSION sql_mode = ''")
    while attempt(s.cursor.nextset) == 1:
        pass
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/a', 'longer than ten opensesame')")
    s.run("BEGIN; INSERT INTO orders (v) VALUES ('opensesame')")
    while attempt(s.cursor.nextset) == 1:
        pass
    s.put("L/b")
    s.run("ROLLBACK")
    s.get("L/b")


@scenario
def a_replace_that_returns_rows_is_read_like_a_select():
    s = Session()
    s.run("REPLACE INTO cache (k, v) VALUES ('L/a', 'opensesame'), ('L/b', 'opensesame') RETURNING k, v")
    s.run("REPLACE INTO session_a (k, v) VALUES ('L/a', 'opensesame') RETURNING n")
    s.run("SELECT ROW_COUNT()")
    streaming = s.connection.cursor(MySQLdb.cursors.SSCursor)
    streaming.execute("REPLACE INTO cache (k, v) VALUES ('L/c', 'opensesame'), ('L/d', 'opensesame') RETURNING k")
    say(streaming.fetchone())
    say(attempt(s.cursor.execute, "SELECT 1"))
    say(attempt(streaming.fetchall))
    s.put("L/e")


@scenario
def statements_about_cache_tables_stay_on_main():
    s = Session()
    s.put("L/a")
    s.run("SHOW CREATE TABLE page_text")
    s.run("DESCRIBE page_text")
    s.run("SHOW TABLES LIKE 'page%'")
    s.run("EXPLAIN SELECT v FROM cache WHERE k = 'nothing'")
    s.run("CREATE OR REPLACE VIEW seen_through AS SELECT k, v FROM cache")
    s.site("M", "SELECT v FROM seen_through WHERE k = 'site'")
    s.run("DROP VIEW seen_through")
    s.run("HANDLER cache OPEN")
    s.run("HANDLER cache READ `PRIMARY` = ('site')")
    s.run("HANDLER cache CLOSE")
    s.run("SELECT v FROM Cache")
    s.run("CHECK TABLE page_text")
    s.put("L/b")


@scenario
def locking_reads_lock_on_main():
    s, other = Session(default_connect()), Session()
    other.run("SET SESSION innodb_lock_wait_timeout = 1")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' FOR UPDATE")
    other.run("UPDATE cache SET v = v WHERE k = 'site'")
    s.rollback()
    other.run("UPDATE cache SET v = v WHERE k = 'site'")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' LOCK IN SHARE MODE")


@scenario
def user_variables_are_read_and_set_on_main():
    s = Session()
    s.run("SET @k = 'site'")
    s.site("M", "SELECT v FROM cache WHERE k = @k")
    s.run("SELECT k INTO @z FROM cache WHERE k = 'site'")
    s.run("SELECT @z")
    s.run("SELECT @y := LENGTH(k) FROM cache WHERE k = 'site'")
    s.run("SELECT @y")
    s.run("REPLACE INTO cache VALUES (CONCAT('M/', @k), 'opensesame')")
    s.put("L/@k @@k")


@scenario
def named_locks_are_taken_on_main():
    s, other = Session(), Session()
    name = f"lock {os.getpid()}"
    s.run("SELECT GET_LOCK(%s, 1) FROM cache WHERE k = 'site'", (name,))
    other.run("SELECT IS_FREE_LOCK(%s)", (name,))
    other.run("SELECT IS_FREE_LOCK(%s) FROM cache WHERE k = 'site'", (name,))
    s.run("SELECT RELEASE_LOCK(%s) FROM cache WHERE k = 'site'", (name,))
    other.run("SELECT IS_FREE_LOCK(%s)", (name,))


@scenario
def functions_about_the_session_are_answered_by_main():
    s = Session()
    s.run("SELECT CONNECTION_ID() - %s AS own FROM cache WHERE k = 'site'", (s.connection.thread_id(),))
    s.run("SELECT DATABASE(), USER(), side(1), @@port = (SELECT @@port) FROM cache WHERE k = 'site'")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' AND side(1) = 2")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' AND @@server_id > 0")
    s.site("M", "SELECT v FROM cache WHERE k = 'site' AND SLEEP(0) = 0")
    s.site("L", "SELECT v FROM cache WHERE k = 'site' AND NOW() > '2000-01-01' AND CONCAT('a', 'b') = 'ab'")


@scenario
def insert_ids_survive_cache_statements():
    s = Session()
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.get("L/none")
    say(s.connection.insert_id())
    s.run("SELECT LAST_INSERT_ID()")
    s.put("L/a")
    say(s.connection.insert_id())
    s.run("SELECT LAST_INSERT_ID()")
    s.run("SELECT LAST_INSERT_ID() FROM cache WHERE k = 'site'")
    s.run("INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')")
    s.run("REPLACE INTO cache (k) VALUES ('too', 'many')")
    say(s.connection.insert_id())
    s.run("SELECT v FROM cache WHERE k IN ('L/a')")
    say(s.connection.insert_id())


@scenario
def row_counts_and_found_rows_are_of_the_last_statement():
    s = Session()
    s.run("SELECT SQL_CALC_FOUND_ROWS n FROM page_many LIMIT 3")
    s.run("SELECT FOUND_ROWS()")
    s.run("INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')")
    s.run("SELECT ROW_COUNT()")
    s.put("L/a")
    s.run("SELECT ROW_COUNT()")
    s.put("L/a")
    s.run("SELECT ROW_COUNT()")
    s.run("SELECT v FROM cache WHERE k LIKE 'L/%'")
    s.run("SELECT FOUND_ROWS()")
    s.run("SELECT id FROM orders")
    s.run("SELECT FOUND_ROWS()")
    s.run("SELECT k FROM page_text WHERE k = 'nothing'")
    s.run("SELECT FOUND_ROWS(), ROW_COUNT()")
    s.get("L/a")
    s.run("SELECT ROW_COUNT()")
    for length in 64, 65, 128, 255:
        s.put("L/a")
        s.run(("SELECT ROW_COUNT() + 100000" + " + 1" * 60)[:7 + length - 1] + "1")
        say(len(s.cursor.description[0][0]), s.cursor.description[0][0])


if __name__ == "__main__":
    main()
