package scan

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// serve answers each connection; the address is one of Config.
func serve(t *testing.T, network string, answer func(net.Conn)) string {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
	return ln.Addr().String()
}

func scanner(t *testing.T, address string) *Scanner {
	t.Helper()
	g, err := egress.New(egress.Config{Rules: []egress.Rule{{Purpose: Purpose, Host: "127.0.0.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Gate: g, Address: address})
	if err != nil {
		t.Fatal(err)
	}
	s.idle, s.thinking = 2*time.Second, 2*time.Second
	return s
}

// clamd is a fake of the daemon with a limit of 1 MB.
func clamd(c net.Conn) {
	in := bufio.NewReader(c)
	command, err := in.ReadString(0)
	if err != nil {
		return
	}
	if command == "zPING\x00" {
		_, _ = io.WriteString(c, "PONG\x00")
		return
	}
	var file []byte
	for {
		var n uint32
		if binary.Read(in, binary.BigEndian, &n) != nil {
			return
		}
		if n == 0 {
			break
		}
		if len(file)+int(n) > 1<<20 {
			_, _ = io.WriteString(c, "INSTREAM size limit exceeded. ERROR\x00")
			return
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(in, piece); err != nil {
			return
		}
		file = append(file, piece...)
	}
	if command != "zINSTREAM\x00" {
		_, _ = io.WriteString(c, "UNKNOWN COMMAND\x00")
		return
	}
	_, _ = io.WriteString(c, "stream: "+map[bool]string{true: "Win.Test.EICAR_HDB-1 FOUND", false: "OK"}[bytes.Contains(file, []byte(eicar))]+"\x00")
}

type icapServer struct {
	methods string
	preview int
	block   bool // says 403 inside, as c-icap with squidclamav does, without a header of its own
}

func (s icapServer) answer(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r := textproto.NewReader(in)
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		head, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "OPTIONS ") {
			preview := ""
			if s.preview >= 0 {
				preview = fmt.Sprintf("Preview: %d\r\n", s.preview)
			}
			fmt.Fprintf(c, "ICAP/1.0 200 OK\r\nMethods: %s\r\nISTag: \"x\"\r\nAllow: 204\r\n%sEncapsulated: null-body=0\r\n\r\n", s.methods, preview)
			continue
		}
		if !strings.HasPrefix(line, s.methods+" icap://") || head.Get("Allow") != "204" {
			fmt.Fprintf(c, "ICAP/1.0 400 Bad request\r\n\r\n")
			return
		}
		at := head.Get("Encapsulated")
		var size int
		if _, err := fmt.Sscanf(at[strings.LastIndex(at, "-body=")+6:], "%d", &size); err != nil {
			return
		}
		inner := make([]byte, size)
		if _, err := io.ReadFull(in, inner); err != nil || !bytes.HasSuffix(inner, []byte("\r\n\r\n")) {
			return
		}
		file, whole, err := s.chunks(in)
		if err != nil {
			return
		}
		if s.preview >= 0 && !whole {
			if len(file) != s.preview {
				return
			}
			fmt.Fprintf(c, "ICAP/1.0 100 Continue\r\n\r\n")
			rest, _, err := s.chunks(in)
			if err != nil {
				return
			}
			file = append(file, rest...)
		}
		switch {
		case !bytes.Contains(file, []byte(eicar)):
			fmt.Fprintf(c, "ICAP/1.0 204 No modifications\r\nISTag: \"x\"\r\n\r\n")
		case s.block:
			fmt.Fprintf(c, "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=50\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n0\r\n\r\n")
		default:
			fmt.Fprintf(c, "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;\r\nEncapsulated: res-hdr=0, null-body=30\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
		}
	}
}

func (s icapServer) chunks(in *bufio.Reader) (file []byte, whole bool, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, false, err
		}
		size, extension, _ := strings.Cut(strings.TrimSpace(line), ";")
		var n int
		if _, err := fmt.Sscanf(size, "%x", &n); err != nil {
			return nil, false, err
		}
		piece := make([]byte, n+2)
		if _, err := io.ReadFull(in, piece); err != nil {
			return nil, false, err
		}
		if n == 0 {
			return file, strings.TrimSpace(extension) == "ieof", nil
		}
		file = append(file, piece[:n]...)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	servers := []struct {
		name, address, finds string
		limit                bool
	}{
		{"clamd by TCP", "clamd://" + serve(t, "tcp", clamd), "Win.Test.EICAR_HDB-1", true},
		{"clamd by Unix socket", "clamd://" + serve(t, "unix", clamd), "Win.Test.EICAR_HDB-1", true},
		{"RESPMOD", "icap://" + serve(t, "tcp", icapServer{"RESPMOD", -1, false}.answer) + "/avscan", "Eicar-Test", false},
		{"RESPMOD with preview", "icap://" + serve(t, "tcp", icapServer{"RESPMOD", 1024, false}.answer) + "/avscan", "Eicar-Test", false},
		{"RESPMOD with preview of nothing", "icap://" + serve(t, "tcp", icapServer{"RESPMOD", 0, false}.answer) + "/avscan", "Eicar-Test", false},
		{"REQMOD that blocks", "icap://" + serve(t, "tcp", icapServer{"REQMOD", 4, true}.answer) + "/avscan", "unnamed", false},
	}
	big := strings.Repeat("harmless ", 100_000)
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := scanner(t, server.address)
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct {
				name, text string
				clean      bool
			}{
				{"empty", "", true}, {"small", "hello", true}, {"big", big, true},
				{"eicar", eicar, false}, {"eicar at the end", big + eicar, false}, {"size of the preview", strings.Repeat("x", 1024), true},
			} {
				v, err := s.Scan(t.Context(), strings.NewReader(tt.text), int64(len(tt.text)))
				want := Verdict{Clean: true}
				if !tt.clean {
					want = Verdict{Name: server.finds}
				}
				if err != nil || v != want {
					t.Errorf("%s: got %+v, %v", tt.name, v, err)
				}
			}
			v, err := s.Scan(t.Context(), strings.NewReader(strings.Repeat("x", 4<<20)), 0)
			if r := fault.Of(err); server.limit && (r.Kind != fault.TooLarge || r.Code != "scan-too-large" || r.Cure == "") || !server.limit && !v.Clean {
				t.Errorf("a huge file: %+v, %v", v, err)
			}
			broken := errors.New("the disk fails")
			if _, err := s.Scan(t.Context(), io.MultiReader(strings.NewReader(big), iotest.ErrReader(broken)), 0); !errors.Is(err, broken) {
				t.Errorf("a file that cannot be read: %v", err)
			}
		})
	}
}

