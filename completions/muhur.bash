# Completion of muhur, muhurd and muhur-verify for bash, made by scripts/completions out of --help: not to be changed by hand.

_muhur() {
  local program=${COMP_WORDS[0]##*/} command='' waits='' kind='' options='--archive --index --keys --socket --json --help --version' current=${COMP_WORDS[COMP_CWORD]}
  local word words=0 i
  local -a where=()
  # Whose command line it is: the program's own, or that of the command of muhur.
  [ "$program" = muhur ] || command=$program
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [ "$word" = = ]; then continue; fi
    if [ -n "$waits" ]; then
      case $waits in --archive | --socket) where+=("$waits" "$word") ;; esac
      waits=''
      continue
    fi
    case $word in
      --archive | --as-of | --at | --case | --charset | --config | --copy | --dialect | --dialects | --export | --final | --format | --from | --head | --index | --keys | --kind | --log | --max-delay | --out | --policy | --protocol | --records | --report | --retention | --signer | --site | --socket | --source | --timezone | --to | --tsa | --window | --year) waits=$word ;;
      -*) ;;
      *) if [ -z "$command" ]; then command=$word; else words=$((words + 1)); fi ;;
    esac
  done
  [ "$current" != = ] || current=''
  case $command in
    who) options+=' --at --window --site --case --export' ;;
    nat) options+=' --at --window --to --protocol --site --case' ;;
    device) options+=' --from --to --site --case' ;;
    table) options+=' --csv --site --case' ;;
    search) options+=' --from --to --kind --case' ;;
    show) options+=' --case' ;;
    export) options+=' --out --case' ;;
    init) options+=' --log --timezone --resume' ;;
    seal) options+=' --final --confirm-clock' ;;
    import) options+=' --source --format --year --again' ;;
    copy) options+=' --check' ;;
    hold) options+=' --case --release' ;;
    destruction) options+=' --from --to --out' ;;
    queries) options+=' --from --to --case' ;;
    drill) options+=' --records --copy --signer --tsa --out' ;;
    check-config) options+=' --config' ;;
    explain) options+=' --source --dialect --charset --base64 --dialects --config' ;;
    muhurd) options='--config --version --help' ;;
    muhur-verify) options='--signer --tsa --policy --head --log --as-of --max-delay --retention --closed --from --to --json --report --quiet --version --help' ;;
  esac
  case "$command ${waits:-$words}" in
    *' --archive' | *' --index' | *' --keys' | 'copy 0' | 'drill --copy' | 'explain --dialects') kind='folder' ;;
    *' --socket' | 'who --export' | 'export --out' | 'import '[0-9]* | 'destruction --out' | 'drill --signer' | 'drill --tsa' | 'drill --out' | 'check-config --config' | 'check-config 0' | 'explain --config' | 'explain 0' | 'muhurd --config' | 'muhur-verify --signer' | 'muhur-verify --tsa' | 'muhur-verify --head' | 'muhur-verify --report' | 'muhur-verify '[0-9]*) kind='file' ;;
    'nat --protocol') kind='tcp udp icmp' ;;
    'device --from' | 'device --to' | 'table 0' | 'search --from' | 'search --to' | 'show 0' | 'export 0' | 'seal --final' | 'hold 0' | 'hold 1' | 'destruction --from' | 'destruction --to' | 'destruction 0' | 'queries --from' | 'queries --to') kind='day' ;;
    'search --kind') kind='lease binding session login notice' ;;
    'import --format') kind='syslog isc-leases kea-leases dnsmasq-leases windows-dhcp radius-detail pcap static' ;;
    'explain --charset') kind='windows-1254 iso-8859-9 utf-8 utf-16le utf-16be cp857 cp437' ;;
    'help 0') kind='who nat device table search show export days heads status init seal import copy reindex hold destruction queries drill check-config explain' ;;
  esac
  if [ -z "$waits" ]; then
    case $current in -*) kind=$options ;; esac
    [ -n "$command" ] || [ "$kind" = "$options" ] || kind='who nat device table search show export days heads status init seal import copy reindex hold destruction queries drill check-config explain help'
  fi
  case $kind in
    '') COMPREPLY=() ;;
    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    day)
      kind=$("${COMP_WORDS[0]}" "${where[@]}" days 2>/dev/null | grep -Eo '^[0-9]{4}-[0-9]{2}-[0-9]{2}')
      mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
  esac
}
complete -F _muhur muhur muhurd muhur-verify
