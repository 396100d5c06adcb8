"""`roundabout doctor` over real programs and running processes. Needs no server."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, skip, test, want, want_true  # noqa: E402

PYTHON = "/usr/bin/python3"
VERDICTS = {"routed": 0, "bypasses": 1, "unknown": 2}


def need(*paths):
    for path in paths:
        if not path or not os.path.exists(path):
            skip(f"{path} is not there")


def doctor(*arguments, **environment):
    """Exit status, standard output, standard error."""
    need(lab.COMMAND)
    keep = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run([lab.COMMAND, "doctor", *arguments], capture_output=True, text=True, timeout=30, env={**keep, **environment})
    return done.returncode, done.stdout, done.stderr


def want_verdict(verdict, target, *words, **environment):
    """The doctor's verdict on a program or process, the words in its reason, and the same in both forms. Returns the findings."""
    status, out, err = doctor("--json", str(target), **environment)
    want("", err, "standard error")
    told = json.loads(out)
    want((verdict, VERDICTS[verdict]), (told["verdict"], status), f"the verdict of {told}")
    for word in words:
        want_true(word in told["why"], f"{word!r} in {told['why']!r}")
    want(verdict != "bypasses", not told["cure"] or verdict == "unknown", f"no cure, or one ({told})")
    status, out, err = doctor(str(target), **environment)
    want((VERDICTS[verdict], ""), (status, err), "as text")
    want_true(f"  why:  {told['why']}\n" in out, f"the same reason as text, got {out}")
    for finding in told["findings"]:
        want_true(finding["text"] in out, f"{finding['text']!r} in the text")
    return told["findings"]


def texts(findings, about):
    return [f["text"] for f in findings if f["about"] == about]


def config(**top):
    path = os.path.join(servers.folder(), f"doctor{len(os.listdir(servers.folder()))}.conf")
    with open(path, "w") as out:
        out.write(lab.config_text({"socket": "/nowhere/local.sock"}, log_file=path + ".log", **top))
        out.write(servers.counters_text(lab.stats_directory(path)))
    os.chmod(servers.folder(), 0o755)
    return path


class Running:
    """A Python program that runs `code`, says so, and waits. The shim is preloaded unless config is None."""

    def __init__(self, code, config_path=None, user=None, **environment):
        need(PYTHON, lab.LIBRARY)
        if config_path:
            environment = {"LD_PRELOAD": lab.LIBRARY, "ROUNDABOUT_CONFIG": config_path, **environment}
        more = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        self.process = subprocess.Popen([PYTHON, "-c", textwrap.dedent(code) + "\nimport sys\nprint('ready', flush=True)\nsys.stdin.read()"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
                                        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}, **more)
        want("ready\n", self.process.stdout.readline(), "the program")

    def __enter__(self):
        return self.process.pid

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def compile_program(name, source, *flags):
    path = os.path.join(servers.folder(), name)
    compiler = shutil.which("cc") or shutil.which("gcc")
    need(compiler)
    done = subprocess.run([compiler, "-x", "c", "-", "-o", path, *flags], input=source, text=True, capture_output=True)
    if done.returncode != 0:
        skip(f"{name} can't be built: {done.stderr[-200:]}")
    return path


# ---------------------------------------------------------------- programs


@test
def a_program_that_is_linked_to_the_client_library_will_be_routed():
    sysbench = shutil.which("sysbench")
    need(sysbench)
    findings = want_verdict("routed", "sysbench")
    libraries = texts(findings, "client library")
    want(1, len(libraries), f"client libraries ({libraries})")
    want_true("libmariadb.so.3" in libraries[0] and "mysql_real_query@" in libraries[0], f"file and version, got {libraries}")


@test
def the_command_line_client_is_a_static_one():
    mariadb = shutil.which("mariadb")
    need(mariadb)
    want_verdict("bypasses", mariadb, "static client", "no dynamic client library", "can't be intercepted")


@test
def a_script_is_judged_by_the_drivers_of_its_language():
    scripts = (("python3", "MySQLdb", "/usr/lib/python3/dist-packages/MySQLdb/_mysql*.so"),
               ("perl", "DBD::mysql", "/usr/lib/*/perl5/*/auto/DBD/mysql/mysql.so"),
               ("ruby", "mysql2", "/usr/lib/*/ruby/vendor_ruby/*/mysql2/mysql2.so"))
    for interpreter, driver, place in scripts:
        need(f"/usr/bin/{interpreter}", next(iter(glob.glob(place)), place))
        script = os.path.join(servers.folder(), f"script-{interpreter}")
        for first in (f"#!/usr/bin/{interpreter}", f"#!/usr/bin/env {interpreter}", f"#! /usr/bin/env -S X=1 {interpreter} -W0"):
            with open(script, "w") as out:
                out.write(first + "\n")
            os.chmod(script, 0o755)
            drivers = texts(want_verdict("routed", script, "driver"), "driver")
            want_true(any(d.startswith(f"{driver}: /usr/lib") and "linked to /" in d for d in drivers), f"{driver} in {drivers}")
        want_verdict("routed", f"/usr/bin/{interpreter}", "driver")


