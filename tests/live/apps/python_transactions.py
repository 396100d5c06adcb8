"""Transactions end at both servers as they do at one. See python_driver.py."""

import os
import threading
import time

from python_driver import Session, attempt, connect, default_connect, main, say, scenario, see


@scenario
def a_commit_keeps_cache_entries():
    s = Session(default_connect())
    s.put("L/a")
    see("L/a")
    s.get("L/a")
    s.commit()
    see("L/a")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.put("L/b")
    see("L/b")
    s.commit()
    see("L/b")


@scenario
def a_rollback_undoes_cache_entries():
    s = Session(default_connect())
    s.put("L/a")
    s.commit()
    s.put("L/a", "opensesame2")
    s.put("L/b")
    s.rollback()
    s.get("L/a")
    s.get("L/b")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.put("L/c")
    s.rollback()
    s.get("L/c")


@scenario
def a_close_without_commit_undoes_cache_entries():
    s = Session(default_connect())
    s.put("L/a")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.close()
    time.sleep(0.1)
    see("L/a")


@scenario
def an_exit_without_commit_undoes_cache_entries():
    pid = os.fork()
    if pid == 0:
        s = Session(default_connect())
        s.put("L/a")
        os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(0.2)
    see("L/a")


@scenario
def transactions_by_text_end_as_on_main():
    s = Session()
    s.run("BEGIN")
    s.put("L/a")
    s.run("ROLLBACK")
    s.run("START TRANSACTION")
    s.put("L/b")
    see("L/b")
    s.run("COMMIT")
    s.run("BEGIN WORK")
    s.put("L/c")
    s.run("BEGIN")
    s.put("L/d")
    s.run("rollback work")
    s.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE")
    s.put("L/e")
    s.run("COMMIT AND CHAIN")
    s.put("L/f")
    s.run("ROLLBACK AND CHAIN")
    s.put("L/g")
    s.run("COMMIT")
    s.put("L/h")
    for letter in "abcdefgh":
        s.get(f"L/{letter}")


@scenario
def autocommit_switched_off_in_a_transaction_leaves_it_open():
    s = Session()
    s.run("BEGIN")
    s.put("L/a")
    s.run("SET autocommit = 0")
    s.rollback()
    s.get("L/a")
    s.run("SET autocommit = 1")
    s.run("BEGIN")
    s.put("L/b")
    s.run("SET autocommit = 0")
    s.put("L/c")
    s.run("ROLLBACK")
    s.get("L/b")
    s.get("L/c")
    s.rollback()
    s.run("SET autocommit = 1")
    s.run("BEGIN")
    s.put("L/d")
    s.run("SET autocommit = 1")
    s.put("L/e")
    s.run("ROLLBACK")
    s.get("L/d")
    s.get("L/e")


@scenario
def read_only_transactions_refuse_writes():
    s = Session()
    s.run("START TRANSACTION READ ONLY")
    s.put("L/a")
    s.site("L")
    s.run("COMMIT")
    s.put("L/b")
    s.run("SET SESSION TRANSACTION READ ONLY")
    s.put("L/c")
    s.run("BEGIN")
    s.put("L/d")
    s.run("ROLLBACK")
    s.run("SET SESSION TRANSACTION READ WRITE")
    s.put("L/e")
    s.run("SET TRANSACTION READ ONLY")
    s.put("L/f")
    s.run("SELECT 1")
    s.run("SET TRANSACTION READ ONLY")
    s.run("START TRANSACTION")
    s.put("M/g")
    s.run("COMMIT")
    s.put("L/h")


@scenario
def savepoints_hold_at_both_servers():
    s = Session(default_connect())
    s.put("L/a")
    s.run("SAVEPOINT one")
    s.put("L/b")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("SAVEPOINT `two`")
    s.put("L/c")
    s.run("ROLLBACK TO SAVEPOINT two")
    s.get("L/c")
    s.get("L/b")
    s.run("ROLLBACK WORK TO one")
    s.get("L/b")
    s.put("L/d")
    s.run("RELEASE SAVEPOINT one")
    s.run("ROLLBACK TO one")
    s.run("ROLLBACK TO nothing")
    s.put("L/e")
    s.commit()
    see("L/a")
    see("L/d")


@scenario
def a_savepoint_ends_with_its_transaction():
    s = Session(default_connect())
    s.put("L/a")
    s.run("SAVEPOINT one")
    s.rollback()
    s.run("ROLLBACK TO one")
    s.put("L/b")
    s.run("SAVEPOINT one")
    s.commit()
    s.run("ROLLBACK TO one")


@scenario
def a_savepoint_before_the_first_cache_statement_holds():
    s = Session(default_connect())
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("SAVEPOINT one")
    s.put("L/a")
    s.run("ROLLBACK TO one")
    s.get("L/a")
    s.put("L/b")
    s.commit()
    s.get("L/b")


