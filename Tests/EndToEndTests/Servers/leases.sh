#!/usr/bin/env bash
# leases.sh SERVER WORK PORT: a real DHCP server (dhcpd, kea, dnsmasq) with one address to give and two real clients, in
# network namespaces. What the server says to syslog goes through a real rsyslog to PORT by UDP. Prints what truly
# happened, a line each: SECONDS EVENT CLIENT ADDRESS. Leaves what a capture on the server saw in WORK/wire.pcap and its
# lease file in WORK/leases. Ends 77 where this machine cannot do that.
set -euo pipefail
kind=$1 work=$2 port=$3
[ "$(id -u)" = 0 ] || exit 77
case $kind in dhcpd) program=dhcpd ;; kea) program=kea-dhcp4 ;; dnsmasq) program=dnsmasq ;; *) exit 2 ;; esac
for needed in "$program" rsyslogd udhcpc tcpdump ip unshare; do command -v "$needed" >/dev/null || exit 77; done

one=muhur-a$$ two=muhur-b$$ spaces=("muhur-s$$" "$one" "$two")
. "$(dirname "$0")/lan.sh"

# syslog(3) knows one socket, /dev/log: the server gets a /dev of its own that has rsyslog's there.
mkdir -p "$work/dev" "$work/kea"
cat >"$work/run" <<'RUN'
mount --bind /dev "$1/dev" && mount -t tmpfs tmpfs /dev
for node in null zero full random urandom; do ln -s "$1/dev/$node" "/dev/$node"; done
ln -s "$1/devlog" /dev/log
shift
exec "$@"
RUN
serve() {
  ip netns exec "$server" unshare -m bash "$work/run" "$work" "$@" >"$work/server.log" 2>&1 &
  pids+=($!)
}
case $kind in
  dhcpd)
    cat >"$work/dhcpd.conf" <<DHCPD
log-facility daemon; default-lease-time 6; max-lease-time 6; min-lease-time 6; authoritative; ping-check false;
subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.10 10.77.0.10; }
DHCPD
    : >"$work/leases"
    serve dhcpd -f -q -4 -cf "$work/dhcpd.conf" -lf "$work/leases" -pf "$work/dhcpd.pid" --no-pid lan0
    ;;
  kea)
    cat >"$work/kea.conf" <<KEA
{ "Dhcp4": { "interfaces-config": { "interfaces": ["lan0"], "dhcp-socket-type": "raw" }, "valid-lifetime": 6,
  "lease-database": { "type": "memfile", "persist": true, "name": "$work/leases" },
  "subnet4": [ { "subnet": "10.77.0.0/24", "pools": [ { "pool": "10.77.0.10 - 10.77.0.10" } ] } ],
  "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "syslog" } ] } ] } }
KEA
    export KEA_LOCKFILE_DIR=$work/kea KEA_PIDFILE_DIR=$work/kea
    serve kea-dhcp4 -c "$work/kea.conf"
    ;;
  dnsmasq)
    # dnsmasq gives no lease shorter than two minutes.
    serve dnsmasq --keep-in-foreground --user=root --log-facility=daemon --port=0 --conf-file=/dev/null --interface=lan0 --except-interface=lo --bind-interfaces \
      --no-ping --dhcp-authoritative --dhcp-range=10.77.0.10,10.77.0.10,255.255.255.0,2m --dhcp-leasefile="$work/leases"
    ;;
esac
sleep 1.5
ip netns exec "$server" tcpdump -q -U -Z root -i lan0 -w "$work/wire.pcap" 'udp port 67 or udp port 68' 2>"$work/tcpdump.log" &
pids+=($!)

cat >"$work/bound" <<'BOUND'
#!/bin/sh
case $1 in
  deconfig) ip addr flush dev eth0 ;;
  bound | renew)
    ip addr replace "$ip/24" dev eth0
    echo "$1 $ip" >>"$facts"
    ;;
esac
BOUND
chmod +x "$work/bound"
tell() { echo "$(date +%s.%N | cut -c1-14) $*"; }
# A client in the foreground: SIGUSR1 renews, SIGUSR2 releases.
client() {
  : >"$work/facts.$2"
  facts="$work/facts.$2" ip netns exec "$1" udhcpc -f -i eth0 -s "$work/bound" -t 10 -T 1 -A 1 -x "hostname:$2" >"$work/$2.log" 2>&1 &
  client=$!
  pids+=("$client")
  expect "$2" bound
}
# Waits until the client has seen that.
expect() {
  for _ in $(seq 150); do
    line=$(grep "^$2 " "$work/facts.$1" | tail -n 1 || true)
    if [ -n "$line" ]; then
      : >"$work/facts.$1"
      tell "$2" "$1" "${line#* }"
      return
    fi
    sleep 0.1
  done
  echo "no $2 for $1" >&2
  cat "$work/$1.log" "$work/server.log" >&2
  exit 1
}

tell begin
sleep 3
# Between any two of them a whole second that is 0.9 s away from both; a client renews by itself after three.
client $one birinci
first=$client
sleep 2.8
kill -USR1 "$first"
expect birinci renew
sleep 2.8
kill -USR2 "$first"
sleep 0.3
tell release birinci
kill "$first"
sleep 4
client $two ikinci
second=$client
sleep 2.8
# Gone without a word.
kill -KILL "$second"
wait "$second" 2>/dev/null || true
tell gone ikinci
if [ "$kind" != dnsmasq ]; then
  sleep 10
  tell expired ikinci
  client $one birinci
  sleep 3
fi
tell end
