#!/usr/bin/env bash
# What a package must be: the same bytes from the same commit, clean for lintian and rpmlint, and whole through its life:
# installed, upgraded, removed, purged in a fresh Debian 12, and by rpm in an empty root.
# With FULL=1 also booted: the unit active, its sandbox on, restarted after kill -9, its journal clean.
# Needs root; the first run fetches a Debian base, which is kept in ~/.cache/chatets-rigs.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { echo "package: $1" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "run as root: it mounts and changes root directories"

missing=()
for pair in lintian:lintian rpm:rpm rpmlint:rpmlint debootstrap:debootstrap systemd-nspawn:systemd-container; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

top=$(mktemp -d /tmp/chatets-package.XXXXXX)
root=$top/root
nspawn=
leave() {
  [ -z "$nspawn" ] || kill "$nspawn" 2>/dev/null || true
  umount -l "$root/proc" 2>/dev/null || true
  umount -l "$root" 2>/dev/null || true
  rm -rf "$top"
}
trap leave EXIT
deb=$(readlink -f "$(ls -t dist/*.deb | head -1)")
rpm=$(readlink -f "$(ls -t dist/*.rpm | head -1)")
echo "package: $(basename "$deb") $(du -h "$deb" | cut -f1), $(basename "$rpm") $(du -h "$rpm" | cut -f1)"

# The same bytes again.
before=$(sha256sum "$deb" "$rpm")
scripts/package.sh bin/chatets "${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}" >/dev/null
[ "$before" = "$(sha256sum "$deb" "$rpm")" ] || fail "the same commit made other bytes"
echo "package: made twice, the same bytes"