@test
def a_program_with_raised_rights_bypasses():
    sysbench = shutil.which("sysbench")
    need(sysbench)
    if os.getuid() != 0:
        skip("only root can make one")
    copy = os.path.join(servers.folder(), "setuid-sysbench")
    shutil.copy(sysbench, copy)
    os.chown(copy, 65534, 65534)
    os.chmod(copy, 0o4755)
    want_true("it is setuid" in " ".join(texts(want_verdict("bypasses", copy, "raised rights"), "rights")), "setuid among the findings")
    os.chown(copy, 0, 0)
    os.chmod(copy, 0o4755)
    want_true("others bypass" in " ".join(texts(want_verdict("routed", copy), "rights")), "what a setuid program is for others")
    os.chmod(copy, 0o755)
    want([], texts(want_verdict("routed", copy), "rights"), "rights")
    setcap = shutil.which("setcap", path="/usr/sbin:/sbin")
    if setcap and subprocess.run([setcap, "cap_net_raw+ep", copy], capture_output=True).returncode == 0:
        rights = texts(want_verdict("bypasses", copy, "raised rights"), "rights")
        want_true("capabilities" in rights[0], f"capabilities in {rights}")


@test
def a_static_program_bypasses():
    want_verdict("bypasses", compile_program("static", "int main(void) { return 0; }", "-static"), "statically")


@test
def the_dynamic_linker_is_no_static_program():
    linker = re.search(r"interpreter: (\S+)\]", subprocess.run(["readelf", "-l", sys.executable], capture_output=True, text=True).stdout)[1]
    want_verdict("unknown", linker, "linked to no client library")


@test
def a_program_that_looks_the_functions_up_by_name_bypasses():
    source = '#include <dlfcn.h>\nint main(void) { return dlsym(dlopen("libmariadb.so.3", RTLD_NOW), "mysql_init") == 0; }'
    want_verdict("bypasses", compile_program("by-name", source, "-ldl"), "by name")


@test
def another_machines_program_bypasses():
    path = compile_program("other", "int main(void) { return 0; }")
    with open(path, "r+b") as file:
        file.seek(4)
        file.write(b"\1")  # ELFCLASS32
    want_verdict("bypasses", path, "machine")


