// Package config turns the configuration file, CHATETS_* variables and flags
// into one checked struct, and knows where each value came from.
//
// What a newcomer gets wrong: this is what must be known before the database is
// open. What an administrator changes while ChatETS runs is a setting.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chatets/appliance/fault"
)

// DefaultFile is read when it exists and no other file is named.
const DefaultFile = "/etc/chatets/chatets.toml"

// Config is what the appliance is started with. Paths are absolute.
type Config struct {
	Data           string   // data directory
	Key            string   // master key file, outside of Data
	Listen         string   // TCP address host:port, "" = none
	Socket         string   // Unix socket of the command line
	BaseURL        string   // how people reach it, http://host:port
	LogLevel       string   // debug, info, warn or error
	LogFormat      string   // auto, json or text
	TrustedProxies []string // addresses or networks

	origins map[string]string
}

// A Value is one line of `config show`.
type Value struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "default", a file, a variable or a flag
}

// names are the keys, the same in the file, as CHATETS_NAME and as --name;
// in the order they are shown. "-" in a name is "_" in a variable.
var names = []string{"data", "key", "listen", "socket", "base-url", "log-level", "log-format", "trusted-proxies"}

// Load reads the file named by the flag "config" or by CHATETS_CONFIG (or
// DefaultFile where it exists), then environ ("NAME=value"), then flags; the
// later wins. flags holds only what was given.
func Load(flags map[string]string, environ []string) (Config, error) {
	values := map[string]string{
		"data": "./data", "listen": "127.0.0.1:8080", "log-level": "info", "log-format": "auto",
	}
	origins := map[string]string{}
	for _, name := range names {
		origins[name] = "default"
	}
	variables, err := fromEnviron(environ)
	if err != nil {
		return Config{}, err
	}
	file, named := flags["config"], true
	if file == "" {
		file = variables["config"]
	}
	if file == "" {
		file, named = DefaultFile, false
	}
	read, err := fromFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fault.New(fault.Invalid, "There is no configuration file %s.", file).Cure("Check --config or CHATETS_CONFIG.")
	case err != nil:
		return Config{}, err
	}
	for name, value := range read {
		values[name], origins[name] = value, file
	}
	for name, value := range variables {
		values[name], origins[name] = value, variable(name)
	}
	for name, value := range flags {
		values[name], origins[name] = value, "--"+name
	}
	return build(values, origins)
}

func variable(name string) string {
	return "CHATETS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fromEnviron takes the CHATETS_ variables; one that is not known is refused,
// because a typing error must not be taken for a choice.
func fromEnviron(environ []string) (map[string]string, error) {
	found := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		short, ours := strings.CutPrefix(name, "CHATETS_")
		if !ours || strings.HasPrefix(short, "TEST_") || value == "" {
			continue
		}
		key := strings.ReplaceAll(strings.ToLower(short), "_", "-")
		if key != "config" && !slices.Contains(names, key) {
			return nil, unknown("variable "+name, key, variable)
		}
		found[key] = value
	}
	return found, nil
}

func fromFile(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return nil, fault.New(fault.Invalid, "The configuration file %s cannot be read: %v.", file, err).Cure("Mend the line, or remove it for the default.")
	}
	found := map[string]string{}
	for key, value := range raw {
		if !slices.Contains(names, key) {
			return nil, unknown("key "+key+" in "+file, key, func(n string) string { return n })
		}
		switch v := value.(type) {
		case string:
			found[key] = v
		case []any:
			var parts []string
			for _, part := range v {
				parts = append(parts, fmt.Sprint(part))
			}
			found[key] = strings.Join(parts, ",")
		default:
			return nil, fault.New(fault.Invalid, "The key %s in %s is no text.", key, file).Cure("Write it in quotes: %s = \"…\"", key)
		}
	}
	return found, nil
}

// unknown refuses a name and offers the nearest one.
func unknown(what, name string, form func(string) string) error {
	e := fault.New(fault.Invalid, "The %s is not known.", what)
	near, best := "", 4
	for _, candidate := range names {
		if d := distance(name, candidate); d < best {
			near, best = candidate, d
		}
	}
	if near != "" {
		return e.Cure("Did you mean %s?", form(near))
	}
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = form(n)
	}
	return e.Cure("The names are %s.", strings.Join(all, ", "))
}

// distance counts the letters that must change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

func build(values, origins map[string]string) (Config, error) {
	c := Config{Listen: values["listen"], BaseURL: strings.TrimRight(values["base-url"], "/"), LogLevel: values["log-level"], LogFormat: values["log-format"], origins: origins}
	var err error
	if c.Data, err = filepath.Abs(values["data"]); err != nil {
		return Config{}, fmt.Errorf("data directory: %w", err)
	}
	if c.Key, err = place(values["key"], c.Data+".key"); err != nil {
		return Config{}, err
	}
	if c.Socket, err = place(values["socket"], filepath.Join(c.Data, "chatets.sock")); err != nil {
		return Config{}, err
	}
	if rel, err := filepath.Rel(c.Data, c.Key); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return Config{}, fault.New(fault.Invalid, "The key file %s lies inside the data directory; whoever copies the one has the other.", c.Key).
			Cure("Name a place outside of it with --key.")
	}
	for _, part := range strings.FieldsFunc(values["trusted-proxies"], func(r rune) bool { return r == ',' || r == ' ' }) {
		_, addrErr := netip.ParseAddr(part)
		_, netErr := netip.ParsePrefix(part)
		if addrErr != nil && netErr != nil {
			return Config{}, invalid("trusted-proxies", part, "Give addresses or networks, for example 10.0.0.5,10.1.0.0/16.", origins)
		}
		c.TrustedProxies = append(c.TrustedProxies, part)
	}
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			return Config{}, invalid("listen", c.Listen, "Give an address and a port, for example 127.0.0.1:8080.", origins)
		}
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return Config{}, invalid("base-url", c.BaseURL, "Give the address people type, for example https://chat.clinic.example.", origins)
		}
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		return Config{}, invalid("log-level", c.LogLevel, "It is debug, info, warn or error.", origins)
	}
	if !slices.Contains([]string{"auto", "json", "text"}, c.LogFormat) {
		return Config{}, invalid("log-format", c.LogFormat, "It is auto, json or text.", origins)
	}
	return c, nil
}

func invalid(name, value, cure string, origins map[string]string) error {
	return fault.New(fault.Invalid, "The value %q of %s (from %s) is not valid.", value, name, origins[name]).Cure("%s", cure)
}

func place(value, otherwise string) (string, error) {
	if value == "" {
		value = otherwise
	}
	return filepath.Abs(value)
}

// Values lists every value with its origin, in a fixed order.
func (c Config) Values() []Value {
	of := map[string]string{
		"data": c.Data, "key": c.Key, "listen": c.Listen, "socket": c.Socket, "base-url": c.BaseURL,
		"log-level": c.LogLevel, "log-format": c.LogFormat, "trusted-proxies": strings.Join(c.TrustedProxies, ","),
	}
	values := make([]Value, 0, len(names))
	for _, name := range names {
		values = append(values, Value{Name: name, Value: of[name], Origin: c.origins[name]})
	}
	return values
}
