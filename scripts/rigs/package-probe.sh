#!/usr/bin/env bash
# Runs inside the booted system of package.sh, and says line by line what it found there.
set -uo pipefail
say() { echo "probe: $1"; }
bad() { say "NOT $1"; journalctl -u chatets --no-pager -n 40; exit 1; }
state() { systemctl show chatets -p "$1" --value; }
# Not through a pipe: grep -q leaves early, and the command would fail for writing into nothing.
answers() { chatets ask --knowledge Manuals "How often is the pump P-4711 drained?" >/tmp/ask.log 2>&1; grep -q '6 weeks' /tmp/ask.log || { cat /tmp/ask.log; return 1; }; }
until_active() { for _ in $(seq 120); do [ "$(state ActiveState)" = active ] && return 0; sleep 0.5; done; return 1; }

until_active || bad "active"
say "the unit is active, $(curl -s 127.0.0.1:8080/ready | head -c 120)"
page=$(curl -s 127.0.0.1:8080/)
case $page in *"<html"*) say "the page comes" ;; *) bad "a page" ;; esac
[ "$(stat -c '%U:%G %a' /etc/chatets/master.key)" = 'root:chatets 640' ] || bad "the key's owner"
chatets setup-link | grep -q http || bad "a set-up link over the socket in /run/chatets"

# The first administrator and a document, which is read by a child in its fence under the unit's sandbox.
echo "Test-Pass-12345" | chatets user add --email owner@example.test --name Owner --admin --password-stdin >/dev/null || bad "a person"
chatets knowledge add Manuals >/dev/null 2>&1 || bad "a knowledge base"
printf 'The pump P-4711 is drained every 6 weeks.\n' > /tmp/pump.md
chatets document add --knowledge Manuals /tmp/pump.md>/tmp/add.log 2>&1 || { cat /tmp/add.log; bad "a document"; }
answers || bad "an answer"
say "a document was read in the fence and found"

pid=$(state MainPID)
[ "$(awk '/^Seccomp:/{print $2}' /proc/"$pid"/status)" = 2 ] || bad "a system call filter"
[ "$(awk '/^NoNewPrivs:/{print $2}' /proc/"$pid"/status)" = 1 ] || bad "no new privileges"
[ "$(awk '/^CapEff:/{print $2}' /proc/"$pid"/status)" = 0000000000000000 ] || bad "without capabilities"
say "the sandbox is on: $(systemd-analyze security chatets --no-pager 2>/dev/null | tail -1 | sed 's/^[^O]*//')"

kill -9 "$pid"
for _ in $(seq 60); do now=$(state MainPID); [ "$now" != 0 ] && [ "$now" != "$pid" ] && break; sleep 0.5; done
until_active || bad "active after kill -9"
[ "$(state NRestarts)" = 1 ] || bad "restarted once"
answers || bad "an answer after kill -9"
say "killed, it was started again and answers"

[ -z "$(systemctl --failed --no-legend)" ] || { systemctl --failed --no-pager; bad "without failed units"; }
journalctl -u chatets -p err --no-pager -q | grep -v 'code=killed\|Failed with result' && bad "a clean journal"
systemctl stop chatets && [ "$(state Result)" = success ] || bad "stopped in order"
say "all of it"
