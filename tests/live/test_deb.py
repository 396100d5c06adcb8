"""The Debian package, installed into a clean Debian folder, and the core of the demo run from there: the installed daemon makes the
ring, the installed library routes a program of an ordinary user. The servers are outside; the folder shares this system's network.
`make check-deb` builds the package first. Needs root."""

import glob
import json
import os
import shutil
import subprocess

import servers
from harness import main, skip, test, want, want_true
from ring_stage import LINK_PASSWORD, LINK_USER, MONITOR_PASSWORD, MONITOR_USER, Stage
from servers import wait_for

TOP = os.path.join(servers.HERE, "..", "..")
APP = os.path.join(TOP, "bench", "apps", "app.py")
_folder = None
_stage = None


def package():
    found = glob.glob(os.path.join(servers.BUILD, "deb", "roundabout_*.deb"))
    if not found:
        skip("the package isn't built; `make deb` builds it")
    return found[0]


def clean_folder():
    """A copy of the clean system, for this program alone."""
    global _folder
    if os.getuid() != 0:
        skip("only root can use a folder as a system")
    if _folder is None:
        made = subprocess.run([os.path.join(TOP, "tests", "debian-root")], capture_output=True, text=True)
        if made.returncode == 2:
            skip(made.stderr.strip().splitlines()[-1])
        want(0, made.returncode, made.stderr)
        path = os.path.join(servers.folder(), "debian")
        subprocess.run(["cp", "-a", made.stdout.strip(), path], check=True)
        os.chmod(servers.folder(), 0o755)
        _folder = path
    return _folder


def inside(*command, user=None, status=0):
    """Runs a command in the folder, with a /proc that goes away with it; its standard output."""
    root = clean_folder()
    userspec = [f"--userspec={user}"] if user else []
    script = 'mount -t proc proc "$1/proc" && shift && exec "$@"'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", root, "chroot", *userspec, root, *command],
                          capture_output=True, text=True, timeout=100, cwd="/",
                          env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                               "DEBIAN_FRONTEND": "noninteractive"})
    want(status, done.returncode, f"{' '.join(command)}: {done.stdout[-500:]} {done.stderr[-700:]}")
    return done.stdout


def installed():
    """Installs the package, once; the folder."""
    root = clean_folder()
    if not os.path.exists(os.path.join(root, "usr/bin/roundabout")):
        shutil.copy(package(), os.path.join(root, "tmp", "roundabout.deb"))
        inside("dpkg", "--install", "/tmp/roundabout.deb")  # all that it depends on is there
    return root


def the_ring():
    """Two masters without a link, and in the folder each site's configuration: /etc/roundabout/SITE.conf."""
    global _stage
    root = installed()
    if _stage is None:
        stage = Stage(2, delay_ms=5, names=("paris", "lyon"))
        for name, secret in (("link.password", LINK_PASSWORD), ("monitor.password", MONITOR_PASSWORD)):
            path = os.path.join(root, "etc/roundabout", name)
            with open(path, "w") as out:
                out.write(secret + "\n")
            os.chmod(path, 0o640)  # and the group is the folder's
        for here, site in enumerate(stage.names):
            sites = ", ".join(f'{{ name = "{name}"; host = "127.0.0.1"; port = {stage.address(here, there)}; server_id = {stage.servers[there].id};'
                              f' main = {"true" if there == 0 else "false"}; }}' for there, name in enumerate(stage.names))
            with open(os.path.join(root, f"etc/roundabout/{site}.conf"), "w") as out:
                out.write(f'local = {{ host = "127.0.0.1"; port = {stage.servers[here].port}; }};\n'
                          'caches = ( { tables = [ "shop.cache" ]; } );\n'
                          f'site = "{site}";\nring = {{ sites = ( {sites} ); connect_retry_s = 1;\n'
                          f'  replication = {{ user = "{LINK_USER}"; password_file = "/etc/roundabout/link.password"; }};\n'
                          f'  monitor = {{ user = "{MONITOR_USER}"; password_file = "/etc/roundabout/monitor.password"; }}; }};\n')
        shutil.copy(os.path.join(root, "etc/roundabout/lyon.conf"), os.path.join(root, "etc/roundabout/roundabout.conf"))
        shutil.copy(APP, os.path.join(root, "usr/local/bin/app.py"))
        _stage = stage
    return _stage


