package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// Routes adds the record's pages to the API.
func (l *Log) Routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/audit", ID: "listAudit", Tag: "Audit", Access: web.Auditing, Scope: web.AuditRead,
		Summary: "List the audit record, newest first"}, l.list)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/audit/verify", ID: "verifyAudit", Tag: "Audit", Access: web.Auditing, Scope: web.AuditRead,
		Summary: "Check that the audit record is whole and unchanged"}, l.verify)
}

// AuditEntry is one row of the record on the wire.
type AuditEntry struct {
	Row        int64          `json:"row"`
	Time       time.Time      `json:"time"`
	Act        string         `json:"act" doc:"Noun and verb, for example document.add."`
	ObjectKind string         `json:"objectKind"`
	Object     string         `json:"object" doc:"Id of what was acted on."`
	Outcome    string         `json:"outcome" enum:"ok,refused,failed"`
	Actor      string         `json:"actor" doc:"Id of the person, or system."`
	ActorKind  string         `json:"actorKind" doc:"person, operator, system, or empty when nobody was signed in."`
	Address    string         `json:"address"`
	Workspace  string         `json:"workspace"`
	Request    string         `json:"request,omitempty"`
	UID        int64          `json:"uid,omitempty" doc:"Unix user id of an operator."`
	Detail     map[string]any `json:"detail" doc:"Ids and numbers, never content."`
	Hash       string         `json:"hash"`
}

// filter narrows a list of the record.
type filter struct {
	act, person, object, outcome string
	from, to                     time.Time
}

// exact reports whether act names one act and not a family of them.
func (f filter) exact() bool { return strings.Contains(f.act, ".") }

type listIn struct {
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string    `query:"cursor" maxLength:"200"`
	Act     string    `query:"act" maxLength:"64" doc:"An act such as document.add, or a family such as document."`
	Person  string    `query:"person" maxLength:"64" doc:"Id of the person who acted."`
	Object  string    `query:"object" maxLength:"64" doc:"Id of what was acted on: who saw this document?"`
	Outcome string    `query:"outcome" enum:"ok,refused,failed"`
	From    time.Time `query:"from" doc:"Acts at or after this time."`
	To      time.Time `query:"to" doc:"Acts before this time."`
}

type listOut struct{ Body web.Page[AuditEntry] }

func (l *Log) list(ctx context.Context, in *listIn) (*listOut, error) {
	f := filter{act: in.Act, person: in.Person, object: in.Object, outcome: in.Outcome, from: in.From, to: in.To}
	before := int64(math.MaxInt64)
	if in.Cursor != "" {
		var ok bool
		if before, ok = l.openCursor(ctx, f, in.Cursor); !ok {
			return nil, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
				With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
		}
	}
	rows, err := l.store.list(ctx, f, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	var out listOut
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		out.Body.Next = l.sealCursor(ctx, f, rows[in.Limit-1].number)
	}
	out.Body.Items = make([]AuditEntry, 0, len(rows))
	for _, r := range rows {
		var detail map[string]any
		if err := json.Unmarshal([]byte(r.detail), &detail); err != nil {
			detail = map[string]any{"unreadable": true} // changed from outside; Verify names the row
		}
		out.Body.Items = append(out.Body.Items, AuditEntry{
			Row: r.number, Time: r.when(), Act: r.act, ObjectKind: r.objectKind, Object: r.object, Outcome: r.outcome,
			Actor: r.actor, ActorKind: r.actorKind, Address: r.address, Workspace: r.workspace, Request: r.request,
			UID: r.uid, Detail: detail, Hash: hex.EncodeToString(r.hash),
		})
	}
	// Reading on from a cursor belongs to the read that made the cursor; the
	// cursor is signed, so nobody gets in behind the first page unrecorded.
	if in.Cursor == "" {
		detail := map[string]any{"rows": len(rows), "act": in.Act, "outcome": in.Outcome}
		if in.Person != "" {
			detail["person"] = in.Person
		}
		if in.Object != "" {
			detail["object"] = in.Object
		}
		if err := l.store.alone(ctx, l, Entry{Act: "audit.read", ObjectKind: "audit", Detail: detail}); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// AuditReport says whether the record is whole, and otherwise where it is not.
type AuditReport struct {
	OK     bool        `json:"ok" doc:"Whether every row is as it was written and none is missing."`
	Rows   int64       `json:"rows" doc:"How many rows were checked."`
	Head   string      `json:"head" doc:"Hash of the last row, in hexadecimal; note it down elsewhere to prove later that nothing was cut away."`
	Broken *AuditBreak `json:"broken,omitempty"`
}

// AuditBreak is the first row that is not as it was written.
type AuditBreak struct {
	Row int64  `json:"row"`
	Why string `json:"why"`
}

type verifyOut struct{ Body AuditReport }

func (l *Log) verify(ctx context.Context, _ *struct{}) (*verifyOut, error) {
	report, err := l.Verify(ctx)
	if err != nil {
		return nil, err
	}
	e := Entry{Act: "audit.verify", ObjectKind: "audit", Detail: map[string]any{"rows": report.Rows}}
	if !report.OK {
		e.Outcome = Failed
		e.Detail["broken"] = report.Broken.Row
	}
	if err := l.store.alone(ctx, l, e); err != nil {
		return nil, err
	}
	out := &verifyOut{Body: AuditReport{OK: report.OK, Rows: report.Rows, Head: report.Head}}
	if report.Broken != nil {
		out.Body.Broken = &AuditBreak{Row: report.Broken.Row, Why: report.Broken.Why}
	}
	return out, nil
}

// sealCursor is a place in a list that only this reader can use, and only with
// the same filter.
func (l *Log) sealCursor(ctx context.Context, f filter, row int64) string {
	place := binary.BigEndian.AppendUint64(nil, uint64(row))
	return base64.RawURLEncoding.EncodeToString(append(place, l.cursorMAC(ctx, f, place)...))
}

func (l *Log) openCursor(ctx context.Context, f filter, cursor string) (int64, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= 8 || !hmac.Equal(raw[8:], l.cursorMAC(ctx, f, raw[:8])) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

func (l *Log) cursorMAC(ctx context.Context, f filter, place []byte) []byte {
	a := actor.From(ctx)
	text, err := json.Marshal([]any{f.act, f.person, f.object, f.outcome, f.from.UnixMilli(), f.to.UnixMilli(), a.ID, a.UID, place})
	if err != nil {
		return nil // texts and numbers always have JSON
	}
	mac := hmac.New(sha256.New, l.cursor)
	mac.Write(text)
	return mac.Sum(nil)[:16]
}
