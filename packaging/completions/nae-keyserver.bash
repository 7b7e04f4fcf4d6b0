# bash completion of nae-keyserver, written from its --help by packaging/completions/generate: do not edit.

_nae_keyserver() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local path='' word i
    COMPREPLY=()
    _nae_keyserver_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
    _nae_keyserver_paths() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
    }
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$path $word" in
            ' run') path='run' ;;
            ' check-config') path='check-config' ;;
            ' doctor') path='doctor' ;;
            ' renew-certificate') path='renew-certificate' ;;
            ' accept-audit-loss') path='accept-audit-loss' ;;
            ' recover-admin') path='recover-admin' ;;
            ' accept-keys') path='accept-keys' ;;
            ' verify-store') path='verify-store' ;;
            ' accept-store-rollback') path='accept-store-rollback' ;;
            ' move-store') path='move-store' ;;
            ' backup') path='backup' ;;
            ' restore') path='restore' ;;
            ' rotate-custodians') path='rotate-custodians' ;;
            ' init') path='init' ;;
        esac
    done
    case "$path $previous" in
        'run --config' | 'check-config --config' | 'doctor --config' | 'renew-certificate --config' | 'accept-audit-loss --config' | 'recover-admin --config' | 'recover-admin --request' | 'accept-keys --config' | 'verify-store --config' | 'accept-store-rollback --config' | 'move-store --config' | 'backup --config' | 'restore --config' | 'restore --custody' | 'restore --backup' | 'restore --audit-key' | 'restore --software-card' | 'restore --card-module' | 'rotate-custodians --config' | 'rotate-custodians --software-card' | 'rotate-custodians --card-module' | 'rotate-custodians --card' | 'init --module' | 'init --pin-file' | 'init --store' | 'init --card') _nae_keyserver_paths -f; return ;;
        'accept-audit-loss --reason' | 'recover-admin --name' | 'recover-admin --reason' | 'accept-keys --reason' | 'accept-store-rollback --reason' | 'move-store --to' | 'restore --passphrase-file' | 'restore --card-token' | 'restore --card-pin-file' | 'rotate-custodians --passphrase-file' | 'rotate-custodians --card-token' | 'rotate-custodians --card-pin-file' | 'rotate-custodians --custody' | 'rotate-custodians --sha1-card' | 'init --listen' | 'init --name' | 'init --admin' | 'init --module-parameters' | 'init --token-label' | 'init --node' | 'init --custody' | 'init --sha1-card') :; return ;;
        'recover-admin --out' | 'backup --out' | 'init --directory') _nae_keyserver_paths -d; return ;;
        'recover-admin --role') _nae_keyserver_words "key-admin policy-admin auditor operator"; return ;;
    esac
    case "$path" in
        '') _nae_keyserver_words "run check-config doctor renew-certificate accept-audit-loss recover-admin accept-keys verify-store accept-store-rollback move-store backup restore rotate-custodians init --help --version" ;;
        'run') _nae_keyserver_words "--help --config" ;;
        'check-config') _nae_keyserver_words "--help --config" ;;
        'doctor') _nae_keyserver_words "--help --config --json" ;;
        'renew-certificate') _nae_keyserver_words "--help --config" ;;
        'accept-audit-loss') _nae_keyserver_words "--help --config --reason" ;;
        'recover-admin') _nae_keyserver_words "--help --config --name --request --out --role --reason" ;;
        'accept-keys') _nae_keyserver_words "--help --config --reason" ;;
        'verify-store') _nae_keyserver_words "--help --config" ;;
        'accept-store-rollback') _nae_keyserver_words "--help --config --reason" ;;
        'move-store') _nae_keyserver_words "--help --config --to" ;;
        'backup') _nae_keyserver_words "--help --config --out" ;;
        'restore') _nae_keyserver_words "--help --config --custody --backup --audit-key --software-card --passphrase-file --card-module --card-token --card-pin-file" ;;
        'rotate-custodians') _nae_keyserver_words "--help --config --software-card --passphrase-file --card-module --card-token --card-pin-file --yes --custody --card --sha1-card" ;;
        'init') _nae_keyserver_words "--help --directory --listen --name --admin --module --module-parameters --token-label --pin-file --store --node --custody --card --sha1-card" ;;
    esac
}
complete -F _nae_keyserver nae-keyserver