@test
def the_package_installs_into_a_clean_system():
    installed()
    want("root 755\nroundabout 2755\nroundabout 640\nroundabout 3777\n",
         inside("stat", "-c", "%G %a", "/usr/bin/roundabout", "/etc/roundabout", "/etc/roundabout/roundabout.conf.sample", "/run/roundabout"))
    want("roundabout", inside("stat", "-c", "%U", "/run/roundabout").strip(), "who may fold in the counters of ended processes")
    want_true("/nonexistent" in inside("getent", "passwd", "roundabout"), "a user for the daemon, without a home")
    version = subprocess.run(["dpkg-parsechangelog", "-l", os.path.join(TOP, "debian/changelog"), "-S", "Version"], capture_output=True, text=True)
    want(f"roundabout {version.stdout.strip()}\n", inside("roundabout", "--version"))
    inside("roundaboutd", "--help")
    for example in ("grafana/roundabout.json", "prometheus/roundabout.rules.yml", "systemd/roundabout.conf", "cron/shop"):
        inside("test", "-s", "/usr/share/doc/roundabout/examples/" + example)
    inside("dpkg", "--verify", "roundabout")


@test
def nothing_is_started_and_the_unit_is_there():
    installed()
    unit = inside("cat", "/lib/systemd/system/roundaboutd.service")
    for line in ("Type=notify", "User=roundabout", "ExecStart=/usr/sbin/roundaboutd --foreground -f /etc/roundabout/roundabout.conf",
                 "NoNewPrivileges=yes", "ExecReload=/bin/kill -HUP $MAINPID"):
        want_true(line in unit.splitlines(), f"{line} in the unit")
    want_true("@" not in unit.replace("SystemCallFilter=@system-service", ""), "no word left to be replaced")
    verify = shutil.which("systemd-analyze")
    if verify:
        path = os.path.join(servers.folder(), "roundaboutd.service")
        with open(path, "w") as out:  # the daemon itself isn't at its place out here
            out.write(unit.replace("/usr/sbin/roundaboutd", "/bin/true"))
        done = subprocess.run([verify, "verify", "--man=no", path], capture_output=True, text=True)
        want_true("roundaboutd.service" not in done.stderr, f"no complaint about the unit, got {done.stderr}")


@test
def the_installed_daemon_makes_the_ring_as_its_own_user():
    stage = the_ring()
    for site in stage.names:
        # 1: the new link is still connecting; each site's daemon makes the links' user at its own site
        script = f"roundaboutd --once -f /etc/roundabout/{site}.conf 2>/tmp/{site}.log; status=$?; cat /tmp/{site}.log >&2; test $status -le 1"
        inside("sh", "-c", script, user="roundabout:roundabout")
    for server in stage.servers:
        wait_for(server.link_runs, what=f"the link of {server.name}")


@test
def the_installed_library_routes_a_program_of_any_user():
    stage = the_ring()
    main_master, local = stage.servers
    wait_for(lambda: all(server.link_runs() for server in stage.servers), what="the ring")
    want_true("routed" in inside("roundabout", "doctor", "/usr/bin/python3", user="nobody:nogroup"), "the doctor's verdict on Python")
    program = ["python3", "/usr/local/bin/app.py", "127.0.0.1", str(stage.address(1, 0)), "3", "deb"]
    result = json.loads(inside("roundabout", "run", "--", *program, user="nobody:nogroup"))
    want(0, result["wrong"], "values that were read and not those written")
    want(result["keys"], local.one("SELECT COUNT(*) FROM shop.cache WHERE k LIKE 'deb:%'"), "rows at the local master")
    wait_for(lambda: main_master.one("SELECT COUNT(*) FROM shop.cache WHERE k LIKE 'deb:%'") == result["keys"], what="the rows at main")
    log = local.query("SHOW BINARY LOGS")[-1][0]
    origins = {row[3] for row in local.query(f"SHOW BINLOG EVENTS IN '{log}'") if "deb:" in (row[5] or "")}
    want({local.id}, origins, "the server that the rows were written at")
    counted = json.loads(inside("roundabout", "stats", "--json"))
    want(3 * (30 + 30), counted["routed"], f"statements counted as routed under /run/roundabout ({counted})")


