# bash completion of muster and its stages. The programs know what can follow (PROGRAM --complete WORD...): this only asks.
_muster() {
    local word answers line=() IFS=$'\n'
    # readline parts --flag=value in three
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ $word == = || ${line[*]: -1} == --*= ]] && ((${#line[@]})); then
            line[-1]+=$word
        else
            line+=("$word")
        fi
    done
    answers=$("${COMP_WORDS[0]}" --complete "${line[@]}" 2>/dev/null) || return
    if [[ $answers == "<file>"* ]]; then
        compopt -o filenames
        word=${COMP_WORDS[COMP_CWORD]}
        COMPREPLY=($(compgen -f -- "${word#=}"))
    else
        COMPREPLY=($(cut -f 1 <<<"$answers"))
    fi
}
complete -F _muster muster muster-producer muster-fetcher muster-serializer muster-announcer
