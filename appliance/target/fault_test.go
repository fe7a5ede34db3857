package target_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/target"
)

// TestTroubleOfS3 gives every failure of a server its sentence, after as many
// attempts as can help.
func TestTroubleOfS3(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string) func(*fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
		return func(f *fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool { f.fail(w, status, code); return true }
		}
	}
	for _, tt := range []struct {
		name    string
		trouble func(*fakeS3) func(int, http.ResponseWriter, *http.Request) bool
		code    string // "" = it works in the end
		words   string
		calls   int // at least; of one put
	}{
		{"503 twice", func(f *fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, _ *http.Request) bool {
				if n <= 2 {
					f.fail(w, http.StatusServiceUnavailable, "SlowDown")
				}
				return n <= 2
			}
		}, "", "", 3},
		{"503 for ever", answer(http.StatusServiceUnavailable, "SlowDown"), "target-away", "cannot be reached", 5},
		{"500 for ever", answer(http.StatusInternalServerError, "InternalError"), "target-away", "cannot be reached", 5},
		{"connections broken off", func(*fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }
		}, "target-away", "cannot be reached", 5},
		{"a wrong key", answer(http.StatusForbidden, "SignatureDoesNotMatch"), "target-refused", "refuses access", 1},
		{"no such bucket", answer(http.StatusNotFound, "NoSuchBucket"), "target-bucket", "no bucket", 1},
		{"a full target", answer(http.StatusInsufficientStorage, "XMinioStorageFull"), "target-full", "is full", 1},
		{"a quota", answer(http.StatusForbidden, "QuotaExceeded"), "target-full", "is full", 1},
		{"an answer that is none", func(*fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusBadGateway)
				_, _ = w.Write([]byte("<html>proxy"))
				return true
			}
		}, "target-away", "cannot be reached", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeS3{}
			at := f.open(t, target.Config{})
			f.mu.Lock()
			f.trouble = tt.trouble(f)
			f.mu.Unlock()
			err := at.Put(t.Context(), "name", strings.NewReader("content"), 7)
			if tt.code == "" {
				if err != nil || read(t, at, "name", 0, -1) != "content" {
					t.Errorf("got %v", err)
				}
			} else if r := fault.Of(err); r.Code != tt.code || !strings.Contains(r.Sentence, tt.words) || r.Cure == "" || strings.Contains(r.Sentence, "secret-key") {
				t.Errorf("got %v (%s), want %s with %q and a cure", err, r.Code, tt.code, tt.words)
			}
			if f.seen() < tt.calls || tt.calls == 1 && f.seen() > 1 {
				t.Errorf("%d requests, want %d", f.seen(), tt.calls)
			}
		})
	}
}

// TestHalfBodies never gives a part of a file for the whole.
func TestHalfBodies(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 10_000)
	half := func(times int32) func(*fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
		var n atomic.Int32
		return func(f *fakeS3) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || n.Add(1) > times {
					return false
				}
				w.Header().Set("Content-Length", fmt.Sprint(len(text)))
				w.Header().Set("ETag", `"x"`)
				w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
				_, _ = w.Write([]byte(text[:len(text)/2]))
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
		}
	}
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		f := &fakeS3{}
		at := f.open(t, target.Config{})
		if err := at.Put(t.Context(), "name", strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		f.trouble = half(1)(f)
		f.mu.Unlock()
		if got := read(t, at, "name", 0, -1); got != text {
			t.Errorf("%d bytes came", len(got))
		}
	})
	t.Run("an upload that is cut is refused by its sum", func(t *testing.T) {
		t.Parallel()
		f := &fakeS3{}
		at := f.open(t, target.Config{})
		f.mu.Lock()
		f.trouble = func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				r.Header.Set("Content-Md5", "wrong")
			}
			return false
		}
		f.mu.Unlock()
		if err := at.Put(t.Context(), "name", strings.NewReader(text), int64(len(text))); err != nil || f.seen() != 2 {
			t.Errorf("%v after %d requests", err, f.seen())
		}
	})
	t.Run("a file that shrinks while it is read", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		at := opened(t, target.Config{URL: "file://" + root, Fresh: true, Tries: 1})
		if err := at.Put(t.Context(), "name", strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
		r, err := at.Get(t.Context(), "name", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := os.Truncate(filepath.Join(root, "name"), 100); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err == nil {
			t.Errorf("%d bytes came without an error", len(got))
		}
	})
}

// TestSlow ends what stands still, and only that.
func TestSlow(t *testing.T) {
	t.Parallel()
	f := &fakeS3{}
	at := f.open(t, target.Config{Stall: 50 * time.Millisecond, Tries: 2})
	release := make(chan struct{})
	defer close(release)
	f.mu.Lock()
	f.trouble = func(int, http.ResponseWriter, *http.Request) bool { <-release; return false }
	f.mu.Unlock()
	err := at.Put(t.Context(), "name", strings.NewReader("content"), 7)
	if r := fault.Of(err); r.Code != "target-away" || f.seen() != 2 {
		t.Errorf("got %v after %d requests", err, f.seen())
	}
}

// TestPace holds a transfer to its rate.
func TestPace(t *testing.T) {
	t.Parallel()
	at := opened(t, target.Config{URL: "file://" + t.TempDir(), Fresh: true, Rate: 100_000})
	begun := time.Now()
	if err := at.Put(t.Context(), "name", bytes.NewReader(make([]byte, 150_000)), 150_000); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("150 KB at 100 KB/s with a burst of a second took %v", took)
	}
}

