package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestPasswordOfADocument gives the password of a locked file from standard
// input, waits until it is read, and never prints it.
func TestPasswordOfADocument(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in  string
		args      []string
		end       string // the document as it is in the end
		code      int
		out, errs string
	}{
		{name: "right", in: "sesame 12\n", end: `"state":"ready","chunks":3`, out: "Added scan.pdf: 3 passages."},
		{name: "without a line break", in: "sesame 12", end: `"state":"ready","chunks":3`, out: "Added scan.pdf: 3 passages."},
		{name: "as JSON", in: "sesame 12\n", args: []string{"--json"}, end: `"state":"ready","chunks":3`, out: `"state": "ready"`},
		{name: "wrong", in: "sesame 12\n", end: `"state":"failed","reason":"The password is wrong.","cure":"Give another one."`, code: 1,
			errs: "the document could not be read"},
		{name: "another document", in: "sesame 12\n", args: []string{"d2"}, code: 2, errs: "the id of a document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var given atomic.Pointer[string]
			var looks atomic.Int32
			socket := stand(t, map[string]http.HandlerFunc{
				"PUT /api/documents/d1/password": func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					text := string(body)
					given.Store(&text)
					fmt.Fprint(w, `{"id":"d1","name":"scan.pdf","state":"waiting"}`)
				},
				"GET /api/documents/d1": func(w http.ResponseWriter, _ *http.Request) {
					if looks.Add(1) < 2 {
						fmt.Fprint(w, `{"id":"d1","name":"scan.pdf","state":"extracting"}`)
						return
					}
					fmt.Fprint(w, `{"id":"d1","name":"scan.pdf",`+tt.end+`}`)
				},
			})
			code, out, errs := said(t, socket, tt.in, append([]string{"document", "password", "d1", "--password-stdin"}, tt.args...)...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
				t.Errorf("got code %d, %q, %q; want %d, %q, %q", code, out, errs, tt.code, tt.out, tt.errs)
			}
			if strings.Contains(out+errs, "sesame") {
				t.Errorf("the password is printed: %q %q", out, errs)
			}
			if tt.end != "" {
				if got := given.Load(); got == nil || !strings.Contains(*got, `"password":"sesame 12"`) {
					t.Errorf("the service was given %v", got)
				}
				if looks.Load() < 2 {
					t.Error("it did not wait for the end")
				}
			} else if given.Load() != nil {
				t.Error("the service was asked")
			}
		})
	}
	// Without a terminal and without the flag nothing is asked.
	socket := stand(t, map[string]http.HandlerFunc{})
	if code, _, errs := said(t, socket, "sesame 12\n", "document", "password", "d1"); code != 2 || !strings.Contains(errs, "--password-stdin") {
		t.Errorf("got code %d, %q", code, errs)
	}
	if code, _, errs := said(t, stand(t, map[string]http.HandlerFunc{"PUT /api/documents/d1/password": fails(404, "no-document", "There is no document d1.", "")}),
		"sesame 12\n", "document", "password", "d1", "--password-stdin"); code != 3 || !strings.Contains(errs, "there is no document d1") {
		t.Errorf("got code %d, %q", code, errs)
	}
}
