#!/usr/bin/env bash
# Makes dist/chatets_VERSION_amd64.deb and dist/chatets-VERSION.x86_64.rpm of bin/chatets, with bills of materials beside them.
# The same commit makes the same bytes: times are those of the commit. SIGN_KEY names a PGP key file to sign with.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${1:-bin/chatets}
export VERSION=${2:-dev} ARCH=amd64 SIGN_KEY=${SIGN_KEY:-}
made=$(git log -1 --format=%ct 2>/dev/null || echo 0)
# Without a tag the version grows with the commits, and stays below the first release.
case $VERSION in v[0-9]*|[0-9]*.*) VERSION=${VERSION#v} ;; *) VERSION=0.1.0~$(date -u -d "@$made" +%Y%m%d%H%M).${VERSION//-/.} ;; esac
VERSION=${VERSION//-/.}
export SOURCE_DATE_EPOCH=$made
nfpm=(go tool -modfile=scripts/tools/go.mod nfpm)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
export STAGE=$stage
install -m 0755 "$bin" "$stage/chatets"

# The program describes itself, without configuration or data of this machine.
"$stage/chatets" man "$stage/man" --time "$made"
gzip -9n "$stage"/man/*.1
mkdir -p "$stage/completion" "$stage/doc/examples"
for shell in bash zsh fish; do "$stage/chatets" completion $shell > "$stage/completion/$shell"; done

"$stage/chatets" licenses --texts > "$stage/doc/licenses.txt"
gzip -9n "$stage/doc/licenses.txt"
cp packaging/copyright "$stage/doc/copyright"
printf 'chatets (%s) stable; urgency=medium\n\n  * See changes.md.\n\n -- The ChatETS team <support@chatets.example>  %s\n' "$VERSION-1" "$(date -u -R -d "@$made")" | gzip -9n > "$stage/doc/changelog.Debian.gz"
cp README.md docs/*.md "$stage/doc/"
mv "$stage/doc/changelog.md" "$stage/doc/changes.md" # Debian keeps that name for its own form
for folder in docs/*/; do case $folder in docs/pictures/|docs/adr/) ;; *) cp -r "$folder" "$stage/doc/" ;; esac; done
cp packaging/examples/* "$stage/doc/examples/"
mkdir -p dist
go run ./scripts/components -version "$VERSION" -time "$made" -spdx "dist/chatets-$VERSION.spdx.json" -cyclonedx "dist/chatets-$VERSION.cdx.json"
mkdir -p "$stage/doc/sbom"
cp "dist/chatets-$VERSION.spdx.json" "dist/chatets-$VERSION.cdx.json" "$stage/doc/sbom/"
chmod -R u=rwX,go=rX "$stage/doc" "$stage/man" "$stage/completion"

find "$stage" -exec touch -h -d "@$made" {} +
sed "s|\${STAGE}|$stage|g" packaging/nfpm.yaml > "$stage/nfpm.yaml"
for kind in deb rpm; do
  "${nfpm[@]}" package --config "$stage/nfpm.yaml" --packager $kind --target dist/
done
(cd dist && sha256sum chatets*"$VERSION"*)
