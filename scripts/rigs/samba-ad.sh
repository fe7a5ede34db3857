#!/usr/bin/env bash
# A real Active Directory domain controller (Debian's samba) and a ChatETS beside it, in a network of their own: what AD
# does differently is tried from outside. Root is needed, for the network and because samba wants it.
#   samba-ad.sh BINARY      ends with 0 when everything holds; all it makes is removed
# apt: samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind openssl curl python3
set -euo pipefail
if [ "${AD_RIG_INSIDE:-}" = "" ]; then
  [ $# = 1 ] && [ -x "$1" ] || { echo "say: samba-ad.sh BINARY" >&2; exit 2; }
  for c in samba samba-tool openssl curl python3 unshare; do command -v "$c" >/dev/null || { echo "samba rig: $c is missing; scripts/prepare.sh ad names the packages" >&2; exit 3; }; done
  AD_RIG_INSIDE=1 exec unshare -n -p -f --kill-child "$0" "$(realpath "$1")"
fi
unset AD_RIG_INSIDE
bin=$1; W=$(mktemp -d /tmp/chatets-ad.XXXXXX); D=$W/dc; mkdir -p "$D/run"
trap 'rm -rf "$W"' EXIT
ip link set lo up
fails=0
check() { # check WHAT GOT WANT-PATTERN
  if grep -Eq -- "$3" <<<"$2"; then echo "ok    $1"; else echo "FAIL  $1: got: $2; want: $3"; fails=$((fails + 1)); fi
}
base="DC=corp,DC=example,DC=test"
samba-tool domain provision --realm=CORP.EXAMPLE.TEST --domain=CORP --server-role=dc --dns-backend=NONE --adminpass='Passw0rd!23' --host-name=dc1 --host-ip=127.0.0.1 \
  --use-rfc2307 --targetdir="$D" --option="interfaces=lo" --option="bind interfaces only=yes" --option="vfs objects=" >"$W/provision.log" 2>&1 || { tail -20 "$W/provision.log"; exit 1; }
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$W/ca.key" -out "$W/ca.crt" -subj "/CN=AD rig CA" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$D/server.key" -out "$W/server.csr" -subj "/CN=localhost" 2>/dev/null
openssl x509 -req -in "$W/server.csr" -CA "$W/ca.crt" -CAkey "$W/ca.key" -CAcreateserial -days 2 -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$D/server.crt" 2>/dev/null
chmod 600 "$D/server.key"
conf=$D/etc/smb.conf
sed -i "/^\[global\]/a\\
 interfaces = lo\\
 bind interfaces only = yes\\
 server services = ldap, kdc\\
 tls enabled = yes\\
 tls keyfile = $D/server.key\\
 tls certfile = $D/server.crt\\
 tls cafile = $W/ca.crt\\
 pid directory = $D/run\\
 ncalrpc dir = $D/run/ncalrpc\\
 ldap server require strong auth = yes" "$conf"
samba -i -s "$conf" --debug-stdout >"$W/samba.log" 2>&1 </dev/null &
for _ in $(seq 600); do (exec 3<>/dev/tcp/127.0.0.1/636) 2>/dev/null && break; sleep 0.1; done
tool() { samba-tool "$@" -s "$conf" -H "$D/private/sam.ldb" >>"$W/tool.log" 2>&1 || { tail -3 "$W/tool.log"; exit 1; }; }
tool domain passwordsettings set --complexity=off --min-pwd-length=4
tool ou create "OU=Staff,$base"
tool user create svc-chatets 'Svc!pass1'
for n in 1 2 3 4 5 6 7 8 9; do tool user create "ad000$n" "Ad!pass000$n" --userou=OU=Staff --given-name="Given$n" --surname="Sur$n" --mail-address="ad000$n@corp.example.test"; done
for g in Eng Backend ChatETS-Users ChatETS-Admins; do tool group add "$g"; done
tool group addmembers Backend ad0001,ad0002,ad0003,ad0004,ad0005,ad0006,ad0007,ad0008 # not ad0009
tool group addmembers Eng Backend
tool group addmembers ChatETS-Users Eng
tool group addmembers ChatETS-Admins ad0001
tool user disable ad0003
tool user setexpiry ad0004 --days=-3

export CHATETS_DATA=$W/data
cd "$W"
"$bin" serve --listen 127.0.0.1:8099 --socket "$W/s" >"$W/chatets.log" 2>&1 </dev/null &
export CHATETS_SOCKET=$W/s
for _ in $(seq 300); do curl -fs http://127.0.0.1:8099/health >/dev/null && break; sleep 0.2; done
echo 'seven grey herons here' | "$bin" user add --email olga@clinic.test --name Olga --admin --password-stdin >/dev/null
post() { curl -s -H 'Content-Type: application/json' -H "Authorization: Bearer ${token:-}" -d "$2" "http://127.0.0.1:8099$1"; }
field() { python3 -c 'import json,sys
d = json.load(sys.stdin)
for name in sys.argv[1].split("."): d = d.get(name) or {}
print(d or "")' "$1"; }
login() { post /api/auth/login "{\"email\":\"$1\",\"password\":\"$2\"}"; }
who() { login "$1" "$2" | python3 -c 'import json,sys
d = json.load(sys.stdin)
print(d.get("code") or d["person"]["id"])'; }
why() { curl -s -H "Authorization: Bearer $token" "http://127.0.0.1:8099/api/audit?limit=5&act=login.signin" | python3 -c 'import json,sys
print(next((i["detail"].get("why", "") for i in json.load(sys.stdin)["items"] if i["outcome"] == "refused"), ""))'; }
token=$(login olga@clinic.test 'seven grey herons here' | field token)
add() { echo 'Svc!pass1' | "$bin" ldap add --preset ad --base "$base" --bind-dn svc-chatets@corp.example.test --password-stdin --only ChatETS-Users --admins ChatETS-Admins "$@" >/dev/null; }

add --name clear --url ldap://127.0.0.1:389 --clear-text
check "AD refuses a bind in clear text" "$("$bin" ldap test clear 2>&1 || true)" "not encrypted"
"$bin" ldap remove clear >/dev/null
add --name corp --url ldaps://127.0.0.1:636 --ca "$W/ca.crt"
check "the test finds nested groups" "$("$bin" ldap test corp --person ad0001 2>&1)" "role in the installation: admin"
check "nested membership by rule 1.2.840.113556.1.4.1941" "$("$bin" ldap test corp --person ad0002 2>&1)" "1\.2\.840\.113556\.1\.4\.1941"
check "eight of nine are in the group; the disabled and the expired are not added" "$("$bin" ldap sync corp --json | tr -d ' \n')" '"people":8,"added":6,.*"problems":\[\]'
one=$(who ad0001 'Ad!pass0001')
check "sAMAccountName signs in" "$one" "^[0-9a-f-]{36}$"
check "the UPN is the same person" "$(who ad0001@corp.example.test 'Ad!pass0001')" "^$one$"
check "however it is written" "$(who AD0001 'Ad!pass0001')" "^$one$"
check "a wrong password" "$(who ad0001 wrong) $(why)" "^wrong-credentials password$"
check "a disabled account" "$(who ad0003 'Ad!pass0003') $(why)" "^wrong-credentials .*disabled"
check "an expired account" "$(who ad0004 'Ad!pass0004') $(why)" "^wrong-credentials .*expired"
check "somebody outside the group" "$(who ad0009 'Ad!pass0009')" "^wrong-credentials$"
tool user setpassword ad0007 --newpassword='Ad!pass0007' --must-change-at-next-login
check "a password that has to be changed (773)" "$(who ad0007 'Ad!pass0007') $(why)" "^wrong-credentials .*(change|773)"
two=$(who ad0002 'Ad!pass0002')
tool user rename ad0002 --samaccountname=renamed2 --upn=renamed2@corp.example.test --mail-address=renamed2@corp.example.test
"$bin" ldap sync corp >/dev/null
check "a rename keeps the account (objectGUID)" "$(who renamed2 'Ad!pass0002')" "^$two$"
check "the old name is gone" "$(who ad0002 'Ad!pass0002')" "^wrong-credentials$"
tool user disable ad0006
check "who is disabled there is disabled here" "$("$bin" ldap sync corp --json | tr -d ' \n')" '"disabled":1,'
check "referrals of the domain's root are not chased" "$("$bin" ldap test corp --person ad0005 2>&1)" "account +ok"
[ "$fails" = 0 ] || { echo "samba rig: $fails checks failed; log of ChatETS:"; tail -20 "$W/chatets.log"; exit 1; }
echo "samba rig: everything holds"
