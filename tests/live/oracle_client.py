"""Programs on Oracle's client library, without any package that has them: Debian links all drivers with MariaDB's.

The library, its headers and the C library that it wants are in the folder that tests/mysql-root makes. The drivers are this system's
own versions, compiled from their source packages against it, and run in this system's Python, Perl and Ruby through that folder's
loader, beside which this system's other libraries are found. What is compiled is kept.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess

import driver_sources
import mysql_servers
from driver_sources import CACHE, CannotBeHad

SYSTEM_LIBRARIES = "/usr/lib/x86_64-linux-gnu"
LANGUAGES = ("python", "perl", "ruby")
PROGRAMS = {"/usr/bin/python3": "python", "perl": "perl", "ruby": "ruby"}


def root():
    try:
        top = mysql_servers.root()
    except mysql_servers.CannotBeHad as e:
        raise CannotBeHad(str(e)) from e
    if not os.path.exists(os.path.join(top, "usr/include/mysql/mysql.h")):
        raise CannotBeHad(f"{top} has no libmysqlclient")
    return top


def libraries():
    return os.path.join(root(), "usr/lib/x86_64-linux-gnu")


def loader():
    """What comes before a program that shall have Oracle's library."""
    return [os.path.join(root(), "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", f"{libraries()}:{SYSTEM_LIBRARIES}"]


def command(words):
    """The command that runs `words` on Oracle's library; its driver is made when needed."""
    program = shutil.which(words[0]) or words[0]
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            raise CannotBeHad(f"{words[0]} isn't a program that a loader runs")
    return [*loader(), program, *words[1:]]


def environment():
    """Where its programs find their drivers and plug-ins."""
    top = folder()
    return {
        "LIBMYSQL_PLUGIN_DIR": os.path.join(root(), "usr/lib/mysql/plugin"),
        "PYTHONPATH": os.path.join(top, "python"),
        "PERL5LIB": f"{top}/perl/blib/lib:{top}/perl/blib/arch",
        "RUBYLIB": f"{top}/ruby/lib:{top}/ruby/ext",
    }


def compile_flags():
    top = folder()
    return [f"-I{top}/include", f"-I{top}/include/mysql"]


def link_flags():
    """By a folder that has nothing else: the other libraries there are not for this system's linker."""
    return [f"-L{folder()}/lib", "-Wl,--allow-shlib-undefined", "-l:libmysqlclient.so.24"]


def folder():
    top = os.path.join(CACHE, "oracle-client")
    config = os.path.join(top, "bin", "mysql_config")
    if not os.path.exists(config):
        with alone(top):
            for part in ("include", "lib", "bin"):
                os.makedirs(os.path.join(top, part), exist_ok=True)
            put_link(os.path.join(root(), "usr/include/mysql"), f"{top}/include/mysql")
            put_link(os.path.join(libraries(), "libmysqlclient.so.24"), f"{top}/lib/libmysqlclient.so.24")
            version = re.search(r'MYSQL_SERVER_VERSION\s+"([^"]+)"', driver_sources.read(f"{top}/include/mysql/mysql_version.h"))
            with open(config + ".new", "w") as out:
                out.write("#!/bin/sh\ncase $1 in\n"
                          f"--cflags|--include) echo '-I{top}/include -I{top}/include/mysql' ;;\n"
                          f"--libs|--libs_r) echo '-L{top}/lib -Wl,--allow-shlib-undefined -l:libmysqlclient.so.24' ;;\n"
                          f"--version) echo {version[1] if version else '0'} ;;\n"
                          "--socket) echo /nowhere.sock ;;\n*) exit 1 ;;\nesac\n")
            os.chmod(config + ".new", 0o755)
            os.rename(config + ".new", config)
    return top


def put_link(target, path):
    if os.path.islink(path):
        os.remove(path)
    os.symlink(target, path)


@contextlib.contextmanager
def alone(top):
    """One maker at a time; the others find it made."""
    os.makedirs(top, exist_ok=True)
    with open(os.path.join(top, "lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def have(language):
    """Makes the language's driver, unless it is there; CannotBeHad says why it can't be."""
    top = folder()
    made = os.path.join(top, language)
    if os.path.exists(os.path.join(made, "made")):
        return
    with alone(top):
        if os.path.exists(os.path.join(made, "made")):
            return
        source = driver_sources.folder({"python": "python-mysqldb", "perl": "libdbd-mysql-perl", "ruby": "ruby-mysql2"}[language])
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(source, made, symlinks=True)
        {"python": make_python, "perl": make_perl, "ruby": make_ruby}[language](made)
        with open(os.path.join(made, "made"), "w"):
            pass


def build(words, where, **more):
    try:
        done = subprocess.run(words, cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env={**os.environ, **more}, timeout=300)
    except FileNotFoundError as e:
        raise CannotBeHad(f"{e.filename} is not there") from e
    if done.returncode != 0:
        last = [line for line in done.stdout.splitlines() if re.search(r"error|can't|not found|undefined", line, re.I)]
        raise CannotBeHad(f"{os.path.basename(where)}'s driver can't be compiled: {(last or ['no reason given'])[0][:200]}")


def make_python(where):
    told = dict(re.findall(r"^(version|version_info)\s*[:=]\s*(.+?)\s*$", driver_sources.read(f"{where}/metadata.cfg"), re.M))
    includes = subprocess.run(["/usr/bin/python3-config", "--includes"], capture_output=True, text=True).stdout.split() \
        if os.path.exists("/usr/bin/python3-config") else []
    build(["cc", "-shared", "-fPIC", "-O1", "-g", "-w", f"-Dversion_info={told['version_info']}", f"-D__version__={told['version']}",
           *compile_flags(), *includes, "MySQLdb/_mysql.c", "-o", "MySQLdb/_mysql.so", *link_flags()], where)


def make_perl(where):
    # It asks this module whether a program with the library runs here. It does, but not by this system's own loader.
    os.makedirs(f"{where}/answer/Devel")
    with open(f"{where}/answer/Devel/CheckLib.pm", "w") as out:
        out.write("package Devel::CheckLib; use Exporter 'import'; our @EXPORT = qw(assert_lib); sub assert_lib { 1 } 1;\n")
    build(["perl", "Makefile.PL", f"--mysql_config={folder()}/bin/mysql_config", "--nocatchstderr", "--testuser=root"], where,
          PERL5LIB=f"{where}/answer")
    build(["make", "OPTIMIZE=-O1 -g -w"], where)


def make_ruby(where):
    build(["ruby", "extconf.rb", f"--with-mysql-config={folder()}/bin/mysql_config"], f"{where}/ext/mysql2")
    build(["make", "CFLAGS=-O1 -g -w -fPIC"], f"{where}/ext/mysql2")


def c_program(sources, program):
    """Compiles a C program of ours against Oracle's headers: that it doesn't compile is no reason to skip it."""
    if not os.path.exists(program) or any(os.path.getmtime(program) < os.path.getmtime(source) for source in sources):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        words = ["cc", "-std=gnu11", "-g", "-O2", "-Wall", *compile_flags(), "-o", program, *[s for s in sources if s.endswith(".c")],
                 *link_flags(), "-lpthread"]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"{os.path.basename(program)} doesn't compile for Oracle's library: {done.stderr[-500:]}")
    return program
