# Completion of leat and its parts for bash. The words are printed by the programs themselves, when this is packed, and stand at the end:
# _leat_flags tells each program's flags, those with a value as --flag:KIND, _leat_words its operands, in capitals what kind they are.
declare -gA _leat_flags _leat_words

# What a value of this kind can be.
_leat_value() {
    case $1 in
    DIR) compgen -d -- "$2" ;;
    FILE) compgen -f -- "$2" ;;
    LEVEL) compgen -W "debug info warn error" -- "$2" ;;
    FORMAT) compgen -W "text json" -- "$2" ;;
    STATE) compgen -W "ready inflight delayed dead" -- "$2" ;;
    esac
}

# The kind of value that a program's flag wants; nothing if it wants none.
_leat_kind() {
    local flag
    for flag in ${_leat_flags["$1"]-}; do
        [[ $flag != "$2":* ]] || echo "${flag#*:}"
    done
}

# A program's flags, for a word that starts with a dash; otherwise its operands.
_leat_any() {
    local each words=()
    if [[ $2 == -* ]]; then
        for each in ${_leat_flags["$1"]-}; do
            words+=("${each%%:*}")
        done
    else
        for each in ${_leat_words["$1"]-}; do
            case $each in
            FILE | DIR) _leat_value "$each" "$2" ;;
            [[:lower:]]*) words+=("$each") ;;
            esac
        done
    fi
    compgen -W "${words[*]}" -- "$2"
}

_leat() {
    local program=${COMP_WORDS[0]##*/} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kind
    [[ $program != leat || $COMP_CWORD -eq 1 ]] || program="leat ${COMP_WORDS[1]}"
    # --flag=value comes as three words, or as two while the value is empty.
    if [[ $word == "=" ]]; then
        word=""
    elif [[ $before == "=" && $COMP_CWORD -ge 3 ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    kind=$(_leat_kind "$program" "$before")
    if [[ -n $kind ]]; then
        mapfile -t COMPREPLY < <(_leat_value "$kind" "$word")
    else
        kind=${_leat_words["$program"]-}
        mapfile -t COMPREPLY < <(_leat_any "$program" "$word")
    fi
    [[ $kind != *FILE* && $kind != *DIR* || $word == -* ]] || compopt -o filenames 2>/dev/null || true
}

complete -F _leat leat leat-gateway leat-queue leat-worker

