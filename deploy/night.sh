#!/usr/bin/env bash
# Walks the upgrade night of docs/operating.md on an empty Debian 12, by its own commands and no others.
#
#   deploy/night.sh FOLDER      as root; makes the machine in FOLDER with debootstrap, a chroot
#
# The page's first block (where things are) is replaced, and two things of a machine are stood in for: systemctl, since
# nothing boots here (it runs what ExecStart of the unit says, as its user), and the upgraded system, which is
# the emulator. Nothing of this checkout is on the machine but the wheel, the lock and deploy/. What is done days before
# has a network, to install; in the night the machine and the emulator have one of their own without a way out, so that
# the page's ports are free and nothing is fetched unnoticed. After the way back the second night is begun, with a new store.
set -euo pipefail
[ "$#" = 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" = 0 ] || { echo "chroot needs root" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python

if [ ! -d "$folder/base" ]; then
  rm -rf "$folder/base.part"
  debootstrap --variant=minbase bookworm "$folder/base.part" >"$folder/debootstrap.log"
  mv "$folder/base.part" "$folder/base"
fi
root=$folder/machine
rm -rf --one-file-system "$root" && cp -a "$folder/base" "$root"
# This machine's way to its package registries, and nothing else of it.
for each in /etc/resolv.conf /etc/pip.conf /etc/apt/apt.conf.d /etc/ssl/certs /usr/local/share/ca-certificates; do
  if [ -e "$each" ]; then
    mkdir -p "$root$(dirname "$each")"
    cp -aL "$each" "$root$(dirname "$each")/" 2>/dev/null || true
  fi
done

# Without compiled modules: for any Python, not this one alone.
SHIM_COMPILED=0 "$python" -m hatchling build -t wheel -d "$root/root" >/dev/null 2>&1
cp -a requirements-runtime.lock deploy "$root/root/"
cat >"$root/root/integrations.csv" <<END
name,username,password,old_app_key,old_app_secret,crypted_auth,v3_app_key,v3_app_secret
billing,northwind,old-pass-1,,,,northwind-key,northwind-app-secret
END
echo -n old-pass-1 >"$root/root/billing-password"

port=8080
# What every part of the walk begins with: the page's first block, filled in, and systemctl.
cat >"$root/root/begin" <<END
set -euxo pipefail
PS4='+ \$SECONDS s: '
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore DEBIAN_FRONTEND=noninteractive
WHEEL=/root/$(basename "$root"/root/systemapi_shim-*.whl) LOCK=/root/requirements-runtime.lock DEPLOY=/root/deploy
V3=http://127.0.0.1:$port INTEGRATIONS=/root/integrations.csv
CALLER=northwind CALLER_PASSWORD_FILE=/root/billing-password
END
cat >>"$root/root/begin" <<'END'
systemctl() {
  { set +x; } 2>/dev/null
  case "$1" in
    daemon-reload) ;;
    enable)
      command=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/shim.service)
      (cd /var/lib/shim && exec setpriv --reuid shim --regid shim --init-groups $command) >/run/shim.log 2>&1 &
      echo $! >/run/shim.pid
      for _ in $(seq 300); do curl -fs -o /dev/null http://127.0.0.1:8027/livez && { set -x; return 0; }; sleep 0.2; done
      cat /run/shim.log; return 1 ;;
    stop)
      kill "$(cat /run/shim.pid)"; wait "$(cat /run/shim.pid)"; rm /run/shim.pid
      ! curl -fs -o /dev/null http://127.0.0.1:8025/livez ;;
  esac
  set -x
}
END
# The page's blocks: those of the days before, and those of the night and the way back.
"$python" - docs/operating.md "$root/root" <<'END'
import re, sys, textwrap
from pathlib import Path
section = Path(sys.argv[1]).read_text("utf-8").partition("\n## Upgrade night\n")[2].partition("\n## ")[0]
def blocks(text):
    return [textwrap.dedent(each) for each in re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)]
before, _, night = section.partition("\n### The night\n")
first, *install = blocks(before)
assert "Set these once" in first and len(install) >= 2 and len(blocks(night)) >= 6, (first, install, blocks(night))
Path(sys.argv[2], "before").write_text(". /root/begin\n" + "\n".join(install), "utf-8")
Path(sys.argv[2], "night").write_text(". /root/begin\n" + "\n".join(blocks(night)), "utf-8")
END
cat >>"$root/root/night" <<'END'
: the second night begins with a new store
runuser -u shim -- /opt/shim/bin/shim check -c /etc/shim/config.yaml
systemctl enable
/opt/shim/bin/shim health -c /etc/shim/config.yaml
systemctl stop
du -sm /opt/shim-0.1.0
END

# In namespaces of its own: when it ends, whatever it started and mounted ends with it.
walk() {
  unshare --mount --pid --fork --kill-child "$@" bash -euo pipefail -c '
    root=$1 part=$2 port=$3
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    if [ "$part" = night ]; then
      ip link set lo up
      .venv/bin/shim emulate --port "$port" >"$root/../backend.log" 2>&1 &
      for _ in $(seq 300); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.2; done
    fi
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash "/root/$part"
  ' walk "$root" "$part" "$port"
}
part=before; walk
part=night; walk --net
echo "the night was walked"
