# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What every script here shares: where the cache is, how a step is shown, how the toolchain is entered.
# Sourced, never run. Everything that is slow to make is cached outside the clone under the hash of what it is made from.
set -euo pipefail

OCU_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OCU_CACHE=${OCU_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ocu-appliance}
export OCU_ROOT OCU_CACHE
export SOURCE_DATE_EPOCH=1760000000 LC_ALL=C.UTF-8

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step LABEL COMMAND...: shows the label, a dot every five seconds, and the time it took; on failure the end of its output.
step() {
  local label=$1 out start pid
  shift
  out=$(mktemp)
  start=$SECONDS
  printf '%s %s ' "$(date +%H:%M:%S)" "$label" >&2
  ( "$@" ) >"$out" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    (( (SECONDS - start) % 5 == 4 )) && [ "${dot:-}" != "$SECONDS" ] && { dot=$SECONDS; printf '.' >&2; }
  done
  if wait "$pid"; then
    printf ' %ss\n' "$((SECONDS - start))" >&2
    rm -f "$out"
  else
    printf ' failed\n' >&2
    tail -n 40 "$out" >&2
    rm -f "$out"
    return 1
  fi
}

# hash_of FILE-OR-TEXT...: sixteen hex digits over the contents of files and the text of anything else.
hash_of() {
  local each
  for each in "$@"; do
    if [ -f "$each" ]; then sha256sum <"$each"; else printf '%s\n' "$each" | sha256sum; fi
  done | sha256sum | cut -c1-16
}

# need COMMAND PACKAGE...: installs the packages when the command is missing.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null 2>&1 && return 0
  [ "$(id -u)" = 0 ] || die "$command is missing: install $* and try again"
  [ -n "${OCU_APT_FRESH:-}" ] || { step 'package lists' apt-get update; export OCU_APT_FRESH=1; }
  step "installing $*" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# debian_mirrors: prints "main-uri security-uri" as this machine's own package manager knows them.
debian_mirrors() {
  local found
  found=$(read_debian_mirrors) || {
    # A fresh machine has no package lists yet.
    [ "$(id -u)" = 0 ] && apt-get -qq update >&2
    found=$(read_debian_mirrors) || die 'no Debian package source is set up on this machine'
  }
  printf '%s\n' "$found"
}

read_debian_mirrors() {
  apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Identifier: Packages' 2>/dev/null | sort -u |
    awk -F'|' '$2=="Debian" && $3=="Debian-Security" && !s {s=$1} $2=="Debian" && $3=="Debian" && !m {m=$1}
      END {if (!m) exit 1; print m, (s ? s : m "-security")}'
}

# debian13_sources: an apt source list for Debian 13, binary and source.
debian13_sources() {
  local main security
  read -r main security < <(debian_mirrors)
  printf 'deb %s trixie main\ndeb %s trixie-security main\ndeb-src %s trixie main\n' "$main" "${security%/}" "$main"
}
