package key

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin that readers need around a QR code, in modules.
const quiet = 4

// draw is a text as a QR code: rows of 1 (dark) and 0.
func draw(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.M, qr.AlphaNumeric)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	size := code.Bounds().Dx()
	empty := strings.Repeat("0", size+2*quiet)
	rows := make([]string, 0, size+2*quiet)
	for range quiet {
		rows = append(rows, empty)
	}
	for y := range size {
		row := []byte(empty)
		for x := range size {
			if code.At(x, y) == color.Black {
				row[x+quiet] = '1'
			}
		}
		rows = append(rows, string(row))
	}
	for range quiet {
		rows = append(rows, empty)
	}
	return rows, nil
}
