package scan

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// service is a scanner that speaks ICAP (RFC 3507).
type service struct {
	url  string
	host string // and port
	name string // for the Host header
}

const maxPreview = 64 << 10

func newService(address string) (*service, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("no host, or more than host and service")
	}
	port := u.Port()
	if port == "" {
		port = "1344"
	}
	return &service{url: u.String(), host: net.JoinHostPort(u.Hostname(), port), name: u.Host}, nil
}

// capabilities is what a service said of itself.
type capabilities struct {
	method  string
	preview int // bytes it wants to see first, -1 = it wants none
}

func (s *service) capabilities(w *wire, in *bufio.Reader) (capabilities, error) {
	if _, err := fmt.Fprintf(w, "OPTIONS %s ICAP/1.0\r\nHost: %s\r\nUser-Agent: ChatETS\r\nEncapsulated: null-body=0\r\n\r\n", s.url, s.name); err != nil {
		return capabilities{}, err
	}
	status, head, err := s.head(w, in)
	if err != nil {
		return capabilities{}, err
	}
	if status != 200 {
		return capabilities{}, fmt.Errorf("the ICAP service answers OPTIONS with %d", status)
	}
	if strings.Contains(head.Get("Encapsulated"), "opt-body") {
		return capabilities{}, errors.New("the ICAP service sends a body with its options")
	}
	c := capabilities{method: "RESPMOD", preview: -1}
	methods := strings.ToUpper(head.Get("Methods"))
	switch {
	case strings.Contains(methods, "RESPMOD"):
	case strings.Contains(methods, "REQMOD"):
		c.method = "REQMOD"
	default:
		return c, fmt.Errorf("the ICAP service knows neither RESPMOD nor REQMOD: %q", methods)
	}
	if n, err := strconv.Atoi(head.Get("Preview")); err == nil && n >= 0 {
		c.preview = min(n, maxPreview)
	}
	return c, nil
}

func (s *service) options(w *wire) error {
	_, err := s.capabilities(w, bufio.NewReader(w))
	return err
}

// ask sends a file as the answer (or the request) of an HTTP exchange.
//
//  1. OPTIONS says which of the two, and how much is to be shown first.
//  2. The preview goes out; 100 asks for the rest, anything else is the verdict.
//  3. The rest goes out.
func (s *service) ask(w *wire, body io.Reader, size int64) (Verdict, error) {
	in := bufio.NewReader(io.LimitReader(w, 1<<20))
	c, err := s.capabilities(w, in)
	if err != nil {
		return Verdict{}, err
	}
	length := ""
	if size > 0 {
		length = fmt.Sprintf("Content-Length: %d\r\n", size)
	}
	request := "GET /document HTTP/1.1\r\nHost: chatets\r\n\r\n"
	answer := "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n" + length + "\r\n"
	parts := fmt.Sprintf("req-hdr=0, res-hdr=%d, res-body=%d", len(request), len(request)+len(answer))
	encapsulated := request + answer
	if c.method == "REQMOD" {
		encapsulated = "POST /document HTTP/1.1\r\nHost: chatets\r\nContent-Type: application/octet-stream\r\n" + length + "\r\n"
		parts = fmt.Sprintf("req-hdr=0, req-body=%d", len(encapsulated))
	}
	preview := ""
	if c.preview >= 0 {
		preview = fmt.Sprintf("Preview: %d\r\n", c.preview)
	}
	if _, err := fmt.Fprintf(w, "%s %s ICAP/1.0\r\nHost: %s\r\nUser-Agent: ChatETS\r\nAllow: 204\r\n%sEncapsulated: %s\r\n\r\n%s", c.method, s.url, s.name, preview, parts, encapsulated); err != nil {
		return Verdict{}, err
	}
	if c.preview >= 0 {
		first := make([]byte, c.preview)
		n, err := io.ReadFull(body, first)
		whole := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !whole {
			return Verdict{}, bodyError{err}
		}
		if err := chunked(w, first[:n]); err != nil {
			return Verdict{}, err
		}
		end := "0\r\n\r\n"
		if whole {
			end = "0; ieof\r\n\r\n"
		}
		if _, err := io.WriteString(w, end); err != nil {
			return Verdict{}, err
		}
		status, head, err := s.head(w, in)
		if err != nil {
			return Verdict{}, err
		}
		if status != 100 || whole {
			return s.verdict(status, head, in)
		}
	}
	sent := pour(body, func(data []byte) error { return chunked(w, data) })
	if sent == nil {
		_, sent = io.WriteString(w, "0\r\n\r\n")
	}
	var of bodyError
	if errors.As(sent, &of) {
		return Verdict{}, sent
	}
	status, head, err := s.head(w, in) // it may have judged before the end
	if err != nil {
		return Verdict{}, errors.Join(sent, err)
	}
	v, err := s.verdict(status, head, in)
	if err == nil && v.Clean && sent != nil {
		return Verdict{}, sent
	}
	return v, err
}

