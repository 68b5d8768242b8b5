#!/usr/bin/env bash
# Walks the upgrade night of docs/operating.md on an empty Debian 12, by its own commands and no others.
#
#   deploy/night.sh FOLDER      as root; makes the machine in FOLDER with debootstrap, a chroot
#
# The page's first block (where things are) is replaced, and two things of a machine are stood in for: systemctl, since
# nothing boots here (it runs what ExecStart of the unit says, as its user), and the upgraded system, which is
# the emulator. After the way back the second night is begun, with a new store.
set -euo pipefail
[ "$#" = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" = 0 ] || { echo "chroot needs root" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python

[ -f "$folder/base/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$folder/base" >"$folder/debootstrap.log"
root=$folder/machine
rm -rf "$root" && cp -a "$folder/base" "$root"
# This machine's way to its package registries, and nothing else of it.
for each in /etc/resolv.conf /etc/pip.conf /etc/apt/apt.conf.d /etc/ssl/certs /usr/local/share/ca-certificates; do
  if [ -e "$each" ]; then
    mkdir -p "$root$(dirname "$each")"
    cp -aL "$each" "$root$(dirname "$each")/" 2>/dev/null || true
  fi
done
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
backend=""
end() {
  [ -z "$backend" ] || kill "$backend" 2>/dev/null || true
  [ ! -f "$root/run/shim.pid" ] || kill "$(cat "$root/run/shim.pid")" 2>/dev/null || true
  umount "$root/dev" "$root/proc" || true
}
trap end EXIT

"$python" -c "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])" "$root/root" >/dev/null
cp -a requirements-runtime.lock deploy "$root/root/"
port=$("$python" -c "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); print(s.getsockname()[1])")
.venv/bin/shim emulate --port "$port" >"$folder/backend.log" 2>&1 & backend=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.2; done

cat >"$root/root/integrations.csv" <<END
name,username,password,old_app_key,old_app_secret,crypted_auth,v3_app_key,v3_app_secret
billing,northwind,old-pass-1,,,,northwind-key,northwind-app-secret
END
echo -n old-pass-1 >"$root/root/billing-password"

{
  cat <<END
set -euxo pipefail
PS4='+ \$SECONDS s: '
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore DEBIAN_FRONTEND=noninteractive
WHEEL=/root/systemapi_shim-0.1.0-py3-none-any.whl LOCK=/root/requirements-runtime.lock DEPLOY=/root/deploy
V3=http://127.0.0.1:$port INTEGRATIONS=/root/integrations.csv
CALLER=northwind CALLER_PASSWORD_FILE=/root/billing-password
END
  cat <<'END'
systemctl() {
  case "$1" in
    daemon-reload) ;;
    enable)
      command=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/shim.service)
      (cd /var/lib/shim && exec setpriv --reuid shim --regid shim --init-groups $command) >/run/shim.log 2>&1 &
      echo $! >/run/shim.pid
      for _ in $(seq 150); do curl -fs -o /dev/null http://127.0.0.1:8027/livez && return 0; sleep 0.2; done
      cat /run/shim.log; return 1 ;;
    stop) kill "$(cat /run/shim.pid)"; wait "$(cat /run/shim.pid)"; rm /run/shim.pid ;;
  esac
}
END
  "$python" - docs/operating.md <<'END'
import re, sys, textwrap
page = open(sys.argv[1], encoding="utf-8").read()
section = page.partition("\n## Upgrade night\n")[2].partition("\n## ")[0]
blocks = [textwrap.dedent(each) for each in re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)]
assert len(blocks) >= 8 and "Set these once" in blocks[0], blocks
print("\n".join(blocks[1:]))
END
  cat <<'END'
: the second night begins with a new store
runuser -u shim -- /opt/shim/bin/shim check -c /etc/shim/config.yaml
systemctl enable
/opt/shim/bin/shim health -c /etc/shim/config.yaml
systemctl stop
du -sm /opt/shim-0.1.0
END
} >"$root/root/night"
time chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash /root/night
echo "the night was walked"
