#!/bin/sh
# Makes the documents beside it with LibreOffice, from the flat sources.
set -eu
cd "$(dirname "$0")"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
convert() { soffice -env:UserInstallation="file://$home" --headless --convert-to "$1" --outdir . "source/$2" >/dev/null; }
for form in docx odt rtf; do convert $form report.fodt; done
for form in xlsx ods; do convert $form figures.fods; done
for form in pptx odp; do convert $form talk.fodp; done
