# Completion of muhur, muhurd and muhur-verify for fish, made by scripts/completions out of --help: not to be changed by hand.

function __muhur_command
    set -l seen (commandline -opc)
    for name in who nat device table search show export days heads status init seal import copy reindex hold destruction queries drill check-config explain help
        if contains -- $name $seen
            test (count $argv) -eq 0; or contains -- $name $argv
            return
        end
    end
    return 1
end

function __muhur_days
    set -l seen (commandline -opc)
    set -l where
    if set -l at (contains -i -- --archive $seen)
        set where --archive $seen[(math $at + 1)]
    end
    muhur $where days 2>/dev/null | string match -r '^\d{4}-\d\d-\d\d'
end

complete -c muhur -f
complete -c muhur -n 'not __muhur_command' -a who -d 'which device and user held an internal address at a time'
complete -c muhur -n 'not __muhur_command' -a nat -d 'who stood behind a public address and port at a time'
complete -c muhur -n 'not __muhur_command' -a device -d 'every address that a device or user held'
complete -c muhur -n 'not __muhur_command' -a table -d 'a day\'s list of addresses and their holders'
complete -c muhur -n 'not __muhur_command' -a search -d 'records that hold a text'
complete -c muhur -n 'not __muhur_command' -a show -d 'one record whole, and what proves it'
complete -c muhur -n 'not __muhur_command' -a export -d 'an evidence bundle of some records'
complete -c muhur -n 'not __muhur_command' -a days -d 'the days of the log and their state'
complete -c muhur -n 'not __muhur_command' -a heads -d 'the head lines, one for each closed day'
complete -c muhur -n 'not __muhur_command' -a status -d 'the daemon\'s state: sources, losses, seals, tokens, disk, warnings'
complete -c muhur -n 'not __muhur_command' -a init -d 'make a new log and its keys'
complete -c muhur -n 'not __muhur_command' -a seal -d 'seal what is there now'
complete -c muhur -n 'not __muhur_command' -a import -d 'read log files into the open day'
complete -c muhur -n 'not __muhur_command' -a copy -d 'copy the archive, also while it is written'
complete -c muhur -n 'not __muhur_command' -a reindex -d 'build the index again from the archive'
complete -c muhur -n 'not __muhur_command' -a hold -d 'keep days for a case, beyond their time'
complete -c muhur -n 'not __muhur_command' -a destruction -d 'the record of what retention has deleted'
complete -c muhur -n 'not __muhur_command' -a queries -d 'who asked what, and what was exported'
complete -c muhur -n 'not __muhur_command' -a drill -d 'try whether evidence can be given, once a year'
complete -c muhur -n 'not __muhur_command' -a check-config -d 'check the configuration and its dialects'
complete -c muhur -n 'not __muhur_command' -a explain -d 'how messages are read, and why not'
complete -c muhur -n 'not __muhur_command' -a help -d 'tell how a command is called'
complete -c muhur -l archive -x -a '(__fish_complete_directories)' -d 'read this archive, such as an auditor\'s copy, in place of asking the daemon; questions go to several together (may be repeated)'
complete -c muhur -l index -x -a '(__fish_complete_directories)' -d 'where the index of --archive lies, or is built (default: $XDG_CACHE_HOME/muhur/LOGID)'
complete -c muhur -l keys -x -a '(__fish_complete_directories)' -d 'the signer\'s and the local authority\'s keys, where an archive without daemon is written'
complete -c muhur -l socket -r -F -d 'the daemon\'s socket (default: /run/muhur/muhur.sock)'
complete -c muhur -l json -d 'answer in JSON'
complete -c muhur -l help -d 'explain the command'
complete -c muhur -l version -d 'print the version'
complete -c muhur -n '__muhur_command who' -l at -x -d 'the time in question; necessary'
complete -c muhur -n '__muhur_command who' -l window -x -d 'how near to TIME a change of holder or a gap lowers the certainty (default 5m); makes no answer'
complete -c muhur -n '__muhur_command who' -l site -x -d 'only this address space, where units reuse addresses'
complete -c muhur -n '__muhur_command who' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command who' -l export -r -F -d 'also write an evidence bundle of the answer'
complete -c muhur -n '__muhur_command nat' -l at -x -d 'the time in question; necessary'
complete -c muhur -n '__muhur_command nat' -l window -x -d 'how far sessions may lie from TIME (default 60s)'
complete -c muhur -n '__muhur_command nat' -l to -x -d 'the other end; necessary where no port is given'
complete -c muhur -n '__muhur_command nat' -l protocol -x -a 'tcp udp icmp' -d 'tcp, udp, icmp or a number'
complete -c muhur -n '__muhur_command nat' -l site -x -d 'only this address space, where units reuse addresses'
complete -c muhur -n '__muhur_command nat' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command device' -l from -x -a '(__muhur_days)' -d 'the beginning, inclusive; a day alone means its first moment'
complete -c muhur -n '__muhur_command device' -l to -x -a '(__muhur_days)' -d 'the end, inclusive; a day alone means its last moment'
complete -c muhur -n '__muhur_command device' -l site -x -d 'only this address space, where units reuse addresses'
complete -c muhur -n '__muhur_command device' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command table' -l csv -d 'comma-separated (RFC 4180); see below'
complete -c muhur -n '__muhur_command table' -l site -x -d 'only this address space, where units reuse addresses'
complete -c muhur -n '__muhur_command table' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command table' -a '(__muhur_days)'
complete -c muhur -n '__muhur_command search' -l from -x -a '(__muhur_days)' -d 'the beginning, inclusive; a day alone means its first moment'
complete -c muhur -n '__muhur_command search' -l to -x -a '(__muhur_days)' -d 'the end, inclusive; a day alone means its last moment'
complete -c muhur -n '__muhur_command search' -l kind -x -a 'lease binding session login notice' -d 'only records with an event of this kind: lease, binding, session, login, notice'
complete -c muhur -n '__muhur_command search' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command show' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command show' -a '(__muhur_days)'
complete -c muhur -n '__muhur_command export' -l out -r -F -d 'the file to write; necessary'
complete -c muhur -n '__muhur_command export' -l case -x -d 'the case number or letter for which is asked; stands in the query notice'
complete -c muhur -n '__muhur_command export' -a '(__muhur_days)'
complete -c muhur -n '__muhur_command init' -l log -x -d 'the log\'s name, which stands in every seal (default: the host\'s name)'
complete -c muhur -n '__muhur_command init' -l timezone -x -d 'the zone of its days and times (default: /etc/timezone, else Europe/Istanbul)'
complete -c muhur -n '__muhur_command init' -l resume -d 'go on with an archive that was restored from a copy'
complete -c muhur -n '__muhur_command seal' -l final -x -a '(__muhur_days)' -d 'close a past day that has no final seal'
complete -c muhur -n '__muhur_command seal' -l confirm-clock -d 'confirm that the clock is right, although it is more than eight days ahead of the open day'
complete -c muhur -n '__muhur_command import' -l source -x -d 'the device that wrote the file, as in the configuration; necessary'
complete -c muhur -n '__muhur_command import' -l format -x -a 'syslog isc-leases kea-leases dnsmasq-leases windows-dhcp radius-detail pcap static' -d 'syslog, isc-leases, kea-leases, dnsmasq-leases, windows-dhcp, radius-detail, pcap, static (default: by what the file looks like)'
complete -c muhur -n '__muhur_command import' -l year -x -d 'the year of the first line, where lines have none'
complete -c muhur -n '__muhur_command import' -l again -d 'also where the same file was imported before'
complete -c muhur -n '__muhur_command import' -F
complete -c muhur -n '__muhur_command copy' -l check -d 'copy nothing: say how far the copy in DEST is behind, and whether it is whole'
complete -c muhur -n '__muhur_command copy' -a '(__fish_complete_directories)'
complete -c muhur -n '__muhur_command hold' -l case -x -d 'the case; necessary'
complete -c muhur -n '__muhur_command hold' -l release -d 'end the hold of this case'
complete -c muhur -n '__muhur_command hold' -a '(__muhur_days)'
complete -c muhur -n '__muhur_command destruction' -l from -x -a '(__muhur_days)' -d 'the first day'
complete -c muhur -n '__muhur_command destruction' -l to -x -a '(__muhur_days)' -d 'the last day'
complete -c muhur -n '__muhur_command destruction' -l out -r -F -d 'also write it as a page (HTML, Turkish and English), to print and sign'
complete -c muhur -n '__muhur_command destruction' -a '(__muhur_days)'
complete -c muhur -n '__muhur_command queries' -l from -x -a '(__muhur_days)' -d 'the beginning, inclusive; a day alone means its first moment'
complete -c muhur -n '__muhur_command queries' -l to -x -a '(__muhur_days)' -d 'the end, inclusive; a day alone means its last moment'
complete -c muhur -n '__muhur_command queries' -l case -x -d 'only what was asked for this case'
complete -c muhur -n '__muhur_command drill' -l records -x -d 'how many records are tried (default 20)'
complete -c muhur -n '__muhur_command drill' -l copy -x -a '(__fish_complete_directories)' -d 'a backup to check as well, all its records included (may be repeated)'
complete -c muhur -n '__muhur_command drill' -l signer -r -F -d 'PEM: the certificates that may sign seals'
complete -c muhur -n '__muhur_command drill' -l tsa -r -F -d 'PEM: the time-stamp authorities'
complete -c muhur -n '__muhur_command drill' -l out -r -F -d 'also write the report as a page (HTML, Turkish and English)'
complete -c muhur -n '__muhur_command check-config' -l config -r -F -d 'the configuration (default: /etc/muhur/muhur.json5)'
complete -c muhur -n '__muhur_command check-config' -F
complete -c muhur -n '__muhur_command explain' -l source -x -d 'read as from this device of the configuration'
complete -c muhur -n '__muhur_command explain' -l dialect -x -d 'only with this dialect'
complete -c muhur -n '__muhur_command explain' -l charset -x -a 'windows-1254 iso-8859-9 utf-8 utf-16le utf-16be cp857 cp437' -d 'of bytes that are not UTF-8: windows-1254 (default), iso-8859-9, utf-8, utf-16le, utf-16be, cp857, cp437'
complete -c muhur -n '__muhur_command explain' -l base64 -d 'each line is one message in base64'
complete -c muhur -n '__muhur_command explain' -l dialects -x -a '(__fish_complete_directories)' -d 'the folder of dialects (may be repeated)'
complete -c muhur -n '__muhur_command explain' -l config -r -F -d 'the configuration (default: /etc/muhur/muhur.json5)'
complete -c muhur -n '__muhur_command explain' -F
complete -c muhur -n '__muhur_command help' -a 'who nat device table search show export days heads status init seal import copy reindex hold destruction queries drill check-config explain'
complete -c muhurd -f
complete -c muhurd -l config -r -F -d 'the configuration (default /etc/muhur/muhur.json5); `muhur check-config FILE` checks one'
complete -c muhurd -l version -d 'print the version'
complete -c muhurd -l help -d 'print this'
complete -c muhur-verify -F
complete -c muhur-verify -l signer -r -F -d 'PEM: certificates that may sign seals, or their roots'
complete -c muhur-verify -l tsa -r -F -d 'PEM: time-stamp authorities, or their roots'
complete -c muhur-verify -l policy -x -d 'count only tokens given under this policy'
complete -c muhur-verify -l head -r -F -d 'published head lines (muhur-head-1 ID NUMBER DAY SHA256) that the log must agree with'
complete -c muhur-verify -l log -x -d 'the log\'s id, as it was recorded elsewhere'
complete -c muhur-verify -l as-of -x -d 'judge as of this time (RFC 3339 or Unix seconds; default now)'
complete -c muhur-verify -l max-delay -x -d 'how long after its end a day may be proven'
complete -c muhur-verify -l retention -x -d 'how long records must be kept'
complete -c muhur-verify -l closed -d 'leave the open day out'
complete -c muhur-verify -l from -x -d 'check the records of these days only (2026-11-23; seals are always checked)'
complete -c muhur-verify -l to -x -d 'check the records of these days only (2026-11-23; seals are always checked)'
complete -c muhur-verify -l json -d 'one JSON object for each PATH'
complete -c muhur-verify -l report -r -F -d 'also a page to print, in Turkish and English; FILE must not exist'
complete -c muhur-verify -l quiet -d 'nothing; the exit code alone'
complete -c muhur-verify -l version -d 'the program\'s version, alone on the command line'
complete -c muhur-verify -l help -d 'this text'
