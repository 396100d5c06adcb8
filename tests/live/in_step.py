"""Two masters that replicate to each other, and a relay in front of each that keeps them in step.

A driver's own test suite writes a row or makes a table and reads it in the next statement. With replication between two servers that
is a race: a table made at main comes to the local master some milliseconds later, and a row written there to main. A suite can't tell
the race from a mistake of the shim's. So nothing passes a relay before its server has all that the other one has committed: to the
programs the ring is one without a lag. They and the shim are as ever; they are given the relays' sockets in place of the servers'.

The end of a transaction isn't held back, since it may end the very lock that replication waits for. A wait ends after WAIT_S at the
latest: a program that holds such a lock for longer would wait for itself. `late` counts these. A row whose table the other server has
dropped meanwhile would stop the link for good; it is left out, and `lost` counts it.
"""

import os
import socket
import threading

import MySQLdb

import servers

WAIT_S = 0.5
HEADER, COMPRESSED_HEADER = 4, 7
CLIENT_COMPRESS, CLIENT_SSL = 0x20, 0x800
# Those that look at the database: init_db, query, field_list, change_user, prepare, execute.
HELD_BACK = (0x02, 0x03, 0x04, 0x11, 0x16, 0x17)
ER_NO_SUCH_TABLE = 1146
ENDS = (b"COMMIT", b"ROLLBACK", b"KILL", b"UNLOCK")


class Pair:
    """The two servers, started, each following the other."""

    def __init__(self):
        options = {"auto_increment_increment": 1, "auto_increment_offset": 1, "binlog_format": "ROW", "performance_schema": "ON"}
        self.main, self.local = servers.start_servers("main", "local", **options)
        servers.ring(self.main, self.local)
        self.relays = {server: InStep(server, other) for server, other in ((self.main, self.local), (self.local, self.main))}

    def socket_of(self, server):
        return self.relays[server].path

    def settle(self):
        """Waits until both have all that either has."""
        def together():
            return not any([relay.is_behind(0.1) for relay in self.relays.values()])
        servers.wait_for(together, what="both servers in step")


class InStep:
    """A relay in front of `server`, which lets a command through when the server has all that `other` has."""

    def __init__(self, server, other):
        self.server, self.other = server, other
        self.path = os.path.join(servers.folder(), f"{server.name}.relay")
        self.commands = 0  # that programs have sent here, each a statement, a prepare, an execute, a ping ...
        self.lost = 0
        self.late = 0      # those that went on before the server was in step
        self.turn = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            program, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(program,), daemon=True).start()

    def _serve(self, program):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.server.socket)
        except OSError:
            program.close()
            return
        threading.Thread(target=copy, args=(server, program), daemon=True).start()
        try:
            self._forward(program, server)
        except OSError:
            pass
        for end in (program, server):
            shut(end)

    def _forward(self, program, server):
        """Packet by packet, so that commands are seen."""
        first = read_packet(program, HEADER)
        if not first:
            return
        flags = int.from_bytes(first[HEADER:HEADER + 4], "little")
        server.sendall(first)
        if flags & CLIENT_SSL:
            copy(program, server)
            return
        # The rest of the login isn't compressed; it has sequence numbers from 3 on.
        header = HEADER
        while True:
            start = read_exactly(program, HEADER)
            if not start:
                return
            if start[3] == 0 and flags & CLIENT_COMPRESS:
                header = COMPRESSED_HEADER
            rest = read_exactly(program, header - HEADER + int.from_bytes(start[:3], "little"))
            if rest is None:
                return
            if start[3] == 0:
                self._wait(rest if header == HEADER else b"")
            server.sendall(start + rest)

    def _wait(self, command):
        """`command` is empty where it can't be read: in a compressed session."""
        self.commands += 1
        if command and (command[0] not in HELD_BACK or command[1:10].lstrip().upper().startswith(ENDS)):
            return
        try:
            self.late += self.is_behind(WAIT_S)
        except MySQLdb.Error:
            self.late += 1

    def is_behind(self, wait_s):
        """Whether the server lacks, after that time, what the other one has now."""
        position = self.other.one("SELECT @@GLOBAL.gtid_binlog_pos")
        if not position or self.server.one("SELECT MASTER_GTID_WAIT(%s, 0)", position) == 0:
            return False
        with self.turn:
            status = self.server.slave_status()
            if status.get("Slave_SQL_Running") == "No" and int(status["Last_SQL_Errno"]) == ER_NO_SUCH_TABLE:
                self.lost += 1
                self.server.query("STOP SLAVE")
                self.server.query("SET GLOBAL sql_slave_skip_counter = 1")
                self.server.query("START SLAVE")
        return self.server.one("SELECT MASTER_GTID_WAIT(%s, %s)", position, wait_s) != 0


def read_exactly(source, length):
    """`length` bytes, or None at the end."""
    parts = []
    while length > 0:
        part = source.recv(min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def read_packet(source, header):
    start = read_exactly(source, header)
    return start and start + (read_exactly(source, int.from_bytes(start[:3], "little")) or b"")


def copy(source, target):
    try:
        while True:
            part = source.recv(1 << 16)
            if not part:
                break
            target.sendall(part)
    except OSError:
        pass
    for end in (source, target):
        shut(end)


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
