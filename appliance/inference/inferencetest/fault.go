package inferencetest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Faults before an answer begins. "x2" lets the third request through.
//
//	unknown       404, as a model that was removed
//	denied        401
//	novision      400, it takes no images
//	busy busy429  503, 429 with Retry-After of retry= seconds
//	html html200  a proxy's page, with 502 and with 200
//	error         500 {"error":"…"}
//	error-object  500 {"error":{"message":"…"}}
//	error200      200 {"error":{"message":"…"}}
//	error200-string     200 {"error":"…"}
//	garbage       200 and no JSON
//	empty         200 and nothing
//	redirect      307 to "localhost", which is another host than 127.0.0.1
//
// Faults of an answer; "@5" after five pieces, thinking counted in.
//
//	cut           the connection is closed
//	nodone        a clean end without the last word (after all pieces where no number stands)
//	stall         silence, until the reader goes
//	slowfirst     the header at once, the first piece after first= (or 2 s), meanwhile comments where the dialect has them
//	midstream     an error in the stream; midstream-object, midstream-string as the dialect has not
//	emptychunk    an empty piece, and a clean end without the last word
//	zero          no piece at all, but the last word
//	endless       it never ends
//	giant         one line of size= bytes (20 MiB), then on
//	splitutf8     characters are torn between writes
//	crlf          lines end with CR LF
//	comments      comments, ids and unknown events in between (server-sent events)
//	multiline     data over two lines (server-sent events)
//	dribble       every byte by itself
//	thinkinline   <think>…</think> within the text, its tags in pieces
//	thinkopen     the same without the first tag
//	toolwhole toolpieces toolnoid toolsameid toolbad     it asks for the first tool of the request, whole,
//	              for two in pieces, without ids, both with the same id, with arguments that are no JSON
//
// Faults of embeddings: embednan embednull embedzero embedcount (one too few)
// embeddim (one is longer) embedorder (another order, with the right index)
// embedempty (no vectors) embedbatch@8 (more than 8 fail) embedword (a text with "BAD" fails all).
func known(fault string) bool {
	return slices.Contains(strings.Fields(before+within+embedding), fault)
}

const (
	before    = "unknown denied novision busy busy429 html html200 error error-object error200 error200-string garbage empty redirect "
	within    = "cut nodone stall slowfirst midstream midstream-object midstream-string emptychunk zero endless giant splitutf8 crlf comments multiline dribble thinkinline thinkopen toolwhole toolpieces toolnoid toolsameid toolbad "
	embedding = "embednan embednull embedzero embedcount embeddim embedorder embedempty embedbatch embedword"
)

// page is what a proxy says when it does not reach the server behind it.
const page = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1><p>The proxy received an invalid response.</p></body></html>\n"

// take says which fault a request to the model has, and counts it.
func (s *Server) take(m *model) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.fault == "" || m.times > 0 && m.used >= m.times {
		return ""
	}
	m.used++
	return m.fault
}

// refuse answers with a fault that comes before the answer; false where it is none.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, m *model, fault string) bool {
	retry, name := 1, ""
	if m != nil {
		retry, name = m.retry, m.name
	}
	object := func(kind, message string) map[string]any {
		return map[string]any{"error": map[string]any{"type": kind, "message": message}}
	}
	switch fault {
	case "unknown":
		s.unknown(w, r, name)
	case "denied":
		reply(w, http.StatusUnauthorized, object("authentication_error", "invalid token"))
	case "novision":
		reply(w, http.StatusBadRequest, problem(r, "this model is missing data required for image input"))
	case "busy", "busy429":
		status := http.StatusServiceUnavailable
		if fault == "busy429" {
			status = http.StatusTooManyRequests
		}
		w.Header().Set("Retry-After", strconv.Itoa(retry))
		reply(w, status, problem(r, "server busy, please try again.  maximum pending requests exceeded"))
	case "html", "html200":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if fault == "html" {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, page)
	case "error":
		reply(w, http.StatusInternalServerError, map[string]any{"error": "the model runner has unexpectedly stopped"})
	case "error-object":
		reply(w, http.StatusInternalServerError, object("server_error", "the model runner has unexpectedly stopped"))
	case "error200":
		reply(w, http.StatusOK, object("server_error", "something went wrong inside"))
	case "error200-string":
		reply(w, http.StatusOK, map[string]any{"error": "something went wrong inside"})
	case "garbage":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{{{ no JSON\n")
	case "empty":
		w.WriteHeader(http.StatusOK)
	case "redirect":
		_, port, _ := strings.Cut(r.Host, ":")
		scheme := "http"
		if s.secure != nil {
			scheme = "https"
		}
		http.Redirect(w, r, scheme+"://localhost:"+port+r.URL.Path, http.StatusTemporaryRedirect)
	case "stall":
		if m != nil {
			return false // in its place within the answer
		}
		s.silence(r)
	default:
		return false
	}
	return true
}

// silence lasts until the reader goes or the server ends.
func (s *Server) silence(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ended:
	}
}

// problem is an error as the dialect of the path has it.
func problem(r *http.Request, message string) map[string]any {
	switch {
	case r.URL.Path == "/v1/messages":
		return map[string]any{"type": "error", "error": map[string]any{"type": "invalid_request_error", "message": message}}
	case strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/api/v1/"):
		return map[string]any{"error": message}
	}
	return map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": nil}}
}

// unknown says that there is no such model.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request, name string) {
	body := problem(r, "model '"+name+"' not found")
	if inner, ok := body["error"].(map[string]any); ok {
		inner["type"], inner["code"] = "not_found_error", "model_not_found"
	}
	reply(w, http.StatusNotFound, body)
}
