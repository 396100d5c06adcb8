#!/bin/sh
# Installs what Roundabout is built, tested and shown with, where it is missing. Debian and Ubuntu; elsewhere it names the packages.
#   tests/deps.sh            what `make check` needs: build, live and check
#   tests/deps.sh build      what `make` needs; also: live (servers and drivers, for the demo and live tests), check (test tools),
#                            bench (plots and counters of the benches), deb (packaging)
# SKIP_DEPS=1 says that all is there (on a system without dpkg, say), and nothing is looked at.
# Only MariaDB's programs are installed, not the package that runs a server as a service; nothing is ever removed.
set -eu

# One package a word; a|b|c: any of these will do, and the first one on offer is installed.
build='gcc libc6-dev make pkg-config|pkgconf default-libmysqlclient-dev|libmariadb-dev|libmysqlclient-dev uthash-dev libconfig-dev libmicrohttpd-dev'
live='mariadb-server-core|mariadb-server-core-10.6|mariadb-server-core-10.5
      mariadb-client-core|mariadb-client-core-10.6|mariadb-client-core-10.5
      openssl python3 python3-mysqldb perl libdbd-mysql-perl ruby ruby-mysql2'
check='libcmocka-dev man-db mandoc clang libclang-rt-dev|libclang-rt-14-dev clang-format clang-tidy cppcheck valgrind sysbench faketime
       chromium|chromium-browser
       dpkg-dev python3-dev libperl-dev ruby-dev python3-pytest python3-mock libtest-deep-perl ruby-rspec'
bench='gnuplot-nox|gnuplot valgrind chromium|chromium-browser'
deb='debhelper debootstrap libmicrohttpd-dev libsystemd-dev lintian'

[ -z "${SKIP_DEPS:-}" ] || exit 0
wanted=
for group in ${*:-build live check}; do
    case $group in
    build) wanted="$wanted $build" ;;
    live) wanted="$wanted $live" ;;
    check) wanted="$wanted $check" ;;
    bench) wanted="$wanted $bench" ;;
    deb) wanted="$wanted $deb" ;;
    *)
        echo "deps: no such group: $group (build, live, check, bench, deb)" >&2
        exit 2
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: not a Debian or Ubuntu system. Install by hand what Debian calls:" $wanted >&2
    echo "deps: and then run make with SKIP_DEPS=1" >&2
    exit 1
fi

# One look-up for all. Unknown names are errors that mean the same as "not installed".
installed=" $(dpkg-query -W -f '${db:Status-Status}/${Package} ' $(echo "$wanted" | tr '|' ' ') 2>/dev/null || true)"
missing=
for choice in $wanted; do
    found=
    for package in $(echo "$choice" | tr '|' ' '); do
        case $installed in *" installed/$package "*) found=yes ;; esac
    done
    [ -n "$found" ] || missing="$missing $choice"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: missing:$missing; run this as root" >&2
        exit 1
    fi
    as_root='sudo'
fi
echo "deps: installing$missing" >&2
apt='apt-get -q -o DPkg::Lock::Timeout=600'
$as_root $apt update >&2

packages=
for choice in $missing; do
    offered=
    for package in $(echo "$choice" | tr '|' ' '); do
        if [ -z "$offered" ] && apt-cache show "$package" >/dev/null 2>&1; then
            offered=$package
        fi
    done
    packages="$packages ${offered:-${choice%%|*}}"
done
# --no-remove: where another vendor's server or client is in the way, the user decides, not this script.
if ! $as_root env DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends --no-remove $packages >&2; then
    echo "deps: apt-get could not install:$packages" >&2
    exit 1
fi
