package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"chatets/appliance/fault"
)

// fromEnviron takes the CHATETS_ variables; one that is not known is refused,
// because a typing error must not be taken for a choice. CHATETS_TEST_ belongs
// to tests, and an empty variable is one that was not given.
func fromEnviron(environ []string) (map[string]string, error) {
	found := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		short, ours := strings.CutPrefix(name, "CHATETS_")
		if !ours || strings.HasPrefix(short, "TEST_") || value == "" {
			continue
		}
		key := strings.ReplaceAll(strings.ToLower(short), "_", "-")
		if variable(key) != name || key != "config" && !slices.Contains(names[:], key) {
			return nil, unknown("variable "+name, key, variable)
		}
		found[key] = value
	}
	return found, nil
}

// fromFile reads TOML: names and texts, a list for what may be several. Paths
// that are not absolute count from the folder of the file, because a service
// is started anywhere.
func fromFile(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Forbidden, "The configuration file %s cannot be read.", file).
			Cure("Give this user the right to read it, or name another with --config.").Because(err)
	}
	var raw map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return nil, fault.New(fault.Invalid, "The configuration file %s cannot be read: %s.", file, strings.TrimPrefix(err.Error(), "toml: ")).
			Cure("Mend the line, or remove it for the default.")
	}
	found := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if !slices.Contains(names[:], key) {
			return nil, unknown("key "+key+" in "+file, key, func(n string) string { return n })
		}
		value, ok := asText(raw[key])
		if !ok {
			return nil, fault.New(fault.Invalid, "The key %s in %s is not a text.", key, file).Cure("Write it in quotes: %s = \"…\"", key)
		}
		if path := slices.Contains([]string{"data", "key", "socket", "models"}, key); path && value != "" && !filepath.IsAbs(value) {
			folder, err := filepath.Abs(filepath.Dir(file))
			if err != nil {
				return nil, err
			}
			value = filepath.Join(folder, value)
		}
		found[key] = value
	}
	return found, nil
}

// asText is a text, or several with commas between.
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			part, ok := item.(string)
			if !ok {
				return "", false
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}

// unknown refuses a name and offers the nearest one.
func unknown(what, name string, form func(string) string) error {
	e := fault.New(fault.Invalid, "The %s is not known.", what)
	near, best := "", 4
	for _, candidate := range names {
		if d := distance(strings.ReplaceAll(name, "_", "-"), candidate); d < best && d < len(candidate) {
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
