package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"context"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// wants opens and expects a fault with a code, a cure, and no word that is secret.
func wants(t *testing.T, cfg secret.Config, code string, hidden ...string) {
	t.Helper()
	_, err := secret.OpenStore(t.Context(), cfg)
	r := fault.Of(err)
	if err == nil || r.Code != code || r.Cure == "" {
		t.Errorf("got %v (%s, cure %q), want %s", err, r.Code, r.Cure, code)
	}
	for _, word := range hidden {
		if err != nil && strings.Contains(err.Error()+r.Cure, word) {
			t.Errorf("the error shows %q: %v", word, err)
		}
	}
}

// withOnly replaces the first slot of a new directory by another.
func withOnly(t *testing.T, cfg secret.Config, n secret.NewSlot) secret.Config {
	t.Helper()
	key, data := installed(t)
	cfg.Dir, cfg.File = data, key
	s := opened(t, cfg)
	if _, err := s.AddSlot(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RemoveSlot(1); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestCredential(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, secret.CredentialName)
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	put := func(text string) {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		write(text)
	}
	word := strings.Repeat("credential", 4)
	put(word)
	// A first start with a credential makes no key file.
	first := secret.Config{Dir: t.TempDir(), File: filepath.Join(t.TempDir(), "key"), Credentials: folder}
	if s := opened(t, first); s.Created() || s.Status().Slots[0].Kind != secret.CredentialKind {
		t.Errorf("created %v, %+v", s.Created(), s.Status().Slots)
	}
	cfg := withOnly(t, secret.Config{Credentials: folder}, secret.NewSlot{Kind: secret.CredentialKind})
	opened(t, cfg)
	put(word + "x")
	wants(t, cfg, "key-wrong", word)
	put("short")
	wants(t, cfg, "key-damaged", "short ")
	put(word)
	opened(t, cfg)
	none := cfg
	none.Credentials = ""
	wants(t, none, "key-missing")
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	wants(t, cfg, "key-unreadable")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wants(t, cfg, "key-missing")
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	const right = "marzipan zeppelin regatta"
	cfg := withOnly(t, secret.Config{}, secret.NewSlot{Kind: secret.PassphraseKind, Passphrase: right})
	if !secret.Needs(cfg.Dir) {
		t.Error("a start does not need a person")
	}
	answers := func(words ...string) (func(context.Context, error) (string, error), *int) {
		asked := 0
		return func(_ context.Context, failed error) (string, error) {
			if asked > 0 && fault.Of(failed).Code != "passphrase-wrong" {
				t.Errorf("asked again because of %v", failed)
			}
			asked++
			return words[min(asked, len(words))-1], nil
		}, &asked
	}
	wants(t, cfg, "key-unasked")
	cfg.Ask, _ = answers(right)
	opened(t, cfg)
	var asked *int
	cfg.Ask, asked = answers("not this one at all", right)
	opened(t, cfg)
	if *asked != 2 {
		t.Errorf("asked %d times", *asked)
	}
	cfg.Ask, asked = answers("not this one at all")
	wants(t, cfg, "passphrase-wrong", "not this one")
	if *asked != 3 {
		t.Errorf("asked %d times", *asked)
	}
	gone := errors.New("the person left")
	cfg.Ask = func(context.Context, error) (string, error) { return "", gone }
	if _, err := secret.OpenStore(t.Context(), cfg); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	// Figures that a start could not pay for are not tried.
	file := filepath.Join(cfg.Dir, "keys.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	huge := secret.Resum(t, []byte(strings.Replace(string(text), `"memory": 262144`, `"memory": 4000000000`, 1)))
	if err := os.WriteFile(file, huge, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, cfg, "key-damaged")
}

// TestSeveralWays names each of them where none opens.
func TestSeveralWays(t *testing.T) {
	t.Parallel()
	cfg := withOnly(t, secret.Config{}, secret.NewSlot{Kind: secret.PassphraseKind, Passphrase: "marzipan zeppelin regatta"})
	cfg.Ask = func(context.Context, error) (string, error) { return "marzipan zeppelin regatta", nil }
	s := opened(t, cfg)
	if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.FileKind, File: cfg.File}); err != nil {
		t.Fatal(err)
	}
	if secret.Needs(cfg.Dir) {
		t.Error("a start with a key file asks a person")
	}
	if err := os.Remove(cfg.File); err != nil {
		t.Fatal(err)
	}
	cfg.Ask = nil
	_, err := secret.OpenStore(t.Context(), cfg)
	r := fault.Of(err)
	for _, word := range []string{"None of the 2 ways", "key file is missing", "asked for the passphrase", "no recovery key", "One of them is enough"} {
		if !strings.Contains(r.Sentence+r.Cure, word) {
			t.Errorf("%q is not in %q, %q", word, r.Sentence, r.Cure)
		}
	}
}

