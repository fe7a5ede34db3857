package pdf

import (
	"fmt"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
)

// paragraph says lines below each other.
func paragraph(x, y, step, size int, lines ...string) string {
	p := ""
	for i, l := range lines {
		p += say(x, y-step*i, size, l)
	}
	return p
}

func bolder(x, y, size int, text string) string {
	return fmt.Sprintf("BT /B %d Tf %d %d Td (%s) Tj ET\n", size, x, y, text)
}

// ruledTable draws three rows and columns, the middle row two lines high.
func ruledTable(x, y int) string {
	p := "0.5 w\n"
	for _, h := range []int{0, 20, 54, 74} {
		p += fmt.Sprintf("%d %d m %d %d l S\n", x, y-h, x+400, y-h)
	}
	for _, v := range []int{0, 100, 250, 400} {
		p += fmt.Sprintf("%d %d m %d %d l S\n", x+v, y, x+v, y-74)
	}
	p += say(x+4, y-14, 10, "Code") + say(x+104, y-14, 10, "Meaning") + say(x+254, y-14, 10, "What to do")
	p += say(x+4, y-40, 10, "E-01") + paragraph(x+104, y-34, 12, 10, "Air was found in the", "line by the sen-") + paragraph(x+254, y-34, 12, 10, "Stop the pump and", "call service")
	return p + say(x+4, y-68, 10, "E-02") + say(x+254, y-68, 10, "Charge it")
}

func TestLayout(t *testing.T) {
	t.Parallel()
	r := open(t)
	running := []string{"this is the running text of a page that", "is long enough to tell how large print is", "and how far its lines are apart from each", "other when they follow in one paragraph."}
	for _, tt := range []struct {
		name  string
		pages []string
		want  []string
	}{
		{"a table with ruled lines and cells of several lines", []string{ruledTable(60, 700)}, []string{
			"row 1 Code | Meaning | What to do", "row 1 E-01 | Air was found in the line by the sen- | Stop the pump and call service", "row 1 E-02 |  | Charge it"}},
		{"empty cells first and last", []string{ruledTable(60, 700) + "60 626 m 60 606 l S 160 626 m 160 606 l S 310 626 m 310 606 l S 460 626 m 460 606 l S 60 606 m 460 606 l S\n" + say(164, 612, 10, "Between")}, []string{
			"row 1 Code | Meaning | What to do", "row 1 E-01 | Air was found in the line by the sen- | Stop the pump and call service", "row 1 E-02 |  | Charge it", "row 1 | Between |"}},
		{"a sign that becomes several", []string{paragraph(60, 700, 12, 10, "Wait\\274 then open", "the valve")}, []string{"paragraph 1 Wait... then open the valve"}},
		{"a drawn frame is no table", []string{"50 50 500 700 re S\n" + paragraph(60, 700, 12, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " ")}},
		{"cells without lines go on below", []string{
			say(60, 700, 10, "Part") + say(260, 700, 10, "Use") + say(460, 700, 10, "Price") +
				paragraph(60, 680, 12, 10, "Pump head with", "a long name") + paragraph(260, 680, 12, 10, "To press water", "through a line") + say(460, 680, 10, "12.50") +
				say(60, 648, 10, "Seal") + say(460, 648, 10, "0.50")}, []string{
			"row 1 Part | Use | Price", "row 1 Pump head with a long name | To press water through a line | 12.50", "row 1 Seal |  | 0.50"}},
		{"a justified paragraph is no table", []string{
			paragraph(60, 688, 12, 10, "The narrow column") + say(60, 676, 10, "makes") + say(105, 676, 10, "wide") + say(145, 676, 10, "spaces") + say(60, 664, 10, "which") + say(107, 664, 10, "are") + say(140, 664, 10, "no") + paragraph(60, 652, 12, 10, "cells of a table.")}, []string{
			"paragraph 1 The narrow column makes wide spaces which are no cells of a table."}},
		{"lists in lists", []string{
			say(60, 700, 10, "\\267") + say(75, 700, 10, "first item that goes") + say(75, 688, 10, "on below") + say(80, 676, 10, "\\267") + say(95, 676, 10, "deeper") + say(60, 664, 10, "\\267") + say(75, 664, 10, "second") +
				say(60, 630, 10, "1.") + say(75, 630, 10, "Numbered") + say(60, 618, 10, "2.") + say(75, 618, 10, "again")}, []string{
			"item 1 first item that goes on below", "item 1 deeper", "item 1 second", "item 1 1. Numbered", "item 1 2. again"}},
		{"dots that are drawn", []string{"60 702 4 4 re f\n60 688 4 4 re f\n" + say(72, 700, 10, "First thing") + say(72, 686, 10, "Second thing")}, []string{"item 1 First thing", "item 1 Second thing"}},
		{"a number inside a sentence begins no item", []string{paragraph(60, 700, 12, 10, "The limit of the pump was raised to", "30. The operators knew of it.")}, []string{"paragraph 1 The limit of the pump was raised to 30. The operators knew of it."}},
		{"a paragraph over two pages", []string{
			paragraph(60, 700, 12, 10, running[:3]...) + paragraph(60, 652, 12, 10, "The last words of this page are in the mid-"),
			paragraph(60, 700, 12, 10, "dle of a word, and the sentence ends here.", "Then another one follows.")}, []string{
			"paragraph 1 " + strings.Join(running[:3], " "), "paragraph 1 The last words of this page are in the middle of a word, and the sentence ends here. Then another one follows."}},
		{"a page that is turned", []string{"%/Rotate 90\n" + paragraph(60, 700, 12, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " ")}},
		{"a landscape page that nobody turned", []string{"0 1 -1 0 600 0 cm\n" + paragraph(60, 500, 12, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " ")}},
		{"text that runs down", []string{"0 -1 1 0 0 800 cm\n" + paragraph(60, 500, 12, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " ")}},
		{"a note at the margin comes last", []string{"q 0 1 -1 0 30 300 cm " + say(0, 0, 8, "margin note") + "Q\n" + paragraph(60, 700, 12, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " "), "paragraph 1 margin note"}},
		{"double spaced", []string{paragraph(60, 700, 24, 10, running...)}, []string{"paragraph 1 " + strings.Join(running, " ")}},
		{"a raised number", []string{say(60, 700, 12, "10") + say(74, 705, 8, "3") + say(79, 700, 12, " ml and H") + say(129, 697, 8, "2") + say(134, 700, 12, "O")}, []string{"paragraph 1 10³ ml and H2O"}},
		{"bold stands out where most is not", []string{bolder(60, 720, 10, "Cleaning") + paragraph(60, 700, 12, 10, running...)}, []string{"heading 1 Cleaning", "paragraph 1 " + strings.Join(running, " ")}},
		{"columns end where a heading begins", []string{
			paragraph(60, 700, 12, 10, "one of the left side", "two of the left side", "three of the left side", "four of the left end.") +
				paragraph(320, 700, 12, 10, "one of the right side", "two of the right side", "three of the right side", "four of the right end.") +
				bolder(60, 630, 16, "Below both") + say(60, 610, 10, "Text under the heading.")}, []string{
			"paragraph 1 one of the left side two of the left side three of the left side four of the left end.",
			"paragraph 1 one of the right side two of the right side three of the right side four of the right end.",
			"heading 1 Below both", "paragraph 1 Text under the heading."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, b, err := read(t, r, doc.Input{Data: file(tt.pages...)})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			boxed(t, b)
		})
	}
}

