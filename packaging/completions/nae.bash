# bash completion of nae, written from its --help by packaging/completions/generate: do not edit.

_nae() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local path='' word i
    COMPREPLY=()
    _nae_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
    _nae_paths() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
    }
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$path $word" in
            ' key') path='key' ;;
            ' policy') path='policy' ;;
            ' device') path='device' ;;
            ' admin') path='admin' ;;
            ' approvals') path='approvals' ;;
            ' approve') path='approve' ;;
            ' reject') path='reject' ;;
            ' audit') path='audit' ;;
            ' status') path='status' ;;
            ' clock') path='clock' ;;
            ' node') path='node' ;;
            ' pkcs11') path='pkcs11' ;;
            ' custody') path='custody' ;;
            ' backup') path='backup' ;;
            ' context') path='context' ;;
            ' doctor') path='doctor' ;;
            ' batch') path='batch' ;;
            'key create') path='key/create' ;;
            'key set') path='key/set' ;;
            'key list') path='key/list' ;;
            'key show') path='key/show' ;;
            'key rotate') path='key/rotate' ;;
            'key states') path='key/states' ;;
            'key activate') path='key/activate' ;;
            'key restrict') path='key/restrict' ;;
            'key retire') path='key/retire' ;;
            'key restore') path='key/restore' ;;
            'key destroy') path='key/destroy' ;;
            'key cancel-destroy') path='key/cancel-destroy' ;;
            'key schedule') path='key/schedule' ;;
            'key usage') path='key/usage' ;;
            'key import-key') path='key/import-key' ;;
            'key import') path='key/import' ;;
            'key wrap') path='key/wrap' ;;
            'key export') path='key/export' ;;
            'key csr') path='key/csr' ;;
            'key set-certificate') path='key/set-certificate' ;;
            'policy apply') path='policy/apply' ;;
            'policy show') path='policy/show' ;;
            'policy history') path='policy/history' ;;
            'policy diff') path='policy/diff' ;;
            'policy rollback') path='policy/rollback' ;;
            'policy test') path='policy/test' ;;
            'policy prune') path='policy/prune' ;;
            'device enroll') path='device/enroll' ;;
            'device renew') path='device/renew' ;;
            'device rekey') path='device/rekey' ;;
            'device confirm') path='device/confirm' ;;
            'device list') path='device/list' ;;
            'device remove') path='device/remove' ;;
            'admin add') path='admin/add' ;;
            'admin list') path='admin/list' ;;
            'admin roles') path='admin/roles' ;;
            'admin remove') path='admin/remove' ;;
            'admin renew') path='admin/renew' ;;
            'audit query') path='audit/query' ;;
            'audit report') path='audit/report' ;;
            'audit export') path='audit/export' ;;
            'audit verify') path='audit/verify' ;;
            'audit receipt') path='audit/receipt' ;;
            'audit verify-receipt') path='audit/verify-receipt' ;;
            'audit prune') path='audit/prune' ;;
            'audit sink') path='audit/sink' ;;
            'clock accept') path='clock/accept' ;;
            'node list') path='node/list' ;;
            'node fence') path='node/fence' ;;
            'node allow') path='node/allow' ;;
            'node remove') path='node/remove' ;;
            'pkcs11 init-file') path='pkcs11/init-file' ;;
            'custody status') path='custody/status' ;;
            'custody check') path='custody/check' ;;
            'custody approve') path='custody/approve' ;;
            'context list') path='context/list' ;;
            'context show') path='context/show' ;;
            'context use') path='context/use' ;;
            'context add') path='context/add' ;;
            'context remove') path='context/remove' ;;
        esac
    done
    case "$path $previous" in
        ' --server' | ' --context' | 'key --server' | 'key --context' | 'key/create --activate-at' | 'key/create --owner' | 'key/create --description' | 'key/create --label' | 'key/create --allow-algorithm' | 'key/create --rotate-after-days' | 'key/create --rotate-after-uses' | 'key/create --server' | 'key/create --context' | 'key/set --owner' | 'key/set --description' | 'key/set --label' | 'key/set --allow-algorithm' | 'key/set --rotate-after-days' | 'key/set --rotate-after-uses' | 'key/set --remove-label' | 'key/set --server' | 'key/set --context' | 'key/list --owner' | 'key/list --label' | 'key/list --after' | 'key/list --limit' | 'key/list --server' | 'key/list --context' | 'key/show --server' | 'key/show --context' | 'key/rotate --activate-at' | 'key/rotate --if-newest' | 'key/rotate --server' | 'key/rotate --context' | 'key/states --version' | 'key/states --server' | 'key/states --context' | 'key/activate --server' | 'key/activate --context' | 'key/restrict --server' | 'key/restrict --context' | 'key/retire --server' | 'key/retire --context' | 'key/restore --server' | 'key/restore --context' | 'key/destroy --server' | 'key/destroy --context' | 'key/cancel-destroy --server' | 'key/cancel-destroy --context' | 'key/schedule --at' | 'key/schedule --server' | 'key/schedule --context' | 'key/usage --server' | 'key/usage --context' | 'key/import-key --server' | 'key/import-key --context' | 'key/import --server' | 'key/import --context' | 'key/wrap --import-key' | 'key/wrap --server' | 'key/wrap --context' | 'key/export --version' | 'key/export --server' | 'key/export --context' | 'key/csr --subject' | 'key/csr --san' | 'key/csr --version' | 'key/csr --server' | 'key/csr --context' | 'key/set-certificate --remove' | 'key/set-certificate --server' | 'key/set-certificate --context' | 'policy --server' | 'policy --context' | 'policy/apply --comment' | 'policy/apply --if-revision' | 'policy/apply --server' | 'policy/apply --context' | 'policy/show --version' | 'policy/show --server' | 'policy/show --context' | 'policy/history --server' | 'policy/history --context' | 'policy/diff --server' | 'policy/diff --context' | 'policy/rollback --comment' | 'policy/rollback --server' | 'policy/rollback --context' | 'policy/test --role' | 'policy/test --database' | 'policy/test --program' | 'policy/test --device' | 'policy/test --key' | 'policy/test --member-of' | 'policy/test --login-role' | 'policy/test --session-role' | 'policy/test --network' | 'policy/test --client-address' | 'policy/test --at' | 'policy/test --user' | 'policy/test --issuer' | 'policy/test --claim' | 'policy/test --executable-sha256' | 'policy/test --server' | 'policy/test --context' | 'policy/prune --before' | 'policy/prune --server' | 'policy/prune --context' | 'device --server' | 'device --context' | 'device/enroll --approval' | 'device/enroll --valid-days' | 'device/enroll --server' | 'device/enroll --context' | 'device/renew --approval' | 'device/renew --valid-days' | 'device/renew --server' | 'device/renew --context' | 'device/rekey --certificate' | 'device/rekey --approval' | 'device/rekey --valid-days' | 'device/rekey --server' | 'device/rekey --context' | 'device/confirm --keep' | 'device/confirm --server' | 'device/confirm --context' | 'device/list --server' | 'device/list --context' | 'device/remove --server' | 'device/remove --context' | 'admin --server' | 'admin --context' | 'admin/add --approval' | 'admin/add --valid-days' | 'admin/add --server' | 'admin/add --context' | 'admin/list --server' | 'admin/list --context' | 'admin/roles --server' | 'admin/roles --context' | 'admin/remove --server' | 'admin/remove --context' | 'admin/renew --valid-days' | 'admin/renew --server' | 'admin/renew --context' | 'approvals --server' | 'approvals --context' | 'approve --digest' | 'approve --server' | 'approve --context' | 'reject --server' | 'reject --context' | 'audit --server' | 'audit --context' | 'audit/query --role' | 'audit/query --key' | 'audit/query --action' | 'audit/query --device' | 'audit/query --database' | 'audit/query --user' | 'audit/query --from' | 'audit/query --to' | 'audit/query --limit' | 'audit/query --node' | 'audit/query --server' | 'audit/query --context' | 'audit/report --since' | 'audit/report --node' | 'audit/report --server' | 'audit/report --context' | 'audit/export --role' | 'audit/export --key' | 'audit/export --action' | 'audit/export --device' | 'audit/export --database' | 'audit/export --user' | 'audit/export --from' | 'audit/export --to' | 'audit/export --server' | 'audit/export --context' | 'audit/verify --node' | 'audit/verify --segment' | 'audit/verify --from' | 'audit/verify --to' | 'audit/verify --server' | 'audit/verify --context' | 'audit/receipt --server' | 'audit/receipt --context' | 'audit/verify-receipt --server' | 'audit/verify-receipt --context' | 'audit/prune --before' | 'audit/prune --server' | 'audit/prune --context' | 'audit/sink --database' | 'audit/sink --source' | 'audit/sink --server' | 'audit/sink --context' | 'status --watch' | 'status --server' | 'status --context' | 'clock --server' | 'clock --context' | 'clock/accept --reason' | 'clock/accept --server' | 'clock/accept --context' | 'node --server' | 'node --context' | 'node/list --server' | 'node/list --context' | 'node/fence --reason' | 'node/fence --server' | 'node/fence --context' | 'node/allow --reason' | 'node/allow --server' | 'node/allow --context' | 'node/remove --reason' | 'node/remove --server' | 'node/remove --context' | 'pkcs11 --server' | 'pkcs11 --context' | 'pkcs11/init-file --engine' | 'pkcs11/init-file --token' | 'pkcs11/init-file --enable-in' | 'pkcs11/init-file --server' | 'pkcs11/init-file --context' | 'custody --server' | 'custody --context' | 'custody/status --server' | 'custody/status --context' | 'custody/check --passphrase-file' | 'custody/check --card-token' | 'custody/check --card-pin-file' | 'custody/check --server' | 'custody/check --context' | 'custody/approve --passphrase-file' | 'custody/approve --card-token' | 'custody/approve --card-pin-file' | 'custody/approve --server' | 'custody/approve --context' | 'backup --granted' | 'backup --server' | 'backup --context' | 'context --server' | 'context --context' | 'context/list --server' | 'context/list --context' | 'context/show --server' | 'context/show --context' | 'context/use --server' | 'context/use --context' | 'context/add --server' | 'context/add --context' | 'context/remove --server' | 'context/remove --context' | 'doctor --server' | 'doctor --context' | 'batch --server' | 'batch --context') :; return ;;
        ' --certificate' | ' --key' | ' --authority' | ' --config' | 'key --certificate' | 'key --key' | 'key --authority' | 'key --config' | 'key/create --certificate' | 'key/create --key' | 'key/create --authority' | 'key/create --config' | 'key/set --certificate' | 'key/set --key' | 'key/set --authority' | 'key/set --config' | 'key/list --certificate' | 'key/list --key' | 'key/list --authority' | 'key/list --config' | 'key/show --certificate' | 'key/show --key' | 'key/show --authority' | 'key/show --config' | 'key/rotate --certificate' | 'key/rotate --key' | 'key/rotate --authority' | 'key/rotate --config' | 'key/states --certificate' | 'key/states --key' | 'key/states --authority' | 'key/states --config' | 'key/activate --certificate' | 'key/activate --key' | 'key/activate --authority' | 'key/activate --config' | 'key/restrict --certificate' | 'key/restrict --key' | 'key/restrict --authority' | 'key/restrict --config' | 'key/retire --certificate' | 'key/retire --key' | 'key/retire --authority' | 'key/retire --config' | 'key/restore --certificate' | 'key/restore --key' | 'key/restore --authority' | 'key/restore --config' | 'key/destroy --certificate' | 'key/destroy --key' | 'key/destroy --authority' | 'key/destroy --config' | 'key/cancel-destroy --certificate' | 'key/cancel-destroy --key' | 'key/cancel-destroy --authority' | 'key/cancel-destroy --config' | 'key/schedule --certificate' | 'key/schedule --key' | 'key/schedule --authority' | 'key/schedule --config' | 'key/usage --certificate' | 'key/usage --key' | 'key/usage --authority' | 'key/usage --config' | 'key/import-key --certificate' | 'key/import-key --key' | 'key/import-key --authority' | 'key/import-key --config' | 'key/import --from' | 'key/import --wrapped' | 'key/import --public' | 'key/import --certificate' | 'key/import --key' | 'key/import --authority' | 'key/import --config' | 'key/wrap --from' | 'key/wrap --public-out' | 'key/wrap --certificate' | 'key/wrap --key' | 'key/wrap --authority' | 'key/wrap --config' | 'key/export --certificate' | 'key/export --key' | 'key/export --authority' | 'key/export --config' | 'key/csr --certificate' | 'key/csr --key' | 'key/csr --authority' | 'key/csr --config' | 'key/set-certificate --certificate' | 'key/set-certificate --key' | 'key/set-certificate --authority' | 'key/set-certificate --config' | 'policy --certificate' | 'policy --key' | 'policy --authority' | 'policy --config' | 'policy/apply --certificate' | 'policy/apply --key' | 'policy/apply --authority' | 'policy/apply --config' | 'policy/show --certificate' | 'policy/show --key' | 'policy/show --authority' | 'policy/show --config' | 'policy/history --certificate' | 'policy/history --key' | 'policy/history --authority' | 'policy/history --config' | 'policy/diff --certificate' | 'policy/diff --key' | 'policy/diff --authority' | 'policy/diff --config' | 'policy/rollback --certificate' | 'policy/rollback --key' | 'policy/rollback --authority' | 'policy/rollback --config' | 'policy/test --executable' | 'policy/test --certificate' | 'policy/test --authority' | 'policy/test --config' | 'policy/prune --certificate' | 'policy/prune --key' | 'policy/prune --authority' | 'policy/prune --config' | 'device --certificate' | 'device --key' | 'device --authority' | 'device --config' | 'device/enroll --request' | 'device/enroll --certificate' | 'device/enroll --key' | 'device/enroll --authority' | 'device/enroll --config' | 'device/renew --request' | 'device/renew --key' | 'device/renew --certificate' | 'device/renew --authority' | 'device/renew --config' | 'device/rekey --request' | 'device/rekey --signature' | 'device/rekey --key' | 'device/rekey --authority' | 'device/rekey --config' | 'device/confirm --certificate' | 'device/confirm --key' | 'device/confirm --authority' | 'device/confirm --config' | 'device/list --certificate' | 'device/list --key' | 'device/list --authority' | 'device/list --config' | 'device/remove --certificate' | 'device/remove --key' | 'device/remove --authority' | 'device/remove --config' | 'admin --certificate' | 'admin --key' | 'admin --authority' | 'admin --config' | 'admin/add --request' | 'admin/add --certificate' | 'admin/add --key' | 'admin/add --authority' | 'admin/add --config' | 'admin/list --certificate' | 'admin/list --key' | 'admin/list --authority' | 'admin/list --config' | 'admin/roles --certificate' | 'admin/roles --key' | 'admin/roles --authority' | 'admin/roles --config' | 'admin/remove --certificate' | 'admin/remove --key' | 'admin/remove --authority' | 'admin/remove --config' | 'admin/renew --certificate' | 'admin/renew --key' | 'admin/renew --authority' | 'admin/renew --config' | 'approvals --certificate' | 'approvals --key' | 'approvals --authority' | 'approvals --config' | 'approve --certificate' | 'approve --key' | 'approve --authority' | 'approve --config' | 'reject --certificate' | 'reject --key' | 'reject --authority' | 'reject --config' | 'audit --certificate' | 'audit --key' | 'audit --authority' | 'audit --config' | 'audit/query --certificate' | 'audit/query --authority' | 'audit/query --config' | 'audit/report --certificate' | 'audit/report --key' | 'audit/report --authority' | 'audit/report --config' | 'audit/export --certificate' | 'audit/export --authority' | 'audit/export --config' | 'audit/verify --public-key' | 'audit/verify --certificate' | 'audit/verify --key' | 'audit/verify --authority' | 'audit/verify --config' | 'audit/receipt --certificate' | 'audit/receipt --key' | 'audit/receipt --authority' | 'audit/receipt --config' | 'audit/verify-receipt --public-key' | 'audit/verify-receipt --certificate' | 'audit/verify-receipt --key' | 'audit/verify-receipt --authority' | 'audit/verify-receipt --config' | 'audit/prune --certificate' | 'audit/prune --key' | 'audit/prune --authority' | 'audit/prune --config' | 'audit/sink --public-key' | 'audit/sink --certificate' | 'audit/sink --key' | 'audit/sink --authority' | 'audit/sink --config' | 'status --certificate' | 'status --key' | 'status --authority' | 'status --config' | 'clock --certificate' | 'clock --key' | 'clock --authority' | 'clock --config' | 'clock/accept --certificate' | 'clock/accept --key' | 'clock/accept --authority' | 'clock/accept --config' | 'node --certificate' | 'node --key' | 'node --authority' | 'node --config' | 'node/list --certificate' | 'node/list --key' | 'node/list --authority' | 'node/list --config' | 'node/fence --certificate' | 'node/fence --key' | 'node/fence --authority' | 'node/fence --config' | 'node/allow --certificate' | 'node/allow --key' | 'node/allow --authority' | 'node/allow --config' | 'node/remove --certificate' | 'node/remove --key' | 'node/remove --authority' | 'node/remove --config' | 'pkcs11 --certificate' | 'pkcs11 --key' | 'pkcs11 --authority' | 'pkcs11 --config' | 'pkcs11/init-file --module' | 'pkcs11/init-file --socket' | 'pkcs11/init-file --certificate' | 'pkcs11/init-file --key' | 'pkcs11/init-file --authority' | 'pkcs11/init-file --config' | 'custody --certificate' | 'custody --key' | 'custody --authority' | 'custody --config' | 'custody/status --audit-key' | 'custody/status --certificate' | 'custody/status --key' | 'custody/status --authority' | 'custody/status --config' | 'custody/check --audit-key' | 'custody/check --software-card' | 'custody/check --card-module' | 'custody/check --certificate' | 'custody/check --key' | 'custody/check --authority' | 'custody/check --config' | 'custody/approve --software-card' | 'custody/approve --card-module' | 'custody/approve --certificate' | 'custody/approve --key' | 'custody/approve --authority' | 'custody/approve --config' | 'backup --certificate' | 'backup --key' | 'backup --authority' | 'backup --config' | 'context --certificate' | 'context --key' | 'context --authority' | 'context --config' | 'context/list --certificate' | 'context/list --key' | 'context/list --authority' | 'context/list --config' | 'context/show --certificate' | 'context/show --key' | 'context/show --authority' | 'context/show --config' | 'context/use --certificate' | 'context/use --key' | 'context/use --authority' | 'context/use --config' | 'context/add --certificate' | 'context/add --key' | 'context/add --authority' | 'context/add --config' | 'context/remove --certificate' | 'context/remove --key' | 'context/remove --authority' | 'context/remove --config' | 'doctor --certificate' | 'doctor --key' | 'doctor --authority' | 'doctor --config' | 'batch --certificate' | 'batch --key' | 'batch --authority' | 'batch --config') _nae_paths -f; return ;;
        'key/create --type') _nae_words "aes-256-gcm aes-256-siv hmac-sha-256 hmac-sha-256-raw aes-256-raw rsa-2048 rsa-3072 rsa-4096 ecdsa-p256 ecdsa-p384 ed25519 rsa-decrypt-2048 rsa-decrypt-3072 rsa-decrypt-4096 ecdh-p256 ecdh-p384 ecdh-p521 x25519"; return ;;
        'key/create --protection' | 'key/import --protection') _nae_words "wrapped hsm-only"; return ;;
        'key/create --allow-action' | 'key/set --allow-action' | 'policy/test --action') _nae_words "encrypt decrypt sign verify mac mac-verify hash random rewrap derive search"; return ;;
        'key/states --set') _nae_words "active restricted retired destroyed"; return ;;
        'key/import --type' | 'key/wrap --type') _nae_words "aes-256-gcm aes-256-siv hmac-sha-256-raw aes-256-raw rsa-2048 rsa-3072 rsa-4096 ecdsa-p256 ecdsa-p384 rsa-decrypt-2048 rsa-decrypt-3072 rsa-decrypt-4096 ecdh-p256 ecdh-p384 ecdh-p521"; return ;;
        'key/import --encoding' | 'key/wrap --encoding') _nae_words "raw hex base64"; return ;;
        'key/wrap --out' | 'device/enroll --out' | 'device/renew --out' | 'device/rekey --out' | 'admin/add --out' | 'admin/renew --out' | 'audit/query --directory' | 'audit/report --directory' | 'audit/export --directory' | 'audit/verify --directory' | 'audit/receipt --directory' | 'audit/sink --directory' | 'pkcs11/init-file --out' | 'backup --out') _nae_paths -d; return ;;
        'key/export --format') _nae_words "pem jwk"; return ;;
        'device/enroll --kind' | 'device/renew --kind' | 'device/remove --kind') _nae_words "device monitoring"; return ;;
        'admin/add --role' | 'admin/roles --role') _nae_words "key-admin policy-admin auditor operator"; return ;;
        'audit/query --event' | 'audit/export --event') _nae_words "request admin started stopped interrupted certificate admin-recovered keys-bound"; return ;;
        'audit/query --verdict' | 'audit/export --verdict') _nae_words "value deny"; return ;;
        'audit/export --format') _nae_words "jsonl csv"; return ;;
        'pkcs11/init-file --for') _nae_words "p11-kit openssl java"; return ;;
    esac
    case "$path" in
        '') _nae_words "key policy device admin approvals approve reject audit status clock node pkcs11 custody backup context doctor batch --help --version --json --server --certificate --key --authority --config --context" ;;
        'key') _nae_words "create set list show rotate states activate restrict retire restore destroy cancel-destroy schedule usage import-key import wrap export csr set-certificate --help --json --server --certificate --key --authority --config --context" ;;
        'key/create') _nae_words "--help --type --activate-at --protection --owner --description --label --allow-action --allow-algorithm --rotate-after-days --rotate-after-uses --json --server --certificate --key --authority --config --context" ;;
        'key/set') _nae_words "--help --owner --description --label --allow-action --allow-algorithm --rotate-after-days --rotate-after-uses --remove-label --allow-all-actions --allow-all-algorithms --json --server --certificate --key --authority --config --context" ;;
        'key/list') _nae_words "--help --owner --label --after --limit --json --server --certificate --key --authority --config --context" ;;
        'key/show') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/rotate') _nae_words "--help --activate-at --if-newest --json --server --certificate --key --authority --config --context" ;;
        'key/states') _nae_words "--help --yes --version --set --json --server --certificate --key --authority --config --context" ;;
        'key/activate') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/restrict') _nae_words "--help --yes --json --server --certificate --key --authority --config --context" ;;
        'key/retire') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/restore') _nae_words "--help --yes --json --server --certificate --key --authority --config --context" ;;
        'key/destroy') _nae_words "--help --yes --json --server --certificate --key --authority --config --context" ;;
        'key/cancel-destroy') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/schedule') _nae_words "active restricted retired destroyed --help --at --cancel --yes --json --server --certificate --key --authority --config --context" ;;
        'key/usage') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/import-key') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'key/import') _nae_words "--help --type --from --encoding --wrapped --public --protection --json --server --certificate --key --authority --config --context" ;;
        'key/wrap') _nae_words "--help --type --from --encoding --import-key --out --public-out --json --server --certificate --key --authority --config --context" ;;
        'key/export') _nae_words "--help --version --format --json --server --certificate --key --authority --config --context" ;;
        'key/csr') _nae_words "--help --subject --san --version --json --server --certificate --key --authority --config --context" ;;
        'key/set-certificate') if [[ $current == -* ]]; then _nae_words "--help --remove --json --server --certificate --key --authority --config --context"; else _nae_paths -f; fi ;;
        'policy') _nae_words "apply show history diff rollback test prune --help --json --server --certificate --key --authority --config --context" ;;
        'policy/apply') if [[ $current == -* ]]; then _nae_words "--help --comment --if-revision --dry-run --json --server --certificate --key --authority --config --context"; else _nae_paths -f; fi ;;
        'policy/show') _nae_words "--help --version --json --server --certificate --key --authority --config --context" ;;
        'policy/history') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'policy/diff') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'policy/rollback') _nae_words "--help --comment --json --server --certificate --key --authority --config --context" ;;
        'policy/test') _nae_words "--help --role --database --program --device --action --key --member-of --login-role --session-role --network --client-address --at --user --issuer --claim --executable --executable-sha256 --json --server --certificate --authority --config --context" ;;
        'policy/prune') _nae_words "--help --before --yes --json --server --certificate --key --authority --config --context" ;;
        'device') _nae_words "enroll renew rekey confirm list remove --help --json --server --certificate --key --authority --config --context" ;;
        'device/enroll') _nae_words "--help --out --request --kind --approval --valid-days --json --server --certificate --key --authority --config --context" ;;
        'device/renew') _nae_words "--help --out --request --key --kind --approval --valid-days --json --server --certificate --authority --config --context" ;;
        'device/rekey') _nae_words "--help --out --request --certificate --signature --approval --valid-days --json --server --key --authority --config --context" ;;
        'device/confirm') _nae_words "--help --keep --yes --json --server --certificate --key --authority --config --context" ;;
        'device/list') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'device/remove') _nae_words "--help --kind --yes --json --server --certificate --key --authority --config --context" ;;
        'admin') _nae_words "add list roles remove renew --help --json --server --certificate --key --authority --config --context" ;;
        'admin/add') _nae_words "--help --role --out --request --approval --valid-days --json --server --certificate --key --authority --config --context" ;;
        'admin/list') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'admin/roles') _nae_words "--help --role --json --server --certificate --key --authority --config --context" ;;
        'admin/remove') _nae_words "--help --yes --json --server --certificate --key --authority --config --context" ;;
        'admin/renew') _nae_words "--help --out --valid-days --json --server --certificate --key --authority --config --context" ;;
        'approvals') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'approve') _nae_words "--help --digest --yes --json --server --certificate --key --authority --config --context" ;;
        'reject') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'audit') _nae_words "query report export verify receipt verify-receipt prune sink --help --json --server --certificate --key --authority --config --context" ;;
        'audit/query') _nae_words "--help --event --role --key --action --verdict --device --database --user --from --to --summary --limit --directory --group --node --json --server --certificate --authority --config --context" ;;
        'audit/report') _nae_words "--help --since --directory --group --node --json --server --certificate --key --authority --config --context" ;;
        'audit/export') _nae_words "--help --format --event --role --key --action --verdict --device --database --user --from --to --directory --json --server --certificate --authority --config --context" ;;
        'audit/verify') _nae_words "--help --directory --group --node --segment --public-key --from --to --json --server --certificate --key --authority --config --context" ;;
        'audit/receipt') _nae_words "--help --directory --json --server --certificate --key --authority --config --context" ;;
        'audit/verify-receipt') if [[ $current == -* ]]; then _nae_words "--help --public-key --json --server --certificate --key --authority --config --context"; else _nae_paths -f; fi ;;
        'audit/prune') _nae_words "--help --before --yes --json --server --certificate --key --authority --config --context" ;;
        'audit/sink') _nae_words "--help --directory --database --public-key --source --create --follow --json --server --certificate --key --authority --config --context" ;;
        'status') _nae_words "--help --watch --json --server --certificate --key --authority --config --context" ;;
        'clock') _nae_words "accept --help --json --server --certificate --key --authority --config --context" ;;
        'clock/accept') _nae_words "--help --reason --json --server --certificate --key --authority --config --context" ;;
        'node') _nae_words "list fence allow remove --help --json --server --certificate --key --authority --config --context" ;;
        'node/list') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'node/fence') _nae_words "--help --reason --yes --json --server --certificate --key --authority --config --context" ;;
        'node/allow') _nae_words "--help --reason --json --server --certificate --key --authority --config --context" ;;
        'node/remove') _nae_words "--help --reason --yes --json --server --certificate --key --authority --config --context" ;;
        'pkcs11') _nae_words "init-file --help --json --server --certificate --key --authority --config --context" ;;
        'pkcs11/init-file') _nae_words "--help --for --module --engine --socket --token --enable-in --out --json --server --certificate --key --authority --config --context" ;;
        'custody') _nae_words "status check approve --help --json --server --certificate --key --authority --config --context" ;;
        'custody/status') if [[ $current == -* ]]; then _nae_words "--help --audit-key --json --server --certificate --key --authority --config --context"; else _nae_paths -f; fi ;;
        'custody/check') if [[ $current == -* ]]; then _nae_words "--help --audit-key --software-card --passphrase-file --card-module --card-token --card-pin-file --json --server --certificate --key --authority --config --context"; else _nae_paths -f; fi ;;
        'custody/approve') _nae_words "--help --software-card --passphrase-file --card-module --card-token --card-pin-file --yes --json --server --certificate --key --authority --config --context" ;;
        'backup') _nae_words "--help --out --granted --json --server --certificate --key --authority --config --context" ;;
        'context') _nae_words "list show use add remove --help --json --server --certificate --key --authority --config --context" ;;
        'context/list') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'context/show') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'context/use') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'context/add') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'context/remove') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'doctor') _nae_words "--help --json --server --certificate --key --authority --config --context" ;;
        'batch') _nae_words "--help --stop --json --server --certificate --key --authority --config --context" ;;
    esac
}
complete -F _nae nae
