#!/usr/bin/env bash
# A software TPM 2.0 for trying "chatets key add tpm" by hand; the tests start their own.
#   tpm.sh start   starts it and prints CHATETS_TPM=, a socket for --device
#   tpm.sh stop    ends the one that start began
# State lies under $RIGS (default ~/.cache/chatets-rigs). swtpm serves one client at a time and ends with it, so
# a small loop starts it again; the keys in its state stay.
set -euo pipefail
state=${RIGS:-${XDG_CACHE_HOME:-$HOME/.cache}/chatets-rigs}/tpm
mkdir -p "$state"
stop() {
  [ -s "$state/pid" ] && kill "$(cat "$state/pid")" 2>/dev/null || true
  [ -s "$state/tpm.pid" ] && kill "$(cat "$state/tpm.pid")" 2>/dev/null || true
  rm -f "$state/pid" "$state/tpm.pid" "$state/sock"
}
case "${1:-start}" in
stop) stop ;;
start)
  command -v swtpm >/dev/null || { echo "tpm rig: swtpm is not installed (scripts/prepare.sh all)" >&2; exit 3; }
  stop
  setsid bash -c 'while :; do rm -f "$1/sock"; swtpm socket --tpm2 --tpmstate dir="$1" --server type=unixio,path="$1/sock" --ctrl type=unixio,path="$1/ctrl" \
    --flags not-need-init,startup-clear --pid file="$1/tpm.pid"; done' _ "$state" >"$state/log" 2>&1 </dev/null &
  echo $! >"$state/pid"
  for _ in $(seq 50); do [ -S "$state/sock" ] && break; sleep 0.1; done
  [ -S "$state/sock" ] || { echo "tpm rig: it does not come; see $state/log" >&2; exit 1; }
  echo "CHATETS_TPM=$state/sock"
  ;;
*) echo "tpm.sh start|stop" >&2; exit 2 ;;
esac
