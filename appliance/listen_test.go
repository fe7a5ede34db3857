package appliance_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/fault"
)

// TestAddressBeyondLoopback refuses to serve plain HTTP to others, and leaves
// nothing behind: neither data directory nor key.
func TestAddressBeyondLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:8080", "[::]:8080", ":8080", "192.168.1.5:8080", "chat.clinic.example:8080", "8080", "127.0.0.1:99999"} {
		data := filepath.Join(t.TempDir(), "data")
		cfg, err := config.Load(map[string]string{"data": data, "listen": address}, nil)
		if err == nil {
			_, err = appliance.New(t.Context(), cfg, appliance.Assets{}, slog.New(slog.DiscardHandler), "test")
		}
		if r := fault.Of(err); err == nil || r.Kind != fault.Invalid || r.Cure == "" {
			t.Errorf("%s: got %v (cure %q)", address, err, r.Cure)
		}
		for _, name := range []string{data, data + ".key"} {
			if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %s was made", address, name)
			}
		}
	}
}