func chunked(w io.Writer, data []byte) error {
	if len(data) == 0 {
		return nil // it would be the end
	}
	out := append(strconv.AppendInt(nil, int64(len(data)), 16), "\r\n"...)
	out = append(append(out, data...), "\r\n"...)
	_, err := w.Write(out)
	return err
}

func (s *service) head(w *wire, in *bufio.Reader) (int, textproto.MIMEHeader, error) {
	if err := w.listen(); err != nil {
		return 0, nil, err
	}
	r := textproto.NewReader(in)
	line, err := r.ReadLine()
	if err != nil {
		return 0, nil, fmt.Errorf("read the ICAP service's answer: %w", err)
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "ICAP/1.") || err != nil {
		return 0, nil, fmt.Errorf("this is no ICAP: %.100q", line)
	}
	head, err := r.ReadMIMEHeader()
	if err != nil {
		return 0, nil, fmt.Errorf("read the ICAP service's answer: %w", err)
	}
	return status, head, nil
}

// verdict: 204 leaves the file as it is; 200 puts something else in its place,
// which is what scanners do with what they find. Only a 200 whose HTTP answer is
// our own 200 without a word of a finding stays unclear, and unclear is no verdict.
func (s *service) verdict(status int, head textproto.MIMEHeader, in *bufio.Reader) (Verdict, error) {
	found := finding(head)
	switch {
	case status == 204 && found == "":
		return Verdict{Clean: true}, nil
	case found != "":
		return Verdict{Name: plain(found)}, nil
	case status == 413:
		return Verdict{}, errTooLarge
	case status != 200 && status != 201:
		return Verdict{}, fmt.Errorf("the ICAP service answers %d", status)
	}
	r := textproto.NewReader(in)
	line, err := r.ReadLine()
	if err != nil {
		return Verdict{}, fmt.Errorf("read the answer inside: %w", err)
	}
	inner, err := r.ReadMIMEHeader()
	if err != nil {
		return Verdict{}, fmt.Errorf("read the answer inside: %w", err)
	}
	if found := finding(inner); found != "" {
		return Verdict{Name: plain(found)}, nil
	}
	if strings.HasPrefix(line, "HTTP/1.") && strings.Contains(line, " 403 ") {
		return Verdict{Name: plain("")}, nil // blocked, without a name
	}
	return Verdict{}, fmt.Errorf("the ICAP service puts %.100q in the file's place and does not say why", line)
}

// finding is the name in the headers that scanners put it in.
func finding(head textproto.MIMEHeader) string {
	if value := head.Get("X-Infection-Found"); value != "" { // Type=0; Resolution=2; Threat=Eicar-Test-Signature;
		for part := range strings.SplitSeq(value, ";") {
			if name, ok := strings.CutPrefix(strings.TrimSpace(part), "Threat="); ok {
				return plain(name)
			}
		}
		return plain("")
	}
	for _, key := range []string{"X-Virus-Id", "X-Virus-Name"} {
		if value := strings.TrimSpace(head.Get(key)); value != "" && !strings.EqualFold(value, "no threats") && !strings.EqualFold(value, "none") {
			return plain(value)
		}
	}
	if value := head.Get("X-Violations-Found"); value != "" && strings.TrimSpace(value) != "0" {
		return plain("")
	}
	return ""
}
