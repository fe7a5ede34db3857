#!/usr/bin/env bash
# Walks through the main job with curl, against a built binary in a network that has nothing but loopback.
#   smoke.sh [BINARY]      default bin/chatets
# Prints each step; the first thing that is not as it should be ends it with a sentence and a code that is not 0.
set -euo pipefail

fail() { echo "smoke: $1" >&2; exit 1; }
step() { echo "smoke: $1"; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is needed and not installed; on Debian: apt-get install $2"; }

need curl curl
need jq jq
need ip iproute2
need unshare util-linux

if [ "${1:-}" != --inside ]; then
  bin=$(realpath -e "${1:-bin/chatets}" 2>/dev/null) || fail "there is no binary ${1:-bin/chatets}; make it: make build"
  # A user without rights gets a network of its own through a user namespace, root also without one.
  for how in "unshare --map-root-user --net" "unshare --net"; do
    if $how true 2>/dev/null; then
      exec $how -- "$0" --inside "$bin"
    fi
  done
  fail "this system lets nobody make an empty network; allow it (sysctl kernel.unprivileged_userns_clone=1) or run this as root"
fi

bin=$2
dir=$(mktemp -d)
service=
cleanup() {
  code=$?
  if [ -n "$service" ] && kill -0 "$service" 2>/dev/null; then
    kill -KILL "$service" && wait "$service" 2>/dev/null || true
  fi
  if [ "$code" -ne 0 ] && [ -s "$dir/log" ]; then
    echo "smoke: the end of the service's log:" >&2
    tail -n 20 "$dir/log" >&2
  fi
  rm -rf "$dir"
  exit "$code"
}
trap cleanup EXIT

# call METHOD PATH [curl argument…] leaves the answer in $status and $body.
token=
call() {
  local method=$1 path=$2
  shift 2
  local auth=()
  [ -n "$token" ] && auth=(-H "Authorization: Bearer $token")
  status=$(curl -sS --max-time 60 -o "$dir/body" -w '%{http_code}' -X "$method" "${auth[@]}" "$@" "$base$path") || fail "$method $path: no answer"
  body=$(cat "$dir/body")
}
json() { call "$1" "$2" -H 'Content-Type: application/json' --data "$3" "${@:4}"; }
# want STATUS [JQ EXPRESSION] holds the last answer to what it must be.
want() {
  [ "$status" = "$1" ] || fail "got status $status instead of $1: $body"
  [ $# -lt 2 ] || jq -e "$2" <"$dir/body" >/dev/null || fail "the answer does not fulfil $2: $body"
}
get() { jq -r "$1" <"$dir/body"; }
chatets() { "$bin" "$@" --data "$dir/data"; }

start() {
  : >"$dir/out"
  "$bin" serve --data "$dir/data" --listen 127.0.0.1:0 >"$dir/out" 2>>"$dir/log" &
  service=$!
  for _ in $(seq 300); do
    base=$(sed -n 's/.*serves \(http:[^ ]*\).*/\1/p' "$dir/out")
    [ -z "$base" ] || return 0
    kill -0 "$service" 2>/dev/null || fail "the service ended at its start"
    sleep 0.1
  done
  fail "the service does not say its address"
}
stop() {
  kill -TERM "$service"
  local code=0
  wait "$service" || code=$?
  service=
  [ "$code" -eq 0 ] || fail "the service ended with code $code after SIGTERM"
}

step "the network holds loopback and nothing else"
ip link set lo up
[ "$(ip -o link | wc -l)" -eq 1 ] || fail "there is more than loopback: $(ip -o link)"

step "another address than loopback is refused, with the cure"
code=0
timeout 20 "$bin" serve --data "$dir/other" --listen 0.0.0.0:8080 >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" -eq 4 ] && grep -q '127.0.0.1' "$dir/err" || fail "got code $code and: $(cat "$dir/err")"

step "start"
start
grep -q "$base/setup#" "$dir/out" || fail "no set-up link was printed: $(cat "$dir/out")"
call GET /health && want 200 '.status == "ok"'
call GET /ready && want 200 '.ready'
call GET / && want 200
[[ $body == *"<html"* ]] || fail "the pages are not there: ${body:0:200}"

step "people by the command line"
password='correct horse battery staple'
chatets user add --email ana@clinic.example --name "Ana Ruiz" --admin --password-stdin <<<"$password"
chatets user add --email ben@clinic.example --name "Ben Osei" --password-stdin <<<"$password"

step "a wrong password and an unknown person get the same 401"
json POST /api/auth/login '{"email":"ana@clinic.example","password":"wrong horse battery staple"}' && want 401 '.code and .detail'
sentence=$(get .detail)
json POST /api/auth/login '{"email":"nobody@clinic.example","password":"wrong horse battery staple"}' && want 401
[ "$(get .detail)" = "$sentence" ] || fail "the two sentences differ: $sentence / $(get .detail)"
call GET /api/knowledge && want 401

step "sign in"
login() { json POST /api/auth/login "{\"email\":\"$1\",\"password\":\"$password\"}" && want 200 '.token and .expiresAt and .person.id' && get .token; }
ben=$(login ben@clinic.example)
ana=$(login ana@clinic.example)
token=$ana

step "an unknown field is refused by its name"
json POST /api/knowledge '{"name":"Ward handbook","colour":"blue"}' && want 422 '[.errors[].field] | any(contains("colour"))'

step "a knowledge base and a document"
json POST /api/knowledge '{"name":"Ward handbook"}' && want 201 '.id and .name == "Ward handbook"'
knowledge=$(get .id)
cat >"$dir/cold-store.md" <<'TEXT'
# Cold store

## Alarm

When the cold store alarm sounds, call the duty pharmacist on extension 4471 within fifteen minutes.
Insulin that was outside the fridge for more than twenty-eight days must be destroyed.

## Cleaning

The shelves are wiped every Tuesday.
TEXT
call POST "/api/documents?knowledge=$knowledge&name=cold-store.md" --data-binary "@$dir/cold-store.md" -H 'Content-Type: text/markdown' && want 202 '.id and .state'
document=$(get .id)
for _ in $(seq 300); do
  call GET "/api/documents/$document" && want 200
  case $(get .state) in
    ready) break ;;
    failed) fail "the document failed: $body" ;;
  esac
  sleep 0.1
