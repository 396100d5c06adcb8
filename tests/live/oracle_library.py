"""Programs for Oracle's client library: built here against its headers in the folder that tests/mysql-root makes, and run by that folder's own
loader, so that they find its libraries."""

import os
import subprocess

import mysql_servers
import servers
from harness import skip

SOURCES = os.path.join(servers.HERE, "apps", "c")


def root():
    try:
        return mysql_servers.root()
    except mysql_servers.CannotBeHad as e:
        skip(str(e))


def build(*sources):
    """The program, and a function (program, preloads) -> command."""
    top = root()
    libraries = os.path.join(top, "usr/lib/x86_64-linux-gnu")
    headers = os.path.join(servers.folder(), "oracle-headers")
    os.makedirs(headers, exist_ok=True)
    if not os.path.lexists(os.path.join(headers, "mysql")):
        os.symlink(os.path.join(top, "usr/include/mysql"), os.path.join(headers, "mysql"))
    program = os.path.join(servers.folder(), os.path.splitext(sources[0])[0] + "-oracle")
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-g", "-O2", "-Wall", "-Wextra", f"-I{headers}", f"-I{headers}/mysql", "-o", program,
         *(os.path.join(SOURCES, source) for source in sources), os.path.join(libraries, "libmysqlclient.so.24"),
         "-Wl,--unresolved-symbols=ignore-in-shared-libs", "-lpthread"], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{sources[0]} can't be built for Oracle's library: {done.stderr[:1000]}")

    def command(path, preloads):
        more = ["--preload", ":".join(preloads)] if preloads else []
        return [os.path.join(top, "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, *more, path]
    return program, command


def accounts(server):
    """What makes the application's account on a MySQL server; MariaDB's have it from their template."""
    if not isinstance(server, mysql_servers.MysqlServer):
        return ["GRANT ALL ON other.* TO app@localhost", "GRANT RELOAD, PROCESS ON *.* TO app@localhost"]
    return [f"CREATE USER {servers.APP_USER}@'%' IDENTIFIED BY '{servers.APP_PASSWORD}'", "GRANT ALL ON *.* TO app@'%'"]
