package office

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// word does what a control word of RTF says; unknown ones change nothing.
func (r *rtf) word(word string, n int, stated bool) {
	switch word {
	case "par", "sect", "page":
		r.paragraphOrNote()
	case "line":
		r.write("\n")
	case "tab":
		r.write("\t")
	case "cell", "nestcell":
		if !r.state.skip && r.state.into == "" {
			r.row.add(r.text.String(), 1)
			r.text.Reset()
		}
	case "row", "nestrow":
		if !r.state.skip {
			r.text.Reset()
			r.endRow()
			r.inTable = false
		}
	case "trowd":
		r.cells, r.merged = r.cells[:0], false
	case "clvmrg":
		r.merged = true
	case "cellx":
		if len(r.cells) < maxCells {
			r.cells = append(r.cells, r.merged)
		}
		r.merged = false
	case "intbl":
		r.inTable = true
	case "pard":
		r.outline, r.item, r.inTable, r.state.style = 0, 0, false, 0
	case "s":
		r.state.style = n
	case "outlinelevel":
		if n >= 0 && n < 9 {
			r.outline = n + 1
		}
	case "ls":
		if r.item == 0 && n > 0 {
			r.item = 1
		}
	case "ilvl":
		r.item = min(max(n, 0), 8) + 1
	case "v", "deleted":
		r.state.hidden = !stated || n != 0
	case "plain":
		r.state.hidden = false
	case "uc":
		r.state.uc = min(max(n, 0), 16)
	case "ansicpg":
		r.page, r.state.page = n, n
	case "mac":
		r.page, r.state.page = 10000, 10000
	case "pc":
		r.page, r.state.page = 437, 437
	case "pca":
		r.page, r.state.page = 850, 850
	case "f":
		r.font = n
		if page, ok := r.fonts[n]; ok && r.state.into != "fonttbl" {
			r.state.page = page
		} else {
			r.state.page = r.page
		}
	case "fcharset":
		if page := charset(n); r.state.into == "fonttbl" && page > 0 && len(r.fonts) < maxStyles {
			r.fonts[r.font] = page
		}
	case "fonttbl":
		r.state.into = "fonttbl"
	case "stylesheet":
		r.state.into, r.state.style = "stylesheet", 0
	case "info":
		r.state.into = "info"
	case "title":
		if r.state.into == "info" {
			r.state.into = "title"
		}
	case "footnote":
		r.state.into, r.state.skip = "note", false
	case "shptxt":
		r.state.skip = false
	case "shp", "shpinst", "shprslt":
		// \shpinst is marked as skippable, but text boxes stand in it.
		r.state.skip = word == "shprslt"
	case "colortbl", "pict", "object", "objdata", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
		"fldinst", "sp", "listtext", "pntext", "themedata", "datastore", "latentstyles", "listtable", "listoverridetable", "revtbl", "rsidtbl",
		"generator", "xmlnstbl", "filetbl", "nonshppict", "bkmkstart", "bkmkend", "xe", "tc", "ftnsep", "ftnsepc", "aftnsep", "nonesttables":
		r.state.skip = true
		if (word == "listtext" || word == "pntext") && r.item == 0 {
			r.item = 1
		}
	case "nesttableprops":
		r.state.skip = false
	case "emdash":
		r.write("—")
	case "endash":
		r.write("–")
	case "lquote":
		r.write("‘")
	case "rquote":
		r.write("’")
	case "ldblquote":
		r.write("“")
	case "rdblquote":
		r.write("”")
	case "bullet":
		r.write("•")
	case "emspace", "enspace", "qmspace":
		r.write(" ")
	}
}

func (r *rtf) paragraphOrNote() {
	switch {
	case r.state.skip:
	case r.state.into == "note":
		r.note.WriteByte(' ')
	case r.state.into == "":
		r.paragraph()
	}
}

// charset is the code page of a Windows character set, 0 = the document's.
func charset(n int) int {
	return map[int]int{0: 1252, 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 255: 850}[n]
}

func codePage(n int) encoding.Encoding {
	switch n {
	case 437:
		return charmap.CodePage437
	case 850:
		return charmap.CodePage850
	case 852:
		return charmap.CodePage852
	case 866:
		return charmap.CodePage866
	case 874:
		return charmap.Windows874
	case 932:
		return japanese.ShiftJIS
	case 936:
		return simplifiedchinese.GBK
	case 949:
		return korean.EUCKR
	case 950:
		return traditionalchinese.Big5
	case 1250:
		return charmap.Windows1250
	case 1251:
		return charmap.Windows1251
	case 1253:
		return charmap.Windows1253
	case 1254:
		return charmap.Windows1254
	case 1255:
		return charmap.Windows1255
	case 1256:
		return charmap.Windows1256
	case 1257:
		return charmap.Windows1257
	case 1258:
		return charmap.Windows1258
	case 10000:
		return charmap.Macintosh
	case 65001:
		return unicode.UTF8
	}
	return charmap.Windows1252
}