// software starts a software TPM and gives its socket.
func software(t *testing.T, state string) (socket string, stop func()) {
	t.Helper()
	program, err := exec.LookPath("swtpm")
	if err != nil {
		t.Fatal("swtpm is not installed: scripts/prepare.sh all installs it")
	}
	// A socket path must be short.
	dir, err := os.MkdirTemp("", "tpm")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "tpm")
	// One process a connection: the client connects anew for each command.
	ctx, cancel := context.WithCancel(context.Background())
	inner := filepath.Join(dir, "inner")
	cmd := exec.CommandContext(ctx, program, "socket", "--tpm2", "--tpmstate", "dir="+state, "--server", "type=unixio,path="+inner,
		"--ctrl", "type=unixio,path="+filepath.Join(dir, "ctrl"), "--flags", "not-need-init,startup-clear")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	t.Cleanup(stop)
	relay(t, socket, inner)
	return socket, stop
}

// relay holds one connection to the TPM and lends it to one client at a time.
func relay(t *testing.T, outer, inner string) {
	t.Helper()
	var tpm net.Conn
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if tpm, err = net.Dial("unix", inner); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the software TPM does not come: %v", err)
		}
	}
	l, err := net.Listen("unix", outer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(l.Close(), tpm.Close()) })
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if n, err := client.Read(buffer); err == nil {
				if _, err := tpm.Write(buffer[:n]); err == nil {
					if n, err := tpm.Read(buffer); err == nil {
						_, _ = client.Write(buffer[:n])
					}
				}
			}
			_ = client.Close()
		}
	}()
}

