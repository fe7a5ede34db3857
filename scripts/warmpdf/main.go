// Command warmpdf compiles the PDF parser into a folder. The tests run under the
// race detector, whose own compiling of it would take minutes each time.
package main

import (
	"fmt"
	"os"

	"chatets/appliance/extract/pdf"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: warmpdf FOLDER")
		os.Exit(2)
	}
	err := os.MkdirAll(os.Args[1], 0o700)
	if err == nil {
		err = pdf.Warm(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "warmpdf:", err)
		os.Exit(1)
	}
}
