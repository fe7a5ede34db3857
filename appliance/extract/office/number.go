package office

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// numberFormat shows numbers as a format code of Excel says. What such a code
// may hold beyond this (fill characters, colours, conditions) changes no letter.
type numberFormat struct{ sections []section }

type section struct {
	parts    []part
	date     bool
	general  bool
	half     bool // am and pm
	decimals int  // digits behind the point that are always shown
	optional int  // further digits, shown where they are not 0
	zeros    int  // digits before the point at least
	grouped  bool
	percent  int
	thousand int // times divided by 1000
	exponent bool
	fraction bool
	digits   bool
}

// part is a literal, or a code of a date, or the place of the number.
type part struct {
	code byte // 0 = literal, '#' = the number, otherwise a letter of a date
	text string
}

// builtIn are the formats that files name by number only.
func builtIn(id int) string {
	codes := map[int]string{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
		14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
		37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@"}
	switch {
	case id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return "yyyy-mm-dd" // dates of East Asian calendars
	}
	return codes[id]
}

func parseFormat(code string) *numberFormat {
	f := &numberFormat{}
	s := section{}
	literal := func(text string) {
		if n := len(s.parts); n > 0 && s.parts[n-1].code == 0 {
			s.parts[n-1].text += text
		} else {
			s.parts = append(s.parts, part{0, text})
		}
	}
	point := false
	number := func() {
		if !s.digits {
			s.digits = true
			s.parts = append(s.parts, part{'#', ""})
		}
	}
	runes := []rune(code)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case ';':
			f.sections = append(f.sections, s)
			s, point = section{}, false
		case '"':
			for i++; i < len(runes) && runes[i] != '"'; i++ {
				literal(string(runes[i]))
			}
		case '\\':
			if i++; i < len(runes) {
				literal(string(runes[i]))
			}
		case '_', '*': // white space as wide as the next character, or filled with it
			if i++; r == '_' {
				literal(" ")
			}
		case '[':
			end := i + 1
			for end < len(runes) && runes[end] != ']' {
				end++
			}
			inside := strings.ToLower(string(runes[i+1 : min(end, len(runes))]))
			i = end
			switch {
			case strings.HasPrefix(inside, "$"):
				symbol, _, _ := strings.Cut(inside[1:], "-")
				literal(strings.ToUpper(symbol))
			case inside != "" && strings.Trim(inside, "h") == "":
				s.parts, s.date = append(s.parts, part{'H', ""}), true
			case inside != "" && strings.Trim(inside, "m") == "":
				s.parts, s.date = append(s.parts, part{'T', ""}), true
			case inside != "" && strings.Trim(inside, "s") == "":
				s.parts, s.date = append(s.parts, part{'S', ""}), true
			}
		case '0', '#', '?':
			if s.date && point {
				break // fractions of a second
			}
			number()
			switch {
			case s.exponent:
			case point && r == '0':
				s.decimals++
			case point:
				s.optional++
			case r == '0':
				s.zeros++
			}
		case '.':
			if s.date {
				if i+1 < len(runes) && runes[i+1] == '0' {
					point = true
				} else {
					literal(".")
				}
				break
			}
			number()
			point = true
		case ',':
			switch {
			case !s.digits:
				literal(",")
			case i+1 < len(runes) && strings.ContainsRune("0#?", runes[i+1]) && !point:
				s.grouped = true
			default:
				s.thousand++
			}
		case '%':
			s.percent++
			literal("%")
		case 'E', 'e':
			if s.digits && i+1 < len(runes) && (runes[i+1] == '+' || runes[i+1] == '-') {
				s.exponent = true
				i++
				break
			}
			s.parts, s.date = append(s.parts, part{'y', "yyyy"}), true
		case '@':
			s.general = true
			s.parts = append(s.parts, part{'#', ""})
		case 'G', 'g':
			if strings.EqualFold(string(runes[i:min(i+7, len(runes))]), "general") {
				s.general = true
				s.parts = append(s.parts, part{'#', ""})
				i += 6
			}
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			end := i
			for end < len(runes) && runes[end]|0x20 == r|0x20 {
				end++
			}
			s.date = true
			s.parts = append(s.parts, part{byte(r | 0x20), strings.ToLower(string(runes[i:end]))})
			i = end - 1
		case 'A', 'a':
			for _, form := range []string{"AM/PM", "A/P"} {
				if strings.EqualFold(string(runes[i:min(i+len(form), len(runes))]), form) {
					s.half = true
					s.parts = append(s.parts, part{'p', ""})
					i += len(form) - 1
					break
				}
			}
		case '/':
			if s.digits {
				s.fraction = true
				break
			}
			literal("/")
		default:
			literal(string(r))
		}
	}
	f.sections = append(f.sections, s)
	for i := range f.sections {
		f.sections[i].minutes()
	}
	return f
}

// minutes tells months from minutes: m after hours or before seconds.
func (s *section) minutes() {
	before := byte(0)
	for i := range s.parts {
		p := &s.parts[i]
		if p.code == 0 || p.code == '#' {
			continue
		}
		if p.code == 'm' {
			after := byte(0)
			for _, q := range s.parts[i+1:] {
				if q.code != 0 {
					after = q.code
					break
				}
			}
			if len(p.text) <= 2 && (before == 'h' || before == 'H' || after == 's' || after == 'S') {
				p.code = 'n'
			}
		}
		before = p.code
	}
}