done
[ "$(get .state)" = ready ] || fail "the document does not get ready: $body"

step "a question gets the cited passage"
json POST /api/conversations '{"message":"Who is called when the cold store alarm sounds?"}'
want 200 '.answer.kind == "extractive" and (.answer.content | contains("extension 4471") and contains("[1]"))'
want 200 '.answer.citations[0] | .number == 1 and .document.title and (.text | contains("duty pharmacist"))'
want 200 "[.answer.citations[].document.id] | index(\"$document\") != null"
conversation=$(get .conversation.id)

step "a question without a source gets no citation"
json POST /api/conversations '{"message":"Which zeppelin captain won the marzipan regatta?"}'
want 200 '.answer.kind == "none" and .answer.citations == []'

step "the answer as numbered events, resumed in the middle"
events() { # PATH [curl argument…]: lines "id name data"
  curl -sS --max-time 60 -N -H "Authorization: Bearer $token" -H 'Accept: text/event-stream' "${@:2}" "$base$1" |
    awk '{ sub(/\r$/, "") } /^id: /{ id = substr($0, 5) } /^event: /{ name = substr($0, 8) } /^data: /{ data = substr($0, 7) }
         $0 == "" { if (name != "") print id, name, data; name = ""; data = "" }' >"$dir/events"
}
has() { grep -q "^[0-9]* $1 " "$dir/events" || fail "there is no event $1: $(cat "$dir/events")"; }
events "/api/conversations/$conversation/messages" -H 'Content-Type: application/json' --data '{"message":"When must insulin be destroyed?"}'
has phase && has delta && has citations && has done
awk '$1 <= last { exit 1 } { last = $1 }' "$dir/events" || fail "the ids do not rise: $(cat "$dir/events")"
run=$(sed -n '1s/^[^ ]* [^ ]* //p' "$dir/events" | jq -r .run)
cp "$dir/events" "$dir/all"
second=$(sed -n '2s/ .*//p' "$dir/all")
events "/api/runs/$run/events" -H "Last-Event-ID: $second"
diff <(tail -n +3 "$dir/all" | cut -d' ' -f1,2) <(cut -d' ' -f1,2 "$dir/events") >/dev/null ||
  fail "the events after $second are others: $(cat "$dir/events")"

