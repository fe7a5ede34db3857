package pdf

import (
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// drawing is what stands on a page beside text.
type drawing struct {
	marks []rect // small and about square, as the dots of a list
	rules []rect // thin lines
	cover float64
}

// drawing looks at the objects of a page. The parser keeps a handle for each
// until the document's end, so they are counted over all pages.
func (r *Reader) drawing(s *sheet, left *int) drawing {
	var d drawing
	n, err := r.instance.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: at(s.document, s.index)})
	if err != nil {
		return d
	}
	for i := range min(n.Count, maxObjects) {
		if *left--; *left < 0 {
			return d
		}
		o, err := r.instance.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: at(s.document, s.index), Index: i})
		if err != nil {
			continue
		}
		kind, err := r.instance.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: o.PageObject})
		if err != nil || kind.Type == enums.FPDF_PAGEOBJ_TEXT || kind.Type == enums.FPDF_PAGEOBJ_SHADING {
			continue
		}
		b, err := r.instance.FPDFPageObj_GetBounds(&requests.FPDFPageObj_GetBounds{PageObject: o.PageObject})
		if err != nil {
			continue
		}
		shown := s.rect(float64(b.Left), float64(b.Bottom), float64(b.Right), float64(b.Top))
		switch kind.Type {
		case enums.FPDF_PAGEOBJ_IMAGE:
			d.cover += area(shown, s)
		case enums.FPDF_PAGEOBJ_FORM:
			if r.holdsImage(o.PageObject, left, 0) {
				d.cover += area(shown, s)
			}
		case enums.FPDF_PAGEOBJ_PATH:
			d.path(s.upright(shown), func() []rect { return r.parts(s, o.PageObject, left) })
		}
	}
	return d
}

// area is the share of the page that a rectangle covers.
func area(r rect, s *sheet) float64 {
	f := s.fractions(r)
	return max(f.x1-f.x0, 0) * max(f.y1-f.y0, 0)
}

func (r *Reader) holdsImage(form references.FPDF_PAGEOBJECT, left *int, depth int) bool {
	n, err := r.instance.FPDFFormObj_CountObjects(&requests.FPDFFormObj_CountObjects{PageObject: form})
	if err != nil || depth > 4 {
		return false
	}
	for i := range min(n.Count, 50) {
		if *left--; *left < 0 {
			return false
		}
		o, err := r.instance.FPDFFormObj_GetObject(&requests.FPDFFormObj_GetObject{PageObject: form, Index: uint64(i)})
		if err != nil {
			continue
		}
		kind, err := r.instance.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: o.PageObject})
		if err == nil && (kind.Type == enums.FPDF_PAGEOBJ_IMAGE || kind.Type == enums.FPDF_PAGEOBJ_FORM && r.holdsImage(o.PageObject, left, depth+1)) {
			return true
		}
	}
	return false
}

// path sorts a drawn path into marks and rules; one of several parts is looked
// at part by part.
func (d *drawing) path(r rect, parts func() []rect) {
	w, h := r.x1-r.x0, r.y1-r.y0
	switch {
	case min(w, h) <= 3.2 && max(w, h) >= 9:
		d.rules = append(d.rules, r)
	case max(w, h) < 9 && min(w, h) > 1 && min(w, h) > 0.7*max(w, h):
		d.marks = append(d.marks, r)
	case max(w, h) >= 9:
		d.rules = append(d.rules, parts()...)
	}
}

// parts are the straight thin parts of a path: lines, thin rectangles, and the
// sides of rectangles that are stroked.
func (r *Reader) parts(s *sheet, path references.FPDF_PAGEOBJECT, left *int) []rect {
	n, err := r.instance.FPDFPath_CountSegments(&requests.FPDFPath_CountSegments{PageObject: path})
	if err != nil || n.Count > 400 {
		return nil
	}
	mode, err := r.instance.FPDFPath_GetDrawMode(&requests.FPDFPath_GetDrawMode{PageObject: path})
	if err != nil {
		return nil
	}
	m, err := r.instance.FPDFPageObj_GetMatrix(&requests.FPDFPageObj_GetMatrix{PageObject: path})
	if err != nil {
		return nil
	}
	a, b, c, e, f, g := float64(m.Matrix.A), float64(m.Matrix.B), float64(m.Matrix.C), float64(m.Matrix.D), float64(m.Matrix.E), float64(m.Matrix.F)
	var out []rect
	var points [][2]float64
	end := func() {
		if len(points) > 1 {
			out = append(out, thin(points, mode.Stroke)...)
		}
		points = nil
	}
	for i := range n.Count {
		if *left--; *left < 0 {
			return nil
		}
		seg, err := r.instance.FPDFPath_GetPathSegment(&requests.FPDFPath_GetPathSegment{PageObject: path, Index: i})
		if err != nil {
			return nil
		}
		kind, err := r.instance.FPDFPathSegment_GetType(&requests.FPDFPathSegment_GetType{PathSegment: seg.PathSegment})
		if err != nil || kind.Type == enums.FPDF_SEGMENT_BEZIERTO {
			return out
		}
		p, err := r.instance.FPDFPathSegment_GetPoint(&requests.FPDFPathSegment_GetPoint{PathSegment: seg.PathSegment})
		if err != nil {
			return nil
		}
		if kind.Type == enums.FPDF_SEGMENT_MOVETO {
			end()
		}
		x, y := s.shown(float64(p.X)*a+float64(p.Y)*c+f, float64(p.X)*b+float64(p.Y)*e+g)
		up := s.upright(rect{x, y, x, y})
		points = append(points, [2]float64{up.x0, up.y0})
	}
	end()
	return out
}

func thin(points [][2]float64, stroke bool) []rect {
	all := rect{points[0][0], points[0][1], points[0][0], points[0][1]}
	for _, p := range points {
		all = rect{min(all.x0, p[0]), min(all.y0, p[1]), max(all.x1, p[0]), max(all.y1, p[1])}
	}
	if min(all.x1-all.x0, all.y1-all.y0) <= 3.2 {
		return []rect{all}
	}
	if !stroke {
		return nil
	}
	var out []rect
	for i := range points {
		p, q := points[i], points[(i+1)%len(points)]
		if side := (rect{min(p[0], q[0]), min(p[1], q[1]), max(p[0], q[0]), max(p[1], q[1])}); min(side.x1-side.x0, side.y1-side.y0) <= 1 && max(side.x1-side.x0, side.y1-side.y0) >= 6 {
			out = append(out, side)
		}
	}
	return out
}

// bullets adds the dots of lists that were drawn, not written.
func bullets(words []word, marks []rect) []word {
	if len(marks) > 300 {
		return words // a drawing
	}
	for _, m := range marks {
		best := -1
		middle := (m.y0 + m.y1) / 2
		for i, w := range words {
			if middle < w.base-0.8*w.size || middle > w.base+0.1*w.size || w.x1 < m.x0-w.size {
				continue
			}
			if best < 0 || w.x0 < words[best].x0 {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		// The first word right of the dot and none close on its left.
		w := words[best]
		if gap := w.x0 - m.x1; gap < 0 || gap > 3*w.size || m.x1-m.x0 > 0.8*w.size || isBullet(w.text) {
			continue
		}
		w.text, w.x0, w.x1 = "•", m.x0, m.x1
		words = append(words, w)
	}
	return words
}
