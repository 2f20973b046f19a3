#!/bin/sh
# The first process of new namespaces (mounts, network, processes, host name, IPC): makes a node's world of them.
#   first-process.sh STATE PAUSE NODE_NAME ADDRESS HOST_NAME COMMAND...
# COMMAND runs in that world; this process then only reaps what is left to it, until it is killed and takes all along.
set -eu
state=$1 pause=$2 node=$3 address=$4 host=$5
shift 5

# The kubelet mounts volumes that containers must see.
mount --make-rshared /
hostname "$node"
mount -t tmpfs tmpfs /run

# The kubelet wants these three values and would set them for the whole machine; refused, it would stop. So it is
# shown files that already hold them.
mask() {
  mkdir -p "/run/sysctl/${1%/*}"
  echo "$2" >"/run/sysctl/$1"
  mount --bind "/run/sysctl/$1" "/proc/sys/$1"
}
mask vm/overcommit_memory 1
mask kernel/panic 10
mask kernel/panic_on_oops 1

# One bridge is the node's address, the pods' gateway and the default route: nothing leaves.
ip link set lo up
ip link add cni0 type bridge
ip addr add "$address/24" dev cni0
ip link set cni0 up
ip route add default dev cni0 src "$address"
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

# Without names of its own a server waits half a minute for name servers that cannot answer.
printf '127.0.0.1 localhost\n%s %s %s\n' "$address" "$node" "$host" >"$state/hosts"
printf 'nameserver %s\n' "$address" >"$state/resolv.conf"
mount --bind "$state/hosts" /etc/hosts
resolv=$(readlink -m /etc/resolv.conf) # may be a link into /run, which is empty now
mkdir -p "${resolv%/*}"
[ -e "$resolv" ] || : >"$resolv"
mount --bind "$state/resolv.conf" "$resolv"
mount --bind "$state/log" /var/log

"$@" </dev/null &
exec "$pause" </dev/null >/dev/null 2>&1
