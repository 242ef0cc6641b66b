# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion of whkctl. Commands, operands and options are those that whkctl itself tells of in its help when
# somebody presses Tab, so that a new one needs no line here.

# What stands in the help's list of commands, a line each, without what they do: "key revoke ENTERPRISE KEYID".
_whkctl_commands() {
    "$1" --help 2> /dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z].*\)/\1/p' | sed 's/  .*//'
}

# _whkctl_options WHKCTL [COMMAND...]: the options of a command, a line each, with what they take: "--label TEXT".
_whkctl_options() {
    "$@" --help 2> /dev/null | sed -n '/^Options/,/^$/s/^  \(--\{0,1\}[A-Za-z].*\)/\1/p' | sed 's/  .*//'
}

_whkctl_words() {
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$2")
}

_whkctl_files() {
    local file
    compopt -o filenames 2> /dev/null
    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
}

_whkctl() {
    local ctl=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} options takes='' word n
    local -a words=()
    COMPREPLY=()
    ctl=${ctl/#\~/$HOME}
    command -v -- "$ctl" > /dev/null || return 0

    options=$(_whkctl_options "$ctl")
    # The words before that are no options and belong to none: noun, verb, operands.
    for ((n = 1; n < COMP_CWORD; n++)); do
        word=${COMP_WORDS[n]}
        if [[ -n $takes ]]; then
            takes=
        elif [[ $word == -* ]]; then
            takes=$(sed -n "s/^${word//[^a-zA-Z0-9-]/} //p" <<< "$options")
        else
            words+=("$word")
            # Options of its own a command has, and a noun none.
            if ((${#words[@]} <= 2)); then
                options=$(_whkctl_options "$ctl" "${words[@]}")$'\n'$options
            fi
        fi
    done
    case $takes in
    '') ;;
    *CONF | *FILE* | *PATH*)
        _whkctl_files "$current"
        return
        ;;
    *) return ;;
    esac

    if [[ $current == -* ]]; then
        _whkctl_words "$(awk '{ print $1 }' <<< "$options" | sort -u)" "$current"
        return
    fi

    # What may follow the words before, by the commands that begin with them.
    local command next=''
    local -a parts
    while IFS= read -r command; do
        read -r -a parts <<< "$command"
        for ((n = 0; n < ${#words[@]} && n < ${#parts[@]}; n++)); do
            [[ ${parts[n]} == [a-z]* ]] || continue
            [[ ${parts[n]} == "${words[n]}" ]] || continue 2
        done
        next+="${parts[${#words[@]}]:-} "
    done < <(_whkctl_commands "$ctl")
    case $next in
    *FILE*) _whkctl_files "$current" ;;
    *) _whkctl_words "$(tr ' ' '\n' <<< "$next" | grep '^[a-z]' | sort -u)" "$current" ;;
    esac
}

complete -F _whkctl whkctl
