#!/usr/bin/env bash
# Fails when the API's description or the UI's types are not what the handlers say now.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

go run ./cmd/chatets openapi >"$scratch/openapi.json"
cmp -s "$scratch/openapi.json" ui/openapi.json || {
  echo "ui/openapi.json is not what the handlers say; run: make api" >&2
  diff <(jq -S . ui/openapi.json) <(jq -S . "$scratch/openapi.json") | head -20 >&2 || true
  exit 1
}
(cd ui && npx --no-install openapi-typescript openapi.json -o "$scratch/schema.ts" >/dev/null)
cmp -s "$scratch/schema.ts" ui/src/api/schema.ts || {
  echo "ui/src/api/schema.ts does not belong to ui/openapi.json; run: make api" >&2
  exit 1
}