@test
def the_doctor_looks_into_a_container_from_outside():
    the_ring()
    root = clean_folder()
    code = "import MySQLdb, sys; print('ready', flush=True); sys.stdin.read()"
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$1/proc" && shift && exec "$@"', "sh", root,
                                "chroot", "--userspec=nobody:nogroup", root, "roundabout", "run", "--", "python3", "-c", code],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
    try:
        want("ready\n", process.stdout.readline(), "the program")
        done = subprocess.run([os.path.join(servers.BUILD, "roundabout"), "doctor", "--json", str(process.pid)], capture_output=True, text=True)
        told = json.loads(done.stdout)
        want((0, "routed", ""), (done.returncode, told["verdict"], done.stderr), f"the verdict of {told}")
        found = [finding["text"] for finding in told["findings"]]
        for words in ("a container", "/libmariadb.so.3, soname libmariadb.so.3", "is that of ", "roundabout.conf, readable and right for nobody"):
            want_true(any(words in text for text in found), f"{words!r} among {found}")
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def newer_package(root):
    """The same with a later version, in the folder; its path there."""
    unpacked = os.path.join(servers.folder(), "unpacked")
    subprocess.run(["dpkg-deb", "--raw-extract", package(), unpacked], check=True)
    control = os.path.join(unpacked, "DEBIAN", "control")
    with open(control) as file:
        text = file.read()
    with open(control, "w") as file:
        file.write("".join(line + ("+later" if line.startswith("Version:") else "") + "\n" for line in text.splitlines()))
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", unpacked, os.path.join(root, "tmp", "later.deb")], check=True, stdout=subprocess.DEVNULL)
    return "/tmp/later.deb"


def pretend_systemd(root):
    """In the folder: what would be asked of systemd is written down in /tmp/asked."""
    os.makedirs(os.path.join(root, "run/systemd/system"), exist_ok=True)
    for name in ("systemctl", "deb-systemd-invoke"):
        path = os.path.join(root, "usr/local/sbin", name)
        with open(path, "w") as out:
            out.write(f'#!/bin/sh\necho "{name} $*" >> /tmp/asked\n')
        os.chmod(path, 0o755)


def asked(root):
    path = os.path.join(root, "tmp/asked")
    if not os.path.exists(path):
        return []
    with open(path) as file:
        lines = file.read().splitlines()
    os.remove(path)
    return [line for line in lines if "daemon-reload" not in line]


@test
def an_upgrade_keeps_what_was_edited_and_starts_a_daemon_that_runs_anew():
    root = installed()
    sample = os.path.join(root, "etc/roundabout/roundabout.conf.sample")
    with open(sample, "a") as out:
        out.write("# edited\n")
    pretend_systemd(root)
    for file in ("/tmp/roundabout.deb", newer_package(root), "/tmp/later.deb"):
        inside("dpkg", "--install", "--force-confold", file)
        want(["deb-systemd-invoke try-restart roundaboutd.service"], asked(root), f"asked of systemd by {file}")
        with open(sample) as kept:
            want_true(kept.read().endswith("# edited\n"), "the edited file is kept")
        want("root 755\nroundabout 2755\nroundabout 640\nroundabout 3777\n",
             inside("stat", "-c", "%G %a", "/usr/bin/roundabout", "/etc/roundabout", "/etc/roundabout/roundabout.conf.sample", "/run/roundabout"))


@test
def a_removal_ends_the_daemon_and_keeps_the_configuration():
    root = installed()
    pretend_systemd(root)
    inside("dpkg", "--remove", "roundabout")
    want(["deb-systemd-invoke stop roundaboutd.service"], asked(root), "asked of systemd")
    for path, there in (("usr/sbin/roundaboutd", False), ("usr/lib/roundabout", False), ("etc/roundabout/roundabout.conf.sample", True)):
        want(there, os.path.lexists(os.path.join(root, path)), path)
    inside("dpkg", "--install", "/tmp/roundabout.deb")
    want([], [line for line in asked(root) if "try-restart" not in line], "asked of systemd by an installation, which starts nothing")


@test
def after_a_purge_nothing_is_left_but_what_the_administrator_made():
    root = installed()
    mine = os.path.join(root, "etc/roundabout/mine.conf")
    with open(mine, "w") as out:
        out.write("mine\n")
    inside("dpkg", "--purge", "roundabout")
    want(True, os.path.exists(mine), "the administrator's file")
    for path in ("usr/bin/roundabout", "usr/sbin/roundaboutd", "usr/lib/roundabout", "run/roundabout", "etc/roundabout/roundabout.conf.sample",
                 "usr/share/doc/roundabout", "lib/systemd/system/roundaboutd.service"):
        want(False, os.path.lexists(os.path.join(root, path)), path)


main()
