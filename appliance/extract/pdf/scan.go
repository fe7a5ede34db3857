package pdf

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/draw"
	"image/jpeg"
	_ "image/png" // so that a picture of that kind can be decoded
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// maxDots is how many dots a picture may have; more is no scan of a page.
const maxDots = 120_000_000

// Scan reads a picture (PNG, JPEG or TIFF) as a page, or as many as a TIFF holds.
func Scan(ctx context.Context, in doc.Input, b *doc.Builder) error {
	if in.Recognise == nil {
		return fault.New(fault.Invalid, "The file is a picture, and nothing that reads letters in pictures is installed.").Code("file-scanned").
			Cure("Ask your administrator to install tesseract; or add a version of the file that has text.")
	}
	if !isTIFF(in.Data) {
		c, _, err := image.DecodeConfig(bytes.NewReader(in.Data))
		if err != nil {
			return brokenPicture(err)
		}
		if c.Width <= 0 || c.Height <= 0 || c.Width > maxDots/c.Height {
			return largePicture()
		}
	} else if err := measureTIFF(in.Data); err != nil {
		return err
	}
	tsv, err := in.Recognise(ctx, in.Data)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		if fault.Of(err).Kind != fault.Internal {
			return err
		}
		return brokenPicture(err)
	}
	read, tables := 0, byPage(string(tsv))
	if in.Pages != nil {
		in.Pages(len(tables), len(tables))
	}
	for i, table := range tables {
		w := &writer{b: b}
		p := fromTSV(table, i+1)
		read += p.words()
		w.leaf(&leaf{number: i + 1, seen: p})
		w.flush()
		b.Pages = max(b.Pages, i+1)
		if err := b.Err(); err != nil {
			return err
		}
	}
	if read == 0 {
		return fault.New(fault.Invalid, "The file is a picture, and no letters were found in it.").Code("file-scanned").
			Cure("Scan it again upright and with 300 dots per inch, or add a version of the file that has text.")
	}
	return nil
}

// byPage cuts tesseract's table into one of each page, in order.
func byPage(table string) []string {
	var pages []string
	var page strings.Builder
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "1\t") && page.Len() > 0 {
			pages = append(pages, page.String())
			page.Reset()
		}
		if !strings.HasPrefix(line, "level\t") {
			page.WriteString(line)
		}
	}
	if page.Len() > 0 {
		pages = append(pages, page.String())
	}
	return pages[:min(len(pages), maxPages)]
}

func isTIFF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("II*\x00")) || bytes.HasPrefix(data, []byte("MM\x00*"))
}

// measureTIFF walks the pages of a TIFF and refuses one that unpacks to too much.
func measureTIFF(data []byte) error {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	if len(data) < 8 {
		return brokenPicture(nil)
	}
	at, dots := int64(order.Uint32(data[4:])), int64(0)
	for pages := 0; at != 0; pages++ {
		if at+2 > int64(len(data)) || pages > maxPages {
			return brokenPicture(nil)
		}
		n := int64(order.Uint16(data[at:]))
		end := at + 2 + 12*n
		if end+4 > int64(len(data)) {
			return brokenPicture(nil)
		}
		var width, height int64
		for e := at + 2; e < end; e += 12 {
			value := int64(order.Uint32(data[e+8:]))
			if order.Uint16(data[e+2:]) == 3 { // a short stands in the first half
				value = int64(order.Uint16(data[e+8:]))
			}
			switch order.Uint16(data[e:]) {
			case 256:
				width = value
			case 257:
				height = value
			}
		}
		if width <= 0 || height <= 0 {
			return brokenPicture(nil)
		}
		if width > maxDots/height {
			return largePicture()
		}
		if dots += width * height; dots > 40*maxDots {
			return largePicture()
		}
		at = int64(order.Uint32(data[end:]))
	}
	return nil
}

func brokenPicture(cause error) error {
	e := fault.New(fault.Invalid, "The picture is damaged.").Code("file-damaged").Cure("Open it in a program for pictures, save it again, and add the new file.")
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}

func largePicture() error {
	return fault.New(fault.Invalid, "The picture has more dots than a scanned page.").Code("file-too-heavy").Cure("Save it with 300 dots per inch of the paper, and add that.")
}

// DrawScan draws a picture (PNG or JPEG) as a JPEG of the width, 200 to 2400.
func DrawScan(data []byte, width int) ([]byte, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, brokenPicture(err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > maxDots/2/c.Height {
		return nil, largePicture()
	}
	from, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, brokenPicture(err)
	}
	width = min(max(width, 200), 2400, c.Width)
	height := max(min(c.Height*width/c.Width, 3*width), 1)
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(to, to.Bounds(), image.White, image.Point{}, draw.Src) // below what is transparent
	shrink(to, from)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, to, &jpeg.Options{Quality: 85}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// shrink makes each dot the mean of those it stands for, at most 16 of them.
func shrink(to *image.RGBA, from image.Image) {
	b, w, h := from.Bounds(), to.Rect.Dx(), to.Rect.Dy()
	for y := range h {
		y0, y1 := b.Min.Y+y*b.Dy()/h, b.Min.Y+max((y+1)*b.Dy()/h, y*b.Dy()/h+1)
		for x := range w {
			x0, x1 := b.Min.X+x*b.Dx()/w, b.Min.X+max((x+1)*b.Dx()/w, x*b.Dx()/w+1)
			var red, green, blue, n uint32
			for v := y0; v < y1; v += max((y1-y0)/4, 1) {
				for u := x0; u < x1; u += max((x1-x0)/4, 1) {
					r, g, l, a := from.At(u, v).RGBA()
					rest := 0xffff - a
					red, green, blue, n = red+r+rest, green+g+rest, blue+l+rest, n+1
				}
			}
			i := to.PixOffset(x, y)
			to.Pix[i], to.Pix[i+1], to.Pix[i+2], to.Pix[i+3] = uint8(red/n>>8), uint8(green/n>>8), uint8(blue/n>>8), 0xff
		}
	}
}
