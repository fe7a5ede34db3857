package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"chatets/appliance/fault"
)

const (
	maxRecognised = 8 << 20 // bytes of TSV of one page
	ocrTime       = time.Minute
)

// recognise reads the letters of a picture with tesseract, inside the fence, and
// returns its TSV. Signals are refused there, so a page that takes too long is
// left behind, and dies with the child.
func recognise(ctx context.Context, tesseract, languages string, picture []byte) ([]byte, error) {
	args := []string{"stdin", "stdout", "--psm", "3"}
	if languages != "" && !IsLanguages(languages) {
		return nil, errors.New("these are no languages of tesseract")
	}
	if languages != "" {
		args = append(args, "-l", languages)
	}
	cmd := exec.Command(tesseract, append(args, "tsv")...)
	cmd.Env, cmd.Dir = []string{"OMP_THREAD_LIMIT=1"}, "/"
	cmd.Stdin, cmd.Stderr = bytes.NewReader(picture), io.Discard
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe from tesseract: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tesseract: %w", err)
	}
	type page struct {
		tsv []byte
		err error
	}
	done := make(chan page, 1)
	go func() {
		tsv, err := io.ReadAll(io.LimitReader(out, maxRecognised+1))
		if err == nil && len(tsv) > maxRecognised {
			err = errors.New("tesseract's answer is too long")
		}
		if err == nil {
			err = cmd.Wait()
		}
		done <- page{tsv, err}
	}()
	late := time.NewTimer(ocrTime)
	defer late.Stop()
	select {
	case p := <-done:
		if p.err != nil {
			return nil, fmt.Errorf("run tesseract: %w", p.err)
		}
		return p.tsv, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, fault.New(fault.Invalid, "Reading the letters of a scanned page takes too long.").Code("file-too-slow").Cure("Scan it again with 300 dots per inch, or split the file.")
	}
}
