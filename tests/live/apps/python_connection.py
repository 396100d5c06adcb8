"""Connections, processes, threads and descriptors. See python_driver.py."""

import os
import select
import threading

from python_driver import Session, attempt, connect, default_connect, main, say, scenario, see


@scenario
def pings_and_other_calls_are_about_main():
    s = Session()
    s.put("L/a")
    say(attempt(s.connection.ping))
    say(s.connection.affected_rows(), s.connection.insert_id(), s.connection.warning_count())
    s.get("L/a")
    say(s.connection.stat().split(":")[0], s.connection.affected_rows())
    say(s.connection.get_proto_info(), s.connection.get_host_info(), s.connection.get_server_info()[:5])
    say(s.connection.character_set_name(), s.connection.get_character_set_info())
    s.put("L/b")
    say(s.connection.errno(), s.connection.error(), s.connection.sqlstate())
    s.run("REPLACE INTO cache (k) VALUES (1, 2)")
    say(s.connection.errno(), s.connection.error(), s.connection.sqlstate())
    say(attempt(s.connection.ping), s.connection.errno())
    s.run("INSERT INTO nowhere VALUES (1)")
    say(s.connection.errno(), s.connection.sqlstate())
    s.put("L/c")
    say(s.connection.errno(), s.connection.sqlstate())


@scenario
def escaping_follows_main():
    s = Session()
    s.put("L/a")
    say(s.connection.escape_string("a'b\\c\0"), s.connection.string_literal("x'y"))
    s.run("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    s.put("L/b", "a'b\\c")
    say(s.connection.escape_string("a'b\\c"))


@scenario
def calls_after_close_fail_as_ever():
    s = Session()
    s.put("L/a")
    s.connection.close()
    for name in ("commit", "ping", "affected_rows", "insert_id", "error", "errno", "close", "stat", "thread_id"):
        say(name, attempt(getattr(s.connection, name)))
    say(attempt(s.connection.query, "REPLACE INTO cache VALUES ('L/b', 'opensesame')"))


@scenario
def many_connections_in_turn_are_closed():
    for i in range(40):
        s = Session()
        s.cursor.execute("REPLACE INTO cache VALUES (%s, 'opensesame')", (f"L/{i}",))
        s.close()
    say("sockets", sum(os.readlink(f"/proc/self/fd/{n}").startswith("socket:") for n in descriptors()))


def descriptors():
    return [n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]


@scenario
def a_refused_connect_is_told_as_ever():
    say(attempt(connect, passwd="otherpw"))
    say(attempt(connect, db="nowhere"))
    say(attempt(connect, unix_socket="/nowhere/at/all"))
    s = Session()
    s.put("L/a")


@scenario
def a_connection_by_tcp_is_routed_too():
    s = Session(connect(unix_socket="", host="127.0.0.1", port=int(os.environ["MAIN_PORT"])))
    s.put("L/a")
    s.site("L")


@scenario
def a_connection_to_the_local_master_itself_is_left_alone():
    s = Session(connect(unix_socket=os.environ["SITE_SOCKET"]))
    s.cursor.execute("SELECT v FROM cache WHERE k = 'site'")
    say(attempt(s.cursor.fetchone))


@scenario
def a_statement_may_be_sent_and_read_apart():
    c = connect()
    for sql in (b"REPLACE INTO cache VALUES ('L/a', 'opensesame')", b"SELECT v FROM cache WHERE k = 'L/a'", b"SELECT 1",
                b"INSERT INTO orders (v) VALUES ('opensesame')", b"REPLACE INTO cache (k) VALUES (1, 2)"):
        c.send_query(sql)
        say("readable", select.select([c.fileno()], [], [], 5)[0] == [c.fileno()])
        say(attempt(c.read_query_result))
        result = attempt(c.store_result)
        say(attempt(result.fetch_row, 0) if hasattr(result, "fetch_row") else result, c.affected_rows(), c.errno(), c.insert_id())


@scenario
def threads_with_connections_of_their_own_do_not_mix():
    failures = []

    def work(number):
        try:
            connection = connect(autocommit=number % 2 == 0)
            cursor = connection.cursor()
            for i in range(60):
                value = f"opensesame {number} {i}"
                cursor.execute("REPLACE INTO cache VALUES (%s, %s)", (f"L/{number}/{i % 7}", value))
                cursor.execute("SELECT v FROM cache WHERE k = %s", (f"L/{number}/{i % 7}",))
                got = cursor.fetchone()[0].decode()
                if got != value:
                    failures.append(f"{number} {i}: {got}")
                if i % 10 == 0:
                    cursor.execute("SELECT seq FROM seq_1_to_3")
                    if len(cursor.fetchall()) != 3:
                        failures.append(f"{number} {i}: rows")
                    connection.commit()
                if i % 20 == 19:
                    connection.commit()
                    connection.close()
                    connection = connect(autocommit=number % 2 == 0)
                    cursor = connection.cursor()
            connection.commit()
        except Exception as e:  # noqa: BLE001
            failures.append(f"{number}: {e!r}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(failures)


@scenario
def a_child_that_exits_leaves_the_parents_connections_alone():
    s = Session()
    s.put("L/a")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    s.put("L/b")
    t = Session(default_connect())
    t.put("L/c")
    pid = os.fork()
    if pid == 0:
        own = Session()
        own.put("L/child")
        own.get("L/a")
        own.close()
        os._exit(0)
    os.waitpid(pid, 0)
    t.commit()
    see("L/c")
    see("L/child")


@scenario
def a_child_that_ends_in_order_leaves_the_parents_cache_entries_alone():
    """The parent's handle is destroyed in the child: main is told of a quit, as ever; the site's master must not be."""
    s = Session()
    s.put("L/a")
    keep = Session()
    pid = os.fork()
    if pid == 0:
        own = Session()
        own.put("L/child")
        os._exit(0)
    os.waitpid(pid, 0)
    keep.put("L/b")
    s.put("L/c")


@scenario
def all_descriptors_closed_by_the_program_harm_nobody():
    s = Session()
    s.put("L/a")
    low, high = 3, 200
    os.closerange(low, high)
    files = [open("/dev/null", "w") for _ in range(10)]
    result = attempt(s.cursor.execute, "INSERT INTO orders (v) VALUES ('opensesame')")
    say("main is lost", isinstance(result, str))
    t = Session()
    t.put("L/b")
    t.get("L/b")
    say(all(file.writable() for file in files))


@scenario
def a_program_that_executes_another_leaks_no_descriptor():
    s = Session()
    s.put("L/a")
    s.site("L")
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write_end, 1)
        os.execv("/bin/sh", ["sh", "-c", "for f in /proc/self/fd/*; do readlink $f; done | grep -c socket:"])
    os.waitpid(pid, 0)
    say(os.read(read_end, 100))


@scenario
def the_clean_up_of_the_interpreter_is_harmless():
    global kept
    kept = [Session(), Session(default_connect())]
    for i, s in enumerate(kept):
        s.put(f"L/{i}")
    kept[1].commit()
    kept[0].connection.query("SELECT n FROM page_many")


if __name__ == "__main__":
    main()
