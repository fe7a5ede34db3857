package monitor

import (
	"io"
	"log/slog"
	"strings"
)

// redacted stands where a secret was.
const redacted = "•••"

// NewLogger writes the log: JSON in service, text for a person at a terminal.
// level is debug, info, warn or error. Values under names that hold secrets are
// left out whoever logs them.
func NewLogger(w io.Writer, terminal bool, level string) *slog.Logger {
	var at slog.Level // info, unless level says otherwise
	if err := at.UnmarshalText([]byte(level)); err != nil {
		at = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: at, ReplaceAttr: redact}
	if terminal {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

func redact(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, secret := range []string{"password", "token", "secret", "authorization", "cookie", "csrf"} {
		if strings.Contains(name, secret) {
			return slog.String(a.Key, redacted)
		}
	}
	if err, ok := a.Value.Any().(error); ok && a.Value.Kind() == slog.KindAny {
		return slog.String(a.Key, err.Error())
	}
	return a
}
