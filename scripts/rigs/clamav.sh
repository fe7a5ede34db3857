#!/usr/bin/env bash
# A real clamd with one signature of our own, the harmless EICAR test file; nothing is downloaded and nothing leaves the machine.
#   clamav.sh run COMMAND…   starts it on a socket of its own, runs the command with CHATETS_TEST_CLAMD set, stops it
set -euo pipefail

fail() { echo "clamav rig: $1" >&2; exit 1; }

[ "${1:-}" = run ] && [ $# -gt 1 ] || fail "use: clamav.sh run COMMAND…"
shift
clamd=$(command -v clamd || echo /usr/sbin/clamd)
if [ ! -x "$clamd" ]; then
  command -v apt-get >/dev/null || fail "the package clamav-daemon is needed and not installed"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "clamav rig: installing clamav-daemon" >&2
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clamav-daemon >&2
fi

state=$(mktemp -d)
chmod 755 "$state" # clamd may be another user
mkdir "$state/signatures"
# In two halves, so that no scanner finds it in this file.
eicar='X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-''STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
printf 'ChatETS.Test.EICAR:0:*:%s\n' "$(printf '%s' "$eicar" | od -An -v -tx1 | tr -d ' \n')" >"$state/signatures/eicar.ndb"
cat >"$state/clamd.conf" <<END
LocalSocket $state/s
DatabaseDirectory $state/signatures
Foreground yes
StreamMaxLength 3M
MaxFileSize 2M
MaxScanSize 20M
AlertExceedsMax yes
LogFile $state/log
END
"$clamd" -c "$state/clamd.conf" >"$state/out" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; rm -rf "$state"' EXIT
for _ in $(seq 200); do
  [ -S "$state/s" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$state/out" "$state/log" >&2 2>/dev/null; fail "clamd ended at once"; }
  sleep 0.1
done
[ -S "$state/s" ] || fail "clamd does not get ready"
CHATETS_TEST_CLAMD="clamd://$state/s" CHATETS_TEST_CLAMD_PID="$pid" "$@"