// show is the number as the cell shows it.
func (f *numberFormat) show(n float64, from1904 bool) string {
	s, minus := f.sections[0], n < 0
	switch {
	case n < 0 && len(f.sections) > 1:
		s, minus = f.sections[1], false
	case n == 0 && len(f.sections) > 2:
		s = f.sections[2]
	}
	if s.date {
		return s.moment(n, from1904)
	}
	if len(s.parts) == 0 && len(f.sections) > 1 {
		return "" // a section left empty hides the number
	}
	if len(s.parts) == 0 || s.general || s.fraction {
		if s.general && len(s.parts) > 1 {
			return s.around(general(math.Abs(n)), minus)
		}
		return general(n)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return ""
	}
	return s.around(s.number(math.Abs(n)), minus)
}

func (s section) around(number string, minus bool) string {
	var out strings.Builder
	if minus && strings.Trim(number, "0.,") != "" {
		out.WriteByte('-')
	}
	for _, p := range s.parts {
		if p.code == '#' {
			out.WriteString(number)
		} else if p.code == 0 {
			out.WriteString(p.text)
		}
	}
	return strings.TrimSpace(out.String())
}

func (s section) number(n float64) string {
	for range min(s.percent, 4) {
		n *= 100
	}
	for range min(s.thousand, 8) {
		n /= 1000
	}
	places := min(s.decimals+s.optional, 30)
	if s.exponent {
		text := strconv.FormatFloat(n, 'E', places, 64)
		return text
	}
	// Rounded as shown in decimal, not as the binary fraction says: 1.005 -> 1.01.
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if _, behind, ok := strings.Cut(text, "."); ok && len(behind) > places {
		text = strconv.FormatFloat(n+math.Copysign(n*1e-15, n), 'f', places, 64)
	} else if places > len(behind) {
		text = strconv.FormatFloat(n, 'f', places, 64)
	}
	whole, behind, _ := strings.Cut(text, ".")
	for len(behind) > s.decimals && strings.HasSuffix(behind, "0") {
		behind = behind[:len(behind)-1]
	}
	if whole == "0" && s.zeros == 0 && behind != "" {
		whole = ""
	}
	if n := min(s.zeros, 60) - len(whole); n > 0 {
		whole = strings.Repeat("0", n) + whole
	}
	if s.grouped {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if behind != "" {
		whole += "." + behind
	}
	return whole
}

// general is a number as Excel shows it where no format is set.
func general(n float64) string {
	if a := math.Abs(n); a != 0 && (a >= 1e15 || a < 1e-9) {
		return strconv.FormatFloat(n, 'E', -1, 64)
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if len(strings.Trim(text, "-0.")) > 15 {
		short := strconv.FormatFloat(n, 'g', 15, 64)
		if f, err := strconv.ParseFloat(short, 64); err == nil {
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	return text
}

// moment shows days since 1900 (or 1904) as a date, a time or a span of time.
func (s section) moment(days float64, from1904 bool) string {
	if math.IsNaN(days) || math.Abs(days) > 2_958_466 {
		return general(days)
	}
	seconds := int64(math.Round(days * 86_400))
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if from1904 {
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if days >= 1 && days < 60 {
		base = base.AddDate(0, 0, 1) // Excel knows a 29 February 1900
	}
	at := base.Add(time.Duration(seconds) * time.Second)
	hour := at.Hour()
	if s.half {
		hour = (hour+11)%12 + 1
	}
	layouts := map[string]string{"d": "2", "dd": "02", "ddd": "Mon", "dddd": "Monday", "m": "1", "mm": "01", "mmm": "Jan", "mmmm": "January", "yy": "06", "y": "06"}
	var out strings.Builder
	for _, p := range s.parts {
		switch p.code {
		case 0:
			out.WriteString(p.text)
		case 'd', 'm', 'y':
			layout, ok := layouts[p.text[:min(len(p.text), 4)]]
			if !ok {
				layout = "2006"
			}
			text := at.Format(layout)
			if p.text == "mmmmm" {
				text = at.Format("Jan")[:1]
			}
			out.WriteString(text)
		case 'h':
			out.WriteString(padded(int64(hour), len(p.text)))
		case 'n':
			out.WriteString(padded(int64(at.Minute()), len(p.text)))
		case 's':
			out.WriteString(padded(int64(at.Second()), len(p.text)))
		case 'H':
			out.WriteString(padded(seconds/3600, 1))
		case 'T':
			out.WriteString(padded(seconds/60, 1))
		case 'S':
			out.WriteString(padded(seconds, 1))
		case 'p':
			out.WriteString(at.Format("PM"))
		}
	}
	return strings.TrimSpace(out.String())
}

func padded(n int64, digits int) string {
	text := strconv.FormatInt(n, 10)
	if digits > 1 && len(text) < 2 {
		return "0" + text
	}
	return text
}