@scenario
def implicit_commits_keep_cache_entries():
    s = Session(default_connect())
    s.put("L/a")
    s.run("CREATE TABLE IF NOT EXISTS passing_by (n INT)")
    s.rollback()
    s.get("L/a")
    s.put("L/b")
    s.run("DROP TABLE passing_by")
    s.rollback()
    s.get("L/b")
    s.put("L/c")
    s.run("ANALYZE TABLE orders")
    s.rollback()
    s.get("L/c")
    s.put("L/d")
    s.run("CREATE TEMPORARY TABLE tmp1 (n INT)")
    s.rollback()
    s.get("L/d")
    s.put("L/e")
    s.run("LOCK TABLES orders READ")
    s.run("UNLOCK TABLES")
    s.rollback()
    s.get("L/e")


@scenario
def switching_autocommit_on_keeps_cache_entries():
    s = Session(default_connect())
    s.put("L/a")
    say(attempt(s.connection.autocommit, True))
    see("L/a")
    s.put("L/b")
    see("L/b")
    say(attempt(s.connection.autocommit, False))
    s.put("L/c")
    s.run("SET autocommit = 1")
    see("L/c")
    s.run("SET @@autocommit = OFF")
    s.put("L/d")
    s.run("SET SESSION autocommit = DEFAULT")
    see("L/d")
    s.run("set autocommit=0")
    s.put("L/e")
    s.rollback()
    see("L/e")


@scenario
def the_pass_group_stays_on_main_in_a_transaction():
    s = Session(default_connect())
    s.put("M/a", table="stay")
    s.site("M", "SELECT v FROM stay WHERE k = 'site'")
    s.commit()
    s.run("SET autocommit = 1")
    s.put("L/b", table="stay")
    s.site("L", "SELECT v FROM stay WHERE k = 'site'")


@scenario
def own_writes_are_seen_and_others_are_isolated():
    a, b = Session(default_connect()), Session(default_connect())
    a.put("L/a", "opensesame1")
    b.get("L/a")
    a.commit()
    b.get("L/a")
    b.commit()
    b.get("L/a")
    b.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    b.commit()
    b.get("L/a")
    a.put("L/a", "opensesame2")
    b.get("L/a")
    a.commit()
    b.get("L/a")


@scenario
def an_isolation_level_for_one_transaction_is_kept():
    a, b = Session(), Session()
    a.put("L/a", "opensesame1")
    b.run("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
    b.run("BEGIN")
    b.site("M")
    b.run("COMMIT")
    b.site("L")


@scenario
def lock_waits_time_out_as_on_main():
    a, b = Session(default_connect()), Session(default_connect())
    b.run("SET SESSION innodb_lock_wait_timeout = 1")
    a.put("L/a", "opensesame1")
    b.run("INSERT INTO orders (v) VALUES ('opensesame')")
    b.put("L/b")
    b.put("L/a", "opensesame2")
    b.commit()
    a.commit()
    see("L/a")
    see("L/b")


@scenario
def a_deadlock_undoes_the_victims_whole_transaction():
    a, b = Session(default_connect()), Session(default_connect())
    results = []

    def work(s, first, second, barrier):
        s.cursor.execute("INSERT INTO orders (v) VALUES ('opensesame')")
        s.cursor.execute(f"REPLACE INTO cache VALUES ('{first}', 'opensesame')")
        barrier.wait()
        results.append(attempt(s.cursor.execute, f"REPLACE INTO cache VALUES ('{second}', 'opensesame')"))
        s.connection.commit()

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(a, "L/a", "L/b", barrier)),
               threading.Thread(target=work, args=(b, "L/b", "L/a", barrier))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(sorted(map(str, results)))
    s = Session()
    s.run("SELECT COUNT(*) FROM orders")
    s.run("DELETE FROM orders")


@scenario
def completion_type_says_how_a_transaction_ends():
    s = Session()
    s.put("L/first")
    s.run("SET completion_type = CHAIN")
    s.run("BEGIN")
    s.put("L/a")
    s.run("COMMIT")
    s.put("L/b")
    see("L/b")
    s.run("ROLLBACK AND NO CHAIN")
    s.get("L/b")
    s.put("L/c")
    see("L/c")
    s.run("BEGIN")
    s.commit()
    s.put("L/d")
    s.rollback()
    s.run("ROLLBACK AND NO CHAIN")
    s.get("L/d")
    s.run("SET autocommit = 0, completion_type = @@global.completion_type")
    s.put("L/e")
    s.commit()
    s.put("L/f")
    s.run("SET completion_type = 2")
    s.run("COMMIT")
    see("L/f")
    s.run("SELECT 1")


