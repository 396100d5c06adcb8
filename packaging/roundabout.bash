# bash completion for roundabout(1), roundabout-bench(1) and roundaboutd(8). Verbs and options are asked of the programs themselves, so that this file
# needn't know them.

# Options, one a line, from what --help prints.
_roundabout_options() {
    "$@" --help 2>/dev/null | grep -oE '^ +(-[a-zA-Z0-9], )?--?[a-zA-Z0-9][a-z-]*' | grep -oE -- '--?[a-zA-Z0-9][a-z-]*'
}

# The words of the list of verbs that --help prints.
_roundabout_verbs() {
    "$@" --help 2>/dev/null | awk '/^verbs:/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }'
}

_roundabout() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} at

    # --config=FILE comes as three words.
    if [ "$word" = = ]; then
        word=
    elif [ "$before" = = ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$(_roundabout_verbs "$program") --help --version" -- "$word"))
        return
    fi
    case $before in
    -f | -o | --config | --output | --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --directory)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --database | --sql-mode | --charset | --for)
        return
        ;;
    esac
    if [ "$verb" = run ]; then
        # The words of the program that is run are that program's own.
        for ((at = 2; at <= COMP_CWORD; at++)); do
            case ${COMP_WORDS[at]} in
            --) at=$((at + 1)) && break ;;
            -f | --config) at=$((at + 1)) ;;
            -*) ;;
            *) break ;;
            esac
        done
        if [ "$at" -lt "$COMP_CWORD" ] && declare -F _command_offset >/dev/null; then
            _command_offset "$at"
            return
        fi
    fi
    case $word in
    -*)
        at=("$verb")
        if [ "$verb" = ring ] && [ "$COMP_CWORD" -gt 2 ]; then
            at+=("${COMP_WORDS[2]}")
        fi
        COMPREPLY=($(compgen -W "$(_roundabout_options "$program" "${at[@]}")" -- "$word"))
        ;;
    *)
        case $verb in
        run | doctor) mapfile -t COMPREPLY < <(compgen -c -- "$word"; compgen -f -- "$word") ;;
        *)
            # A verb of a verb; what stands behind that is a site's or a table's name, or a text.
            if [ "$COMP_CWORD" -eq 2 ]; then
                COMPREPLY=($(compgen -W "$(_roundabout_verbs "$program" "$verb")" -- "$word"))
            fi
            ;;
        esac
        ;;
    esac
}

# Programs without verbs.
_roundabout_plain() {
    case ${COMP_WORDS[COMP_CWORD]} in
    -*) COMPREPLY=($(compgen -W "$(_roundabout_options "${COMP_WORDS[0]}")" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}") ;;
    esac
}

complete -o filenames -F _roundabout roundabout
complete -o filenames -F _roundabout_plain roundaboutd roundabout-bench
