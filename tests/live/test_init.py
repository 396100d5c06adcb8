"""`roundabout init`, and the README's way from a master and its slave to a ring of two, by the very lines that stand there."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, skip, test, want, want_true  # noqa: E402
from mysql_servers import CannotBeHad, MysqlServer  # noqa: E402
from servers import wait_for  # noqa: E402

README = os.path.join(servers.HERE, "..", "..", "README.md")
_pair = None


def the_pair():
    """A master and its slave, ring-ready, each of which says that it is reached at 127.0.0.1."""
    global _pair
    if _pair is None:
        master, slave = (servers.Server(name, durability=servers.TUNED, report_host="127.0.0.1") for name in ("paris", "lyon"))
        for server in (master, slave):
            server.start(wait=False)
        for server in (master, slave):
            server.wait_ready()
            servers.make_cache_table(server)
        servers.replica_of(slave, master)
        _pair = master, slave
    return _pair


class Host:
    """A place where commands run beside one server: its own home, whose .my.cnf leads to the server, and a working folder."""

    def __init__(self, server, name, pair=None):
        if not os.path.exists(lab.COMMAND):
            skip(f"{lab.COMMAND} is not built")
        self.server = server
        self.folder = os.path.join(servers.folder(), name)
        home = os.path.join(self.folder, "home")
        os.makedirs(home)
        with open(os.path.join(home, ".my.cnf"), "w") as out:
            out.write(f"[mysqld]\nuser = mysql\n[client]\nsocket = {server.socket}\nuser = 'root'\n")
        self.environment = {"PATH": servers.BUILD + ":/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8",
                            "MAIN_SOCKET": (pair or the_pair())[0].socket}

    def run(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def path(self, name):
        return os.path.join(self.folder, name)

    def is_accepted(self, name):
        """Whether the reader that all programs use takes the file: explain reads it before anything else."""
        status, _, err = self.run("roundabout", "explain", "-f", self.path(name), "SELECT 1")
        want((1, ""), (status, err), f"{name} as read, and a statement that isn't routed")


def text_of(path):
    with open(path) as file:
        return file.read()


# ---------------------------------------------------------------- what it writes


@test
def a_slave_is_written_as_the_second_site():
    master, slave = the_pair()
    host = Host(slave, "second")
    want((0, "a.conf written; edit it, then `roundabout check -f a.conf`\n", ""), host.run("roundabout", "init", "-o", "a.conf"))
    host.is_accepted("a.conf")
    text = text_of(host.path("a.conf"))
    want(0o644, os.stat(host.path("a.conf")).st_mode & 0o777, "its rights")
    for wanted in (f'socket = "{slave.socket}";', f"port = {master.port};", f"port = {slave.port};", f"server_id = {master.id};",
                   f"server_id = {slave.id};", f"gtid_domain_id {slave.id}", "MariaDB 10.", '"shop.cache"', 'mode = "observe";'):
        want_true(wanted in text, f"{wanted} in {text}")
    status, out, _ = host.run("roundabout", "init")
    want((0, text.replace(host.folder, "/etc/roundabout")), (status, out), "the same on standard output")


@test
def a_master_is_written_with_those_that_follow_it():
    master, slave = the_pair()
    wait_for(lambda: master.query("SHOW SLAVE HOSTS"), what="the master knows its slave")
    host = Host(master, "first")
    want(0, host.run("roundabout", "init", "-o", "a.conf")[0])
    host.is_accepted("a.conf")
    text = text_of(host.path("a.conf"))
    for wanted in ("main = true;", f'{{ host = "127.0.0.1"; port = {slave.port}; }} # server_id {slave.id}', "it follows no other"):
        want_true(wanted in text, f"{wanted} in {text}")
    want(1, len(re.findall(r"^ +name = .*;$", text, re.M)) - 1, "sites")  # the other name is the cache group's


@test
def tables_of_any_name_and_number_are_written_so_that_the_file_is_read():
    master, slave = the_pair()
    odd = ["page cache", "it's cached", "50%cache", "cache.pages", 'a"cache\\b*', "session\u00e9"]
    names = odd + [f"cache_{n:02}" for n in range(70)]
    quoted = [f"`{name}`" for name in names] + ["`a ``cache```"]  # that one is none that the shim would know
    master.unlogged("CREATE DATABASE forum", *(f"CREATE TABLE forum.{name} (k INT PRIMARY KEY)" for name in quoted))
    try:
        host = Host(master, "odd")
        want((0, ""), host.run("roundabout", "init", "-o", "a.conf")[::2])
        host.is_accepted("a.conf")
        text = text_of(host.path("a.conf"))
        want_true("There are more" in text and '"forum.cache_50"' in text, f"as many as have room, and a word about the others: {text}")
        master.unlogged(*(f"DROP TABLE forum.{name}" for name in quoted[len(odd):-1]))
        want(0, host.run("roundabout", "init", "-o", "b.conf")[0])
        host.is_accepted("b.conf")
        want(False, "There are more" in text_of(host.path("b.conf")))
        patterns = re.findall(r'"(forum[^"]*)"', text_of(host.path("b.conf")))
        want(len(odd), len(patterns), f"tables in {patterns}")
        for name in odd[:5]:
            statement = f"REPLACE INTO forum.`{name}` VALUES (1)"
            want_true("observe" in host.run("roundabout", "explain", "-f", "b.conf", statement)[1], f"{name} is found by one of {patterns}")
    finally:
        master.unlogged("DROP DATABASE forum")


@test
def check_says_nothing_of_tables_where_it_saw_no_server():
    master, slave = the_pair()
    host = Host(slave, "blind")
    want(0, host.run("roundabout", "init", "-o", "a.conf")[0])
    status, out, err = host.run("roundabout", "check", "-f", "a.conf")
    want((2, ""), (status, err), out)
    want_true(out.count("make the monitor user there") == 2 and "no such table" not in out, f"two servers that refuse, and no more, in {out}")


@test
def a_file_that_is_there_is_left_alone():
    host = Host(the_pair()[1], "there")
    with open(host.path("mine.conf"), "w") as out:
        out.write("mine\n")
    status, out, err = host.run("roundabout", "init", "-o", "mine.conf")
    want((1, ""), (status, out))
    want_true(err.startswith("ERROR mine.conf: it is there already"), f"told, got {err!r}")
    want("mine\n", text_of(host.path("mine.conf")))


@test
def a_server_that_says_no_gives_a_file_that_says_so():
    host = Host(the_pair()[1], "refused")
    with open(os.path.join(host.environment["HOME"], ".my.cnf"), "a") as out:
        out.write("user = nobody-at-all\npassword = 'opensesame'\n")
    status, out, err = host.run("roundabout", "init", "-o", "a.conf")
    want(0, status, err)
    want_true(err.startswith(f"WARNING {host.server.socket}: Access denied"), f"a warning, got {err!r}")
    host.is_accepted("a.conf")
    want_true("opensesame" not in text_of(host.path("a.conf")) + out + err, "no password anywhere")



@test
def without_a_server_nothing_is_written():
    host = Host(the_pair()[1], "none")
    status, out, err = host.run("roundabout", "init", "-o", "a.conf", "--socket", "/nowhere/at/all.sock")
    want((1, ""), (status, out))
    want_true(err.startswith("ERROR /nowhere/at/all.sock: no server's socket"), f"told, got {err!r}")
    want(False, os.path.exists(host.path("a.conf")), "a file")
    for arguments in (["more"], ["--colour"], ["-o"]):
        want((2, ""), host.run("roundabout", "init", *arguments)[:2], arguments)
    want(1, host.run("roundabout", "init", "-o", "no/such/folder/a.conf")[0])


@test
def included_option_files_are_followed():
    host = Host(the_pair()[1], "included")
    home = host.environment["HOME"]
    os.mkdir(os.path.join(home, "more"))
    with open(os.path.join(home, "more", "b.cnf"), "w") as out:
        out.write(f"# a remark\n[client-server]\nsocket=\"{host.server.socket}\"\n[mysqldump]\nsocket=/nowhere\n")
    with open(os.path.join(home, ".my.cnf"), "w") as out:
        out.write(f"[client]\nuser=root\n!includedir {home}/more\n!include {home}/.my.cnf\n")
    status, out, err = host.run("roundabout", "init")
    want((0, ""), (status, err))
    want_true(host.server.socket in out and "MariaDB" in out, f"the server is found, got {out}")


# ---------------------------------------------------------------- the README


def readme_blocks(on_mysql=False):
    """(place, lines) of the marked blocks, in their order. Where MySQL has its own, that is instead of the one before."""
    blocks = []
    for mysql, place, lines in re.findall(r"<!-- quick start(, MySQL)?: (.*?) -->\n```sh\n(.*?)```\n", text_of(README), re.S):
        if mysql and on_mysql:
            blocks.pop()
        if on_mysql or not mysql:
            blocks.append((place, lines))
    return blocks


PROGRAM = """#!/usr/bin/python3
import os, MySQLdb
c = MySQLdb.connect(unix_socket=os.environ["MAIN_SOCKET"], user="app", passwd="apppw", db="shop", autocommit=True).cursor()
c.execute("REPLACE INTO cache VALUES ('L/quick', 'start')")
c.execute("SELECT @@server_id")
print("main is", c.fetchone()[0])
"""


def follow_the_readme(pair, blocks, suffix=""):
    want(["at the master", "at the slave", "at the master, with the slave's roundabout.conf", "at the slave", "at the slave"],
         [place for place, _ in blocks], "places of the README's blocks")
    master, slave = pair
    paris, lyon = (Host(server, f"etc-{server.name}{suffix}", pair) for server in pair)
    with open(lyon.path("your-program"), "w") as out:
        out.write(PROGRAM)
    os.chmod(lyon.path("your-program"), 0o755)
    outputs = []
    for place, lines in blocks:
        host = paris if "master" in place else lyon
        if "slave's roundabout.conf" in place:
            shutil.copy(lyon.path("roundabout.conf"), paris.path("roundabout.conf"))
        status, out, err = host.run("sh", "-e", "-c", lines)
        # check: warnings, until the daemons have been there. roundaboutd --once: the new link is still connecting.
        waits = status != 0 and ("RING WARNING" in out or " is connecting" in err)
        want(1 if waits else 0, status, f"{place}: {out[-900:]} {err[-900:]}")
        want_true("ERROR" not in err and " error " not in err, f"no error, got {err}")
        if "slave's roundabout.conf" in place:
            wait_for(master.link_runs, what="the master follows the slave")
        outputs.append(out)
        made = lyon.path("roundabout.conf")
        if place == "at the slave" and os.path.exists(made) and "\nstats = " not in text_of(made):
            with open(made, "a") as out:  # this machine's own counters are left alone
                out.write("\n" + servers.counters_text(servers.counters(made + ".stats")))
        if place == "at the master":
            for name in ("monitor.password", "link.password"):
                shutil.copy(paris.path(name), lyon.path(name))
            wait_for(lambda: slave.one("SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'roundabout%'") == 2, what="the users at the slave")
    want_true(master.link_runs() and slave.link_runs(), "a ring of two")
    want_true("routed" in outputs[-1], f"explain says that it is routed, got {outputs[-1]}")
    want_true(f"main is {master.id}" in outputs[-1], f"the program still speaks to main, got {outputs[-1]}")
    server_id = wait_for(lambda: master.query("SELECT k FROM shop.cache WHERE k = 'L/quick'"), what="the row at the main master")
    want(1, len(server_id))
    written_by = {event[3] for event in slave.query("SHOW BINLOG EVENTS IN '%s'" % slave.query("SHOW BINARY LOGS")[-1][0])
                  if "cache" in (event[5] or "")}
    want({slave.id}, written_by, "the server that the row was written at")



@test
def the_readmes_quick_start_makes_a_ring_of_two():
    follow_the_readme(the_pair(), readme_blocks())


@test
def the_readmes_quick_start_makes_a_ring_of_two_on_mysql():
    try:
        pair = [MysqlServer(name, report_host="127.0.0.1") for name in ("paris", "lyon")]
        for server in pair:
            server.start(wait=False)
    except CannotBeHad as e:
        skip(e)
    master, slave = pair
    for server in pair:
        server.wait_ready()
        servers.make_cache_table(server)
        server.query("RESET BINARY LOGS AND GTIDS")
    master.query("CREATE USER app@'%' IDENTIFIED BY 'apppw'")
    master.query("GRANT ALL ON shop.* TO app@'%'")
    master.query("CREATE USER plain@'%' IDENTIFIED BY 'plainpw'")
    master.query("GRANT REPLICATION SLAVE ON *.* TO plain@'%'")
    slave.query(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={master.port}, MASTER_USER='plain', MASTER_PASSWORD='plainpw',"
                " MASTER_AUTO_POSITION=1, GET_MASTER_PUBLIC_KEY=1")
    slave.query("START SLAVE")
    wait_for(slave.link_runs, what="the slave follows")
    follow_the_readme(pair, readme_blocks(on_mysql=True), "-mysql")


main()
