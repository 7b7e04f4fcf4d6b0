# bash completion of nae-agent, written from its --help by packaging/completions/generate: do not edit.

_nae_agent() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local path='' word i
    COMPREPLY=()
    _nae_agent_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
    _nae_agent_paths() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
    }
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$path $word" in
            ' doctor') path='doctor' ;;
        esac
    done
    case "$path $previous" in
        ' --config' | ' --socket' | 'doctor --config' | 'doctor --socket') _nae_agent_paths -f; return ;;
        ' --ready-fd' | 'doctor --ready-fd') :; return ;;
    esac
    case "$path" in
        '') _nae_agent_words "doctor --help --version --config --socket --check-config --parent-death --ready-fd" ;;
        'doctor') _nae_agent_words "--help --json --config --socket --check-config --parent-death --ready-fd" ;;
    esac
}
complete -F _nae_agent nae-agent