@scenario
def autocommit_off_from_the_start_is_known():
    def open_off():
        return Session(connect(init_command="SET autocommit = 0"))
    s = open_off()
    s.put("L/a")
    see("L/a")
    s.commit()
    see("L/a")
    s = open_off()
    s.put("L/b")
    s.rollback()
    see("L/b")


@scenario
def a_procedure_may_end_the_transaction():
    s = Session(default_connect())
    s.put("L/a")
    s.run("CALL undoes()")
    s.commit()
    see("L/a")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.put("L/b")
    s.run("CALL undoes()")
    s.run("BEGIN")
    s.put("L/c")
    s.run("CALL set_zone('+03:00')")
    s.commit()
    see("L/b")
    see("L/c")
    s.put("L/d")
    s.run("CALL undoes()")
    s.connection.autocommit(True)
    see("L/d")


@scenario
def a_procedure_may_begin_the_next_transaction():
    s = Session(default_connect())
    s.put("L/a")
    s.run("CALL begins_anew()")
    s.put("L/b")
    s.get("L/a")
    s.commit()
    see("L/a")
    see("L/b")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.put("L/c")
    s.run("CALL begins_anew()")
    s.commit()
    see("L/c")
    s = Session()
    s.put("L/d")
    s.run("BEGIN")
    s.put("L/e")
    s.run("CALL begins_anew()")
    s.put("L/f")
    s.commit()
    s.put("L/g")
    s.run("SET completion_type = CHAIN")
    s.run("BEGIN")
    s.put("L/h")
    s.run("CALL undoes()")
    s.put("L/i")
    s.run("ROLLBACK AND NO CHAIN")
    for key in "efghi":
        see("L/" + key)
    s.run("DELETE FROM orders")


@scenario
def a_procedure_may_end_the_transaction_and_warn():
    for s in Session(), Session(default_connect()):
        if s.connection.get_autocommit():
            s.run("BEGIN")
        s.put("L/a")
        s.run("CALL undoes_and_warns()")
        s.run("SET @a = 1")
        s.run("SHOW WARNINGS")
        see("L/a")


@scenario
def a_procedure_may_make_a_temporary_table():
    s = Session()
    for key, end in ("ac", "ROLLBACK"), ("eg", "COMMIT"):
        s.run("BEGIN")
        s.run("CALL makes_table()")
        s.put("L/" + key[0])
        s.run(end)
        s.run("DROP TEMPORARY TABLE sums")
        s.run("BEGIN")
        s.put("L/" + key[1])
        s.run("CALL makes_table()")
        s.put("L/" + key[1] + key[1])
        s.run(end)
        s.run("DROP TEMPORARY TABLE sums")
        for name in (key[0], key[1], key[1] + key[1]):
            see("L/" + name)
    s.run("BEGIN")
    s.run("CALL makes_table()")
    s.run("CALL undoes()")
    s.put("L/i")
    see("L/i")


@scenario
def a_transaction_begun_inside_a_read_only_one_is_as_on_one_server():
    s = Session()
    s.run("START TRANSACTION READ ONLY")
    s.run("BEGIN")
    s.put("L/a")
    s.run("COMMIT")
    see("L/a")
    s.run("SET completion_type = CHAIN")
    s.run("START TRANSACTION READ ONLY")
    s.run("CALL undoes()")
    s.put("L/b")
    s.run("ROLLBACK AND NO CHAIN")
    see("L/b")


@scenario
def a_procedure_may_end_a_read_only_transaction():
    s = Session()
    s.get("L/a")
    for call in "CALL begins_anew()", "CALL undoes()", "CALL two_results()":
        s.run("START TRANSACTION READ ONLY")
        s.run(call)
        s.cursor.nextset(), s.cursor.nextset()
        s.put("L/a")
        s.run("COMMIT")
        see("L/a")


@scenario
def a_procedure_may_fail_behind_the_end_of_the_transaction():
    s = Session()
    s.run("PREPARE fails FROM 'CALL undoes_and_fails()'")
    for n, call in enumerate(("CALL undoes_and_fails()", "CALL begins_anew_and_fails()", "EXECUTE fails")):
        s.run("BEGIN")
        s.put(f"L/a{n}")
        s.run("INSERT INTO plain (k, v) VALUES (%s, 'opensesame')", (f"a{n}",))
        s.run(call)
        s.put(f"L/b{n}")
        s.run(("COMMIT", "ROLLBACK", "COMMIT")[n])
        for name in "ab":
            see(f"L/{name}{n}")
        s.run("SELECT k FROM plain ORDER BY k")


@scenario
def a_failed_text_that_means_nothing_leaves_savepoints_alone():
    s = Session()
    s.run("BEGIN")
    s.put("L/a")
    s.run("nothing of meaning")
    s.run("SAVEPOINT one")
    s.put("L/b")
    s.run("CALL two_results()")
    s.cursor.nextset(), s.cursor.nextset()
    s.run("ROLLBACK TO one")
    s.run("COMMIT")
    for key in "ab":
        see("L/" + key)


