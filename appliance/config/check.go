package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chatets/appliance/fault"
)

// build checks each value and names its origin where it is wrong.
func build(file string, values, origins map[string]string) (Config, error) {
	c := Config{
		Listen: values["listen"], BaseURL: strings.TrimRight(values["base-url"], "/"),
		LogLevel: values["log-level"], LogFormat: values["log-format"], file: file, origins: origins,
	}
	wrong := func(name, cure string) error {
		return fault.New(fault.Invalid, "The value %q of %s (from %s) is not valid.", values[name], name, origins[name]).Cure("%s", cure)
	}
	if err := c.paths(values, wrong); err != nil {
		return Config{}, err
	}
	for _, part := range strings.FieldsFunc(values["trusted-proxies"], func(r rune) bool { return r == ',' || r == ' ' }) {
		_, addrErr := netip.ParseAddr(part)
		_, netErr := netip.ParsePrefix(part)
		if addrErr != nil && netErr != nil {
			return Config{}, wrong("trusted-proxies", "Give addresses or networks, for example 10.0.0.5,10.1.0.0/16.")
		}
		c.TrustedProxies = append(c.TrustedProxies, part)
	}
	if c.Listen != "" && !isAddress(c.Listen) {
		return Config{}, wrong("listen", "Give an address and a port, for example 127.0.0.1:8080.")
	}
	if c.BaseURL != "" && !isOrigin(c.BaseURL) {
		return Config{}, wrong("base-url", "Give scheme and host as people type them, for example https://chat.clinic.example.")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		return Config{}, wrong("log-level", "It is debug, info, warn or error.")
	}
	if !slices.Contains([]string{"auto", "json", "text"}, c.LogFormat) {
		return Config{}, wrong("log-format", "It is auto, json or text.")
	}
	return c, nil
}

// paths makes the paths absolute and keeps the key out of the data directory.
func (c *Config) paths(values map[string]string, wrong func(name, cure string) error) error {
	for _, name := range []string{"data", "key", "socket", "models"} {
		if strings.ContainsFunc(values[name], func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return wrong(name, "A path holds no control characters.")
		}
	}
	if values["data"] == "" {
		return wrong("data", "Name a folder.")
	}
	var err error
	if c.Data, err = filepath.Abs(values["data"]); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if c.Data == "/" {
		return wrong("data", "Name a folder of its own.")
	}
	if c.Key, err = place(values["key"], c.Data+".key"); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	if c.Socket, err = place(values["socket"], filepath.Join(c.Data, "chatets.sock")); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if c.Models, err = place(values["models"], filepath.Join(c.Data, "models")); err != nil {
		return fmt.Errorf("folder of models: %w", err)
	}
	if inside(c.Key, c.Data) {
		return fault.New(fault.Invalid, "The key file %s lies inside the data directory; whoever copies the one has the other.", c.Key).
			Cure("Name a place outside of it with --key.")
	}
	return nil
}

func place(value, otherwise string) (string, error) {
	if value == "" {
		value = otherwise
	}
	return filepath.Abs(value)
}

// inside follows links, so that a folder under another name is no way around.
func inside(file, dir string) bool {
	rel, err := filepath.Rel(real(dir), real(file))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// real is a path without links, as far as it exists already.
func real(path string) string {
	rest := ""
	for at := path; ; at = filepath.Dir(at) {
		if found, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(found, rest)
		}
		if link, err := os.Readlink(at); err == nil && !filepath.IsAbs(link) {
			return filepath.Join(real(filepath.Dir(at)), link, rest)
		} else if err == nil {
			return filepath.Join(link, rest)
		}
		if at == filepath.Dir(at) {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// isAddress accepts host:port with a number as the port; whether the host may
// be listened on is known to whoever listens.
func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// isOrigin accepts scheme and host only: links are made by adding a path, and a
// password in it would end in the log.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}
