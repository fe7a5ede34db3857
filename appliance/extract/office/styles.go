package office

import (
	"regexp"
	"strconv"
	"strings"
)

// style is what a paragraph style of a Word document means.
type style struct {
	base     string
	heading  int // 1..9, 0 = none
	body     bool
	contents bool // a line of a table of contents
	quote    bool
	code     bool
	num      string
	level    int
	done     bool
}

// Word writes "heading 1" whatever its language; other programs write the name
// their user sees.
var (
	headingName  = regexp.MustCompile(`(?i)^(?:heading|überschrift|ueberschrift|berschrift|titre|título|titulo|titolo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|címsor|заголовок|başlık|标题|標題|見出し|제목|επικεφαλίδα|naslov|titlu|encabezado|kapitel)\s*([1-9])\b`)
	contentsName = regexp.MustCompile(`(?i)^(?:toc|contents|verzeichnis|inhaltsverzeichnis|table of (?:contents|figures)|tdm|tm|inhopg|sommario|tdc|index|目录|目次)\s*[1-9]$|^table of figures$`)
	titleName    = regexp.MustCompile(`(?i)^(?:title|titel|titre|título|titolo|titul|tytuł|otsikko|tittel|название|заглавие|标题|表題)$`)
	quoteName    = regexp.MustCompile(`(?i)^(?:intense )?(?:quote|quotations?|zitat|citation|cita|citazione|block text)$`)
	codeName     = regexp.MustCompile(`(?i)^(?:html preformatted|preformatted text|source code|code|quelltext|listing)$`)
)

// meaning finds out what a style of this name means.
func meaning(name string) style {
	name = strings.TrimSpace(name)
	s := style{contents: contentsName.MatchString(name), quote: quoteName.MatchString(name), code: codeName.MatchString(name)}
	if m := headingName.FindStringSubmatch(name); m != nil {
		s.heading, _ = strconv.Atoi(m[1])
	} else if titleName.MatchString(name) {
		s.heading = 1
	}
	return s
}

const maxStyles = 20_000

func (d *docx) readStyles(part string) error {
	d.styles = map[string]*style{}
	return d.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			if el.name != "style" || len(d.styles) >= maxStyles {
				return nil
			}
			s := &style{}
			d.styles[el.attr("styleId")] = s
			return w.each(func(el element) error {
				switch el.name {
				case "name":
					m := meaning(el.attr("val"))
					s.heading, s.contents, s.quote, s.code = m.heading, m.contents, m.quote, m.code
				case "basedOn":
					s.base = el.attr("val")
				case "outlineLvl":
					if n := level(el); n < 9 && s.heading == 0 {
						s.heading = n + 1
					} else if n == 9 {
						s.body = true
					}
				case "ilvl":
					s.level = min(level(el), 8)
				case "numId":
					s.num = el.attr("val")
				}
				return nil
			})
		}, nil)
	})
}

// style is a style with what it has from those it is based on. A document may
// name styles that it does not describe; their ids tell what they are.
func (d *docx) style(id string) style {
	s := d.styles[id]
	if s == nil {
		return meaning(id)
	}
	if s.done {
		return *s
	}
	s.done = true // before going up: a circle ends here
	if d.styles[s.base] == nil {
		return *s
	}
	up := d.style(s.base)
	if s.heading == 0 && !s.body {
		s.heading = up.heading
	}
	if s.num == "" {
		s.num, s.level = up.num, max(s.level, up.level)
	}
	s.contents, s.quote, s.code = s.contents || up.contents, s.quote || up.quote, s.code || up.code
	return *s
}