func TestTPM(t *testing.T) {
	t.Parallel()
	socket, stop := software(t, t.TempDir())
	other, _ := software(t, t.TempDir())
	free := withOnly(t, secret.Config{}, secret.NewSlot{Kind: secret.TPMKind, TPM: secret.TPM{Device: socket}})
	bound := withOnly(t, secret.Config{}, secret.NewSlot{Kind: secret.TPMKind, TPM: secret.TPM{Device: socket, PCRs: []uint{7, 16, 7}}})
	opened(t, free)
	s := opened(t, bound)
	if where := s.Status().Slots[0].Where; !strings.HasSuffix(where, "registers 7,16") {
		t.Errorf("got %q", where)
	}
	if _, err := s.Rotate(); err != nil { // without asking the TPM
		t.Fatal(err)
	}
	opened(t, bound)
	for _, n := range []secret.TPM{{Device: socket, PCRs: []uint{24}}, {Device: socket, PCRs: []uint{0, 1, 2, 3, 4, 5, 6, 7, 8}}} {
		if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.TPMKind, TPM: n}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", n.PCRs, err)
		}
	}
	// Register 16 is there to be changed by programs.
	tpm, err := linuxudstpm.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tpm2.PCRExtend{PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(16), Auth: tpm2.PasswordAuth(nil)},
		Digests: tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: make([]byte, 32)}}}}.Execute(tpm)
	if err := errors.Join(err, tpm.Close()); err != nil {
		t.Fatal(err)
	}
	opened(t, free)
	wants(t, bound, "tpm-changed")
	// The same keys.json before another TPM.
	moved := func(cfg secret.Config, to string) {
		file := filepath.Join(cfg.Dir, "keys.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, secret.Resum(t, []byte(strings.Replace(string(text), socket, to, 1))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	moved(bound, other)
	wants(t, bound, "tpm-wrong")
	stop()
	wants(t, free, "tpm-away")
}

// A vault is a stand-in that follows the public API of the transit engine.
type vault struct {
	*httptest.Server
	token string
	fail  atomic.Value // func(http.ResponseWriter) bool
	calls atomic.Int32
}

func newVault(t *testing.T) *vault {
	v := &vault{token: "hvs.secret-token"}
	v.fail.Store(func(http.ResponseWriter) bool { return false })
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.calls.Add(1)
		if v.fail.Load().(func(http.ResponseWriter) bool)(w) {
			return
		}
		refuse := func(status int, words ...string) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": words})
		}
		if r.Header.Get("X-Vault-Token") != v.token {
			refuse(http.StatusForbidden, "permission denied", "hvs.secret-token")
			return
		}
		var in map[string]string
		text, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(text, &in) != nil || r.Method != http.MethodPost && r.Method != http.MethodPut {
			refuse(http.StatusBadRequest, "bad")
			return
		}
		switch r.URL.Path {
		case "/v1/transit/encrypt/chatets":
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString([]byte("x"+in["plaintext"])), "key_version": 1}})
		case "/v1/transit/decrypt/chatets":
			sealed, found := strings.CutPrefix(in["ciphertext"], "vault:v1:")
			plain, err := base64.StdEncoding.DecodeString(sealed)
			if !found || err != nil || len(plain) < 1 {
				refuse(http.StatusBadRequest, "invalid ciphertext")
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"plaintext": string(plain[1:])}})
		default:
			refuse(http.StatusNotFound)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func TestTransit(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	gate, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tokenFile := filepath.Join(t.TempDir(), "token")
	token := func(text string) {
		if err := os.WriteFile(tokenFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	token(v.token + "\n")
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}))
	slot := secret.Transit{URL: v.URL, Key: "chatets", CA: ca, TokenFile: tokenFile}
	cfg := withOnly(t, secret.Config{Gate: gate}, secret.NewSlot{Kind: secret.TransitKind, Transit: slot})
	s := opened(t, cfg)
	text, err := os.ReadFile(filepath.Join(cfg.Dir, "keys.json"))
	if err != nil || strings.Contains(string(text), v.token) {
		t.Errorf("keys.json holds the token, %v", err)
	}
	for name, bad := range map[string]secret.Transit{
		"no address":            {URL: "vault", Key: "k", TokenFile: tokenFile},
		"without encryption":    {URL: "http://vault.example:8200", Key: "k", TokenFile: tokenFile},
		"a password in it":      {URL: "https://a:b@vault.example", Key: "k", TokenFile: tokenFile},
		"no key":                {URL: v.URL, TokenFile: tokenFile},
		"no token":              {URL: v.URL, Key: "k"},
		"two tokens":            {URL: v.URL, Key: "k", TokenFile: tokenFile, TokenCredential: "t"},
		"the token in the data": {URL: v.URL, Key: "k", TokenFile: filepath.Join(cfg.Dir, "token")},
	} {
		if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.TransitKind, Transit: bad}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	untrusted := slot
	untrusted.CA = ""
	if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.TransitKind, Transit: untrusted}); fault.Of(err).Code != "transit-untrusted" {
		t.Errorf("a certificate nobody trusts: %v", err)
	}
	answers := func(status int, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for _, tt := range []struct {
		name  string
		fail  func(http.ResponseWriter) bool
		code  string
		calls int32
	}{
		{"403", answers(403, `{"errors":["permission denied","hvs.secret-token"]}`), "transit-refused", 1},
		{"404", answers(404, `{"errors":[]}`), "transit-unknown", 1},
		{"400", answers(400, `{"errors":["ciphertext or signature version is disallowed"]}`), "transit-unknown", 1},
		{"503 sealed", answers(503, `{"errors":["Vault is sealed"]}`), "transit-away", 3},
		{"500", answers(500, `boom hvs.secret-token`), "transit-away", 3},
		{"429", answers(429, ``), "transit-away", 3},
		{"a page", answers(200, `<!doctype html><title>Welcome</title>`), "transit-odd", 1},
		{"JSON of something else", answers(200, `{"data":{}}`), "transit-odd", 1},
		{"a plaintext that is no key", answers(200, `{"data":{"plaintext":"YWJj"}}`), "transit-odd", 1},
		{"another key", answers(200, `{"data":{"plaintext":"`+base64.StdEncoding.EncodeToString(make([]byte, 32))+`"}}`), "key-wrong", 1},
		{"half an answer", func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"data":`)
			return true
		}, "transit-away", 3},
	} {
		v.fail.Store(tt.fail)
		v.calls.Store(0)
		wants(t, cfg, tt.code, v.token)
		if got := v.calls.Load(); got != tt.calls {
			t.Errorf("%s: %d calls, want %d", tt.name, got, tt.calls)
		}
	}
	// Away for a moment is no failure.
	v.calls.Store(0)
	v.fail.Store(func(w http.ResponseWriter) bool { return v.calls.Load() < 3 && answers(503, "")(w) })
	opened(t, cfg)
	token("hvs.another")
	wants(t, cfg, "transit-refused", "hvs.another")
	if err := os.Chmod(tokenFile, 0o644); err != nil {
		t.Fatal(err)
	}
	wants(t, cfg, "key-open")
	if err := os.Remove(tokenFile); err != nil {
		t.Fatal(err)
	}
	wants(t, cfg, "key-missing")
	if err := os.WriteFile(tokenFile, fmt.Appendln(nil, v.token), 0o600); err != nil {
		t.Fatal(err)
	}
	opened(t, cfg)
	v.Close()
	wants(t, cfg, "transit-away", v.token)
}

// FuzzRecovery gives the reader any text: it never panics, takes back what was
// written, and nothing with one letter changed.
func FuzzRecovery(f *testing.F) {
	f.Add("000000-000000-000000-000000-000000-000000")
	f.Add("")
	f.Add("oOiIlL é\x00")
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := secret.ParseRecovery(text)
		if err != nil {
			if r := fault.Of(err); r.Code != "recovery-wrong" || len(text) > 8 && strings.Contains(r.Sentence, text) {
				t.Errorf("got %v", err)
			}
			return
		}
		written := secret.WriteRecovery(seed)
		if again, err := secret.ParseRecovery(written); err != nil || string(again) != string(seed) {
			t.Errorf("%q: got %x, %v", written, again, err)
		}
	})
}

// FuzzDocument gives the reader any keys.json: it never panics and opens none.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"form":"chatets-keys-1","slots":[{"id":1,"kind":"file"}]}`))
	f.Add([]byte(`{"form":"chatets-keys-9"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "keys.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.OpenStore(t.Context(), secret.Config{Dir: dir, File: filepath.Join(t.TempDir(), "key")}); err == nil {
			t.Errorf("opened %q", text)
		}
	})
}

// TestRecoveryTypos changes each letter once.
func TestRecoveryTypos(t *testing.T) {
	t.Parallel()
	written := secret.WriteRecovery([]byte("twenty bytes of seed"))
	for i := range written {
		if written[i] == '-' {
			continue
		}
		wrong := []byte(written)
		wrong[i] = map[bool]byte{true: '3', false: '2'}[wrong[i] == '2']
		if _, err := secret.ParseRecovery(string(wrong)); fault.Of(err).Code != "recovery-wrong" {
			t.Errorf("letter %d changed: %v", i, err)
		}
	}
}
