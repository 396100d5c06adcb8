#!/usr/bin/python3
"""Fuzzes the readers of foreign input: make fuzz [FUZZ_S=900]

    run.py BUILD [--seconds S] [--jobs N] [--only TARGET,...]

Each of BUILD/fuzz/fuzz_* (libFuzzer with ASan and UBSan), or each TARGET, gets S seconds, N (two) at a time. Seeds are made of tests/data, config/ and the answers that
real servers gave, and of tests/fuzz/regressions/NAME/, one file for each input that has ever failed. An input that fails now is kept in
BUILD/fuzz/found/ and its path is printed."""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

MARIADB = """10.11.19-MariaDB-0+deb12u1
server_id=1
domain_id=1
log_bin=1
log_updates=1
gtid_ready=1
gtid_strict=1
binlog_format=MIXED
id_step=16
id_offset=1
net_timeout=10
sync_binlog=1
clock_us=1764000000000000
applied=1-1-5,2-2-7,3-3-9
logged=1-1-5,2-2-7,3-3-9
oldest=1-1-1,2-2-2
Master_Host=10.0.0.3
Master_Port=3306
Master_User=link
Master_Server_Id=3
Using_Gtid=Slave_Pos
Slave_IO_Running=Yes
Slave_SQL_Running=Yes
Last_IO_Errno=0
Last_SQL_Errno=0
Last_IO_Error=
Last_SQL_Error=
Slave_SQL_Running_State=Slave has read all relay log; waiting for more updates
Gtid_IO_Pos=1-1-5,2-2-7,3-3-9
Seconds_Behind_Master=0
site=lyon
sent_us=1764000000000000
Log_name=bin.000001"""
MYSQL = """9.7.4
server_id=2
uuid=5f0c5a5e-0000-11f0-8000-000000000001
log_bin=1
log_updates=1
gtid_ready=1
binlog_format=ROW
id_step=16
id_offset=2
net_timeout=10
applied=5f0c5a5e-0000-11f0-8000-000000000001:1-5:7,5f0c5a5e-0000-11f0-8000-000000000002:1-9
logged=5f0c5a5e-0000-11f0-8000-000000000001:1-5
oldest=5f0c5a5e-0000-11f0-8000-000000000001:1-2
Source_Host=10.0.0.3
Source_Port=3306
Source_User=link
Source_Server_Id=3
Auto_Position=1
Replica_IO_Running=Connecting
Replica_SQL_Running=Yes
Last_IO_Errno=13114
Last_SQL_Errno=1062
Last_IO_Error=Got fatal error 1236 from source
Replica_SQL_Running_State=Replica has read all relay log; waiting for more updates
Retrieved_Gtid_Set=5f0c5a5e-0000-11f0-8000-000000000002:1-9
Seconds_Behind_Source=0"""

# All that is ever asked for, in one row: whatever the question, this is an answer to it.
ANSWER = {"db": "shop", "tb": "cache", "engine": "InnoDB", "kind": "varbinary", "type": "varbinary(64)", "charset": "\\N", "collation": "\\N",
          "is_nullable": "0", "is_generated": "0", "is_primary": "1", "is_prefix": "0", "at": "0", "stamp": "2026-01-01 00:00:00", "site": "paris",
          "sent_us": "1764000000000000", "k0": "X'6B'", "bucket": "3", "n": "1", "x": "12345", "h": "0123456789abcdef0123456789abcdef", "name": "k"}


def answer(**other):
    row = {**ANSWER, **other}
    return "\t".join(row) + "\n" + "\t".join(row.values()) + "\n---\n"


def row(**values):
    return "\t".join(values) + "\n" + "\t".join(values.values()) + "\n---\n"


def unescape(text):
    known = {"n": b"\n", "t": b"\t", "r": b"\r", "0": b"\0", "\\": b"\\"}
    parts = re.split(r"\\(x[0-9A-Fa-f]{2}|.)", text)
    out = b""
    for i, part in enumerate(parts):
        if i % 2 == 0:
            out += part.encode()
        elif part[0] == "x" and len(part) == 3:
            out += bytes([int(part[1:], 16)])
        else:
            out += known.get(part, b"\\" + part.encode())
    return out


def statements():
    for name in ("statements.tsv", "effects.tsv", "set.tsv"):
        for line in open(os.path.join(TOP, "tests", "data", name), encoding="utf-8"):
            if line.strip() and not line.startswith("#"):
                yield unescape(line.rstrip("\n").split("\t")[-1])