// TestRefusedDeletes tells a target that keeps everything from one that fails.
func TestRefusedDeletes(t *testing.T) {
	t.Parallel()
	f := &fakeS3{}
	at := f.open(t, target.Config{})
	f.mu.Lock()
	f.trouble = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			f.fail(w, http.StatusForbidden, "AccessDenied")
		}
		return r.Method == http.MethodDelete
	}
	f.mu.Unlock()
	if err := at.Put(t.Context(), "name", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if err := at.Delete(t.Context(), "name"); !errors.Is(err, target.ErrNoDelete) {
		t.Errorf("got %v", err)
	}
}

// TestDiskAway writes nothing into the empty place of a disk that is not there.
func TestDiskAway(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "mnt")
	made := opened(t, target.Config{URL: "file://" + root, Fresh: true})
	if err := made.(target.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := opened(t, target.Config{URL: "file://" + root, Tries: 1})
	if err := at.Put(t.Context(), "name", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(root, root+"-away"), os.Mkdir(root, 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"put":    at.Put(t.Context(), "other", strings.NewReader("x"), 1),
		"absent": at.PutIfAbsent(t.Context(), "other", []byte("x")),
		"delete": at.Delete(t.Context(), "name"),
		"get":    func() error { _, err := at.Get(t.Context(), "name", 0, -1); return err }(),
		"list": func() error {
			for _, err := range at.List(t.Context(), "", "") {
				return err
			}
			return nil
		}(),
	} {
		if fault.Of(err).Code != "target-away" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("the empty place holds %v, %v", left, err)
	}
}

// TestSFTPServer is known by its key, and a lost connection is made anew.
func TestSFTPServer(t *testing.T) {
	t.Parallel()
	s := newSFTP(t)
	at := s.open(t)
	if err := at.Put(t.Context(), "name", strings.NewReader("content"), 7); err != nil {
		t.Fatal(err)
	}
	s.drop()
	if got := read(t, at, "name", 0, -1); got != "content" {
		t.Errorf("after a lost connection: %q", got)
	}
	other := newSFTP(t)
	line, _, err := target.HostKey(t.Context(), gate(t, other.address), "backup", other.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, key, secret, code string }{
		{"another key", line, "correct horse", "target-host-key"},
		{"a wrong password", "", "wrong", "target-refused"},
	} {
		if tt.key == "" {
			if tt.key, _, err = target.HostKey(t.Context(), gate(t, s.address), "backup", s.address); err != nil {
				t.Fatal(err)
			}
		}
		bad := opened(t, target.Config{URL: "sftp://someone@" + s.address + "/x", Secret: tt.secret, HostKey: tt.key, Gate: gate(t, s.address)})
		err := bad.Put(t.Context(), "name", strings.NewReader("x"), 1)
		if r := fault.Of(err); r.Code != tt.code || r.Cure == "" {
			t.Errorf("%s: got %v (%s), want %s", tt.name, err, r.Code, tt.code)
		}
	}
}

// TestEnvironment shows that a target takes nothing from it.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "HTTPS_PROXY", "MINIO_ACCESS_KEY"} {
		t.Setenv(name, "http://127.0.0.1:1/wrong")
	}
	f := &fakeS3{}
	var authorization atomic.Value
	at := f.open(t, target.Config{})
	f.mu.Lock()
	f.trouble = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		authorization.Store(r.Header.Get("Authorization"))
		return false
	}
	f.mu.Unlock()
	if err := at.Put(t.Context(), "name", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if got, _ := authorization.Load().(string); !strings.Contains(got, "Credential=access/") || !strings.Contains(got, "/us-east-1/") {
		t.Errorf("signed as %q", got)
	}
}

// TestURL takes addresses apart and refuses what could be misread.
func TestURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want target.Address
	}{
		{"file:///mnt/backup/", target.Address{Kind: target.Directory, Path: "/mnt/backup"}},
		{"s3://bucket/a/b?endpoint=https://s3.example.org&region=eu", target.Address{Kind: target.S3, Bucket: "bucket", Prefix: "a/b/", Host: "s3.example.org", Port: 443, Region: "eu"}},
		{"s3://bucket?endpoint=http://10.1.2.3:9000", target.Address{Kind: target.S3, Bucket: "bucket", Host: "10.1.2.3", Port: 9000, Plain: true, Region: "us-east-1"}},
		{"sftp://me@Host:2222/a/b", target.Address{Kind: target.SFTP, Host: "host", Port: 2222, Path: "/a/b", User: "me"}},
		{"sftp://me@host/~/b", target.Address{Kind: target.SFTP, Host: "host", Port: 22, Path: "b", User: "me"}},
	} {
		if got, err := target.Parse(tt.url); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v", tt.url, got, err)
		}
	}
	for _, bad := range []string{"", "/mnt", "file:", "file:///", "file://host/x", "file:///x?y=1", "s3://b", "s3://bucket", "s3://bucket?endpoint=ftp://x", "s3://bucket/../x?endpoint=https://x",
		"s3://bucket?endpoint=https://x&key=secret", "s3://k:s@bucket?endpoint=https://x", "sftp://host/x", "sftp://me:pw@host/x", "sftp://me@host", "sftp://me@host:0/x", "ftp://me@host/x", "file:///x#y"} {
		got, err := target.Parse(bad)
		if r := fault.Of(err); err == nil || r.Code != "target-url" || r.Cure == "" || strings.Contains(r.Sentence, "pw") {
			t.Errorf("%s: got %+v, %v", bad, got, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add("s3://bucket/a?endpoint=https://s3.example.org&region=eu")
	f.Add("sftp://me@host:22/x")
	f.Add("file:///mnt/x")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := target.Parse(text)
		if err == nil && (a.Kind == target.Directory && (a.Path == "/" || !filepath.IsAbs(a.Path)) || strings.Contains(a.Prefix, "..") || a.Kind != target.Directory && a.Host == "") {
			t.Errorf("%q gave %+v", text, a)
		}
	})
}
