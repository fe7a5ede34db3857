#!/bin/sh
# Makes the documents of this folder with LibreOffice, Chromium, ghostscript and
# base64 from what lies in source; the tests do not need these programs.
set -eu
cd "$(dirname "$0")"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
convert() { soffice -env:UserInstallation="file://$home" --headless --convert-to "$1" --infilter="$2" --outdir "$3" "$4" >/dev/null; }
print() { chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf="$2" "source/$1.html" 2>/dev/null; }
for name in infusion steriliser; do print $name $name.pdf; done
for name in leave dialyse; do convert pdf "HTML (StarWriter)" . source/$name.html; done
print boiler "$home/boiler.pdf"
gs -q -sDEVICE=pdfwrite -dCompatibilityLevel=1.4 -o boiler.pdf "$home/boiler.pdf"
for name in travel hygiene; do convert "docx:MS Word 2007 XML" "HTML (StarWriter)" . source/$name.html; done
for name in contract wartung; do convert "odt:writer8" "HTML (StarWriter)" . source/$name.html; done
for name in wiki kantine; do cp source/$name.html .; done
for name in stock personal; do soffice -env:UserInstallation="file://$home" --headless --convert-to xlsx --outdir . source/$name.fods >/dev/null; done
for name in onboarding brandschutz; do soffice -env:UserInstallation="file://$home" --headless --convert-to pptx --outdir . source/$name.fodp >/dev/null; done
for name in agenda travelplan; do print $name "$home/$name.pdf"; done
{
	cat source/visit.head
	for name in agenda travelplan; do
		printf -- '--x\r\nContent-Type: application/pdf; name=%s.pdf\r\nContent-Disposition: attachment; filename=%s.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n' $name $name
		base64 -w 76 "$home/$name.pdf"
	done
	printf -- '--x--\r\n'
} >visit.eml
