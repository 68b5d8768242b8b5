#!/usr/bin/env bash
# Runs the steps of the Containerfile where no container engine is: in chroots that debootstrap makes, as root.
#
#   deploy/container/chroot.sh FOLDER     builds FOLDER/build and FOLDER/image, then runs `shim --version` there
#
# It knows the instructions that the Containerfile uses, and stops at any other, so that the two cannot drift apart.
set -euo pipefail
[ "$#" = 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" = 0 ] || { echo "chroot needs root" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/../.."

declare -A stages
root="" user="" workdir=/ environment=()
inside() {
  chroot ${user:+--userspec="$user"} "$root" \
    /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" sh -c "cd $workdir && $1"
}
begin() {
  root="$folder/$1" user="" workdir=/ environment=()
  stages[$1]=$root
  if [ ! -d "$folder/base" ]; then
    rm -rf "$folder/base.part"
    debootstrap --variant=minbase bookworm "$folder/base.part" >"$folder/debootstrap.log"
    mv "$folder/base.part" "$folder/base"
  fi
  rm -rf "$root"
  cp -a "$folder/base" "$root"
  # This machine's way to its package registries.
  for each in /etc/resolv.conf /etc/pip.conf /etc/apt/apt.conf.d /etc/ssl/certs /usr/local/share/ca-certificates; do
    if [ -e "$each" ]; then
      mkdir -p "$root$(dirname "$each")"
      cp -aL "$each" "$root$(dirname "$each")/" 2>/dev/null || true
    fi
  done
}
copy() {
  local from=. stage rest=$1 parts target
  if [[ $rest == --from=* ]]; then
    stage=${rest#--from=} from=${stages[${stage%% *}]} rest=${rest#* }
  fi
  read -ra parts <<<"$rest"
  target=${parts[-1]}
  mkdir -p "$root$(dirname "${target}x")"
  for each in "${parts[@]:0:${#parts[@]}-1}"; do cp -a "$from/${each#/}" "$root$target"; done
}

while IFS= read -r line; do
  case "$line" in ''|'#'*) continue ;; esac
  instruction=${line%% *} rest=${line#* }
  echo "==> $line"
  case "$instruction" in
    FROM) name=${rest##* AS }; [ "$name" != "$rest" ] || name=image; begin "$name" ;;
    RUN) inside "$rest" ;;
    COPY) copy "$rest" ;;
    ENV) read -ra parts <<<"$rest"; environment+=("${parts[@]}") ;;
    WORKDIR) workdir=$rest ;;
    USER) user=$rest ;;
    EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD) ;;
    *) echo "unknown instruction: $instruction" >&2; exit 1 ;;
  esac
done < deploy/container/Containerfile

inside "shim --version"
inside "env -u SHIM_CONFIG shim explain Client.AddClient" >/dev/null
du -sh "$root/opt/shim" "$root" | sed "s#$folder/##"
