#!/usr/bin/env bash
# Real backup targets on loopback: versitygw (S3, with TLS) and OpenSSH's sshd (SFTP), for the tests of storage.
#   storage.sh run COMMAND…   starts both on free ports, runs the command with CHATETS_RIG_S3* and CHATETS_RIG_SFTP* set, ends both
# Tools lie under $RIGS (default ~/.cache/chatets-rigs); what the servers keep is removed at the end.
set -euo pipefail
tools=${RIGS:-${XDG_CACHE_HOME:-$HOME/.cache}/chatets-rigs}/bin
version=v1.8.0 # of versitygw
fail() { echo "storage rig: $1" >&2; exit 1; }

[ "${1:-}" = run ] && [ $# -gt 1 ] || fail "say: storage.sh run COMMAND…"
shift
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || fail "OpenSSH's server is needed: apt-get install --no-install-recommends openssh-server"
command -v openssl >/dev/null || fail "openssl is needed"
gateway=$tools/versitygw-$version
if [ ! -x "$gateway" ]; then
  echo "storage rig: building versitygw $version (a minute, once)" >&2
  into=$(mktemp -d)
  GOFLAGS='' GOBIN=$into CGO_ENABLED=0 go install -trimpath "github.com/versity/versitygw/cmd/versitygw@$version" >&2
  mkdir -p "$tools"
  mv "$into/versitygw" "$gateway"
  rm -r "$into"
fi

state=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$state"
}
trap cleanup EXIT
free_port() {
  local port
  for port in $(shuf -i 20000-29999 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  fail "no port is free"
}
wait_port() {
  for _ in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  cat "$state"/*.log >&2
  fail "nothing listens on port $1"
}

# The S3 server.
mkdir -p "$state/s3/rig" "$state/iam" "$state/versions"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$state/tls.key" -out "$state/ca.pem" -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
s3=$(free_port)
ROOT_ACCESS_KEY=rigaccess ROOT_SECRET_KEY=rigsecretkey123 "$gateway" --port "127.0.0.1:$s3" --region us-east-1 --iam-dir "$state/iam" \
  --cert "$state/ca.pem" --key "$state/tls.key" posix "$state/s3" >"$state/s3.log" 2>&1 &
pids+=($!)

# The SFTP server: the user who runs this, by key, and nothing but SFTP.
ssh-keygen -q -t ed25519 -N '' -f "$state/host"
ssh-keygen -q -t ed25519 -N '' -f "$state/user"
cp "$state/user.pub" "$state/authorized"
mkdir -p "$state/sftp" /run/sshd 2>/dev/null || mkdir -p "$state/sftp"
sftp=$(free_port)
cat >"$state/sshd.conf" <<CONF
ListenAddress 127.0.0.1:$sftp
HostKey $state/host
PidFile none
AuthorizedKeysFile $state/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
ForceCommand internal-sftp
Subsystem sftp internal-sftp
CONF
"$sshd" -D -e -f "$state/sshd.conf" >"$state/sshd.log" 2>&1 &
pids+=($!)
wait_port "$s3"
wait_port "$sftp"

export CHATETS_RIG_S3="s3://rig?endpoint=https://127.0.0.1:$s3&region=us-east-1" CHATETS_RIG_S3_CA="$state/ca.pem" CHATETS_RIG_S3_SECRET=rigaccess:rigsecretkey123 \
  CHATETS_RIG_SFTP="sftp://$(id -un)@127.0.0.1:$sftp$state/sftp" CHATETS_RIG_SFTP_KEY="$state/user"
"$@"
