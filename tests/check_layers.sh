#!/bin/sh
# Who may include whom. Prints each line that breaks a rule as FILE:LINE: text (rule), and exits with 1 if
# there is one. Run from the top of the source tree, or with the top as its argument.
cd "${1:-.}" || exit 2
if [ ! -f config/config.h ]; then
    echo "check_layers.sh: no config/config.h here; run it from the top of the source tree" >&2
    exit 2
fi

# FILE:LINE: <name> or "name", one a line; comments behind the name are cut off.
sources=$(find config page shim daemon cli -name '*.[ch]' 2>/dev/null | sort)
includes=$(grep -nE '^[[:space:]]*#[[:space:]]*include' $sources /dev/null |
    sed -E 's/^([^:]*:[0-9]+:)[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1 \2/')

# In which files (pattern), except in which (pattern), nothing may include what (pattern); why.
forbid() {
    echo "$includes" | grep -E "^($1):" | grep -vE "^($2):" | grep -E ":[0-9]+: [<\"]($3)[>\"]" | sed "s|\$|  ($4)|"
}

client='([^>"]*/)?(mysql|mysqld_error|errmsg|mysql_com|mariadb_com|ma_common)\.h|(mysql|mariadb)/[^>"]*'
none='-'

broken=$(
    forbid '.*' 'config/(config|reading|values|rules|secret)\.c' 'libconfig\.h' 'libconfig.h belongs in config, where files are read, and in no header'
    forbid '.*' '(shim/real|daemon/http)\.c' 'dlfcn\.h' 'dlfcn.h belongs in shim/real.c and daemon/http.c only'
    forbid '.*' 'daemon/http\.c' 'microhttpd\.h' 'microhttpd.h belongs in daemon/http.c only'
    forbid '.*' 'daemon/server\.[ch]' "$client" 'client headers belong in daemon/server only'
    forbid 'config/.*' "$none" '\.\./.*|(shim|daemon|cli)/.*' 'config knows nothing of ours'
    forbid 'config/.*' "$none" '([^>"]*/)?page/.*' 'config knows nothing of ours'
    forbid 'page/.*' "$none" '\.\./.*|(config|shim|daemon|cli)/.*' 'page knows nothing of ours'
    forbid 'shim/.*' "$none" '([^>"]*/)?(daemon|cli)/.*' 'shim includes neither daemon nor cli'
    forbid 'daemon/.*' "$none" '([^>"]*/)?(shim|cli)/.*' 'daemon includes neither shim nor cli'

    # In a program of Turkish locale I isn't the capital of i.
    grep -nE '\<(strn?casecmp|strcasestr|tolower|toupper|isalpha|isalnum|isspace)\(' shim/*.[ch] page/*.[ch] |
        sed 's/$/  (it asks the program'"'"'s locale: slice_same and its like do not)/'

    # The functions that the linker lays side by side exist.
    for name in $(grep -oE '\.text\.[a-z_]+\)' shim/order.ld | sed 's/^\.text\.//; s/)$//'); do
        if ! grep -qE "(^|[ *])$name\(" shim/*.c page/*.c; then
            echo "shim/order.ld: there is no function $name"
        fi
    done

    # Each .c shows that its header stands alone by including it first.
    for source in $sources; do
        header=${source%.c}.h
        if [ "$header" = "$source" ] || [ ! -f "$header" ]; then
            continue
        fi
        first=$(echo "$includes" | grep -E "^$source:" | head -n 1)
        case $first in
        *"\"${header##*/}\"" | *"\"$header\"") ;;
        *) echo "${first:-$source:1:}  (its own header, ${header##*/}, comes first)" ;;
        esac
    done
)

if [ -n "$broken" ]; then
    echo "$broken" >&2
    exit 1
fi
echo "$(echo "$includes" | wc -l) includes in $(echo "$sources" | wc -l) files keep the layers"