// boxed checks that the boxes of each block lie on the page and, one after the
// other, hold all of its text.
func boxed(t *testing.T, b *doc.Builder) {
	t.Helper()
	for _, x := range b.Blocks() {
		at := 0
		text := []rune(x.Text)
		for _, box := range x.Boxes {
			if box.X < 0 || box.Y < 0 || box.W <= 0 || box.H <= 0 || box.X+box.W > 1.0001 || box.Y+box.H > 1.0001 || box.From >= box.To {
				t.Errorf("box %+v of %q", box, x.Text)
				continue
			}
			if box.From < at || box.To > len(text) || strings.Trim(string(text[at:box.From]), " |") != "" {
				t.Errorf("box %+v of %q leaves out a part or comes twice", box, x.Text)
				continue
			}
			at = box.To
		}
		if at != len(text) && strings.Trim(string(text[at:]), " |") != "" {
			t.Errorf("%q has no box from character %d on", x.Text, at)
		}
	}
}

// TestBoxes looks at lines whose places are known.
func TestBoxes(t *testing.T) {
	t.Parallel()
	r := open(t)
	second := say(60, 700, 10, "first line of the text that is") + say(60, 688, 10, "divi-") + say(60, 676, 10, "ded here")
	type place struct {
		text       string
		x, y, w, h float32
	}
	for _, tt := range []struct {
		name, page string
		want       []place
	}{
		// The page is 600 wide and 800 high; a line is 0.97 of its size high, and
		// Helvetica makes "first line of the text that is" 110.6 wide.
		{"upright", second, []place{{"first line of the text that is", 0.1, 0.1156, 0.1843, 0.0121}, {" divi", 0.1, 0.1306, 0.034, 0.0121}, {"ded here", 0.1, 0.1456, 0.067, 0.0121}}},
		// Shown 800 wide and 600 high, turned clockwise: x = y/800, y = x/600.
		{"turned", "%/Rotate 90\n" + second, []place{{"first line of the text that is", 0.8722, 0.1, 0.0121, 0.1843}, {" divi", 0.8572, 0.1, 0.0121, 0.034}, {"ded here", 0.8422, 0.1, 0.0121, 0.067}}},
		// A page 600 wide and 800 high whose text runs up, and one where it runs down.
		{"running up", "0 1 -1 0 600 0 cm\n" + say(60, 500, 10, "first line of the text that is"), []place{{"first line of the text that is", 0.1542, 0.787, 0.0162, 0.138}}},
		{"running down", "0 -1 1 0 0 800 cm\n" + say(60, 500, 10, "first line of the text that is"), []place{{"first line of the text that is", 0.8297, 0.075, 0.0162, 0.138}}},
		{"of a list", say(60, 700, 10, "\\267") + say(75, 700, 10, "the item"), []place{{"the item", 0.125, 0.1156, 0.058, 0.0121}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, b, err := read(t, r, doc.Input{Data: file(tt.page)})
			if err != nil || len(b.Blocks()) != 1 {
				t.Fatalf("got %v, %v", b.Blocks(), err)
			}
			block := b.Blocks()[0]
			if len(block.Boxes) != len(tt.want) {
				t.Fatalf("got boxes %+v", block.Boxes)
			}
			near := func(a, b float32) bool { return a-b < 0.006 && b-a < 0.006 }
			for i, box := range block.Boxes {
				w := tt.want[i]
				if got := string([]rune(block.Text)[box.From:box.To]); got != strings.TrimSpace(w.text) || !near(box.X, w.x) || !near(box.Y, w.y) || !near(box.W, w.w) || !near(box.H, w.h) {
					t.Errorf("got %q at %+v, want %+v", got, box, w)
				}
			}
		})
	}
}