// TestNoVerdictIsNotClean asks servers that fail in the middle.
func TestNoVerdictIsNotClean(t *testing.T) {
	t.Parallel()
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			_ = c.(interface{ CloseWrite() error }).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}
	}
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	options := "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nEncapsulated: null-body=0\r\n\r\n"
	gone := func(net.Conn) {}
	for _, tt := range []struct {
		name, scheme string
		answer       func(net.Conn)
	}{
		{"clamd is silent", "clamd://", silent}, {"clamd hangs up", "clamd://", gone}, {"half an answer", "clamd://", say("stream: OK")},
		{"another answer", "clamd://", say("stream: Can't allocate memory ERROR\x00")}, {"OK in an error", "clamd://", say("stream: not OK ERROR\x00")},
		{"no end", "clamd://", say(strings.Repeat("x", 10_000))}, {"a web server", "clamd://", say("HTTP/1.1 400 Bad Request\r\n\r\n")},
		{"ICAP is silent", "icap://", silent}, {"ICAP hangs up", "icap://", gone}, {"a web server for ICAP", "icap://", say("HTTP/1.1 204 No Content\r\n\r\n")},
		{"half a head", "icap://", say(options + "ICAP/1.0 204 No")}, {"half a header", "icap://", say(options + "ICAP/1.0 204 No modifications\r\nISTag: ")},
		{"server error", "icap://", say(options + "ICAP/1.0 500 Server error\r\n\r\n")}, {"not found", "icap://", say("ICAP/1.0 404 No service\r\n\r\n")},
		{"no method", "icap://", say("ICAP/1.0 200 OK\r\nMethods: LOGMOD\r\n\r\n")},
		{"something else in its place", "icap://", say(options + "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := scanner(t, tt.scheme+serve(t, "tcp", tt.answer))
			s.thinking = 300 * time.Millisecond
			v, err := s.Scan(t.Context(), strings.NewReader(strings.Repeat(eicar, 10)), 0)
			if r := fault.Of(err); v.Clean || r.Kind != fault.Unavailable || r.Code != "scan-failed" || r.Cure == "" || strings.Contains(r.Sentence, "127") {
				t.Errorf("got %+v, %+v: %v", v, r, err)
			}
		})
	}
	t.Run("dead", func(t *testing.T) {
		t.Parallel()
		s := scanner(t, "clamd://"+filepath.Join(t.TempDir(), "none"))
		if _, err := s.Scan(t.Context(), http.NoBody, 0); fault.Of(err).Code != "scan-failed" {
			t.Errorf("got %v", err)
		}
		if err := s.Ping(t.Context()); fault.Of(err).Code != "scan-failed" {
			t.Errorf("ping: %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		asked := make(chan struct{})
		s := scanner(t, "clamd://"+serve(t, "tcp", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); close(asked); silent(c) }))
		s.thinking = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		began := time.Now()
		if _, err := s.Scan(ctx, strings.NewReader("x"), 1); !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"clamd:///run/clamav/clamd.ctl": true, "clamd://av.example:3310": true, "clamd://[::1]:3310": true, "icap://av.example/avscan": true, "icap://av.example:1345/a?b=c": true,
		"": false, "clamd:": false, "clamd://": false, "clamd://relative": false, "clamd://:3310": false, "clamd://a:0": false, "av.example:3310": false,
		"clamd:///" + strings.Repeat("x", 107): false, "unix:/run/clamav/clamd.ctl": false, "icap://": false, "icap://user:pw@host/x": false, "http://av.example/x": false,
	} {
		_, err := New(Config{Dial: func(context.Context, string, string, string) (net.Conn, error) { return nil, io.EOF }, Address: address})
		if (err == nil) != ok || !ok && (!fault.Is(err, fault.Invalid) || fault.Of(err).Cure == "") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := New(Config{Address: "clamd://a:1"}); err == nil {
		t.Error("no way out is taken")
	}
}

func FuzzJudged(f *testing.F) {
	for _, s := range []string{"stream: OK", "stream: Eicar FOUND", "INSTREAM size limit exceeded. ERROR", "stream:  FOUND", "OK"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		v, err := judged(answer)
		if v.Clean && answer != "stream: OK" || err == nil && !v.Clean && v.Name == "" || len(v.Name) > maxName {
			t.Fatalf("%q: %+v %v", answer, v, err)
		}
	})
}

func FuzzICAP(f *testing.F) {
	f.Add([]byte("ICAP/1.0 204 No\r\n\r\n"))
	f.Add([]byte("ICAP/1.0 200 OK\r\nX-Virus-ID: x\r\n\r\nHTTP/1.1 403 F\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		client, server := net.Pipe()
		_ = server.Close()
		defer client.Close()
		w := &wire{Conn: client, scanner: &Scanner{now: time.Now, thinking: time.Second}, ctx: t.Context()}
		s := &service{}
		in := bufio.NewReader(bytes.NewReader(data))
		if status, head, err := s.head(w, in); err == nil {
			if v, err := s.verdict(status, head, in); err == nil && v.Clean && status != 204 {
				t.Fatalf("clean by %d", status)
			}
		}
	})
}
