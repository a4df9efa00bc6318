# What a machine does when it starts, in namespaces of its own; `machine.py` has the environment that it is given.
set -eu

# Its own files over those of the machine that it runs on. What is in `upper` was put there before the first start.
cat /etc/resolv.conf >"$DISK/resolv.conf"
for folder in etc home usr/local; do
    mkdir -p "$DISK/upper/$folder" "$DISK/work/$folder"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$DISK/upper/$folder,workdir=$DISK/work/$folder" "/$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/lock
rm -f /etc/resolv.conf
cp "$DISK/resolv.conf" /etc/resolv.conf

hostname "$NAME"
echo "127.0.0.1 localhost $NAME" >/etc/hosts

# The interface comes from outside, once the namespace exists.
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
for address in $ADDRESSES; do ip address add "$address" dev eth0; done
ip link set eth0 up
ip route add default via "$GATEWAY"

# Ports of the outer machine's loopback that have to be reached here under the same address.
echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
iptables --wait --table nat --append POSTROUTING --source 127.0.0.0/8 --out-interface eth0 --jump MASQUERADE
for port in $LOOPBACK_PORTS; do
    iptables --wait --table nat --append OUTPUT --destination 127.0.0.1 --protocol tcp --dport "$port" \
        --jump DNAT --to-destination "$GATEWAY:$port"
done

getent group docker >/dev/null || groupadd --system docker
for user in $USERS; do
    # No password opens it, as PAM and sshd see it; a locked one would keep its keys out too.
    id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups docker --password '*' "$user"
done

# As systemd does where cloud-init runs: commands of the first start come once.
if [ -e "$DISK/first-start" ]; then
    PATH="$COMMANDS:$PATH" sh -eu "$DISK/first-start"
    rm "$DISK/first-start"
fi

/usr/sbin/sshd -f "$DISK/sshd_config" -E "$DISK/sshd.log"
exec dockerd --config-file "$DISK/daemon.json" --host unix:///run/docker.sock --host "unix://$DISK/docker.sock" \
    --data-root "$DISK/docker" --bridge none --cgroup-parent "$ID"
