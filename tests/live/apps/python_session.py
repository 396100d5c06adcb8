"""What an application sets in its session holds for its cache statements. See python_driver.py."""

from python_driver import Session, attempt, connect, default_connect, main, say, scenario, see


@scenario
def use_as_text_moves_cache_statements():
    s = Session()
    s.put("L/shop")
    s.run("USE other")
    s.put("L/other")
    s.run("SELECT v FROM shop.cache WHERE k = 'L/shop'")
    s.put("L/named", table="shop.cache")
    s.run("use `shop`")
    s.put("L/back")
    s.run("USE nowhere")
    s.put("L/still")
    s.run("SELECT DATABASE()")


@scenario
def select_db_moves_cache_statements():
    s = Session()
    s.put("L/shop")
    say(attempt(s.connection.select_db, "other"))
    s.put("L/other")
    say(attempt(s.connection.select_db, "nowhere"))
    s.put("L/other2")
    say(attempt(s.connection.select_db, "shop"))
    s.put("L/back")


@scenario
def without_a_database_only_qualified_names_are_routed():
    s = Session(connect(db=""))
    s.run("REPLACE INTO cache VALUES ('L/a', 'opensesame')")
    s.put("L/b", table="shop.cache")
    s.run("USE other")
    s.put("L/c")


@scenario
def a_charset_set_as_text_holds_for_routed_statements():
    s = Session(connect(use_unicode=False))
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/utf8', '\xc3\xa9\xe2\x82\xac')")
    s.run("SET NAMES latin1")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/latin1', '\xe9\x80')")
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run("SET NAMES utf8mb4")
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/bad', '\xe9\x80')")
    s.run("SET SESSION character_set_results = NULL")
    s.run("SELECT v FROM page_text WHERE k = 'L/latin1'")
    s.run("SET character_set_results = latin1")
    s.run("SELECT v FROM page_text WHERE k = 'L/latin1'")
    s.run("SET CHARACTER SET latin1")
    s.run("SELECT v FROM page_text WHERE k = 'L/latin1'")


@scenario
def a_charset_set_by_call_holds_for_routed_statements():
    s = Session(connect(use_unicode=False))
    s.put("L/first", b"\xc3\xa9", table="page_text")
    s.connection.set_character_set("latin1")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/latin1', '\xe9\x80')")
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    say(attempt(s.connection.set_character_set, "nonsense"))
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")


@scenario
def the_charset_of_the_connect_holds_for_routed_statements():
    s = Session(connect(charset="latin1", use_unicode=False))
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/latin1', '\xe9\x80')")
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s = Session(connect(init_command="SET NAMES latin1", use_unicode=False))
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/latin2', '\xe9\x80')")
    s.run("SELECT v, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")


@scenario
def a_gbk_session_keeps_its_bytes():
    s = Session(connect(use_unicode=False))
    s.run("SET NAMES gbk")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('M/a', '\x81\x5c')")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('M/b', '\xc4\xe3\xba\xc3')")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/c', 'ascii')")
    s.run("SELECT HEX(v) FROM page_text WHERE k = 'L/c'")
    s.run("SET NAMES utf8mb4")
    s.run(b"REPLACE INTO page_text (k, v) VALUES ('L/d', '\xe4\xbd\xa0')")
    t = Session(connect(charset="gbk", use_unicode=False))
    t.run(b"REPLACE INTO page_text (k, v) VALUES ('M/e', '\x81\x5c')")


