# bash completion for nae(1); zsh loads it after `autoload bashcompinit && bashcompinit`.
# Names of keys are not completed: asking the key server would put a record into the audit log at
# every press of the key.

_nae() {
    local current previous command="" subcommand="" word i
    current=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --server | --certificate | --authority | --config | --type | --set | --version | --out | --request | --approval | --digest | --reason) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=$word
                elif [[ -z $subcommand ]]; then
                    subcommand=$word
                fi
                ;;
        esac
    done

    _nae_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }

    case $previous in
        --certificate | --authority | --config | --public-key | --executable | --request | --segment)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --out | --directory)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --key)
            if [[ $command != policy && $command != audit ]]; then
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            return
            ;;
        --type)
            _nae_words "aes-256-gcm aes-256-siv hmac-sha-256 hmac-sha-256-raw rsa-2048 rsa-3072 rsa-4096 ecdsa-p256 ecdsa-p384 ed25519"
            return
            ;;
        --encoding)
            _nae_words "raw hex base64"
            return
            ;;
        --protection)
            _nae_words "wrapped hsm-only"
            return
            ;;
        --format)
            _nae_words "$([[ $command == audit ]] && echo jsonl csv || echo pem jwk)"
            return
            ;;
        --wrapped | --public)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --set)
            _nae_words "active restricted retired destroyed"
            return
            ;;
        --verdict)
            _nae_words "value deny"
            return
            ;;
        --action | --allow-action)
            local actions="encrypt decrypt sign verify mac mac-verify hash random rewrap"
            [[ $command != audit ]] || actions+=" search" # recorded, but no action of policy
            _nae_words "$actions"
            return
            ;;
        --role)
            [[ $command != admin ]] || _nae_words "key-admin policy-admin auditor operator"
            return
            ;;
        --server | --version | --comment | --reason | --approval | --digest | --database | --program | --device | --member-of | \
            --login-role | --session-role | --network | --client-address | --issuer | --claim | \
            --executable-sha256 | --valid-days | --event | --user | --from | --to | --limit | --since | --source | --owner | --description | \
            --label | --remove-label | --after | --at | --activate-at | --rotate-after-days | --rotate-after-uses | \
            --allow-algorithm)
            return
            ;;
    esac

    local connection="--server --certificate --key --authority --config --json --help"
    local attributes="--owner --description --label --allow-action --allow-algorithm --rotate-after-days --rotate-after-uses"
    case $command/$subcommand in
        /) _nae_words "key policy device admin approvals approve reject audit status clock --version $connection" ;;
        key/) _nae_words "create set list show rotate activate restrict retire restore destroy cancel-destroy schedule usage states import import-key export $connection" ;;
        policy/) _nae_words "apply show history diff rollback test $connection" ;;
        device/) _nae_words "enroll renew rekey confirm list remove $connection" ;;
        clock/) _nae_words "accept $connection" ;;
        clock/accept) _nae_words "--reason $connection" ;;
        admin/) _nae_words "add list roles remove renew $connection" ;;
        audit/) _nae_words "query report export verify receipt verify-receipt sink $connection" ;;
        key/create) _nae_words "--type --activate-at --protection $attributes $connection" ;;
        key/set) _nae_words "$attributes --remove-label --allow-all-actions --allow-all-algorithms $connection" ;;
        key/list) _nae_words "--owner --label --after --limit $connection" ;;
        key/rotate) _nae_words "--activate-at $connection" ;;
        key/schedule) _nae_words "active restricted retired destroyed --at --cancel $connection" ;;
        key/states) _nae_words "--version --set $connection" ;;
        key/import) _nae_words "--type --from --encoding --wrapped --public --protection $connection" ;;
        key/export) _nae_words "--version --format $connection" ;;
        key/import-key) _nae_words "$connection" ;;
        policy/apply)
            if [[ $current == -* ]]; then
                _nae_words "--comment --dry-run --if-revision $connection"
            else
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            ;;
        policy/rollback) _nae_words "--comment $connection" ;;
        policy/show) _nae_words "--version $connection" ;;
        policy/test) _nae_words "--role --database --program --device --action --key --member-of --login-role --session-role --network --client-address --at --user --issuer --claim --executable --executable-sha256 $connection" ;;
        device/enroll) _nae_words "--out --request --approval --valid-days $connection" ;;
        device/renew) _nae_words "--out --request --key --approval --valid-days $connection" ;;
        device/rekey) _nae_words "--out --request --certificate --signature --approval --valid-days $connection" ;;
        device/confirm) _nae_words "--keep $connection" ;;
        admin/add) _nae_words "--role --out --request --approval --valid-days $connection" ;;
        admin/roles) _nae_words "--role $connection" ;;
        admin/renew) _nae_words "--out --valid-days $connection" ;;
        approve/*) _nae_words "--digest $connection" ;;
        audit/query) _nae_words "--event --role --key --action --verdict --device --database --user --from --to --limit --summary --directory $connection" ;;
        audit/report) _nae_words "--since --directory $connection" ;;
        audit/export) _nae_words "--format --event --role --key --action --verdict --device --database --user --from --to --directory $connection" ;;
        audit/receipt) _nae_words "--directory $connection" ;;
        audit/verify-receipt)
            if [[ $current == -* ]]; then
                _nae_words "--public-key $connection"
            else
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            ;;
        audit/sink) _nae_words "--directory --database --public-key --source --create --follow $connection" ;;
        audit/verify) _nae_words "--from --to --directory --segment --public-key $connection" ;;
        *) _nae_words "$connection" ;;
    esac
}

complete -F _nae nae
