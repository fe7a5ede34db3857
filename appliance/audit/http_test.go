package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/web"
)

// people are who may knock; the token is the name.
type people map[string]actor.Actor

func (p people) Authenticate(_ context.Context, token, address string) (web.Identity, error) {
	a, ok := p[token]
	if !ok {
		return web.Identity{}, fault.New(fault.Unauthenticated, "You are not signed in.")
	}
	a.Address = address
	return web.Identity{Actor: a, Expires: time.Now().Add(time.Hour)}, nil
}

// serve runs the routes of the record and returns their address.
func serve(t *testing.T, log *audit.Log) string {
	t.Helper()
	s := web.New(web.Config{Listen: "127.0.0.1:0", CSRFKey: make([]byte, 32)})
	s.UseAuthenticator(people{
		"olga":  {Kind: actor.Person, ID: "olga", Role: actor.Owner, Workspace: "w", Session: "s1"},
		"andy":  {Kind: actor.Person, ID: "andy", Role: actor.Auditor, Workspace: "w", Session: "s2"},
		"mary":  {Kind: actor.Person, ID: "mary", Workspace: "w", WorkspaceRole: actor.Admin, Session: "s3"},
		"guest": {Kind: actor.Person, ID: "guest", Workspace: "w", WorkspaceRole: actor.Guest, Session: "s4"},
	})
	log.Routes(s.API)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return "http://" + s.Addr()
}