def seeds(target):
    if target == "classify":
        for statement in statements():
            yield b"\0\0" + statement
            yield b"\x57\1" + statement
    elif target == "config":
        for path in [os.path.join(TOP, "config", "roundabout.conf")]:
            text = open(path, "rb").read()
            yield text
            yield re.sub(rb"(?m)^(\s*)#(\w)", rb"\1\2", text)
        yield b'local = { socket = "/s"; };\ncaches = ( { tables = [ "a.b", "a.c_*" ]; mode = "observe"; } );\n'
    elif target == "observe":
        for answers in ([MARIADB] * 3, [MYSQL] * 3, [MARIADB, MYSQL, "5.5.68-MariaDB"], [MARIADB, "", ""]):
            yield b"\0\0" + "\n---\n".join(answers).encode()
            yield b"\4\7" + "\n---\n".join(answers).replace("=Yes", "=No").replace("Errno=0", "Errno=1236").encode()

    elif target == "page":
        for flags in range(0, 64, 3):
            for kind in range(3):
                yield bytes([flags + kind, 0])
                yield bytes([flags + kind, 0]) + b"\x90\x00\x07shop.x\0\xc0\x00\x10" + b"\xff" * 16
                yield bytes([flags + kind, 200])
    elif target == "answers":
        for kind, key, charset in (("varbinary", "X'6B'", "\\N"), ("varchar", "_latin1 X'6B'", "latin1"), ("int", "17", "\\N"),
                                   ("datetime", "'2026-01-01 00:00:00'", "\\N"), ("enum", "1", "utf8mb4"), ("json", "1", "\\N")):
            same = {"kind": kind, "k0": key, "charset": charset}
            yield b"\0\7" + (answer(**same) * 3).encode()
            yield b"\0\7" + (answer(**same) + answer(**same, x="999", h="fedcba9876543210fedcba9876543210", sent_us="1764000000000009")
                             + answer(**same, n="2", stamp="2026-01-01 00:00:01")).encode()
            yield b"\x41\3" + answer(**same, tb="cach`e", name="a'b").encode()
        for code in ("!", "!1146", "!1205"):
            yield b"\0\7" + (answer() * 2 + code + "\n---\n" + answer()).encode()
        for host in ("localhost:8640", "127.0.0.1", "[::1]:80", "cache.example.", "CREATE TABLE `t` (\n  `k` int\n) ENGINE=InnoDB"):
            yield b"\0\0" + host.encode()
    elif target == "repair":
        beats = "".join("site\tsent_us\n" + "".join(f"{site}\t{sent}\n" for site in ("paris", "lyon", "nice")) + "---\n"
                        for sent in (1764000000000001, 1764000000000002, 1764000000000003) for _ in range(3))
        mine, free, other = (row(holder=name, epoch=epoch, renewals="3") for name, epoch in (("me", "1"), ("", "0"), ("lyon 7 a1", "4")))
        reading = "at\th\n0\ta\n1\ta\n2\ta\n---\nat\th\n0\tb\n1\tb\n2\tb\n---\nat\th\n---\n"
        for number, (kind, key) in enumerate((("int", "1"), ("varbinary", "X'61'"), ("varchar", "_latin1 X'61'"), ("datetime", "'2026-01-01'"))):
            column = {**ANSWER, "name": "k", "kind": kind, "charset": "latin1", "is_primary": "1"}
            del column["k0"], column["h"], column["at"], column["sent_us"]
            table = "\t".join(column) + "\n" + "\t".join(column.values()) + "\n"
            table += "\t".join({**column, "name": "ends", "kind": "datetime", "is_primary": "0"}.values()) + "\n---\ntrigger\n---\n"
            others = beats + reading + row(h="a", locked="1") + table + row(k0=key)
            for steps, clock in ((b"\xff", b"\x0f"), (b"\x0f", b"\x0f"), (b"\xf0", b"\0")):
                head = steps + b"\x11" + bytes([number]) + clock
                yield head + (free * 3 + mine * 21 + others).encode()
                yield steps + b"\x11" + bytes([number]) + b"\xff" + (other * 6 + free + mine * 9 + others + "!1142\treplace\n---\n").encode()
                yield head + (free * 3 + mine * 15 + "!1146\tholder\n---\n!\tcommit\n---\n!1213\tdelete\n---\n" + others).encode()
    elif target == "expire":
        for rule in ("created < NOW() - INTERVAL 10 MINUTE", " `of a day`<now ( )-interval 1 day ", "ends < NOW()", "ends < UNIX_TIMESTAMP()",
                     "made<unix_timestamp()-600", "created < NOW() -- x", "`a` OR `b` < NOW()", "n < UNIX_TIMESTAMP() - 5", "t < NOW()"):
            yield (rule + "\n").encode()
            yield (rule + "\n" + "k0\n17\n---\n" + row(k0="X'6B'", k1="_latin1 X'6B'", k2="'2026-01-01'")).encode()
    elif target == "positions":
        for donors, one, other in (("1-1-6,2-2-4,3-3-10", "1-1-7,3-3-12", "1-1-9,2-2-4,3-3-11"), ("", "1-1-5", "31-3-900, 2-2-7"),
                                   ("1-1-18446744073709551615", "1-1-9", "4294967295-4294967295-1")):
            for flags in b"\0\2":
                yield bytes([flags]) + f"{donors}\n{one}\n{other}\n\n3 10 2000\n{other}\n{one}\n\n1 5 1001\n{donors}\n\n\n3 11 0\n".encode()
        uuid, second = "5f0c5a5e-0000-11f0-8000-000000000001", "5f0c5a5e-0000-11f0-8000-000000000002"
        for numbers in (":1-5:7", ":1-9:tag9:1-3", ":18446744073709551614"):
            yield b"\1" + f"{uuid}:1-4\n\n{uuid}{numbers},{second}:1-9\n{uuid}\n\n\n{second}{numbers}\n{second}\n\n".encode()