// TestBoxesOverPages sees that a line on the next page says so.
func TestBoxesOverPages(t *testing.T) {
	t.Parallel()
	_, b, err := read(t, open(t), doc.Input{Data: file(say(60, 700, 10, "The sentence goes"), say(60, 500, 10, "on overleaf."))})
	if err != nil || len(b.Blocks()) != 1 {
		t.Fatalf("got %v, %v", b.Blocks(), err)
	}
	if x := b.Blocks()[0]; x.Page != 1 || len(x.Boxes) != 2 || x.Boxes[0].Page != 0 || x.Boxes[1].Page != 2 {
		t.Errorf("got %+v", x)
	}
}

// TestForms reads what was written into the fields of a form.
func TestForms(t *testing.T) {
	t.Parallel()
	data := objects("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]>>>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<"+helvetica+">>/Contents 4 0 R/Annots[5 0 R]>>", stream("", say(60, 700, 10, "Name:")),
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Miller)/F 4/Rect[100 696 300 712]/P 3 0 R/AP<</N 6 0 R>>>>",
		stream("/Type/XObject/Subtype/Form/BBox[0 0 200 16]/Resources<<"+helvetica+">>", "BT /F 10 Tf 2 4 Td (Miller) Tj ET"))
	got, b, err := read(t, open(t), doc.Input{Data: data})
	if err != nil || len(got) != 1 || got[0] != "paragraph 1 Name: Miller" {
		t.Errorf("got %q, %v", got, err)
	}
	boxed(t, b)
}

// TestLevels looks at the levels of headings and of items.
func TestLevels(t *testing.T) {
	t.Parallel()
	_, b, err := read(t, open(t), doc.Input{Data: file(say(60, 750, 20, "Title") + say(60, 720, 14, "Chapter") + bolder(60, 700, 10, "Section") +
		paragraph(60, 680, 12, 10, "running text of the page that", "is the most that stands on it", "so that its size is the common", "one of the document.") +
		say(60, 620, 10, "\\267") + say(75, 620, 10, "one") + say(80, 608, 10, "\\267") + say(95, 608, 10, "two deep") + say(60, 596, 10, "\\267") + say(75, 596, 10, "three"))})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range b.Blocks() {
		got = append(got, fmt.Sprint(x.Kind, x.Level))
	}
	if b.Title != "Title" {
		t.Errorf("got title %q", b.Title)
	}
	if want := "heading1 heading2 heading4 paragraph0 item1 item2 item1"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
