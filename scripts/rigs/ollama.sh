#!/usr/bin/env bash
# A real Ollama with small models of our own making, on loopback only.
#   ollama.sh start [PORT]   builds it on first use (some minutes), starts it, prints OLLAMA_URL=, OLLAMA_PID= and OLLAMA_FILES=
#   ollama.sh stop           ends the one that start began
#   ollama.sh run COMMAND…   starts it on a free port, runs the command with CHATETS_TEST_OLLAMA set, stops it
# State lies under $RIGS (default ~/.cache/chatets-rigs).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=${RIGS:-${XDG_CACHE_HOME:-$HOME/.cache}/chatets-rigs}/ollama
# The version of the module whose types the client uses, so that both are tested together.
version=$(cd "$root" && go list -m -f '{{.Version}}' github.com/ollama/ollama)
binary=${OLLAMA_BIN:-$state/bin/ollama-$version}
files=$state/gguf
people_home=$HOME # the service gets a home of its own

fail() { echo "ollama rig: $1" >&2; exit 1; }

build() {
  [ -x "$binary" ] && return 0
  command -v gcc >/dev/null || fail "gcc is needed to build Ollama and not installed"
  if ! command -v g++ >/dev/null || [ ! -e /usr/include/nlohmann/json.hpp ] || [ ! -e /usr/include/stb/stb_image.h ]; then
    command -v apt-get >/dev/null || fail "building Ollama needs g++, nlohmann-json3-dev and libstb-dev; install them and run this again"
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "ollama rig: installing g++, nlohmann-json3-dev and libstb-dev" >&2
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ nlohmann-json3-dev libstb-dev >&2
  fi
  echo "ollama rig: building Ollama $version (some minutes, once)" >&2
  local into
  into=$(mktemp -d)
  (cd "$into" && GOFLAGS='' GOBIN=$into CGO_ENABLED=1 CGO_CPPFLAGS="-I$here/ollama/include" \
    go install -trimpath -ldflags "-s -w -X github.com/ollama/ollama/version.Version=${version#v}" "github.com/ollama/ollama@$version") >&2
  mkdir -p "$(dirname "$binary")"
  mv "$into/ollama" "$binary"
  rm -r "$into"
}

start() {
  local port=$1
  build
  mkdir -p "$state/home" "$state/store"
  [ -e "$files/rig-embed.gguf" ] && [ "$files/rig-embed.gguf" -nt "$here/gguf/scripted.go" ] || (cd "$root" && go run ./scripts/rigs/gguf "$files")
  export OLLAMA_HOST=127.0.0.1:$port OLLAMA_MODELS=$state/store OLLAMA_NO_CLOUD=1 OLLAMA_KEEP_ALIVE=30m OLLAMA_NUM_PARALLEL=4 \
    OLLAMA_MAX_LOADED_MODELS=4 HOME=$state/home
  "$binary" serve >"$state/serve.log" 2>&1 &
  pid=$!
  echo "$pid" >"$state/pid"
  for _ in $(seq 200); do
    curl -fs "http://$OLLAMA_HOST/api/version" >/dev/null && break
    kill -0 "$pid" 2>/dev/null || { tail -20 "$state/serve.log" >&2; fail "it ended at once"; }
    sleep 0.1
  done
  local name file
  for file in "$here"/ollama/models/*; do
    name=$(basename "$file")
    sed "s|FROM \./|FROM $files/|" "$file" >"$state/modelfile"
    "$binary" create "$name" -f "$state/modelfile" >>"$state/serve.log" 2>&1 || fail "the model $name cannot be made; see $state/serve.log"
  done
  echo "OLLAMA_URL=http://$OLLAMA_HOST"
  echo "OLLAMA_PID=$pid"
  echo "OLLAMA_FILES=$files"
}

stop() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) || return 0
  rm -f "$state/pid"
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid"
}

free_port() {
  local port
  for port in $(seq 11440 11540); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  fail "no port from 11440 to 11540 is free"
}

case "${1:-}" in
start) stop; start "${2:-11435}" ;;
stop) stop ;;
run)
  shift
  trap stop EXIT
  start "$(free_port)" >&2
  CHATETS_TEST_OLLAMA="http://$OLLAMA_HOST" CHATETS_TEST_OLLAMA_FILES="$files" CHATETS_TEST_OLLAMA_PID="$pid" HOME=$people_home "$@"
  ;;
*) sed -n 2,6p "$0"; exit 2 ;;
esac