def words(target):
    """libFuzzer's dictionary: the words that the target knows."""
    if target == "classify":
        source = "".join(open(os.path.join(TOP, "shim", name), encoding="utf-8").read()
                         for name in ("sql_keywords.h", "sql_functions.c"))
        found = set(re.findall(r"\b[A-Z_]{2,}\b", source)) | {"/*!", "*/", "/*+", "--", "cache", "shop.cache", "page_1"}
    elif target == "config":
        found = set(re.findall(r'"([a-z_.A-Z]+)"', open(os.path.join(TOP, "config", "settings.c"), encoding="utf-8").read()))
        found = {part for word in found for part in word.split(".") if part}
    elif target == "page":
        found = {"sum-0", "shop.cache", "ROUNDABT"}
    elif target == "answers":
        found = set(ANSWER) | set(ANSWER.values()) | {"---", "paris", "lyon", "nice", "varchar", "int", "_latin1 X'", "127.0.0.1", "localhost"}
    elif target == "repair":
        found = {"holder", "epoch", "renewals", "site", "sent_us", "begin", "commit", "rollback", "replace", "delete", "create", "type",
                 "is_primary", "trigger", "at", "h", "locked", "k0", "me", "---", "paris", "lyon", "nice", "!1146", "!1142", "!1205"}
    elif target == "expire":
        found = {"NOW()", "UNIX_TIMESTAMP()", "INTERVAL", "SECOND", "MINUTE", "HOUR", "DAY", "<", "-", "`", "k0", "k1", "k2", "---", "_latin1 X'"}
    elif target == "positions":
        found = {"1-1-5", "2-2-7", "18446744073709551615", ":1-5:7", ",", "5f0c5a5e-0000-11f0-8000-000000000001", "3 10 2000"}
    else:
        found = {line.split("=")[0] for line in (MARIADB + "\n" + MYSQL).split("\n")} | {"Yes", "No", "Connecting"}
    return "".join('"%s"\n' % word.replace("\\", "\\\\") for word in sorted(found))


def log_of(target, folder):
    return os.path.join(folder, target + ".log")


def start(target, program, folder, found, seconds):
    corpus = os.path.join(folder, target)
    os.makedirs(corpus)
    count = 0
    for seed in seeds(target):
        with open(os.path.join(corpus, "seed-%d" % count), "wb") as file:
            file.write(seed)
        count += 1
    dictionary = os.path.join(folder, target + ".dict")
    with open(dictionary, "w", encoding="utf-8") as file:
        file.write(words(target))
    command = [program, "-max_total_time=%d" % seconds, "-dict=" + dictionary, "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096",
               "-print_final_stats=1", "-artifact_prefix=" + os.path.join(found, target + "-"), corpus]
    regressions = os.path.join(HERE, "regressions", target)
    if os.path.isdir(regressions):
        command.append(regressions)
    environment = dict(os.environ)
    if target == "config":
        environment["ASAN_OPTIONS"] = "detect_leaks=0"  # libconfig 1.5's scanner leaks strings of files that it refuses
    with open(log_of(target, folder), "wb") as log:  # not a pipe, which stands full while another target is waited for
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="a comma list of targets")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = sorted(glob.glob(os.path.join(build, "fuzz", "fuzz_*[!.]")))
    programs = [program for program in programs if os.access(program, os.X_OK) and "." not in os.path.basename(program)]
    if options.only:
        programs = [os.path.join(build, "fuzz", "fuzz_" + target) for target in options.only.split(",")]
    found = os.path.join(build, "fuzz", "found")
    os.makedirs(found, exist_ok=True)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for pair in (programs[i:i + options.jobs] for i in range(0, len(programs), options.jobs)):
            runs = [(os.path.basename(program)[len("fuzz_"):], program) for program in pair]
            started = [(target, start(target, program, folder, found, options.seconds)) for target, program in runs]
            for target, process in started:
                process.wait()
                with open(log_of(target, folder), encoding="utf-8", errors="replace") as log:
                    output = log.read()
                runs_made = re.search(r"stat::number_of_executed_units: (\d+)", output)
                if process.returncode == 0 and runs_made:
                    passed += 1
                    print(f"{target}: {int(runs_made.group(1)):,} inputs in {options.seconds} s, nothing found", flush=True)
                else:
                    failed += 1
                    print(output[-6000:])
                    print(f"{target}: an input fails; it is kept in {found}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
