#!/usr/bin/env bash
# Measures what docs/sizing.md states, on this machine: start, memory, pages, requests, streams, storage, retrieval.
# IR_DATA=DIR names a folder of retrieval test sets (corpus.jsonl, queries.jsonl, qrels.tsv); without it that part is left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${1:-bin/chatets}
[ -x "$bin" ] || { echo "bench: $bin is not built (make build)" >&2; exit 1; }
for tool in curl jq; do command -v $tool >/dev/null || { echo "bench: $tool is needed" >&2; exit 1; }; done

export CHATETS_CONFIG=/dev/null # what is set up on this machine is not measured
scratch=$(mktemp -d)
pid=
cleanup() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$scratch"; }
trap cleanup EXIT
row() { printf '%-44s %s\n' "$1" "$2"; }

start() {
  local begin=$EPOCHREALTIME
  "$bin" serve --data "$scratch/data" --listen 127.0.0.1:0 >"$scratch/out" 2>"$scratch/log" &
  pid=$!
  for _ in $(seq 1 2000); do
    base=$(sed -n 's/.* serves \(http[^ ]*\).*/\1/p' "$scratch/out")
    [ -n "$base" ] && curl -fsS -o /dev/null "$base/ready" 2>/dev/null && break
    kill -0 "$pid" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
    sleep 0.002
  done
  row "$1" "$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f ms", (b - a) * 1000 }')"
}
stop() { kill "$pid"; wait "$pid" || true; pid=; }
json() { curl -fsS -H 'Content-Type: application/json' ${token:+-H "Authorization: Bearer $token"} "$@"; }
micro() { awk -v t="$1" -v n="$2" 'BEGIN { printf "%.2f ms", t * 1000 / n }'; }
cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$pid/stat"; }

row "binary, stripped" "$(( $(stat -c %s "$bin") / 1048576 )) MiB"
start "start to /ready, new data directory"
stop
start "start to /ready, existing data directory"
sleep 2 # idle means after the work of the start
row "idle memory (RSS)" "$(awk '/VmRSS/ { printf "%.0f MB", $2 / 1024 }' "/proc/$pid/status")"

printf 'correct horse battery staple\n' | "$bin" user add --data "$scratch/data" --email bench@house.test --name Bench --admin --password-stdin >/dev/null
token=$(json -d '{"email":"bench@house.test","password":"correct horse battery staple"}' "$base/api/auth/login" | jq -r .token)
n=300
for what in "GET /api/session" "GET /api/knowledge" "GET /api/conversations"; do
  before=$(cpu)
  seq $n | sed "s|.*|url = \"$base${what#GET }\"\noutput = /dev/null|" >"$scratch/urls"
  curl -fsS -H "Authorization: Bearer $token" -K "$scratch/urls"
  row "$what, CPU a request" "$(micro "$(awk -v a="$before" -v b="$(cpu)" 'BEGIN { print b - a }')" $n)"
done
before=$(cpu); asked=50
for _ in $(seq $asked); do json -o /dev/null -d '{"message":"How are answers and citations made?"}' "$base/api/conversations"; done
row "a question answered from the sample, CPU" "$(micro "$(awk -v a="$before" -v b="$(cpu)" 'BEGIN { print b - a }')" $asked)"
stop

echo
go run ./scripts/bench/stream -bin "$bin"
echo
go run ./scripts/bench/stream -bin "$bin" -tokens 1000 -rounds 3
echo
go run ./scripts/bench/stream -bin "$bin" -ingest -rounds 3
echo
go run ./scripts/bench/retrieval -speed 100000
echo
go run ./scripts/bench/vector

echo
(cd scripts/weights && npm ci --ignore-scripts --no-audit --no-fund >/dev/null)
go run ./scripts/bench/encoder

echo
go test -run '^$' -bench . -benchtime 300x ./appliance/sqlite ./appliance/blob ./appliance/web ./appliance/lexical ./appliance/library ./appliance/chat 2>/dev/null |
  awk '/^Benchmark/ { printf "%-44s %s %s", $1, $3, $4; for (i = 5; i < NF; i += 2) printf "  %s %s", $i, $(i + 1); print "" }'

if [ -n "${IR_DATA:-}" ]; then
  echo
  go run ./scripts/bench/retrieval -data "$IR_DATA"
fi
echo
(cd ui && npx --no-install size-limit 2>/dev/null) || true