lintian --allow-root --fail-on error,warning "$deb" || fail "lintian finds something"
# As nobody: it unpacks the package by its absolute names, and as root it would install it here.
cp "$rpm" packaging/rpmlint.toml "$top/" && chmod -R a+rX "$top"
(cd / && setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent rpmlint --config "$top/rpmlint.toml" --strict "$top/$(basename "$rpm")") || fail "rpmlint finds something"
for bill in dist/*.spdx.json dist/*.cdx.json; do jq -e '(.packages // .components) | length > 50' "$bill" >/dev/null || fail "$bill is no bill of materials"; done
rpm -qpR "$rpm" 2>/dev/null | grep -v '^rpmlib(' | sort -u | sed 's/^/package: the .rpm needs /'

base=${XDG_CACHE_HOME:-$HOME/.cache}/chatets-rigs/debian12
if [ ! -x "$base/bin/bash" ]; then
  echo "package: fetching a Debian base"
  mkdir -p "$base"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates,iproute2,curl bookworm "$base" >"$base.log" 2>&1 || { rm -rf "$base"; tail -5 "$base.log"; fail "the Debian base cannot be fetched"; }
fi

fresh() { # an untouched system over the base
  umount -l "$root/proc" 2>/dev/null || true
  umount -l "$root" 2>/dev/null || true
  rm -rf "$top/up" "$top/work"; mkdir -p "$root" "$top/up" "$top/work"
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$top/up,workdir=$top/work" "$root"
  mount -t proc proc "$root/proc"
}
inside() { chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive bash -euc "$1"; }
want() { inside "$1" >"$top/want.log" 2>&1 || { tail -5 "$top/want.log" >&2; fail "$2"; }; }

fresh
cp "$deb" "$root/root/chatets.deb"
inside 'apt-get install -y --no-install-recommends /root/chatets.deb' >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .deb does not install"; }
want 'getent passwd chatets' "the user was not made"
want '[ "$(stat -c "%U:%G %a" /var/lib/chatets/data)" = "chatets:chatets 700" ]' "/var/lib/chatets/data is not the service's alone"
want '[ "$(stat -c "%U:%G %a" /etc/chatets)" = "root:chatets 750" ]' "/etc/chatets is not as it should be"
want '[ "$(systemctl is-enabled chatets 2>/dev/null)" = disabled ]' "the unit is enabled unasked"
want 'chatets version --json && zcat /usr/share/man/man1/chatets.1.gz && zcat /usr/share/doc/chatets/licenses.txt.gz' "program, manual page or licences do not read"
want 'grep -q "^complete\|_chatets\|__start_chatets" /usr/share/bash-completion/completions/chatets' "there is no completion"
# The life of data: made by the service's own user, kept through everything.
want 'chatets key make && [ "$(stat -c "%U:%G %a" /etc/chatets/master.key)" = "root:chatets 640" ]' "the key is not root's for the service's group"
want 'echo "Test-Pass-12345" | chatets user add --email owner@example.test --name Owner --admin --password-stdin' "a person cannot be added"
want '[ "$(stat -c %U /var/lib/chatets/data/chatets.db)" = chatets ]' "the database is not the service's"
inside 'echo "log-level = \"debug\"" >> /etc/chatets/chatets.toml'
inside 'apt-get install -y --reinstall /root/chatets.deb' >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .deb does not install over itself"; }
want 'grep -q debug /etc/chatets/chatets.toml' "an upgrade threw a changed configuration away"
want 'chatets user list | grep -q owner@example.test' "an upgrade lost a person"
inside 'apt-get remove -y chatets' >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .deb does not go"; }
want '[ ! -e /usr/bin/chatets ] && [ -s /var/lib/chatets/data/chatets.db ] && [ -s /etc/chatets/master.key ]' "removing did not leave the data"
inside 'apt-get purge -y chatets' >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .deb does not purge"; }
grep -q 'To delete both for ever' "$top/install.log" || fail "purge does not say what stays"
want '[ -s /var/lib/chatets/data/chatets.db ] && [ -s /etc/chatets/master.key ] && [ ! -e /etc/chatets/chatets.toml ]' "purge took data, or left configuration"
inside 'apt-get install -y --no-install-recommends /root/chatets.deb' >"$top/install.log" 2>&1
want 'chatets user list | grep -q owner@example.test' "installed again, the data does not open"
echo "package: .deb installed, upgraded, removed, purged, installed again; the data stayed"

fresh
rpm --root "$root" --initdb
rpm --root "$root" -i --nodeps "$rpm" >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .rpm does not install"; }
want 'getent passwd chatets && chatets version' "the .rpm made no user, or the program does not run"
rpm --root "$root" -V --nodeps chatets || fail "rpm -V finds changed files"
want 'chatets key make; echo "Test-Pass-12345" | chatets user add --email owner@example.test --name Owner --admin --password-stdin' "a person cannot be added"
rpm --root "$root" -U --nodeps --replacepkgs "$rpm" >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .rpm does not install over itself"; }
want 'chatets user list | grep -q owner@example.test' "an upgrade lost a person"
rpm --root "$root" -e --nodeps chatets >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .rpm does not go"; }
want '[ ! -e /usr/bin/chatets ] && [ -s /var/lib/chatets/data/chatets.db ] && [ -s /etc/chatets/master.key ]' "removing did not leave the data"
echo "package: .rpm installed, verified, upgraded, removed; the data stayed"

[ "${FULL:-}" = 1 ] || exit 0
fresh
cp "$deb" "$root/root/chatets.deb"
inside 'apt-get install -y --no-install-recommends /root/chatets.deb && systemctl enable chatets' >"$top/install.log" 2>&1 || { cat "$top/install.log"; fail "the .deb does not install"; }
umount -l "$root/proc"
cp scripts/rigs/package-probe.sh "$root/root/probe.sh"
cat > "$root/etc/systemd/system/probe.service" <<'U'
[Unit]
After=multi-user.target chatets.service
[Service]
Type=oneshot
StandardOutput=journal+console
StandardError=journal+console
ExecStart=/bin/bash /root/probe.sh
ExecStopPost=/bin/systemctl poweroff --force
[Install]
WantedBy=multi-user.target
U
ln -s /etc/systemd/system/probe.service "$root/etc/systemd/system/multi-user.target.wants/probe.service"
timeout "${LIMIT:-300}" systemd-nspawn --register=no --keep-unit --quiet --private-network -D "$root" -b </dev/null >"$top/boot.log" 2>&1 &
nspawn=$!
wait "$nspawn" || true
nspawn=
tr -d '\r' <"$top/boot.log" | grep '^.*probe: ' | sed 's/^.*probe: /package: boot: /'
grep -q 'probe: all of it' "$top/boot.log" || { tr -d '\r' <"$top/boot.log" | tail -60; fail "the booted system is not as it should be"; }
