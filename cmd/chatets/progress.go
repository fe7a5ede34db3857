package main

import (
	"fmt"
	"strings"
	"time"

	"chatets/appliance/table"
)

const (
	barWidth = 24
	redraw   = 50 * time.Millisecond
)

// progress draws one line on a terminal, and is silent elsewhere.
type progress struct {
	o     *options
	name  string
	width int // 0 = no terminal
	drawn bool
	what  string
	last  time.Time
}

func (o *options) bar(name string) *progress {
	p := &progress{o: o, name: table.Clean(name)}
	if n, terminal := columns(o.err); terminal && !o.json {
		p.width = n
	}
	return p
}

// show says what is being done, and how much of it where total is known.
func (p *progress) show(what string, done, total int64) {
	if p.width == 0 || what == p.what && done != total && time.Since(p.last) < redraw {
		return
	}
	p.drawn, p.what, p.last = true, what, time.Now()
	bar := ""
	switch {
	case total > 0:
		done = max(0, min(done, total))
		full := int(done * barWidth / total)
		bar = fmt.Sprintf("[%s%s] %3d %% ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100/total)
	case done > 0:
		bar = size(done) + " "
	}
	fmt.Fprint(p.o.err, "\r\x1b[K"+cut(p.name+" "+bar+what+"…", p.width-1))
}

// end takes the line away.
func (p *progress) end() {
	if p.drawn {
		p.drawn, p.what = false, ""
		fmt.Fprint(p.o.err, "\r\x1b[K")
	}
}

// cut keeps the end of a line that is too long: a line that wraps cannot be
// drawn again in its place.
func cut(s string, columns int) string {
	if table.Width(s) <= columns {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && table.Width(string(r)) > columns-1 {
		r = r[1:]
	}
	return "…" + string(r)
}
