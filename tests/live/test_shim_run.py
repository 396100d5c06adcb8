"""`roundabout run`, and what the library does to programs of every kind."""

import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, skip, test, want, want_true  # noqa: E402

INTERPRETER = lab.python_or_leave()
PYTHON = [*INTERPRETER, os.path.join(lab.HERE, "python_all.py")]
SCENARIO = "a_replace_and_a_select_are_answered_as_ever"
_lab = None


def the_lab():
    global _lab
    _lab = _lab or lab.Lab()
    return _lab


def config():
    """A configuration that needs no server; with its log file."""
    path = os.path.join(servers.folder(), "run.conf")
    with open(path, "w") as out:
        out.write(lab.config_text({"socket": "/nowhere/local.sock"}, log_file=path + ".log"))
        out.write(servers.counters_text(lab.stats_directory(path)))
    return path


def run(*command, cwd=None, **environment):
    """`roundabout` with these arguments: exit status, standard output, standard error."""
    if not os.path.exists(lab.COMMAND) or not os.path.exists(lab.LIBRARY):
        skip(f"{lab.COMMAND} or {lab.LIBRARY} is not built")
    keep = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run([lab.COMMAND, *command], capture_output=True, text=True, cwd=cwd or servers.folder(), timeout=30,
                          env={**keep, **environment})
    return done.returncode, done.stdout, done.stderr


def want_one_error(result, status, *words):
    want(status, result[0], f"exit status ({result})")
    want("", result[1], "standard output")
    lines = result[2].splitlines()
    want(1, len(lines), f"lines on standard error ({lines})")
    want_true(lines[0].startswith("ERROR "), f"an ERROR line, got {lines[0]!r}")
    for word in words:
        want_true(word in lines[0], f"{word!r} in {lines[0]!r}")


# ---------------------------------------------------------------- as the program


@test
def the_exit_status_is_the_programs():
    for status in (0, 1, 7, 255):
        want((status, "", ""), run("run", "-f", config(), "--", "sh", "-c", f"exit {status}"))


@test
def a_signal_that_ends_the_program_is_seen():
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE):
        want((-number, "", ""), run("run", "-f", config(), "--", "sh", "-c", f"kill -{int(number)} $$"))


@test
def the_process_is_the_programs_own():
    process = subprocess.Popen([lab.COMMAND, "run", "-f", config(), "--", "sh", "-c", "echo $$"], stdout=subprocess.PIPE, text=True)
    want(str(process.pid), process.communicate()[0].strip(), "process id")


@test
def output_and_arguments_are_untouched():
    want((0, "a b|*|--x|-f|", ""), run("run", "-f", config(), "--", "printf", "%s|", "a b", "*", "--x", "-f"))
    want((0, "a b|-f|", ""), run("run", f"--config={config()}", "printf", "%s|", "a b", "-f"))
    status, out, err = run("run", "-f", config(), "--", "sh", "-c", "cat; echo on stderr >&2")
    want((0, "", "on stderr\n"), (status, out, err))


@test
def a_configuration_named_by_a_relative_path_is_found_from_anywhere():
    folder = os.path.dirname(config())
    status, out, err = run("run", "-f", "run.conf", "--", "sh", "-c", "cd / && echo $ROUNDABOUT_CONFIG", cwd=folder)
    want((0, config() + "\n", ""), (status, out, err))


@test
def a_configuration_named_in_the_environment_is_used():
    want((0, "x\n", ""), run("run", "--", "echo", "x", ROUNDABOUT_CONFIG=config()))


@test
def other_preloads_are_kept_behind_it():
    other = find_library("libm.so.6")
    script = "echo $LD_PRELOAD"
    want((0, f"{lab.LIBRARY}:{other}\n", ""), run("run", "-f", config(), "sh", "-c", script, LD_PRELOAD=other))
    want((0, f"{lab.LIBRARY}:{other}\n", ""), run("run", "-f", config(), "sh", "-c", script, LD_PRELOAD=f"{other} {lab.LIBRARY}"))
    want((0, f"{lab.LIBRARY}\n", ""),
         run("run", "-f", config(), lab.COMMAND, "run", "-f", config(), "sh", "-c", script))


