package target_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"chatets/appliance/egress"
	"chatets/appliance/target"
)

// gate lets a test reach one server of this machine.
func gate(t *testing.T, address string) *egress.Gate {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	g, err := egress.New(egress.Config{Rules: []egress.Rule{{Purpose: "backup", Host: host, Port: n}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// opened is a target of a test, with short pauses.
func opened(t *testing.T, c target.Config) target.Target {
	t.Helper()
	c.Purpose = "backup"
	c.Pause = time.Millisecond
	if c.Stall == 0 {
		c.Stall = 10 * time.Second
	}
	got, err := target.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = got.Close() })
	return got
}

func directory(t *testing.T) target.Target {
	t.Helper()
	root := filepath.Join(t.TempDir(), "disk", "backup")
	made := opened(t, target.Config{URL: "file://" + root, Fresh: true})
	if err := made.(target.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return opened(t, target.Config{URL: "file://" + root})
}

// kinds are the targets every promise is held against. Real servers join where
// the rigs have started them.
func kinds(t *testing.T) map[string]func(t *testing.T) target.Target {
	t.Helper()
	all := map[string]func(*testing.T) target.Target{
		"directory": directory,
		"s3": func(t *testing.T) target.Target {
			return (&fakeS3{}).open(t, target.Config{})
		},
		"sftp": func(t *testing.T) target.Target { return newSFTP(t).open(t) },
	}
	if url := os.Getenv("CHATETS_RIG_S3"); url != "" {
		all["versitygw"] = func(t *testing.T) target.Target {
			ca, err := os.ReadFile(os.Getenv("CHATETS_RIG_S3_CA"))
			if err != nil {
				t.Fatal(err)
			}
			return opened(t, target.Config{URL: strings.Replace(url, "?", "/"+unique()+"?", 1), Secret: os.Getenv("CHATETS_RIG_S3_SECRET"), CAs: ca, Gate: gate(t, serverOf(t, url))})
		}
	}
	if url := os.Getenv("CHATETS_RIG_SFTP"); url != "" {
		all["openssh"] = func(t *testing.T) target.Target {
			secret, err := os.ReadFile(os.Getenv("CHATETS_RIG_SFTP_KEY"))
			if err != nil {
				t.Fatal(err)
			}
			g := gate(t, serverOf(t, url))
			line, _, err := target.HostKey(t.Context(), g, "backup", serverOf(t, url))
			if err != nil {
				t.Fatal(err)
			}
			return opened(t, target.Config{URL: url + "/" + unique(), Secret: string(secret), HostKey: line, Gate: g})
		}
	}
	return all
}

func serverOf(t *testing.T, url string) string {
	t.Helper()
	a, err := target.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return a.Server()
}

func unique() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return "t" + hex.EncodeToString(b)
}

// fakeS3 is as much of an S3 server as is needed to misbehave on demand.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	calls   int
	// trouble may answer a request itself, by its number; true = it did.
	trouble func(n int, w http.ResponseWriter, r *http.Request) bool
}

func (f *fakeS3) open(t *testing.T, c target.Config) target.Target {
	t.Helper()
	f.objects = map[string][]byte{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c.URL = "s3://bucket/place?endpoint=" + server.URL
	c.Secret = "access:secret-key"
	c.Gate = gate(t, strings.TrimPrefix(server.URL, "http://"))
	return opened(t, c)
}

func (f *fakeS3) seen() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeS3) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as told</Message></Error>", code)
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls++
	n, trouble := f.calls, f.trouble
	f.mu.Unlock()
	if trouble != nil && trouble(n, w, r) {
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	switch {
	case r.Method == http.MethodPut:
		f.put(w, r, key)
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		f.list(w, r)
	case r.Method == http.MethodGet:
		f.mu.Lock()
		data, found := f.objects[key]
		f.mu.Unlock()
		if !found {
			f.fail(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(data))
		http.ServeContent(w, r, "", time.Now(), bytes.NewReader(data))
	case r.Method == http.MethodDelete:
		f.mu.Lock()
		delete(f.objects, key)
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}
}

func etag(data []byte) string { sum := md5.Sum(data); return `"` + hex.EncodeToString(sum[:]) + `"` }

func (f *fakeS3) put(w http.ResponseWriter, r *http.Request, key string) {
	data, err := io.ReadAll(r.Body)
	if err == nil && strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING") {
		data = unchunk(data)
	}
	sum := md5.Sum(data)
	if err != nil || r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]) {
		f.fail(w, http.StatusBadRequest, "BadDigest")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, taken := f.objects[key]; taken && r.Header.Get("If-None-Match") == "*" {
		f.fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	f.objects[key] = data
	w.Header().Set("ETag", etag(data))
}

// unchunk reads the streaming form of signed uploads.
func unchunk(in []byte) (out []byte) {
	for {
		line, rest, found := bytes.Cut(in, []byte("\r\n"))
		size, err := strconv.ParseInt(string(bytes.SplitN(line, []byte(";"), 2)[0]), 16, 64)
		if !found || err != nil || size == 0 || int64(len(rest)) < size+2 {
			return out
		}
		out, in = append(out, rest[:size]...), rest[size+2:]
	}
}

func (f *fakeS3) list(w http.ResponseWriter, r *http.Request) {
	type contents struct {
		Key  string
		Size int
	}
	type result struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []contents
	}
	q := r.URL.Query()
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	f.mu.Lock()
	defer f.mu.Unlock()
	var out result
	keys := make([]string, 0, len(f.objects))
	for key := range f.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= after {
			continue
		}
		if len(out.Contents) == 7 {
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[6].Key
			break
		}
		out.Contents = append(out.Contents, contents{key, len(f.objects[key])})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out)
}

// testSFTP is an SFTP server over real files.
type testSFTP struct {
	address, root string
	key           ssh.Signer
	mu            sync.Mutex
	open_         []net.Conn
}

func newSFTP(t *testing.T) *testSFTP {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSFTP{root: t.TempDir()}
	if s.key, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open_ = append(s.open_, c)
			s.mu.Unlock()
			served.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.drop()
		served.Wait()
	})
	return s
}

// drop breaks all connections off.
func (s *testSFTP) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open_ {
		_ = c.Close()
	}
}

func (s *testSFTP) serve(c net.Conn) {
	defer c.Close()
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if string(p) != "correct horse" {
			return nil, fmt.Errorf("no")
		}
		return nil, nil
	}}
	config.AddHostKey(s.key)
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		_ = server.Serve()
		_ = channel.Close()
	}
}

func (s *testSFTP) open(t *testing.T) target.Target {
	t.Helper()
	g := gate(t, s.address)
	line, print, err := target.HostKey(t.Context(), g, "backup", s.address)
	if err != nil || print != ssh.FingerprintSHA256(s.key.PublicKey()) {
		t.Fatalf("host key %s, %v", print, err)
	}
	return opened(t, target.Config{URL: "sftp://someone@" + s.address + s.root + "/place", Secret: "correct horse", HostKey: line, Gate: g})
}

func names(t *testing.T, of target.Target, prefix, after string) []string {
	t.Helper()
	list := []string{}
	for o, err := range of.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		list = append(list, o.Name)
	}
	return list
}

func read(t *testing.T, of target.Target, name string, offset, length int64) string {
	t.Helper()
	r, err := of.Get(context.WithoutCancel(t.Context()), name, offset, length)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(data)
}
