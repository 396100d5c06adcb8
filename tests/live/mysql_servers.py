"""MySQL's servers beside MariaDB's, with the same methods as servers.Server: run out of the folder that tests/mysql-root makes, in a mount
namespace of their own, so that nothing stays mounted when one ends."""

import os
import re
import shutil
import subprocess

import MySQLdb.cursors

import servers
from servers import Server, spawn

HERE = os.path.dirname(os.path.abspath(__file__))

# What a ring wants beside MySQL's own defaults (facts: GTIDs and row events are off and on as needed only from 8.4 on).
RING_OPTIONS = {
    "server_id": "{id}",
    "gtid_mode": "ON",
    "enforce_gtid_consistency": "ON",
    "replica_exec_mode": "IDEMPOTENT",
    "replica_net_timeout": 10,
    "auto_increment_increment": 16,
    "auto_increment_offset": "{id}",
}
SMALL_OPTIONS = {
    "bind_address": "127.0.0.1",
    "skip_name_resolve": "ON",
    "performance_schema": "OFF",
    "innodb_buffer_pool_size": "32M",
    "innodb_redo_log_capacity": "16M",
    "mysqlx": "OFF",
    "secure_file_priv": "",
    "max_connections": 200,
}


class CannotBeHad(Exception):
    """The reason why there is no MySQL here."""


def root():
    """The folder with MySQL in it; CannotBeHad where it can't be made."""
    made = subprocess.run([os.path.join(HERE, "..", "mysql-root")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if made.returncode != 0:
        raise CannotBeHad(made.stderr.strip().splitlines()[-1] if made.stderr.strip() else "mysql-root failed")
    return made.stdout.strip().splitlines()[-1]


def inside(path):
    """A path in the program's folder, as the server sees it."""
    return path.replace(servers.folder(), "/mnt", 1)


def in_root(*command):
    """The command that runs `command` in MySQL's root, with this program's folder at /mnt."""
    script = 'mount --make-rprivate / && mount --bind "$1" "$2/mnt" && shift && top=$1 && shift && exec chroot "$top" "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", servers.folder(), root(), *command]


def template():
    return servers.made_once("mysql-template", make_template)


def make_template():
    path = os.path.join(servers.folder(), "mysql-template")
    log = os.path.join(servers.folder(), "mysql-template.log")
    with open(log, "w") as out:
        made = spawn(in_root("/usr/sbin/mysqld", "--no-defaults", "--user=root", "--initialize-insecure", f"--datadir={inside(path)}",
                             "--innodb-buffer-pool-size=32M", "--innodb-redo-log-capacity=16M"), stdout=out, stderr=out)
        if made.wait(120) != 0:
            raise servers.NotReady(f"mysqld --initialize failed:\n{open(log).read()[-2000:]}")
    os.remove(os.path.join(path, "auto.cnf"))  # each copy makes a server_uuid of its own
    return path


class MysqlServer(Server):
    def __init__(self, name=None, *, id=None, durability=None, ring_member=True, gtid_domain_id=None, **options):
        super().__init__(name, id=id, durability={}, ring_member=False, **options)
        flush = {"innodb_flush_log_at_trx_commit": 2, "sync_binlog": 1}
        self.options = {**SMALL_OPTIONS, **flush, **(RING_OPTIONS if ring_member else {}), **options}

    def arguments(self):
        options = [f"--{name.replace('_', '-')}={str(value).format(id=self.id)}" for name, value in self.options.items() if value is not None]
        return in_root("/usr/sbin/mysqld", "--no-defaults", "--user=root", f"--datadir={inside(self.datadir)}", f"--tmpdir={inside(self.tmpdir)}",
                       f"--socket={inside(self.socket)}",
                       f"--pid-file={inside(self.datadir)}/server.pid", f"--log-error={inside(self.log)}", f"--port={self.port}", *options)

    def start(self, wait=True, **options):
        fresh = not os.path.exists(self.datadir)
        if fresh:
            shutil.copytree(template(), self.datadir)
        super().start(wait=wait, **options)
        self.fresh = fresh
        return self

    def wait_ready(self, deadline_s=servers.START_DEADLINE_S):
        super().wait_ready(deadline_s)
        if getattr(self, "fresh", True):
            self.unlogged("CREATE DATABASE IF NOT EXISTS shop")
            self.fresh = False
        return self

    def query(self, sql, *args):
        """MariaDB's words for links are translated, so that one test can speak to both."""
        for word, other in (("MASTER_GTID_WAIT", "WAIT_FOR_EXECUTED_GTID_SET"), ("CHANGE MASTER TO", "CHANGE REPLICATION SOURCE TO"),
                            ("MASTER_", "SOURCE_"), ("STOP SLAVE", "STOP REPLICA"), ("START SLAVE", "START REPLICA")):
            sql = sql.replace(word, other)
        return super().query(sql, *args)

    def slave_status(self):
        """SHOW REPLICA STATUS under MariaDB's names."""
        connection = self.connect()
        try:
            cursor = connection.cursor(MySQLdb.cursors.DictCursor)
            cursor.execute("SHOW REPLICA STATUS")
            row = cursor.fetchone() or {}
            return {re.sub("Replica", "Slave", re.sub("Source", "Master", name)): value for name, value in row.items()}
        finally:
            connection.close()

    def own_position(self):
        return self.one("SELECT @@GLOBAL.gtid_executed")
