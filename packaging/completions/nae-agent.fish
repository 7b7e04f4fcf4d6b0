# fish completion of nae-agent, written from its --help by packaging/completions/generate: do not edit.

complete -c nae-agent -f
complete -c nae-agent -l help -d 'Print this help message and exit'
complete -c nae-agent -l version -d 'Display program version information and exit'
complete -c nae-agent -l config -r -F -d 'configuration file'
complete -c nae-agent -l socket -r -F -d 'listen here instead of where the file says'
complete -c nae-agent -l check-config -d 'check configuration and certificates, then end'
complete -c nae-agent -l parent-death -d 'stop when the parent process ends'
complete -c nae-agent -l ready-fd -x -d 'write "ready" to this descriptor once the socket listens'
