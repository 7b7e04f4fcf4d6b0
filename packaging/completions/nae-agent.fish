# fish completion of nae-agent, written from its --help by packaging/completions/generate: do not edit.

function __fish_nae_agent_at --description 'whether the command line is at this path of subcommands'
    set -l path
    for word in (commandline -opc)[2..]
        switch "$path $word"
            case ' doctor'
                set path 'doctor'
        end
    end
    test "$path" = "$argv"
end
complete -c nae-agent -f
complete -c nae-agent -n '__fish_nae_agent_at ' -a doctor -d 'look for what is wrong on this host and on the way to the key servers'
complete -c nae-agent -n '__fish_nae_agent_at ' -l help -d 'Print this help message and exit'
complete -c nae-agent -n '__fish_nae_agent_at ' -l version -d 'Display program version information and exit'
complete -c nae-agent -n '__fish_nae_agent_at ' -l config -r -F -d 'configuration file'
complete -c nae-agent -n '__fish_nae_agent_at ' -l socket -r -F -d 'listen here instead of where the file says'
complete -c nae-agent -n '__fish_nae_agent_at ' -l check-config -d 'check configuration and certificates, then end'
complete -c nae-agent -n '__fish_nae_agent_at ' -l parent-death -d 'stop when the parent process ends'
complete -c nae-agent -n '__fish_nae_agent_at ' -l ready-fd -x -d 'write "ready" to this descriptor once the socket listens'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l help -d 'Print this help message and exit'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l json -d 'print the findings as JSON'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l config -r -F -d 'configuration file'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l socket -r -F -d 'listen here instead of where the file says'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l check-config -d 'check configuration and certificates, then end'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l parent-death -d 'stop when the parent process ends'
complete -c nae-agent -n '__fish_nae_agent_at doctor' -l ready-fd -x -d 'write "ready" to this descriptor once the socket listens'
