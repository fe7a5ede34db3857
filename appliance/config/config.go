// Package config turns the configuration file, CHATETS_* variables and flags
// into one checked struct, and knows where each value came from.
//
// What a newcomer gets wrong: this is what must be known before the database is
// open. What an administrator changes while ChatETS runs is a setting. No value
// here is a secret itself: the key is named by its file.
package config

import (
	"context"
	"errors"
	"io/fs"
	"strings"

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
	Models         string   // folder that model files are imported from
	Credentials    string   // folder of systemd credentials, "" = none; systemd names it

	// Ask asks a person for the passphrase that opens the keys; failed is why the
	// last answer did not. nil = nobody can be asked. No value of a file or flag.
	Ask func(ctx context.Context, failed error) (string, error)
	// Recovery is the recovery key an operator typed, "" = none. No value of a file
	// or flag.
	Recovery string

	file    string // that was read, "" = none
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
var names = [...]string{"data", "key", "listen", "socket", "base-url", "log-level", "log-format", "trusted-proxies", "models"}

// Load reads the file named by the flag "config" or by CHATETS_CONFIG (or
// DefaultFile where it exists), then environ ("NAME=value"), then flags; the
// later wins. flags holds only what was given.
func Load(flags map[string]string, environ []string) (Config, error) {
	values := map[string]string{
		"data": "./data", "listen": "127.0.0.1:8080", "log-level": "info", "log-format": "auto",
	}
	origins := map[string]string{"config": "default"}
	for _, name := range names {
		origins[name] = "default"
	}
	variables, err := fromEnviron(environ)
	if err != nil {
		return Config{}, err
	}
	file := DefaultFile
	for _, source := range []struct {
		values map[string]string
		origin func(string) string
	}{{variables, variable}, {flags, flag}} {
		if name, given := source.values["config"]; given {
			file, origins["config"] = name, source.origin("config")
		}
	}
	read, err := fromFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && origins["config"] == "default":
		file = ""
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fault.New(fault.Invalid, "There is no configuration file %s.", file).Cure("Check %s.", origins["config"])
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
		values[name], origins[name] = value, flag(name)
	}
	c, err := build(file, values, origins)
	for _, line := range environ {
		if dir, found := strings.CutPrefix(line, "CREDENTIALS_DIRECTORY="); found {
			c.Credentials = dir
		}
	}
	return c, err
}

func variable(name string) string {
	return "CHATETS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func flag(name string) string { return "--" + name }

// Origin is where the value of a name came from: "default", a file, a variable
// or a flag.
func (c Config) Origin(name string) string { return c.origins[name] }

// Values lists every value with its origin, in a fixed order, the file itself first.
func (c Config) Values() []Value {
	of := map[string]string{
		"data": c.Data, "key": c.Key, "listen": c.Listen, "socket": c.Socket, "base-url": c.BaseURL,
		"log-level": c.LogLevel, "log-format": c.LogFormat, "trusted-proxies": strings.Join(c.TrustedProxies, ","),
		"models": c.Models,
	}
	values := []Value{{Name: "config", Value: c.file, Origin: c.origins["config"]}}
	for _, name := range names {
		values = append(values, Value{Name: name, Value: of[name], Origin: c.origins[name]})
	}
	return values
}
