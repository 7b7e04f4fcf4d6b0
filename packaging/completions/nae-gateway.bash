# bash completion of nae-gateway, written from its --help by packaging/completions/generate: do not edit.

_nae_gateway() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local path='' word i
    COMPREPLY=()
    _nae_gateway_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
    _nae_gateway_paths() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
    }
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$path $word" in
            ' test') path='test' ;;
            ' scan') path='scan' ;;
        esac
    done
    case "$path $previous" in
        ' --config' | 'test --config' | 'scan --config') _nae_gateway_paths -f; return ;;
    esac
    case "$path" in
        '') _nae_gateway_words "test scan --help --version --config --check-config" ;;
        'test') _nae_gateway_words "--help --config --check-config" ;;
        'scan') _nae_gateway_words "--help --config --check-config" ;;
    esac
}
complete -F _nae_gateway nae-gateway
