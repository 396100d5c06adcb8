#!/usr/bin/python3
"""TLS to the local master, to the ring's servers and between them: the right certificate is believed, and nothing is ever sent in the
clear because a wrong one was not."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import mysql_servers  # noqa: E402
import oracle_client  # noqa: E402
import servers  # noqa: E402
from certificates import Certificates  # noqa: E402
from harness import Failure, main, skip, test, want, want_true  # noqa: E402
from ring_stage import MONITOR_PASSWORD, MONITOR_USER, MYSQL_GRANTS, Stage  # noqa: E402
from servers import BUILD, wait_for  # noqa: E402

READ = "SELECT v FROM cache WHERE k = 'site'"
# What OpenSSL or the library calls it; a person who reads the log must be told which of them it was.
WORDS = {"wrong_ca": r"unable to get (local )?issuer|self.signed|certificate verify failed", "wrong_name": r"Validation of SSL server certificate|[Hh]ost ?name|verif",
         "expired": r"expired|certificate verify failed", "none": r"offers no TLS|SSL (connection error: SSL )?is required"}
_certificates = None


def certificates():
    global _certificates
    if _certificates is None:
        _certificates = Certificates()
    return _certificates


class Pair:
    """Two servers of one brand, and `statements` linked to that brand's client library."""

    def __init__(self, make, command, inside=lambda path: path):
        self.command = command
        self.main = make("main", ring_member=False)
        self.local = make("local", ring_member=False, **certificates().options(inside))
        self.bare = make("bare", ring_member=False, **({"tls_version": ""} if inside is mysql_servers.inside else {}))
        for server in (self.main, self.local, self.bare):
            server.start(wait=False)
        for server in (self.main, self.local, self.bare):
            server.wait_ready()
            servers.make_cache_table(server)
            server.query(f"INSERT INTO shop.cache (k, v) VALUES ('site', '{server.name}')")
            if isinstance(server, mysql_servers.MysqlServer):
                server.query(f"CREATE USER {servers.APP_USER}@'%' IDENTIFIED BY '{servers.APP_PASSWORD}'")
                server.query("GRANT ALL ON shop.* TO app@'%'")
                server.connect(user="app", passwd="apppw").close()  # so that the server knows the password when it is asked in the clear
        self.local.query("ALTER USER app@'%' REQUIRE SSL")
        self.lab = lab.Lab.__new__(lab.Lab)
        self.lab.main, self.lab.local, self.lab.counter = self.main, self.local, 0

    def show(self, kind):
        certificates().show(kind)
        if isinstance(self.local, mysql_servers.MysqlServer):
            self.local.restart()  # a running one doesn't take an expired certificate
        else:
            self.local.query("FLUSH SSL")

    def read(self, server=None, host="localhost", **local):
        """(which server was read, what the shim logged)"""
        path, log = self.lab.write_config({"socket": None, "host": host, "port": (server or self.local).port, "connect_timeout_s": 10, **local},
                                          groups=[{"tables": ["shop.cache"]}])
        with open(log, "w"):
            pass
        program, environment = self.command
        outcome = self.lab.run([program, READ], path, log, **environment) if not callable(program) else self.lab.finish(
            self.lab.start(program([lab.LIBRARY]) + [READ], None, ROUNDABOUT_CONFIG=path), log)
        want_true(outcome.stdout.startswith("0 0"), f"an answer, got {outcome.stdout!r} {outcome.stderr!r}")
        return outcome.stdout.split()[2].rstrip(";"), "\n".join(outcome.log_lines("warning", "error"))


_pairs = {}


def mariadb():
    if "mariadb" not in _pairs:
        _pairs["mariadb"] = Pair(servers.Server, (os.path.join(lab.C_APPS, "statements"), {}))
    return _pairs["mariadb"]


def need_mysql():
    try:
        mysql_servers.root()
    except mysql_servers.CannotBeHad as e:
        skip(f"MySQL: {e}")


def mysql():
    if "mysql" not in _pairs:
        try:
            program = oracle_client.c_program([os.path.join(lab.HERE, "c", "statements.c")], os.path.join(lab.C_APPS, "oracle", "statements"))
            loader = oracle_client.loader()
        except (oracle_client.CannotBeHad, mysql_servers.CannotBeHad) as e:
            skip(str(e))

        def command(preloads):
            return [*loader, *(["--preload", ":".join(preloads)] if preloads else []), program]
        _pairs["mysql"] = Pair(mysql_servers.MysqlServer, (command, {}), mysql_servers.inside)
    return _pairs["mysql"]


def a_wrong_certificate_means_main(it):
    for kind in ("right", "wrong_ca", "expired", "wrong_name"):
        it.show(kind)
        for host in ("localhost", "127.0.0.1"):
            where, said = it.read(host=host, tls=True, tls_ca=certificates().ca)
            want("local" if kind == "right" else "main", where, f"where it is read when the certificate of {host} is {kind} ({said})")
            want(0 if kind == "right" else 1, len(said.splitlines()), f"warnings ({said})")
            want_true(kind == "right" or re.search(WORDS[kind], said), f"words for {kind} in {said!r}")
    want(("local", ""), it.read(tls=True), "encrypted, and the certificate is not looked at")


