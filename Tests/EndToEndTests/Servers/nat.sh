#!/usr/bin/env bash
# nat.sh WORK PORT: two real clients with addresses from a real DHCP server (dnsmasq) behind a real NAT (nftables), in network
# namespaces. What dnsmasq and the kernel's connection tracking (conntrack -E) say goes through a real rsyslog to PORT by UDP.
# Prints what the server on the other side saw, a line each: SECONDS open|close CLIENT PUBLIC-PORT PORT. Ends 77 where this
# machine cannot do that.
set -euo pipefail
work=$1 port=$2
[ "$(id -u)" = 0 ] || exit 77
for needed in dnsmasq rsyslogd udhcpc ip unshare nft conntrack logger python3; do command -v "$needed" >/dev/null || exit 77; done

one=muhur-a$$ two=muhur-b$$ wan=muhur-w$$ spaces=("muhur-g$$" "$one" "$two" "$wan")
. "$(dirname "$0")/lan.sh"
gate=$server
ip -n "$gate" link add wan0 type veth peer name eth0 netns "$wan"
ip -n "$gate" addr add 203.0.113.1/24 dev wan0
ip -n "$gate" link set wan0 up
ip -n "$wan" addr add 203.0.113.80/24 dev eth0
ip -n "$wan" link set eth0 up
ip netns exec "$gate" sysctl -qw net.ipv4.ip_forward=1 || exit 77
ip netns exec "$gate" nft -f - 2>/dev/null <<'NFT' || exit 77
table ip gate {
  chain out { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
}
NFT
# Closed connections are forgotten after a second, not two minutes.
ip netns exec "$gate" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=1 net.netfilter.nf_conntrack_tcp_timeout_close=1 || exit 77

ip netns exec "$gate" dnsmasq --keep-in-foreground --user=root --log-facility=- --port=0 --conf-file=/dev/null --interface=lan0 \
  --except-interface=lo --bind-interfaces --no-ping --dhcp-authoritative --dhcp-range=10.77.0.10,10.77.0.20,255.255.255.0,1h \
  --dhcp-leasefile="$work/leases" 2> >(sed -u 's/^dnsmasq-dhcp[^:]*: //' | logger -u "$work/devlog" -t dnsmasq-dhcp -p daemon.info) &
pids+=($!)
ip netns exec "$gate" stdbuf -oL conntrack -E -p tcp -o timestamp 2>"$work/conntrack.err" \
  > >(stdbuf -oL sed 's/^\[[0-9.]*\]\t*//' | logger -u "$work/devlog" -t conntrack -p daemon.info) &
pids+=($!)
sleep 1.5

cat >"$work/bound" <<'BOUND'
#!/bin/sh
case $1 in
  deconfig) ip addr flush dev eth0 ;;
  bound) ip addr replace "$ip/24" dev eth0; ip route replace default via 10.77.0.1 ;;
esac
BOUND
chmod +x "$work/bound"
for guest in $one $two; do
  ip netns exec "$guest" udhcpc -q -f -i eth0 -s "$work/bound" -t 10 -T 1 -A 1 >>"$work/clients.log" 2>&1 || { cat "$work/clients.log" >&2; exit 1; }
done

# The other side says whom it saw, from when to when.
cat >"$work/server.py" <<'SERVER'
import socket, threading, time
def talk(peer, public, port):
    name = peer.recv(100).decode()
    print(f"{time.time():.3f} open {name} {public} {port}", flush=True)
    peer.recv(100)
    print(f"{time.time():.3f} close {name} {public} {port}", flush=True)
    peer.close()
def serve(listener, port):
    while True:
        peer, (_, public) = listener.accept()
        threading.Thread(target=talk, args=(peer, public, port), daemon=True).start()
for port in (8080, 8081):
    threading.Thread(target=serve, args=(socket.create_server(("203.0.113.80", port)), port), daemon=True).start()
time.sleep(600)
SERVER
ip netns exec "$wan" python3 "$work/server.py" &
pids+=($!)
sleep 1
# A client: always from port 40001, to a port of the other side, for some seconds.
cat >"$work/client.py" <<'CLIENT'
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 40001))
s.connect(("203.0.113.80", int(sys.argv[2])))
s.send(sys.argv[1].encode())
time.sleep(float(sys.argv[3]))
CLIENT
begin() {
  ip netns exec "$1" python3 "$work/client.py" "$2" "$3" "$4" &
  clients+=($!)
}
# Waits for them, then has the gateway forget what is closed: by itself it does so within a minute.
finish() {
  for client in "${clients[@]}"; do wait "$client"; done
  clients=()
  sleep 0.5
  ip netns exec "$gate" conntrack -D -p tcp >/dev/null 2>&1 || true
}
clients=()
begin $one 1 8080 6
sleep 0.5
# The same port to the same place: the gateway chooses another. To another place: it may take the same once more.
begin $two 2 8080 6
sleep 0.5
begin $two 2 8081 5
finish
sleep 6
# The first public port again, of the other client.
begin $two 2 8080 4
finish
sleep 4
echo "$(date +%s.%3N) end"
