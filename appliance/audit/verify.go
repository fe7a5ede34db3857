package audit

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
)

// Report is what Verify found.
type Report struct {
	OK     bool   // every row is as it was written and none is missing
	Rows   int64  // how many rows were checked
	Head   string // hash of the last row, in hexadecimal
	Broken *Break // nil when OK
}

// Break is the first row that is not as it was written.
type Break struct {
	Row int64
	Why string
}

// page is how many rows Verify holds in memory at once.
const page = 2000

// Verify walks the whole chain and names the first row that is not as it was
// written. Rows that are written meanwhile do not disturb it.
//
// It cannot notice that the whole database was replaced by an older copy of
// itself while ChatETS was stopped; that takes a head noted down elsewhere.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	known := l.known() // before the table is read, which may only be newer
	e, err := l.store.end(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify the audit record: %w", err)
	}
	at := head{}
	report := func(row int64, format string, args ...any) (Report, error) {
		return Report{Rows: at.row, Head: hex.EncodeToString(at.hash), Broken: &Break{Row: row, Why: fmt.Sprintf(format, args...)}}, nil
	}
	for {
		rows, err := l.store.after(ctx, at.row, page)
		if err != nil {
			return Report{}, fmt.Errorf("verify the audit record after row %d: %w", at.row, err)
		}
		for _, r := range rows {
			if r.number > e.last {
				rows = nil // written after we began
				break
			}
			switch {
			case r.number != at.row+1:
				return report(at.row+1, "%s missing.", span(at.row+1, r.number-1))
			case !hmac.Equal(r.hash, l.chain.next(at.hash, r)):
				return report(r.number, "The row is not as it was written, or it does not follow the row before it.")
			case r.act == breakAct:
				return report(r.number, "Before this row somebody changed the end of the record outside ChatETS.")
			}
			at = head{row: r.number, hash: r.hash}
		}
		if len(rows) < page {
			break
		}
	}
	switch {
	case !e.found && e.last == 0 && known.row == 0:
		return Report{OK: true}, nil // nothing has happened yet
	case !e.found:
		return report(max(at.row, 1), "The signed end of the record is missing.")
	case !l.chain.sealed(e.head, e.seal):
		return report(e.head.row, "The signed end of the record is not genuine: it was changed, or another key is in use.")
	case e.head.row > at.row:
		return report(at.row+1, "%s missing at the end.", span(at.row+1, e.head.row))
	case e.head.row < at.row:
		return report(e.head.row+1, "The row lies behind the signed end of the record.")
	case !hmac.Equal(e.head.hash, at.hash):
		return report(at.row, "The signed end of the record belongs to another row.")
	case at.row < known.row:
		return report(at.row+1, "%s missing at the end: this process had written them.", span(at.row+1, known.row))
	}
	return Report{OK: true, Rows: at.row, Head: hex.EncodeToString(at.hash)}, nil
}

func span(from, to int64) string {
	if from == to {
		return fmt.Sprintf("Row %d is", from)
	}
	return fmt.Sprintf("Rows %d to %d are", from, to)
}
