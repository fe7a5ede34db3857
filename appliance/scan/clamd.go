package scan

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// instream speaks clamd's INSTREAM: chunks with their length before them, one of
// no length at the end, and one answer that ends with a zero byte.
func instream(w *wire, body io.Reader) (Verdict, error) {
	sent := func() error {
		if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
			return err
		}
		piece := make([]byte, 4, 4+64<<10)
		err := pour(body, func(data []byte) error {
			binary.BigEndian.PutUint32(piece[:4], uint32(len(data)))
			_, err := w.Write(append(piece[:4], data...))
			return err
		})
		if err != nil {
			return err
		}
		_, err = w.Write(make([]byte, 4))
		return err
	}()
	var of bodyError
	if errors.As(sent, &of) {
		return Verdict{}, sent
	}
	// clamd answers and hangs up in the middle of a file it does not want: the
	// answer says more than the broken pipe.
	answer, err := answered(w)
	if err != nil {
		return Verdict{}, errors.Join(sent, err)
	}
	v, err := judged(answer)
	if err == nil && sent != nil && v.Clean {
		return Verdict{}, fmt.Errorf("clean before the file was sent: %w", sent)
	}
	return v, err
}

func ping(w *wire) error {
	if _, err := io.WriteString(w, "zPING\x00"); err != nil {
		return err
	}
	answer, err := answered(w)
	if err == nil && answer != "PONG" {
		err = fmt.Errorf("clamd answers %q", answer)
	}
	return err
}

// answered is clamd's answer; one without its end is none.
func answered(w *wire) (string, error) {
	if err := w.listen(); err != nil {
		return "", err
	}
	text, err := bufio.NewReaderSize(io.LimitReader(w, maxLine), maxLine).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("clamd's answer %q does not end: %w", text, err)
	}
	return strings.TrimSpace(strings.TrimSuffix(text, "\x00")), nil
}

func judged(answer string) (Verdict, error) {
	rest, ok := strings.CutPrefix(answer, "stream: ")
	switch {
	case ok && rest == "OK":
		return Verdict{Clean: true}, nil
	case ok && strings.HasSuffix(rest, " FOUND"):
		return Verdict{Name: plain(strings.TrimSuffix(rest, " FOUND"))}, nil
	case strings.Contains(answer, "size limit exceeded"):
		return Verdict{}, errTooLarge
	}
	return Verdict{}, fmt.Errorf("clamd answers %q", answer)
}
