package doc

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// maxSample is how many bytes with letters outside ASCII near them are looked
// at to find out an encoding.
const maxSample = 32 << 10

// detect tells the likeliest old encoding of bytes that are not UTF-8. Each one
// is tried, and what it makes of the text is weighed: the right one gives words
// of one script in lower case with signs people use. Windows-1252 wins unless
// another is clearly better.
func detect(data []byte) (string, encoding.Encoding) {
	part := sample(data)
	best, name, most := encoding.Encoding(charmap.Windows1252), "Windows-1252", weigh(part, charmap.Windows1252)+0.02
	for _, c := range []struct {
		name string
		e    encoding.Encoding
	}{
		{"Shift-JIS", japanese.ShiftJIS}, {"EUC-JP", japanese.EUCJP}, {"EUC-KR", korean.EUCKR}, {"GB18030", simplifiedchinese.GB18030}, {"Big5", traditionalchinese.Big5},
		{"Windows-1251", charmap.Windows1251}, {"KOI8-R", charmap.KOI8R}, {"ISO-8859-5", charmap.ISO8859_5}, {"IBM-866", charmap.CodePage866},
		{"Windows-1250", charmap.Windows1250}, {"ISO-8859-2", charmap.ISO8859_2}, {"Windows-1253", charmap.Windows1253}, {"Windows-1254", charmap.Windows1254},
		{"Windows-1255", charmap.Windows1255}, {"Windows-1256", charmap.Windows1256}, {"Windows-874", charmap.Windows874},
	} {
		if score := weigh(part, c.e); score > most {
			best, name, most = c.e, c.name, score
		}
	}
	return name, best
}

// sample is the lines with letters outside ASCII, whole, up to a size.
func sample(data []byte) []byte {
	var part []byte
	for len(data) > 0 && len(part) < maxSample {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if i := bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			part = append(append(part, line[:min(len(line), maxSample)]...), '\n')
		}
	}
	return part
}

// weigh is how much the decoded text looks like one, 0..2 per character outside
// ASCII.
func weigh(part []byte, e encoding.Encoding) float64 {
	decoded, err := e.NewDecoder().Bytes(part)
	if err != nil {
		return -1
	}
	text := string(decoded)
	sum, n := 0.0, 0.0
	scripts := map[string]float64{}
	before := ' '
	for _, r := range text {
		// A word is written in one script.
		if ascii(r) && foreign(before) || ascii(before) && foreign(r) {
			sum -= 1.5
		}
		if r < utf8.RuneSelf {
			before = r
			continue
		}
		n++
		sum += letter(r, before)
		scripts[scriptOf(r)]++
		before = r
	}
	if n == 0 {
		return 0
	}
	most := 0.0
	for script, count := range scripts {
		if script != "" {
			most = max(most, count)
		}
	}
	score := sum/n + 0.3*most/n
	// Words of the language settle what the letters leave open.
	if Language(text) != "" {
		score += 0.25
	}
	return score
}

func ascii(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

func foreign(r rune) bool {
	return r >= utf8.RuneSelf && unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
}

func letter(r, before rune) float64 {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r), r >= 0xe000 && r <= 0xf8ff:
		return -3
	case strings.ContainsRune("äöüßéèàçñâêîôûëïùåæ", r):
		return 1
	case strings.ContainsRune("øáíóúąćęłńóśźżčďěňřšťůýžőűăşţğıİÄÖÜÉÅØÆĂŠČŽŁŚŻÇŞ", r):
		return 0.9
	case strings.ContainsRune("„“”’‘–—•…«»°§€£·。、，：；（）「」", r):
		return 0.7
	case r >= 0x3041 && r <= 0x30ff: // kana
		return 1.3
	case r >= 0xff61 && r <= 0xff9f: // half-width kana, which bytes of others turn into
		return -0.5
	case r >= 0xac00 && r <= 0xd7a3:
		return 1.1
	case unicode.Is(unicode.Han, r):
		if common(r) {
			return 1.3
		}
		return 0.8
	case strings.ContainsRune("ฃฅฆฌฎฏฐฑฒฤฦฯ๏๐๑๒๓๔๕๖๗๘๙๚๛", r):
		return -0.5 // rare in Thai, common in what is none
	case unicode.IsUpper(r) && (unicode.IsLower(before) || before >= utf8.RuneSelf && unicode.IsUpper(before)):
		return 0 // capitals inside words
	case unicode.Is(unicode.Cyrillic, r):
		if r >= 0x430 && r <= 0x44f || r >= 0x410 && r <= 0x42f {
			return 1
		}
		return 0.4
	case unicode.Is(unicode.Greek, r), unicode.Is(unicode.Hebrew, r), unicode.Is(unicode.Arabic, r), unicode.Is(unicode.Thai, r):
		return 1
	case unicode.IsLetter(r):
		return 0.3
	}
	return -0.5
}

// common are signs found on nearly every page of Chinese or Japanese.
func common(r rune) bool {
	return strings.ContainsRune("的一是不了在人有我他这個个们來来上大和国國地到以说說时時要就出会會可也你对對生能而子那得于着下自之年过過发發后後作里用道行所然家种事成方多经經么去法学學如都同现現没動动面起看定天分还還进進好小部其些主样樣理心前开但因只从想实實日本中文月水电電机機为為与與测試试检查檢設备", r)
}

func scriptOf(r rune) string {
	switch {
	case unicode.Is(unicode.Latin, r):
		return "latin"
	case unicode.Is(unicode.Cyrillic, r):
		return "cyrillic"
	case unicode.Is(unicode.Greek, r):
		return "greek"
	case unicode.Is(unicode.Hebrew, r):
		return "hebrew"
	case unicode.Is(unicode.Arabic, r):
		return "arabic"
	case unicode.Is(unicode.Thai, r):
		return "thai"
	case unicode.Is(unicode.Hangul, r):
		return "hangul"
	case r >= 0x3041 && r <= 0x30ff, unicode.Is(unicode.Han, r):
		return "han"
	}
	return ""
}
