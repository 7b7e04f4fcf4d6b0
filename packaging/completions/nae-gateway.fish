# fish completion of nae-gateway, written from its --help by packaging/completions/generate: do not edit.

function __fish_nae_gateway_at --description 'whether the command line is at this path of subcommands'
    set -l path
    for word in (commandline -opc)[2..]
        switch "$path $word"
            case ' test'
                set path 'test'
            case ' scan'
                set path 'scan'
        end
    end
    test "$path" = "$argv"
end
complete -c nae-gateway -f
complete -c nae-gateway -n '__fish_nae_gateway_at ' -a test -d 'show what routes make of the request on standard input, without a key server'
complete -c nae-gateway -n '__fish_nae_gateway_at ' -a scan -d 'say which fields of the requests on standard input look sensitive and pass in clear'
complete -c nae-gateway -n '__fish_nae_gateway_at ' -l help -d 'Print this help message and exit'
complete -c nae-gateway -n '__fish_nae_gateway_at ' -l version -d 'Display program version information and exit'
complete -c nae-gateway -n '__fish_nae_gateway_at ' -l config -r -F -d 'configuration file'
complete -c nae-gateway -n '__fish_nae_gateway_at ' -l check-config -d 'check configuration and certificates, then end'
complete -c nae-gateway -n '__fish_nae_gateway_at test' -l help -d 'Print this help message and exit'
complete -c nae-gateway -n '__fish_nae_gateway_at test' -l config -r -F -d 'configuration file'
complete -c nae-gateway -n '__fish_nae_gateway_at test' -l check-config -d 'check configuration and certificates, then end'
complete -c nae-gateway -n '__fish_nae_gateway_at scan' -l help -d 'Print this help message and exit'
complete -c nae-gateway -n '__fish_nae_gateway_at scan' -l config -r -F -d 'configuration file'
complete -c nae-gateway -n '__fish_nae_gateway_at scan' -l check-config -d 'check configuration and certificates, then end'