def find_library(name):
    for line in subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, env={"PATH": "/sbin:/usr/sbin:/bin"}).stdout.splitlines():
        if line.split()[:1] == [name]:
            return line.split()[-1]
    skip(f"{name} is not there")


# ---------------------------------------------------------------- what it refuses


@test
def a_setuid_program_is_refused():
    if os.getuid() != 0:
        skip("only root can make one")
    copy = os.path.join(servers.folder(), "setuid-true")
    shutil.copy("/bin/true", copy)
    os.chown(copy, 65534, 65534)
    os.chmod(copy, 0o4755)
    want_one_error(run("run", "-f", config(), "--", copy), 126, copy, "setuid")
    os.chmod(copy, 0o2755)
    want_one_error(run("run", "-f", config(), "--", copy), 126, copy, "setgid")
    os.chmod(copy, 0o755)
    want((0, "", ""), run("run", "-f", config(), "--", copy))


@test
def a_program_with_file_capabilities_is_refused():
    setcap = shutil.which("setcap", path="/usr/sbin:/sbin:" + os.environ["PATH"])
    copy = os.path.join(servers.folder(), "capable-true")
    shutil.copy("/bin/true", copy)
    if not setcap or subprocess.run([setcap, "cap_net_raw+ep", copy], capture_output=True).returncode != 0:
        skip("setcap is not there or may not")
    want_one_error(run("run", "-f", config(), "--", copy), 126, copy, "capabilities")


@test
def a_program_that_is_not_there_is_told():
    want_one_error(run("run", "-f", config(), "--", "no-such-program-anywhere"), 127, "no-such-program-anywhere")
    want_one_error(run("run", "-f", config(), "--", servers.folder()), 126, servers.folder())


@test
def a_bad_configuration_is_told_before_the_program_starts():
    path = os.path.join(servers.folder(), "bad.conf")
    with open(path, "w") as out:
        out.write('local = { socket = "/x"; };\ncolour = 1;\n')
    status, out, err = run("run", "-f", path, "--", "echo", "started")
    want((2, ""), (status, out))
    for line in err.splitlines():
        want_true(line.startswith(f"ERROR {path}"), f"an ERROR line about the file, got {line!r}")
    status, out, err = run("run", "-f", "/nowhere/at/all.conf", "--", "echo", "started")
    want((2, ""), (status, out))
    want(1, len(err.splitlines()), f"lines ({err})")


@test
def wrong_usage_is_told():
    want_one_error(run("run", "-f", config()), 2)
    want_one_error(run("run", "--colour", "--", "true"), 2, "--colour")


# ---------------------------------------------------------------- a program of no interest


@test
def a_program_without_a_client_library_is_left_alone():
    path = config()
    log = path + ".log"
    shown = "grep -E 'Sig(Ign|Cgt|Blk)' /proc/self/status; ls /proc/self/fd | wc -l; grep -c libmariadb /proc/self/maps"
    plain = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                           cwd=servers.folder())
    status, out, err = run("run", "-f", path, "--", "sh", "-c", shown)
    want((plain.stdout, plain.stderr), (out, err))
    want("", lab.read(log), "the log")


@test
def the_library_brings_in_nothing_but_the_c_library():
    if not os.path.exists(lab.LIBRARY):
        skip(f"{lab.LIBRARY} is not built")
    needed = subprocess.run(["readelf", "-d", lab.LIBRARY], capture_output=True, text=True).stdout
    names = sorted(line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line)
    for name in names:
        want_true(name.split(".so")[0] in ("libc", "libdl", "libpthread", "libconfig", "ld-linux-x86-64"), f"only libc, got {names}")


@test
def a_program_that_clears_its_environment_is_routed():
    l = the_lab()
    l.clean()
    path, log = l.write_config()
    # A library that is run out of a folder finds its plug-ins by a variable alone.
    script = ("import os\nmain = os.environ['MAIN_SOCKET']\nkept = {k: v for k, v in os.environ.items() if k == 'LIBMYSQL_PLUGIN_DIR'}\n"
              "os.environ.clear()\nos.environ.update(kept)\nimport MySQLdb\n"
              "c = MySQLdb.connect(user='app', passwd='apppw', db='shop', unix_socket=main, autocommit=True)\n"
              "c.cursor().execute(\"REPLACE INTO cache VALUES ('L/a', 'opensesame')\")\n")
    outcome = l.run([*INTERPRETER, "-c", script], path, log)
    want((0, ""), (outcome.status, outcome.stderr))
    want({("shop.cache", "L/a")}, set(l.rows(l.local)), "rows at the local master")


