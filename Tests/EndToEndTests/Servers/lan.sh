# shellcheck shell=bash disable=SC2154
# To be sourced: a LAN in network namespaces, and a real rsyslog. Wants work and port (as the caller has them) and spaces: the
# names of the namespaces, of which the first is the server (10.77.0.1 on lan0) and the next two are its guests. Ends 77 where
# this machine cannot do that. What is in pids is stopped at the end.
server=${spaces[0]} guests=("${spaces[@]:1:2}") made=() pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  for space in "${made[@]}"; do ip netns delete "$space" 2>/dev/null || true; done
}
trap cleanup EXIT
for space in "${spaces[@]}"; do
  ip netns add "$space" 2>/dev/null || exit 77
  made+=("$space")
  ip -n "$space" link set lo up
done
ip -n "$server" link add lan0 type bridge 2>/dev/null || exit 77
ip -n "$server" link set lan0 up
ip -n "$server" addr add 10.77.0.1/24 dev lan0
number=0
for guest in "${guests[@]}"; do
  number=$((number + 1))
  ip -n "$server" link add "port$number" type veth peer name eth0 netns "$guest"
  ip -n "$server" link set "port$number" master lan0 up
  ip -n "$guest" link set eth0 address "02:00:00:00:77:0$number"
  ip -n "$guest" link set eth0 up
done

# What is said to WORK/devlog goes to the port by UDP.
cat >"$work/rsyslog.conf" <<RSYSLOG
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$work/devlog" CreatePath="on")
global(workDirectory="$work")
action(type="omfwd" target="127.0.0.1" port="$port" protocol="udp")
RSYSLOG
rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" 2>>"$work/rsyslog.err" &
pids+=($!)
for _ in $(seq 50); do [ -S "$work/devlog" ] && break; sleep 0.1; done