@scenario
def a_procedure_may_leave_a_transaction_open_with_a_temporary_table_in_it():
    s = Session()
    for key, end in ("a", "ROLLBACK"), ("b", "COMMIT"):
        s.run("CALL begins_with_table()")
        s.put("L/" + key)
        s.run(end)
        s.run("DROP TEMPORARY TABLE sums")
        see("L/" + key)


@scenario
def lock_waits_and_deadlocks_on_main_leave_both_in_step():
    a, b = Session(default_connect()), Session(default_connect())
    b.run("SET SESSION innodb_lock_wait_timeout = 1")
    a.run("INSERT INTO plain (k, v) VALUES ('one', 'opensesame'), ('two', 'opensesame')")
    a.commit()
    a.run("UPDATE plain SET v = 'a' WHERE k = 'one'")
    b.put("L/b")
    b.run("UPDATE plain SET v = 'b' WHERE k = 'one'")
    b.put("L/c")
    b.commit()
    a.commit()
    see("L/b")
    see("L/c")
    results = []
    barrier = threading.Barrier(2)

    def work(s, key, first, second):
        s.cursor.execute(f"REPLACE INTO cache VALUES ('{key}', 'opensesame')")
        s.cursor.execute(f"UPDATE plain SET v = 'x' WHERE k = '{first}'")
        barrier.wait()
        results.append(attempt(s.cursor.execute, f"UPDATE plain SET v = 'y' WHERE k = '{second}'"))
        s.connection.commit()

    threads = [threading.Thread(target=work, args=(a, "L/d", "one", "two")), threading.Thread(target=work, args=(b, "L/e", "two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(sorted(map(str, results)))
    s = Session()
    s.run("SELECT COUNT(*) FROM cache WHERE k IN ('L/d', 'L/e')")
    s.run("REPLACE INTO cache VALUES ('L/d', 'opensesame'), ('L/e', 'opensesame')")
    s.run("DELETE FROM plain")


@scenario
def xa_transactions_stay_on_main():
    s = Session()
    s.put("L/a")
    name = f"'x{os.getpid()}'"
    s.run(f"XA START {name}")
    s.put("M/b")
    s.run(f"XA END {name}")
    s.put("L/c")
    s.run(f"XA ROLLBACK {name}")
    s.put("L/d")
    s.run(f"XA START {name}")
    s.put("M/e")
    s.run(f"XA END {name}")
    s.run(f"XA PREPARE {name}")
    s.run(f"XA COMMIT {name}")
    s.put("L/f")


@scenario
def a_kill_of_the_main_connection_undoes_cache_entries():
    s, killer = Session(default_connect()), Session()
    s.put("L/a")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    killer.run(f"KILL {s.connection.thread_id()}")
    time.sleep(0.2)
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.commit()
    say(attempt(s.connection.close))
    see("L/a")


@scenario
def a_kill_before_the_commit_undoes_cache_entries():
    s, killer = Session(default_connect()), Session()
    s.run("INSERT INTO orders (v) VALUES ('opensesame')")
    s.put("L/a")
    killer.run(f"KILL {s.connection.thread_id()}")
    time.sleep(0.2)
    s.commit()
    see("L/a")


@scenario
def the_thread_id_is_that_of_main():
    s = Session()
    s.put("L/a")
    own = s.connection.thread_id()
    s.cursor.execute("SELECT CONNECTION_ID()")
    say(own == s.cursor.fetchone()[0])


@scenario
def kill_query_stops_a_routed_statement():
    s, killer = Session(), Session()
    s.site("L")
    thread = threading.Timer(0.5, lambda: killer.cursor.execute(f"KILL QUERY {s.connection.thread_id()}"))
    thread.start()
    started = time.monotonic()
    s.run("SELECT COUNT(*) FROM page_many a, page_many b, page_many c WHERE a.v <> b.v AND b.v <> c.v")
    say("within two seconds", time.monotonic() - started < 2)
    thread.join()
    s.put("L/a")


@scenario
def a_kill_of_a_busy_connection_ends_it():
    s, killer = Session(), Session()
    s.site("L")
    thread = threading.Timer(0.5, lambda: killer.cursor.execute(f"KILL {s.connection.thread_id()}"))
    thread.start()
    started = time.monotonic()
    result = attempt(s.cursor.execute, "SELECT COUNT(*) FROM page_many a, page_many b, page_many c WHERE a.v <> b.v AND b.v <> c.v")
    say("failed", isinstance(result, str), "within two seconds", time.monotonic() - started < 2)
    thread.join()
    say("main is lost", isinstance(attempt(s.cursor.execute, "SELECT 1"), str))
    say("still lost", isinstance(attempt(s.cursor.execute, "SELECT 1"), str))


if __name__ == "__main__":
    main()