func ask(t *testing.T, method, address, who string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+who)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func list(t *testing.T, base, who string, query url.Values) web.Page[audit.AuditEntry] {
	t.Helper()
	status, body := ask(t, http.MethodGet, base+"/api/audit?"+query.Encode(), who)
	if status != http.StatusOK {
		t.Fatalf("%s: got %d: %s", query.Encode(), status, body)
	}
	var page web.Page[audit.AuditEntry]
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

func recordAs(t *testing.T, log *audit.Log, db *sqlite.DB, who string, entries ...audit.Entry) {
	t.Helper()
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: who, Workspace: "w", Address: "192.0.2.1"})
	for _, e := range entries {
		if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return log.Record(ctx, tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	began := time.Now()
	recordAs(t, log, db, "mary", audit.Entry{Act: "document.add", ObjectKind: "document", Object: "d1"},
		audit.Entry{Act: "document.read", ObjectKind: "document", Object: "d1"}, audit.Entry{Act: "documentary.add", Object: "x"})
	recordAs(t, log, db, "paul", audit.Entry{Act: "document.read", ObjectKind: "document", Object: "d2", Outcome: audit.Refused})
	base := serve(t, log)
	for _, tt := range []struct {
		name  string
		query url.Values
		want  string // numbers of the rows in order
	}{
		{"everything", url.Values{"to": {began.Add(time.Hour).Format(time.RFC3339)}, "person": {"mary"}}, "3 2 1"},
		{"one act", url.Values{"act": {"document.read"}}, "4 2"},
		{"a family of acts", url.Values{"act": {"document"}}, "4 2 1"},
		{"a person", url.Values{"person": {"paul"}}, "4"},
		{"an act of a person", url.Values{"person": {"mary"}, "act": {"document.read"}}, "2"},
		{"an object", url.Values{"object": {"d1"}}, "2 1"},
		{"an object and a person", url.Values{"object": {"d1"}, "person": {"paul"}}, ""},
		{"an object and an act", url.Values{"object": {"d1"}, "act": {"document.read"}, "person": {"mary"}}, "2"},
		{"refusals", url.Values{"outcome": {"refused"}}, "4"},
		{"before anything", url.Values{"to": {began.Add(-time.Hour).Format(time.RFC3339)}}, ""},
		{"later", url.Values{"from": {began.Add(time.Hour).Format(time.RFC3339)}}, ""},
		{"a person nobody knows", url.Values{"person": {"nobody"}}, ""},
		{"a person with a wild card", url.Values{"person": {"%"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range list(t, base, "andy", tt.query).Items {
				got = append(got, fmt.Sprint(e.Row))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got rows %v, want %s", got, tt.want)
			}
		})
	}
}

func TestListRow(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	recordAs(t, log, db, "mary", audit.Entry{Act: "document.add", ObjectKind: "document", Object: "d1", Detail: map[string]any{"size": 12}})
	got := list(t, serve(t, log), "olga", url.Values{"act": {"document.add"}}).Items[0]
	if got.Act != "document.add" || got.ObjectKind != "document" || got.Object != "d1" || got.Outcome != "ok" || got.Actor != "mary" || got.ActorKind != "person" ||
		got.Address != "192.0.2.1" || got.Workspace != "w" || fmt.Sprint(got.Detail) != "map[size:12]" || len(got.Hash) != 64 || time.Since(got.Time) > time.Minute {
		t.Errorf("got %+v", got)
	}
}

// TestListPages walks all pages, and wants one row about it: reading on belongs
// to the same act, and nobody begins in the middle.
func TestListPages(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	for range 10 {
		recordAs(t, log, db, "mary", audit.Entry{Act: "document.add"}, audit.Entry{Act: "document.remove"})
	}
	base := serve(t, log)
	query := url.Values{"limit": {"3"}, "act": {"document.add"}}
	var rows []int64
	var cursor string
	for {
		page := list(t, base, "andy", query)
		for _, e := range page.Items {
			rows = append(rows, e.Row)
		}
		if page.Next == "" {
			break
		}
		cursor = page.Next
		query.Set("cursor", page.Next)
	}
	if got, want := fmt.Sprint(rows), "[19 17 15 13 11 9 7 5 3 1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	reads := list(t, base, "olga", url.Values{"act": {"audit.read"}}).Items
	if len(reads) != 1 || reads[0].Actor != "andy" || fmt.Sprint(reads[0].Detail["rows"]) != "3" {
		t.Errorf("got %+v, want one read by andy", reads)
	}
	for _, tt := range []struct {
		name, who string
		query     url.Values
	}{
		{"a cursor of another filter", "andy", url.Values{"act": {"document.remove"}, "cursor": {cursor}}},
		{"a cursor of another reader", "olga", url.Values{"act": {"document.add"}, "cursor": {cursor}}},
		{"a made-up cursor", "andy", url.Values{"cursor": {"AAAAAAAAABQ"}}},
		{"no cursor at all", "andy", url.Values{"cursor": {"%%%"}}},
		{"a changed cursor", "andy", url.Values{"act": {"document.add"}, "cursor": {"B" + cursor[1:]}}},
	} {
		status, body := ask(t, http.MethodGet, base+"/api/audit?"+tt.query.Encode(), tt.who)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "query.cursor") {
			t.Errorf("%s: got %d %s, want 422 for query.cursor", tt.name, status, body)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	recordAs(t, log, db, "mary", audit.Entry{Act: "document.add"})
	base := serve(t, log)
	for who, want := range map[string]int{"olga": 200, "andy": 200, "mary": 403, "guest": 403, "": 401, "thief": 401} {
		for _, route := range []string{"GET /api/audit", "POST /api/audit/verify"} {
			method, path, _ := strings.Cut(route, " ")
			status, body := ask(t, method, base+path, who)
			if status != want {
				t.Errorf("%s as %q: got %d, want %d: %s", route, who, status, want, body)
			}
			if want != 200 && strings.Contains(body, "document.add") {
				t.Errorf("%s as %q shows the record: %s", route, who, body)
			}
		}
	}
}

func TestVerifyRoute(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	recordAs(t, log, db, "mary", ten()...)
	base := serve(t, log)
	check := func(want string) {
		t.Helper()
		status, body := ask(t, http.MethodPost, base+"/api/audit/verify", "andy")
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("got %d %s, want %s", status, body, want)
		}
	}
	check(`"ok":true,"rows":10`)
	exec(t, db, `UPDATE audit SET actor = 'paul' WHERE row = 4`)
	check(`"broken":{"row":4,"why":"`)
	var outcomes string
	if err := db.Read().QueryRowContext(t.Context(), `SELECT group_concat(outcome || ' ' || detail, '; ') FROM audit WHERE act = 'audit.verify'`).Scan(&outcomes); err != nil {
		t.Fatal(err)
	}
	if want := `ok {"rows":10}; failed {"broken":4,"rows":3}`; outcomes != want {
		t.Errorf("got %s, want %s", outcomes, want)
	}
}
