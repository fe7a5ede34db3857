package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"chatets/appliance/fault"
)

// Problem is the one document of every failure (RFC 9457). Detail is for the
// person, Code for the program, Request for the administrator's log.
type Problem struct {
	Type    string         `json:"type" doc:"Where the code is explained, relative to this server."`
	Title   string         `json:"title" doc:"The kind of failure in a few words."`
	Status  int            `json:"status" doc:"The HTTP status."`
	Detail  string         `json:"detail" doc:"What is wrong, as a sentence for the person."`
	Code    string         `json:"code" doc:"A word for programs that never changes."`
	Cure    string         `json:"cure,omitempty" doc:"What to do about it."`
	Request string         `json:"request,omitempty" doc:"Id of the request in the log."`
	Errors  []fault.Detail `json:"errors,omitempty" doc:"The wrong values, by name."`
}

// answer of a kind of failure. The status follows from the kind alone.
func answerOf(k fault.Kind) (status int, title string) {
	switch k {
	case fault.Malformed:
		return 400, "The request cannot be read"
	case fault.Unauthenticated:
		return 401, "Not signed in"
	case fault.Forbidden:
		return 403, "Not allowed"
	case fault.NotFound:
		return 404, "Not found"
	case fault.Conflict:
		return 409, "Not possible now"
	case fault.TooLarge:
		return 413, "Too large"
	case fault.Unsupported:
		return 415, "Type not supported"
	case fault.Invalid:
		return 422, "Wrong value"
	case fault.TooMany:
		return 429, "Too many requests"
	case fault.Cancelled:
		return 499, "Stopped"
	case fault.Unavailable:
		return 503, "Not available now"
	case fault.Full:
		return 507, "No space left"
	default:
		return 500, "Internal failure"
	}
}

// ProblemOf is the document of err, for failures that are told inside an event
// or a stored message; request is the id of the request or of the run.
func ProblemOf(err error, request string) Problem {
	r := fault.Of(err)
	status, title := answerOf(r.Kind)
	return Problem{
		Type: "/docs#problem-" + r.Code, Title: title, Status: status, Detail: r.Sentence, Code: r.Code,
		Cure: r.Cure, Request: request, Errors: r.Details,
	}
}

// protocolErr is a failure of HTTP itself, which has statuses no kind of ours
// stands for.
type protocolErr struct {
	status                      int
	title, code, sentence, cure string
}

// Error is the sentence for the log.
func (e *protocolErr) Error() string { return e.sentence }

func (e *protocolErr) problem(request string) Problem {
	return Problem{
		Type: "/docs#problem-" + e.code, Title: e.title, Status: e.status, Detail: e.sentence, Code: e.code,
		Cure: e.cure, Request: request,
	}
}

// fail answers with the problem document of err and logs its cause, once.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	sc, _ := c.Locals(scopeLocal).(*scope)
	if sc == nil {
		sc = &scope{server: s}
	}
	err = s.translate(c, err)
	p := s.problem(err, sc.request)
	s.logFailure(sc, c.Method(), p, err)
	resp := c.Response()
	if p.Status == 401 {
		resp.Header.Set("WWW-Authenticate", `Bearer realm="ChatETS"`)
	}
	if n := fault.Of(err).RetryAfter; n > 0 {
		resp.Header.Set("Retry-After", strconv.Itoa(n))
	}
	writeProblem(resp, p)
	return nil
}

func (s *Server) problem(err error, request string) Problem {
	var pe *protocolErr
	if errors.As(err, &pe) {
		return pe.problem(request)
	}
	return ProblemOf(err, request)
}

// translate gives the errors of the router our words.
func (s *Server) translate(c *fiber.Ctx, err error) error {
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		return err
	}
	switch fe.Code {
	case fiber.StatusNotFound:
		return fault.New(fault.NotFound, "There is nothing at %s.", shown(string(c.Context().Path()), 200)).Code("no-route").
			Cure("See /docs for the addresses of the API.")
	case fiber.StatusMethodNotAllowed:
		return &protocolErr{status: 405, title: "Method not allowed", code: "method-not-allowed",
			sentence: "This address does not take " + shown(c.Method(), 20) + ".", cure: "The header Allow names what it takes."}
	case fiber.StatusRequestEntityTooLarge:
		return fault.New(fault.TooLarge, "The body is larger than this address takes.").Cure("Send less at once.")
	case fiber.StatusUpgradeRequired:
		return &protocolErr{status: 426, title: "WebSocket only", code: "upgrade-required",
			sentence: "This address speaks WebSocket.", cure: "Open it as a WebSocket."}
	}
	if fe.Code >= 400 && fe.Code < 500 {
		return fault.New(fault.Malformed, "The request cannot be read.").Because(err)
	}
	return err
}

func writeProblem(resp *fasthttp.Response, p Problem) {
	resp.ResetBody()
	resp.SetStatusCode(p.Status)
	resp.Header.Set("Content-Security-Policy", apiPolicy)
	resp.Header.Set("Cache-Control", "no-store")
	resp.Header.SetContentType("application/problem+json")
	resp.SetBodyRaw(encode(p))
}

// encode is JSON as people like to read it: < and > as they are, since no
// answer of the API is ever taken for a page.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // only of types that hold no JSON, which registration has refused
		return []byte(`{"code":"internal"}` + "\n")
	}
	return b.Bytes()
}

// logFailure says once what went wrong: loudly what an operator must mend, in a
// debug line what is the caller's own.
func (s *Server) logFailure(sc *scope, method string, p Problem, err error) {
	attrs := []any{"request", sc.request, "method", method, "route", sc.route, "status", p.Status, "code", p.Code}
	var pe *protocolErr
	switch {
	case errors.As(err, &pe):
		s.log.Debug("request refused", attrs...)
	case p.Status >= 500:
		s.log.Error("request failed", append(attrs, "cause", err.Error())...)
	default:
		if cause := errors.Unwrap(err); cause != nil {
			attrs = append(attrs, "cause", cause.Error())
		}
		s.log.Debug("request refused", attrs...)
	}
}
