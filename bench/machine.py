"""What a bench ran on: the machine, versions, and the servers' settings that matter."""

import os
import platform
import subprocess

SETTINGS = ["innodb_flush_log_at_trx_commit", "innodb_log_file_buffering", "sync_binlog", "log_bin", "binlog_format", "innodb_flush_method",
            "innodb_buffer_pool_size", "innodb_doublewrite", "performance_schema", "query_cache_type"]


def first_line(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def read(path, default=""):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return default


def cpu_model():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith(("model name", "Model", "CPU part")):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe(build):
    """{what: value}, in the order to be shown."""
    memory_kb = next((int(line.split()[1]) for line in read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), 0)
    release = dict(line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line)
    here = os.path.dirname(os.path.abspath(__file__))
    return {
        "processors": f"{len(os.sched_getaffinity(0))} x {cpu_model()}",
        "memory": f"{memory_kb / 2**20:.1f} GiB",
        "kernel": platform.release(),
        "system": release.get("PRETTY_NAME", "unknown").strip('"'),
        "frequency governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not told (a virtual machine?)"),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Roundabout": first_line("git", "-C", here, "describe", "--always", "--dirty"),
        "compiler": first_line(os.environ.get("CC", "cc"), "--version"),
        "client library": client_library(build),
    }


def client_library(build):
    """Its file, as roundabout-bench finds it."""
    told = subprocess.run(["ldd", os.path.join(build, "roundabout-bench")], stdout=subprocess.PIPE, text=True, check=False).stdout
    for line in told.splitlines():
        if "mysqlclient" in line or "mariadb" in line:
            path = line.split("=>")[-1].split("(")[0].strip()
            return os.path.basename(os.path.realpath(path))
    return "unknown"


def settings_of(server):
    """{name: value} of those settings that this server knows."""
    values = dict(server.query("SHOW GLOBAL VARIABLES"))
    return {"version": server.one("SELECT VERSION()"), **{name: values[name] for name in SETTINGS if name in values}}
