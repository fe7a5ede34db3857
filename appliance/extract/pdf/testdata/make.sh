#!/bin/sh
# Makes the files of this folder; the tests do not need these programs.
set -eu
cd "$(dirname "$0")"
chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf=chromium.pdf chromium.html
gs -q -sDEVICE=pdfwrite -sOwnerPassword=own -sUserPassword=secret -dEncryptionR=3 -dKeyLength=128 -o locked.pdf chromium.pdf