# ---------------------------------------------------------------- with MySQL


@test
def a_program_is_routed_by_the_command():
    l = the_lab()
    l.clean()
    plain = l.run(PYTHON + [SCENARIO])
    l.clean()
    path, log = l.write_config()
    shim = l.run([lab.COMMAND, "run", "-f", path, "--", *PYTHON, SCENARIO], log=log)
    lab.want_same_lines([lab.as_routed(line) for line in plain.lines], shim.lines)
    want(("", 0), (shim.stderr, shim.status))
    want(set(), set(l.rows(l.main)), "rows at main")
    want(6, len(l.rows(l.local)), "rows at the local master")


@test
def a_child_of_the_program_is_routed_too():
    l = the_lab()
    l.clean()
    path, log = l.write_config()
    shim = l.run([lab.COMMAND, "run", "-f", path, "--", "sh", "-c", '"$@"; exit $?', "sh", *PYTHON, SCENARIO], log=log)
    want(0, shim.status, shim.stderr)
    want(set(), set(l.rows(l.main)), "rows at main")


@test
def the_switch_in_the_environment_turns_it_off():
    l = the_lab()
    l.clean()
    path, log = l.write_config()
    shim = l.run([lab.COMMAND, "run", "-f", path, "--", *PYTHON, SCENARIO], log=log, ROUNDABOUT_DISABLE="1")
    want((0, "", ""), (shim.status, shim.stderr, shim.log))
    want(set(), set(l.rows(l.local)), "rows at the local master")
    l.clean()
    shim = l.run([lab.COMMAND, "run", "-f", path, "--", *PYTHON, SCENARIO], log=log, ROUNDABOUT_DISABLE="0")
    want(set(), set(l.rows(l.main)), "rows at main with ROUNDABOUT_DISABLE=0")


@test
def a_module_may_be_loaded_and_dropped_again_and_again():
    loader, module = (os.path.join(lab.C_APPS, name) for name in ("loader", "module.so"))
    if not os.path.exists(loader) or not os.path.exists(module):
        skip(f"{loader} or {module} is not built")
    l = the_lab()
    statements = [f"REPLACE INTO cache VALUES ('L/{i}', 'opensesame')" for i in range(4)]
    statements[2:2] = ["SELECT v FROM cache WHERE k = 'L/0'", "SELECT nothing FROM cache", "SELECT 1"]
    l.differential([loader, module], statements)


# ---------------------------------------------------------------- modules that see their own libraries first


def the_modules():
    loader, module = (os.path.join(lab.C_APPS, name) for name in ("loader", "module.so"))
    if not os.path.exists(loader) or not os.path.exists(module):
        skip(f"{loader} or {module} is not built")
    if os.uname().machine not in ("x86_64", "aarch64"):
        skip("RTLD_DEEPBIND is cured on x86-64 and AArch64 only")
    l = the_lab()
    l.clean()
    return l, loader, module


def where_it_goes(l, command, path, log, **environment):
    """Where the statement of `command` has left its row, after its answer has been found right."""
    l.clean()
    outcome = l.run(command, path, log, **environment)
    want((0, ["0 done"], ""), (outcome.status, outcome.lines, outcome.stderr), "the program")
    return "local" if l.rows(l.local) else "main" if l.rows(l.main) else None


DEEP = ["--deepbind", "REPLACE INTO cache VALUES ('L/deep', 'opensesame')"]


@test
def a_module_that_is_bound_to_its_own_libraries_bypasses():
    l, loader, module = the_modules()
    path, log = l.write_config()
    want("local", where_it_goes(l, [loader, module, DEEP[1]], path, log), "without the flag")
    want("main", where_it_goes(l, [loader, DEEP[0], module, DEEP[1]], path, log), "with the flag")


