package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/config"
	"chatets/appliance/fault"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chatets.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func values(c config.Config) map[string]config.Value {
	m := map[string]config.Value{}
	for _, v := range c.Values() {
		m[v.Name] = v
	}
	return m
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, `
data = "/srv/chatets"
key = "keys/master.key"
listen = "127.0.0.1:9000"
base-url = "https://chat.clinic.example/"
trusted-proxies = ["10.0.0.5", "10.1.0.0/16"]
`)
	folder := filepath.Dir(file)
	for _, tt := range []struct {
		name          string
		flags         map[string]string
		environ       []string
		key           string
		value, origin string
	}{
		{"default data", nil, nil, "data", filepath.Join(here, "data"), "default"},
		{"default key beside the data", nil, nil, "key", filepath.Join(here, "data.key"), "default"},
		{"default socket in the data", map[string]string{"data": "/d"}, nil, "socket", "/d/chatets.sock", "default"},
		{"default address", nil, nil, "listen", "127.0.0.1:8080", "default"},
		{"default log level", nil, nil, "log-level", "info", "default"},
		{"no file", nil, nil, "config", "", "default"},
		{"file", map[string]string{"config": file}, nil, "data", "/srv/chatets", file},
		{"the file itself, by flag", map[string]string{"config": file}, nil, "config", file, "--config"},
		{"the file itself, by variable", nil, []string{"CHATETS_CONFIG=" + file}, "config", file, "CHATETS_CONFIG"},
		{"a path of the file counts from its folder", nil, []string{"CHATETS_CONFIG=" + file}, "key", filepath.Join(folder, "keys/master.key"), file},
		{"a slash at the end of the base goes", map[string]string{"config": file}, nil, "base-url", "https://chat.clinic.example", file},
		{"a list", map[string]string{"config": file}, nil, "trusted-proxies", "10.0.0.5,10.1.0.0/16", file},
		{"a variable over the file", map[string]string{"config": file}, []string{"CHATETS_LISTEN=127.0.0.1:9001"}, "listen", "127.0.0.1:9001", "CHATETS_LISTEN"},
		{"a variable with two words", nil, []string{"CHATETS_LOG_LEVEL=debug"}, "log-level", "debug", "CHATETS_LOG_LEVEL"},
		{"a flag over the variable", map[string]string{"listen": "127.0.0.1:1"}, []string{"CHATETS_LISTEN=127.0.0.1:2"}, "listen", "127.0.0.1:1", "--listen"},
		{"an empty variable is none", nil, []string{"CHATETS_LISTEN="}, "listen", "127.0.0.1:8080", "default"},
		{"an empty flag is no address", map[string]string{"listen": ""}, nil, "listen", "", "--listen"},
		{"variables of others", nil, []string{"PATH=/bin", "CHATETS_TEST_X=1", "XCHATETS_DATA=/no", "CHATETS"}, "data", filepath.Join(here, "data"), "default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(tt.flags, tt.environ)
			if err != nil {
				t.Fatal(err)
			}
			if got := values(c)[tt.key]; got.Value != tt.value || got.Origin != tt.origin {
				t.Errorf("got %q from %s, want %q from %s", got.Value, got.Origin, tt.value, tt.origin)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("data", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	flag := func(name, value string) map[string]string { return map[string]string{name: value} }
	for _, tt := range []struct {
		name     string
		file     string
		flags    map[string]string
		environ  []string
		sentence string
		cure     string
	}{
		{"a key with a typing error", `lisen = "127.0.0.1:1"`, nil, nil, "key lisen", "Did you mean listen?"},
		{"a key with an underscore", `log_level = "info"`, nil, nil, "key log_level", "Did you mean log-level?"},
		{"a key from nowhere", `colour = "blue"`, nil, nil, "key colour", "The names are data, key,"},
		{"a section", "[server]\nlisten = \"x\"", nil, nil, "key server", ""},
		{"no text", "listen = 8080", nil, nil, "key listen", `listen = "…"`},
		{"a list of numbers", "trusted-proxies = [1]", nil, nil, "trusted-proxies", ""},
		{"a key twice", "listen = \"a:1\"\nlisten = \"b:1\"", nil, nil, "line 2", "Mend the line"},
		{"no TOML", "listen 127.0.0.1", nil, nil, "line 1", "Mend the line"},
		{"a variable with a typing error", "", nil, []string{"CHATETS_DATTA=/d"}, "CHATETS_DATTA", "Did you mean CHATETS_DATA?"},
		{"a variable in small letters", "", nil, []string{"CHATETS_data=/d"}, "CHATETS_data", "Did you mean CHATETS_DATA?"},
		{"a file that is not there", "", flag("config", "/nowhere/chatets.toml"), nil, "/nowhere/chatets.toml", "--config"},
		{"a variable's file that is not there", "", nil, []string{"CHATETS_CONFIG=/nowhere/x"}, "/nowhere/x", "CHATETS_CONFIG"},
		{"a folder as file", "", flag("config", dir), nil, "cannot be read", "--config"},
		{"no data", "", flag("data", ""), nil, "data (from --data)", "folder"},
		{"everything as data", "", flag("data", "/"), nil, "data (from --data)", "folder of its own"},
		{"a path with a line break", "", flag("data", "/tmp/a\nb"), nil, `"/tmp/a\nb"`, "control characters"},
		{"the key in the data", "", map[string]string{"data": "/d", "key": "/d/sub/../k"}, nil, "inside the data directory", "--key"},
		{"the key in the data, by a link", "", map[string]string{"data": filepath.Join(dir, "data"), "key": filepath.Join(dir, "link/k")}, nil, "inside the data directory", "--key"},
		{"the data is a link, the key behind it", "", map[string]string{"data": filepath.Join(dir, "link"), "key": filepath.Join(dir, "data/k")}, nil, "inside the data directory", "--key"},
		{"an address without a port", "", flag("listen", "127.0.0.1"), nil, "listen (from --listen)", "127.0.0.1:8080"},
		{"a port that is no number", "", flag("listen", "127.0.0.1:http"), nil, "listen", ""},
		{"a port that is too large", "", flag("listen", "127.0.0.1:70000"), nil, "listen", ""},
		{"a base without a scheme", "", flag("base-url", "chat.clinic.example"), nil, "base-url", "https://"},
		{"a base of another kind", "", flag("base-url", "ftp://chat.clinic.example"), nil, "base-url", ""},
		{"a base with a path", "", flag("base-url", "https://clinic.example/chat"), nil, "base-url", ""},
		{"a base with a password", "", flag("base-url", "https://a:b@clinic.example"), nil, "base-url", ""},
		{"a proxy by name", "", flag("trusted-proxies", "10.0.0.1, proxy"), nil, "trusted-proxies", "10.1.0.0/16"},
		{"a level", "", nil, []string{"CHATETS_LOG_LEVEL=verbose"}, "log-level (from CHATETS_LOG_LEVEL)", "debug, info"},
		{"a format", `log-format = "xml"`, nil, nil, "log-format", "auto, json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			flags := tt.flags
			if tt.file != "" {
				flags = flag("config", write(t, tt.file))
			}
			_, err := config.Load(flags, tt.environ)
			if err == nil {
				t.Fatal("got no error")
			}
			r := fault.Of(err)
			if r.Kind != fault.Invalid && r.Kind != fault.Forbidden {
				t.Errorf("got the kind %s", r.Kind)
			}
			if !strings.Contains(r.Sentence, tt.sentence) || !strings.Contains(r.Cure, tt.cure) {
				t.Errorf("got %q, cure %q; want %q, cure %q", r.Sentence, r.Cure, tt.sentence, tt.cure)
			}
		})
	}
}

// TestKeyBesideIsFine keeps the check above from refusing its neighbours.
func TestKeyBesideIsFine(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"/d.key", "/dk", "/other/d/k", "/..d"} {
		if _, err := config.Load(map[string]string{"data": "/d", "key": key}, nil); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}