@test
def a_program_that_is_cut_off_is_not_judged():
    whole = compile_program("whole", "int main(void) { return 0; }")
    size = os.path.getsize(whole)
    for left in (4, 63, 100, 3000, size // 2):
        path = os.path.join(servers.folder(), "cut-off")
        shutil.copy(whole, path)
        os.truncate(path, left)
        want_verdict("unknown", path, "cut off")


@test
def a_program_that_shows_nothing_is_not_judged():
    want_verdict("unknown", "ls", "linked to no client library")


@test
def the_configuration_that_would_be_used_is_named():
    good, bad = config(), config(colour=1)
    found = texts(want_verdict("unknown", "ls", ROUNDABOUT_CONFIG=good), "configuration")
    want([f"{good}, as `roundabout run` would use it"], found)
    found = json.loads(doctor("--json", "-f", bad, "ls")[1])["findings"]
    want_true(bad in texts(found, "configuration")[0] and "unknown key colour" in texts(found, "configuration")[0], f"what is wrong, in {found}")


@test
def what_is_not_there_is_told():
    for target in ("no-such-program-anywhere", "/tmp", "4194305", "/etc/passwd"):
        status, out, err = doctor(target)
        want((2, ""), (status, out), target)
        want_true(err.startswith("ERROR ") and len(err.splitlines()) == 1, f"one ERROR line, got {err!r}")
    for arguments in ((), ("ls", "ls"), ("--colour", "ls"), ("-f",)):
        status, out, err = doctor(*arguments)
        want((2, ""), (status, out), arguments)
        want_true(err.startswith("ERROR doctor: "), f"an ERROR line, got {err!r}")


# ---------------------------------------------------------------- processes


@test
def a_process_with_the_library_is_routed():
    path = config()
    with Running("import MySQLdb", path) as pid:
        findings = want_verdict("routed", pid)
        callers = texts(findings, "caller")
        want_true(len(callers) == 1 and "_mysql" in callers[0] and callers[0].endswith(f"is that of {lab.LIBRARY}"), f"the module calls the library, got {callers}")
        want([f"{lab.LIBRARY}, the first after the program"], texts(findings, "preloaded"))
        want_true(path in texts(findings, "configuration")[0], f"{path} in {findings}")
        want(1, len(texts(findings, "client library")), "client libraries")


@test
def a_process_without_the_library_bypasses():
    with Running("import MySQLdb") as pid:
        callers = texts(want_verdict("bypasses", pid, "not loaded"), "caller")
        want_true("libmariadb" in callers[0].split(" is that of ")[1], f"the module calls the client library, got {callers}")


@test
def a_process_that_has_not_used_mysql_yet_is_not_judged():
    with Running("pass", config()) as pid:
        want_verdict("unknown", pid, "no client library is loaded now")


@test
def a_module_that_is_bound_to_its_own_libraries_is_found():
    code = "import os, sys\nsys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)\nimport MySQLdb"
    with Running(code, config()) as pid:
        callers = texts(want_verdict("bypasses", pid, "RTLD_DEEPBIND"), "caller")
        want_true("libmariadb" in callers[0].split(" is that of ")[1], f"the module calls the client library, got {callers}")
    if os.uname().machine in ("x86_64", "aarch64"):
        with Running(code, config(), ROUNDABOUT_DEEPBIND="1") as pid:
            want_verdict("routed", pid)


@test
def a_process_that_looks_the_functions_up_by_name_is_found():
    with Running("import ctypes\nctypes.CDLL('libmariadb.so.3').mysql_init", config()) as pid:
        want_verdict("bypasses", pid, "by name")


@test
def a_process_that_is_switched_off_is_found():
    with Running("import MySQLdb", config(), ROUNDABOUT_DISABLE="1") as pid:
        want_verdict("bypasses", pid, "ROUNDABOUT_DISABLE")
    with Running("import MySQLdb", config(), ROUNDABOUT_DISABLE="0") as pid:
        want_verdict("routed", pid)


@test
def a_configuration_that_the_process_may_not_read_is_found():
    path = config()
    with Running("import MySQLdb", path) as pid:
        want_verdict("routed", pid)
        with open(path, "a") as out:
            out.write("colour = 1;\n")
        found = texts(want_verdict("bypasses", pid, "configuration"), "configuration")
        want_true("unknown key colour" in found[0], f"what is wrong, in {found}")
    if os.getuid() != 0:
        skip("only root can start a program as another user")
    path = config()
    shared = os.path.join(servers.folder(), os.path.basename(lab.LIBRARY))
    shutil.copy(lab.LIBRARY, shared)  # the build folder may be closed to that user
    os.chmod(path, 0o600)
    with Running("import MySQLdb", path, user=65534, LD_PRELOAD=shared) as pid:
        found = texts(want_verdict("bypasses", pid, "configuration"), "configuration")
        want_true(path in found[0] and "Permission denied" in found[0], f"why not, in {found}")
    os.chmod(path, 0o644)
    with Running("import MySQLdb", path, user=65534, LD_PRELOAD=shared) as pid:
        want_verdict("routed", pid)


@test
def a_library_that_was_replaced_is_told():
    shared = os.path.join(servers.folder(), os.path.basename(lab.LIBRARY))
    shutil.copy(lab.LIBRARY, shared)
    with Running("import MySQLdb", config(), LD_PRELOAD=shared) as pid:
        os.unlink(shared)
        preloaded = texts(want_verdict("routed", pid), "preloaded")
        want_true("has been replaced" in preloaded[0], f"told, got {preloaded}")


@test
def a_library_behind_the_client_library_is_found():
    client = next(iter(glob.glob("/usr/lib/*/libmariadb.so.3")), None)
    need(client)
    with Running("import MySQLdb", config(), LD_PRELOAD=f"{client}:{lab.LIBRARY}") as pid:
        findings = want_verdict("bypasses", pid, "in front of it")
        want([f"{lab.LIBRARY}, behind other libraries"], texts(findings, "preloaded"))


@test
def a_process_of_somebody_else_is_for_root_alone():
    if os.getuid() != 0:
        skip("only root can become somebody else")
    shared = os.path.join(servers.folder(), "roundabout")
    os.chmod(servers.folder(), 0o755)
    shutil.copy(lab.COMMAND, shared)
    done = subprocess.run([shared, "doctor", "1"], capture_output=True, text=True, user=65534, group=65534, extra_groups=[], cwd="/")
    want((2, ""), (done.returncode, done.stdout))
    want_true(done.stderr.startswith("ERROR process 1: ") and "only root" in done.stderr, f"told, got {done.stderr!r}")


main()