step "the answer later, on request"
json POST /api/conversations '{"message":"When are the shelves wiped?"}' -H 'Prefer: respond-async' && want 202 '.conversation.id and .run.id'
events "/api/runs/$(get .run.id)/events"
has done
grep -q 'Tuesday' "$dir/events" || fail "the answer is not there: $(cat "$dir/events")"

step "somebody else sees nothing of it"
token=$ben
for path in "/api/conversations/$conversation" "/api/runs/$run/events" "/api/knowledge/$knowledge" "/api/documents/$document" "/api/documents/$document/file"; do
  call GET "$path" && want 404
  [[ $body != *4471* && $body != *"Ward handbook"* ]] || fail "$path tells: $body"
done
json POST /api/conversations '{"message":"Who is called when the cold store alarm sounds?"}' && want 200
[[ $body != *4471* ]] || fail "the answer is from a document that Ben may not read: $body"
call GET /api/audit && want 403

step "shared, he does"
token=$ana
call GET /api/people && want 200
person=$(get '.items[] | select(.email == "ben@clinic.example").id')
json PUT "/api/knowledge/$knowledge/access" "{\"entries\":[{\"person\":\"$person\",\"right\":\"read\"}]}"
[ "$status" = 200 ] || [ "$status" = 204 ] || fail "sharing: got status $status: $body"
token=$ben
json POST /api/conversations '{"message":"Who is called when the cold store alarm sounds?"}' && want 200 '.answer.content | contains("extension 4471")'

step "signed out, the token is worth nothing"
call POST /api/auth/logout && want 204
call GET /api/knowledge && want 401
token=$ana

step "the API describes itself, the metrics count"
call GET /api/openapi.json && want 200 '.openapi | startswith("3.1")'
call GET /metrics && want 200
[[ $body == *chatets_* ]] || fail "the metrics hold nothing of ChatETS: ${body:0:300}"

step "the command line asks the running service"
chatets ask "Who is called when the cold store alarm sounds?" --knowledge "Ward handbook" >"$dir/out.txt"
grep -q 'extension 4471' "$dir/out.txt" && grep -q '^\[1\] ' "$dir/out.txt" || fail "chatets ask said: $(cat "$dir/out.txt")"
chatets document list --json | jq -e 'any(.name == "cold-store.md" and .state == "ready")' >/dev/null || fail "chatets document list: $(chatets document list)"
chatets audit verify
chatets doctor

step "stop, and the same commands without the service"
stop
! curl -s --max-time 2 "$base/health" >/dev/null || fail "something still answers on $base"
chatets ask "When are the shelves wiped?" --knowledge "Ward handbook" >"$dir/out.txt"
grep -q Tuesday "$dir/out.txt" || fail "chatets ask said with the service stopped: $(cat "$dir/out.txt")"
chatets audit verify
chatets doctor

step "start again, and it is all there"
start
call GET "/api/conversations/$conversation" && want 200 '(.messages | length) == 4 and (.messages[1].content | contains("extension 4471"))'
stop

echo "smoke: all of it is as it should be"