def a_server_without_tls_is_refused(it):
    for local in ({"tls": True}, {"tls": True, "tls_ca": certificates().ca}):
        where, said = it.read(it.bare, **local)
        want("main", where, f"where it is read with {local}")
        want(1, len(said.splitlines()), f"warnings ({said})")
        want_true(re.search(WORDS["none"], said), f"what is missing, got {said!r}")
    want(("bare", ""), it.read(it.bare), "without tls")


def an_option_file_is_believed(it, mode="", **more):
    file = os.path.join(servers.folder(), "client.cnf")
    with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        out.write(f"[client]\nuser = app\npassword = apppw\nssl-ca = {certificates().ca}\n{mode}\n")
    it.show("right")
    want(("local", ""), it.read(defaults_file=file, **more), "with the right certificate")
    it.show("wrong_name")
    want("main", it.read(defaults_file=file, **more)[0], "with a wrong one")


@test
def the_local_master_must_show_the_right_certificate():
    a_wrong_certificate_means_main(mariadb())


@test
def the_local_master_is_never_spoken_to_in_the_clear():
    a_server_without_tls_is_refused(mariadb())


@test
def an_option_file_asks_for_tls_too():
    an_option_file_is_believed(mariadb(), "ssl-verify-server-cert = 1")


@test
def the_local_master_must_show_the_right_certificate_to_oracles_library():
    a_wrong_certificate_means_main(mysql())


@test
def the_local_master_is_never_spoken_to_in_the_clear_by_oracles_library():
    a_server_without_tls_is_refused(mysql())


@test
def an_option_file_does_not_loosen_tls_with_oracles_library():
    # It reads no ssl-mode from option files: ssl-ca alone checks nobody's name. So the setting must hold beside one.
    an_option_file_is_believed(mysql(), "ssl-mode = DISABLED", tls=True, tls_ca=certificates().ca)


def a_rings_servers_must_show_the_right_certificate(inside=lambda path: path, **more):
    certificates().show("right")
    it = Stage(2, tls=certificates().ca, link_ca=inside(certificates().ca), **more, **certificates().options(inside))
    first, second = it.servers
    said = "".join(it.run_once(i)[1] for i in (0, 1, 0))
    try:
        wait_for(it.is_whole, 30, "the ring is whole")
    except servers.NotReady:
        raise Failure(f"a whole ring, got {said} {first.slave_status().get('Last_IO_Error')} {second.slave_status().get('Last_IO_Error')}")
    want("Yes", second.slave_status()["Master_SSL_Allowed"], "the link is encrypted")
    # A MySQL server reads it at its start only, and a link made by one name or file goes on until it is made anew.
    show = first.restart if isinstance(first, mysql_servers.MysqlServer) else lambda: first.query("FLUSH SSL")
    for kind in ("wrong_ca", "wrong_name", "expired", "none"):
        if kind == "none":
            first.restart(**({"tls_version": ""} if isinstance(first, mysql_servers.MysqlServer) else dict.fromkeys(("ssl_ca", "ssl_cert", "ssl_key"))))
        else:
            certificates().show(kind)
            show()
        words = re.compile(WORDS[kind] + "|SSL is required|certificate")
        second.query("STOP SLAVE")
        second.query("START SLAVE")
        wait_for(lambda: second.slave_status().get("Last_IO_Errno") == 2026, 10, f"the link refuses when the certificate is {kind}")
        want_true(second.slave_status()["Slave_IO_Running"] != "Yes", f"no link when the certificate is {kind}")
        check = subprocess.run([os.path.join(BUILD, "roundabout"), "check", "-f", it.files[1]], capture_output=True, text=True)
        want_true(re.search(r"(?m)^.*2026.*$", check.stdout) and words.search(check.stdout), f"check's words for {kind} in {check.stdout!r}")
    it.end()


@test
def a_ring_of_mariadbs_must_show_the_right_certificates():
    a_rings_servers_must_show_the_right_certificate()


@test
def a_ring_of_mysqls_must_show_the_right_certificates():
    need_mysql()
    a_rings_servers_must_show_the_right_certificate(mysql_servers.inside, kind=mysql_servers.MysqlServer, grants=MYSQL_GRANTS)


def a_monitor_that_asks_for_tls_never_speaks_in_the_clear(**more):
    it = Stage(2, tls=True, **more)
    for server in it.servers:
        server.connect(user=MONITOR_USER, passwd=MONITOR_PASSWORD).close()  # so that MySQL knows the password when it is asked in the clear
    check = subprocess.run([os.path.join(BUILD, "roundabout"), "check", "-f", it.files[1]], capture_output=True, text=True)
    want_true("offers none" in check.stdout, f"what is missing, got {check.stdout!r}")
    want(0, it.servers[0].one("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE user = 'roundabout'"), "its connections")
    it.end()


@test
def a_monitor_that_asks_for_tls_never_speaks_in_the_clear_to_mariadb():
    a_monitor_that_asks_for_tls_never_speaks_in_the_clear()


@test
def a_monitor_that_asks_for_tls_never_speaks_in_the_clear_to_mysql():
    need_mysql()
    a_monitor_that_asks_for_tls_never_speaks_in_the_clear(kind=mysql_servers.MysqlServer, grants=MYSQL_GRANTS, tls_version="")


main()
