#!/usr/bin/env bash
# Makes the scans again: pages drawn by Chromium, then turned into pictures by Ghostscript, so that no letter is left in them.
set -euo pipefail
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -r "$made"' EXIT
chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --user-data-dir="$made/profile" --print-to-pdf="$made/text.pdf" "file://$PWD/scan.html" 2>/dev/null
gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfimage8 -r150 -sCompression=JPEG -dJPEGQ=45 -sOutputFile=scan.pdf "$made/text.pdf"
gs -q -dBATCH -dNOPAUSE -sDEVICE=pnggray -r120 -dFirstPage=1 -dLastPage=1 -sOutputFile=pumps.png "$made/text.pdf"
gs -q -dBATCH -dNOPAUSE -sDEVICE=jpeggray -r150 -dJPEGQ=45 -dFirstPage=2 -dLastPage=2 -sOutputFile=wartung.jpg "$made/text.pdf"
gs -q -dBATCH -dNOPAUSE -sDEVICE=tiffg4 -r200 -sOutputFile=all.tif "$made/text.pdf"
