# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `run`, `test` and `bench` need before they start: the program, the guest image, the runtimes, a manifest. Sourced after lib.sh.
# Sets OCU_BINARY, OCU_IMAGE, OCU_RUNC, OCU_RUNSC; one that is set already is used as it is.

# prepare_all VARIANT
prepare_all() {
  check_kernel
  prepare_binary
  OCU_IMAGE=${OCU_IMAGE:-$("$OCU_ROOT/rootfs/guest/build" "$1")}
  if [ -z "${OCU_RUNC:-}" ] || [ -z "${OCU_RUNSC:-}" ]; then
    local runtimes
    runtimes=$("$OCU_ROOT/scripts/toolchain/runtimes")
    OCU_RUNC=$(awk '$1 == "runc" {print $2}' <<<"$runtimes")
    OCU_RUNSC=$(awk '$1 == "runsc" {print $2}' <<<"$runtimes")
  fi
  export OCU_BINARY OCU_IMAGE OCU_RUNC OCU_RUNSC
}

prepare_binary() {
  [ -z "${OCU_BINARY:-}" ] || return 0
  "$OCU_ROOT/scripts/toolchain/sysroot" build >/dev/null
  "$OCU_ROOT/scripts/toolchain/deps" >/dev/null
  step 'building ocu-appliance' "$OCU_ROOT/scripts/build" release ocu-appliance
  OCU_BINARY=${OCU_BUILD:-$OCU_ROOT/build/release}/ocu-appliance
}

# Says what is missing now, in words, instead of failing later with a number.
check_kernel() {
  local each
  for each in erofs fuse overlay; do
    grep -qw "$each" /proc/filesystems || modprobe -q "$each" 2>/dev/null || true
    grep -qw "$each" /proc/filesystems || die "this kernel has no $each file system (modprobe $each)"
  done
  [ -e /dev/fuse ] || die '/dev/fuse is missing'
  [ "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 1)" != 0 ] || die 'user namespaces are switched off (user.max_user_namespaces)'
}

# throw_away_manifest STATE PORT PROFILE TIER: a caller with a fresh key, a manifest, a key pair that exists to sign it once.
throw_away_manifest() {
  local state=$1 port=$2 profile=$3 tier=$4 salt digest
  mkdir -p -m 0700 "$state/callers"
  [ -s "$state/callers/dev.token" ] ||
    (umask 077 && head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '=' >"$state/callers/dev.token")
  salt=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
  digest=$({ printf '%b' "$(sed 's/../\\x&/g' <<<"$salt")"; tr -d '\n' <"$state/callers/dev.token"; } | sha256sum | cut -d' ' -f1)
  cat >"$state/manifest.json" <<JSON
{
  "schema": "ocu-manifest/1",
  "serial": $(date +%s),
  "appliance": {"name": "scripts-run", "profile": "$profile", "tier": "$tier"},
  "mcp": {"listen": "127.0.0.1:$port", "callers": [{"name": "dev", "key_hash": "sha256:$salt:$digest"}]},
  "files": {"listen": "127.0.0.1:$((port + 1))"}
}
JSON
  rm -f "$state/manifest.key" "$state/manifest.json.pub" "$state/manifest.json.minisig"
  "$OCU_BINARY" manifest keygen --secret "$state/manifest.key" --public "$state/manifest.json.pub" >/dev/null
  "$OCU_BINARY" manifest sign --secret "$state/manifest.key" "$state/manifest.json" >/dev/null
  rm -f "$state/manifest.key"
}
