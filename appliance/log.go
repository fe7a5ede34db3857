package appliance

import (
	"io"
	"log/slog"

	"chatets/appliance/monitor"
)

// NewLogger is the log that New wants: JSON in service, text for a person at a
// terminal, and no secret in either. level is debug, info, warn or error.
func NewLogger(w io.Writer, terminal bool, level string) *slog.Logger {
	return monitor.NewLogger(w, terminal, level)
}