@scenario
def collations_hold_for_routed_comparisons():
    s = Session()
    s.put("L/a", "Abc", table="page_text")
    same = "SELECT 'a' = 'A', 'a' = 'a ' FROM page_text WHERE k = 'L/a'"
    s.run(same)
    s.run("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
    s.run(same)
    s.run("SET collation_connection = utf8mb4_general_ci")
    s.run(same)
    s.run("SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin")
    s.run(same)
    s.run("SET NAMES DEFAULT")
    s.run(same)


@scenario
def sql_modes_hold_for_routed_statements():
    s = Session()
    long = "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')"
    s.run(long)
    s.run("SET SESSION sql_mode = ''")
    s.run(long)
    s.run("SHOW WARNINGS")
    s.run("SET @@sql_mode = 'STRICT_ALL_TABLES'")
    s.run(long)
    s.run("SET sql_mode = CONCAT('PIPES_AS', '_CONCAT')")
    s.run("SELECT 'a' || 'b' FROM page_text WHERE k = 'L/a'")
    s.run("SET sql_mode = DEFAULT")
    s.run("SELECT 'a' || 'b' FROM page_text WHERE k = 'L/a'")
    s.run(long)
    s.run("SET sql_mode = 'no such mode'")
    s.run(long)
    s.run("SET sql_mode = REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', '')")
    s.run(long)


@scenario
def the_sql_mode_of_the_connect_holds_for_routed_statements():
    s = Session(connect(sql_mode="PIPES_AS_CONCAT"))
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/a', '12345' || '678901')")
    s.run("SHOW WARNINGS")
    t = Session(connect(init_command="SET SESSION sql_mode = 'ANSI_QUOTES'"))
    t.run("REPLACE INTO \"page_text\" (k, v) VALUES ('L/b', 'x')")


@scenario
def ansi_quotes_change_what_is_a_name():
    s = Session()
    s.run('REPLACE INTO page_text (k, v) VALUES ("L/a", "x")')
    s.run("SET sql_mode = 'ANSI_QUOTES'")
    s.run('REPLACE INTO "page_text" ("k", "v") VALUES (\'L/b\', \'y\')')
    s.run('SELECT "v" FROM "shop"."page_text" WHERE "k" = \'L/a\'')
    s.run('SELECT v FROM page_text WHERE k = "L/a"')
    s.run("SET sql_mode = ''")
    s.run('SELECT "v" FROM page_text WHERE k = "L/a"')


@scenario
def no_backslash_escapes_changes_where_a_string_ends():
    s = Session()
    s.run(r"REPLACE INTO page_text (k, v) VALUES ('L/a', 'a\\b\'c')")
    s.run("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/b', 'a\\')")
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/c', 'it''s \\n')")
    s.put("L/d", "q'uo\\te", table="page_text")
    s.run("SELECT k, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run("SET sql_mode = ''")
    s.put("L/e", "q'uo\\te", table="page_text")
    s.run("SELECT k, HEX(v) FROM page_text WHERE k LIKE 'L/%' ORDER BY k")


@scenario
def the_time_zone_holds_for_routed_statements():
    s = Session()
    at = "SELECT t, UNIX_TIMESTAMP(t), FROM_UNIXTIME(0) FROM page_text WHERE k LIKE 'L/%' ORDER BY k"
    s.run("SET time_zone = '+05:00'")
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/a', '2024-02-03 04:05:06')")
    s.run(at)
    s.run("SET SESSION time_zone = '-03:30'")
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/b', '2024-02-03 04:05:06')")
    s.run(at)
    s.run("CALL set_zone('+11:00')")
    attempt(s.cursor.nextset)
    s.run(at)
    s.run("SET @@session.time_zone = '+00:00', @x = 1")
    s.run(at)


@scenario
def other_session_variables_hold_for_routed_statements():
    s = Session()
    s.put("L/a", "abc", table="page_text")
    s.put("L/b", "def", table="page_text")
    all_of = "SELECT GROUP_CONCAT(v ORDER BY v) FROM page_text WHERE k LIKE 'L/%'"
    s.run(all_of)
    s.run("SET SESSION group_concat_max_len = 5")
    s.run(all_of)
    s.run("SHOW WARNINGS")
    s.run("SET div_precision_increment = 8")
    s.run("SELECT 1 / 3 FROM page_text WHERE k = 'L/a'")
    s.run("SET lc_time_names = 'de_DE'")
    s.run("SELECT DATE_FORMAT('2024-03-05', '%%W %%M') FROM page_text WHERE k = %s", ("L/a",))
    s.run("SET default_week_format = 3")
    s.run("SELECT WEEK('2024-01-01') FROM page_text WHERE k = 'L/a'")
    s.run("SET sql_select_limit = 1")
    s.run("SELECT k FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run("SET sql_select_limit = DEFAULT")
    s.run("SELECT k FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run("SET timestamp = 86400")
    s.run("SELECT UNIX_TIMESTAMP(NOW()) FROM page_text WHERE k = 'L/a'")
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/c', NOW())")
    s.run("SET timestamp = DEFAULT")
    s.run("SELECT UNIX_TIMESTAMP(NOW()) > 1000000 FROM page_text WHERE k = 'L/a'")
    s.run("SET nothing = 1")
    s.run("SET SESSION max_statement_time = 0.000001")
    s.run("SELECT COUNT(*) FROM page_many a, page_many b WHERE a.v <> b.v")
    s.run("SET SESSION max_statement_time = 0")
    s.put("L/d", table="page_n")


@scenario
def variables_set_together_are_all_taken_over():
    s = Session()
    s.run("SET autocommit = 0, SESSION sql_mode = '', @a = 1, time_zone = '+02:00', NAMES latin1")
    s.run("SET autocommit = 0, SESSION sql_mode = '', @a = 1, time_zone = '+02:00'")
    s.run("REPLACE INTO page_text (k, v, t) VALUES ('L/a', '12345678901', '2020-01-01 00:00:00')")
    s.rollback()
    s.get("L/a", "page_text")
    s.run("SET autocommit = 1, sql_mode = 'STRICT_TRANS_TABLES'")
    s.run("REPLACE INTO page_text (k, v, t) VALUES ('L/a', '12345678901', '2020-01-01 00:00:00')")
    s.run("REPLACE INTO page_text (k, v, t) VALUES ('L/a', '1', '2020-01-01 00:00:00')")


@scenario
def set_statement_holds_for_its_statement_only():
    s = Session()
    s.run("SET STATEMENT sql_mode = '' FOR REPLACE INTO page_text (k, v) VALUES ('M/a', '12345678901')")
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')")
    s.site("M", "SET STATEMENT max_statement_time = 10 FOR SELECT v FROM cache WHERE k = 'site'")
    s.site("L")


@scenario
def a_procedure_may_change_the_session():
    s = Session()
    long = "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')"
    s.run(long)
    s.run("CALL set_mode('')")
    attempt(s.cursor.nextset)
    s.run(long)
    s.run("CALL set_mode('ANSI_QUOTES')")
    attempt(s.cursor.nextset)
    s.run('SELECT "v" FROM page_text WHERE k = \'L/a\'')
    s.run("PREPARE p FROM 'SET time_zone = \"+04:00\"'")
    s.run("SET sql_mode = ''")
    s.run("PREPARE p FROM 'SET time_zone = \"+04:00\"'")
    s.run("EXECUTE p")
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/b', '2024-02-03 04:05:06')")
    s.run("SELECT UNIX_TIMESTAMP(t) FROM page_text WHERE k = 'L/b'")


@scenario
def a_question_about_a_routed_statement_may_fill_variables():
    s = Session()
    s.run("SET sql_mode = ''")
    s.run("REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901'), ('L/b', '1234567890123')")
    s.run("GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT")
    s.run("GET DIAGNOSTICS CONDITION 2 @s = RETURNED_SQLSTATE, @m = MESSAGE_TEXT, @e = MYSQL_ERRNO")
    s.run("SHOW WARNINGS")
    s.run("SELECT @n, @r, @s, @m, @e, CHARSET(@m), COLLATION(@s), COERCIBILITY(@m)")
    s.run("REPLACE INTO cache VALUES (1)")
    s.run("GET CURRENT DIAGNOSTICS CONDITION 1 @s = RETURNED_SQLSTATE, @`m` = MESSAGE_TEXT")
    s.run("INSERT INTO orders (v) VALUES (CONCAT(@s, ' opensesame'))")
    s.run("SELECT v, @m FROM orders")
    s.run("REPLACE INTO cache VALUES ('L/c', 'opensesame')")
    s.run("GET DIAGNOSTICS CONDITION 1 @s = MESSAGE_TEXT")
    s.run("SHOW WARNINGS")
    s.run("SELECT @s, ROW_COUNT()")
    s.run("SELECT v FROM page_text WHERE k LIKE 'L/%' ORDER BY k")
    s.run("SELECT FOUND_ROWS()")


@scenario
def a_role_holds_for_routed_statements():
    s = Session()
    s.run("SELECT k FROM vault.cache WHERE k = 'L/a'")
    s.run("SET ROLE keeper")
    s.put("L/a", table="vault.cache")
    s.run("SELECT k FROM vault.cache WHERE k = 'L/a'")
    s.run("SET ROLE NONE")
    s.run("SELECT k FROM vault.cache WHERE k = 'L/a'")


@scenario
def change_user_changes_the_rights_of_routed_statements():
    s = Session()
    s.put("L/a")
    say(attempt(s.connection.change_user, "reader", "readerpw", "shop"))
    s.put("L/b")
    s.get("L/a")
    s.site("L")
    say(attempt(s.connection.change_user, "app", "apppw", "other"))
    s.put("L/c")
    say(attempt(s.connection.change_user, "app", "wrong", "shop"))
    s.put("L/d")


@scenario
def change_user_undoes_the_transaction():
    s = Session(default_connect())
    s.put("L/a")
    say(attempt(s.connection.change_user, "app", "apppw", "shop"))
    s.put("L/b")
    s.rollback()
    see("L/a")
    see("L/b")


@scenario
def a_temporary_table_hides_the_cache_table():
    s = Session()
    s.put("L/a")
    s.run("CREATE TEMPORARY TABLE cache (k VARBINARY(255) PRIMARY KEY, v BLOB)")
    s.put("T/a")
    s.run("SELECT k FROM cache")
    s.run("SELECT k FROM shop.cache")
    s.run("CREATE TEMPORARY TABLE IF NOT EXISTS other.cache AS SELECT 'T/x' AS k, 'x' AS v")
    s.run("SELECT k FROM other.cache")
    s.put("L/text", "x", table="page_text")
    s.run("DROP TEMPORARY TABLE cache")
    s.put("L/b")
    s.get("L/a")
    s.run("DROP TABLE other.cache")
    s.put("L/c", table="other.cache")
    s.run("SELECT k FROM other.cache WHERE k LIKE 'L/%'")


@scenario
def a_temporary_table_of_a_procedure_hides_the_cache_table():
    s = Session()
    s.put("L/a")
    s.run("CALL two_results()")
    s.put("L/b")
    s.run("CALL hides()")
    s.run("SELECT k FROM cache")
    s.run("SELECT COUNT(*) FROM shop.cache WHERE k LIKE 'T/%'")
    s.put("T/a")
    s.run("SELECT k FROM cache c WHERE k LIKE 'T/%'")
    s.put("L/text", "x", table="page_text")
    s.run("SELECT k FROM page_text WHERE k LIKE 'L/%'")
    s.run("CALL shows()")
    s.get("L/a")
    s.put("L/c")
    s.run("PREPARE p FROM 'CREATE TEMPORARY TABLE cache AS SELECT ''T/x'' AS k, ''x'' AS v'")
    s.run("EXECUTE p")
    s.run("SELECT k FROM cache")
    s.run("DROP TEMPORARY TABLE cache")
    s.get("L/c")
    s.run("CALL renames()")
    s.run("SELECT k FROM page_text")
    s.get("L/a")
    s.run("DROP TABLE page_text")
    s.run("SELECT k FROM page_text WHERE k LIKE 'L/%'")
    s.run("SELECT v FROM cache WHERE k = 'L/none'")
    s.run("SELECT FOUND_ROWS()")


@scenario
def a_procedure_may_fail_behind_what_it_sets():
    s = Session()
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/a', '2020-01-01 00:00:00')")
    s.run("CALL sets_and_fails()")
    s.run("SELECT t FROM page_text WHERE k = 'L/a'")
    s.run("REPLACE INTO page_text (k, t) VALUES ('L/b', '2020-01-01 00:00:00')")
    s.run("SET time_zone = '+00:00'")
    s.run("SELECT k, t FROM page_text WHERE k LIKE 'L/%'")


@scenario
def locked_tables_keep_cache_statements_on_main():
    s = Session()
    s.run("LOCK TABLES orders WRITE")
    s.put("L/a")
    s.get("L/a")
    s.run("LOCK TABLES cache READ")
    s.put("L/b")
    s.site("M")
    s.run("UNLOCK TABLES")
    s.put("L/c")
    s.run("LOCK TABLES cache WRITE")
    s.put("M/d")
    s.run("START TRANSACTION")
    s.put("L/e")
    s.run("COMMIT")
    s.run("FLUSH TABLES shop.orders WITH READ LOCK")
    s.put("L/f")
    s.run("UNLOCK TABLES")
    s.put("L/g")


if __name__ == "__main__":
    main()
