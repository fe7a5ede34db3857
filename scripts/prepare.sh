#!/usr/bin/env bash
# Installs what building and testing need and are not there yet; says what it does before it does it.
#   prepare.sh ui    the UI's npm packages (all that `make run` and `make build` need)
#   prepare.sh all   also Debian's chromium, jq, curl, iproute2 and tesseract for the tests,
#                    and OpenSSH's server for the tests of storage
#   prepare.sh ad    also samba, for the test against a real Active Directory
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}

fail() { echo "prepare: $1" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

have go || fail "Go 1.26 or newer is needed and not installed"
have node || fail "Node 20 or newer is needed and not installed"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || fail "Node 20 or newer is needed; this is $(node -v)"

if [ ! -e ui/node_modules/.package-lock.json ] || [ ui/package-lock.json -nt ui/node_modules/.package-lock.json ]; then
  echo "prepare: installing the npm packages of the UI (npm ci in ui/)"
  (cd ui && npm ci --no-audit --no-fund)
fi
[ "$what" = ui ] && exit 0

have gcc || fail "gcc is needed by Go's race detector and not installed"

missing=()
have chromium || have chromium-browser || missing+=(chromium)
have jq || missing+=(jq)
have curl || missing+=(curl)
have ip || missing+=(iproute2)
for language in eng deu; do
  { have tesseract && tesseract --list-langs 2>/dev/null | grep -qx "$language"; } || missing+=("tesseract-ocr-$language")
done
have openssl || missing+=(openssl)
have swtpm || missing+=(swtpm swtpm-tools) # the software TPM of the tests of keys
have sshd || [ -x /usr/sbin/sshd ] || missing+=(openssh-server) # the SFTP server of scripts/rigs/storage.sh
[ -x /usr/sbin/slapd ] || missing+=(slapd) # the directory of make test-identity
if [ "$what" = ad ]; then
  have samba-tool || missing+=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)
  have python3 || missing+=(python3)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

have apt-get || fail "the tests need ${missing[*]}; install them with this system's package manager and run make test again"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  have sudo || fail "the tests need ${missing[*]}; run as root: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi
echo "prepare: installing Debian packages for the tests: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