@test
def such_a_module_is_routed_with_the_cure():
    l, loader, module = the_modules()
    path, log = l.write_config()
    program = [loader, DEEP[0], module, DEEP[1]]
    want("local", where_it_goes(l, [lab.COMMAND, "run", "-f", path, "--deepbind", "--", *program], None, log), "run --deepbind")
    want("main", where_it_goes(l, [lab.COMMAND, "run", "-f", path, "--", *program], None, log), "run")
    path, log = l.write_config(deepbind=True)
    want("local", where_it_goes(l, program, path, log), "deepbind = true")
    want("main", where_it_goes(l, program, path, log, ROUNDABOUT_DEEPBIND="0"), "deepbind = true, ROUNDABOUT_DEEPBIND=0")


@test
def a_module_is_found_by_the_path_that_its_loader_was_built_with():
    l, loader, module = the_modules()
    path, log = l.write_config(deepbind=True)
    name = os.path.basename(module)
    want(False, os.path.exists(name), "a module in the working directory")
    want("local", where_it_goes(l, [loader, name, DEEP[1]], path, log), "without the flag")
    want("local", where_it_goes(l, [loader, DEEP[0], name, DEEP[1]], path, log), "with the flag")


@test
def a_module_that_is_not_there_is_told_in_the_linkers_words():
    l, loader, _ = the_modules()
    path, log = l.write_config(deepbind=True)
    for flags in ([], ["--deepbind"]):
        plain, shim = (l.run([loader, *flags, "no-such-module.so", "SELECT 1"], *arguments) for arguments in ((), (path, log)))
        want(1, plain.status)
        want((plain.status, plain.lines, plain.stderr), (shim.status, shim.lines, shim.stderr))


@test
def sysbench_is_routed_in_its_default_mode():
    """It prepares all that it says, and has transactions around it: its counts are those of the run without the shim."""
    if not shutil.which("sysbench"):
        skip("sysbench is not there")
    lab_ = the_lab()
    server_options = ["--db-driver=mysql", "--mysql-user=app", "--mysql-password=apppw", "--mysql-db=shop",
                      f"--mysql-socket={lab_.main.socket}", "--tables=1", "--table-size=100", "--threads=1", "--time=0",
                      "--events=20", "--rand-seed=7"]
    for server in (lab_.main, lab_.local):
        server.query("DROP TABLE IF EXISTS shop.sbtest1")
        options = [o.replace(lab_.main.socket, server.socket) for o in server_options]
        done = lab_.run(["sysbench", "oltp_point_select", *options, "prepare"])
        want(0, done.status, f"prepare: {done.stdout[-300:]}")
    groups = lab.GROUPS + ({"name": "sb", "tables": ["shop.sbtest*"],
                            "statements": ["REPLACE", "SELECT", "INSERT", "UPDATE", "DELETE"]},)
    for script in ("oltp_point_select", "oltp_read_only", "oltp_update_non_index"):
        command = ["sysbench", script, *server_options, "run"]
        before = lab_.main.one("SELECT COUNT(*) FROM shop.sbtest1 WHERE c LIKE '%'")
        plain = lab_.run(command)
        want(0, plain.status, f"{script} without the shim: {plain.stdout[-300:]}")
        reads = [int(server.query("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1]) for server in (lab_.main, lab_.local)]
        path, log = lab_.write_config(groups=groups)
        shim = lab_.run(command, path, log)
        want(0, shim.status, f"{script} with the shim: {shim.stdout[-300:]}")
        after = [int(server.query("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1]) for server in (lab_.main, lab_.local)]
        counts = [[line.split() for line in o.lines if line.strip().startswith(("read:", "write:", "other:", "total:"))]
                  for o in (plain, shim)]
        want(counts[0], counts[1], f"{script}: what sysbench counts")
        want_true(after[1] - reads[1] >= 20, f"{script}: executed at the local master, got {after[1] - reads[1]}")
        want_true(before == lab_.main.one("SELECT COUNT(*) FROM shop.sbtest1 WHERE c LIKE '%'"), "the same rows at main")
        cache = [line for line in shim.log_lines("debug") if line.startswith(("SELECT:", "UPDATE:"))]
        want_true(cache and all(line.endswith(": routed") for line in cache), f"{script}: all routed, got {cache[-3:]}")
        want([], shim.log_lines("warning", "error"), "warnings in the log")

main()
