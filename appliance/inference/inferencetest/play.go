package inferencetest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A voice is a dialect's stream; with whole it is one answer at the end.
type voice interface {
	begin() error
	say(p piece) error
	fail(message, form string) error // form "string", "object" or "" for the dialect's own
	empty() error                    // a piece with nothing in it
	end(reason string, c counts) error
}

// counts are what a server says of an answer at its end.
type counts struct {
	prompt, output      int
	load, reading, took time.Duration
}

// generate answers a request for a chat in a dialect.
func (s *Server) generate(w http.ResponseWriter, r *http.Request, speak func(*line, *model, Request) voice) {
	req := requestOf(r)
	m := s.find(req.Model)
	if m == nil {
		s.unknown(w, r, req.Model)
		return
	}
	arrived := time.Now()
	fault := s.take(m)
	if s.refuse(w, r, m, fault) || s.cannot(w, r, m, req) {
		return
	}
	leave, err := s.occupy()
	if err != nil {
		s.refuse(w, r, m, "busy")
		return
	}
	defer leave()
	if err := s.arrive(r, m, req.NumCtx); err != nil {
		return
	}
	p := play{s: s, r: r, m: m, fault: fault, arrived: arrived, load: time.Since(arrived)}
	p.all, p.reason = m.script(req, fault)
	p.prompt = prompt(req.Messages)
	if r.URL.Path == "/api/chat" {
		p.prompt = min(p.prompt, window(m, req))
	}
	p.line = &line{w: w, to: http.NewResponseController(w), fault: fault}
	p.voice = speak(p.line, m, req)
	_ = p.run()
}

// cannot refuses what the model has not.
func (s *Server) cannot(w http.ResponseWriter, r *http.Request, m *model, req Request) bool {
	images := 0
	for _, message := range req.Messages {
		images += message.Images
	}
	used := prompt(req.Messages)
	deny := func(message string) bool {
		reply(w, http.StatusBadRequest, problem(r, message))
		return true
	}
	native := r.URL.Path == "/api/chat"
	switch {
	case m.embed > 0:
		return deny(fmt.Sprintf("%q does not support chat", m.name))
	case images > 0 && !m.vision:
		return s.refuse(w, r, m, "novision")
	case len(req.Tools) > 0 && !m.tools && native:
		return deny(fmt.Sprintf("registry.ollama.ai/library/%s does not support tools", m.name))
	case native && req.Think != "" && req.Think != "false" && m.think == 0:
		return deny(fmt.Sprintf("%q does not support thinking", m.name))
	case native && req.Truncate != nil && !*req.Truncate && used > window(m, req):
		return deny("the input length exceeds the context length")
	case native || used <= m.ctx:
		return false
	case s.flavour == LMStudio:
		reply(w, http.StatusOK, map[string]any{"error": fmt.Sprintf("The number of tokens to keep from the initial prompt is greater than the context length (n_keep: %d>= n_ctx: %d).", used, m.ctx)})
	case s.flavour == LlamaCpp:
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": 400, "type": "exceed_context_size_error",
			"message": "the request exceeds the available context size, try increasing it", "n_prompt_tokens": used, "n_ctx": m.ctx}})
	case r.URL.Path == "/v1/messages":
		return deny(fmt.Sprintf("prompt is too long: %d tokens > %d maximum", used, m.ctx))
	default:
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": "context_length_exceeded", "type": "BadRequestError",
			"message": fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d tokens in the messages. Please reduce the length of the messages.", m.ctx, used)}})
	}
	return true
}

// prompt counts tokens as this server would: a quarter of the bytes.
func prompt(messages []Message) int {
	n := 0
	for _, m := range messages {
		n += 4 + len(m.Content)/4
	}
	return n
}

// window is the context Ollama gives a request.
func window(m *model, r Request) int {
	if r.NumCtx > 0 {
		return min(r.NumCtx, m.ctx)
	}
	return min(4096, m.ctx)
}

// A play is an answer that is being given.
type play struct {
	s       *Server
	r       *http.Request
	m       *model
	line    *line
	voice   voice
	fault   string
	all     []piece
	reason  string
	prompt  int
	arrived time.Time
	load    time.Duration
	timer   *time.Timer
}

func (p *play) run() error {
	p.timer = time.NewTimer(time.Hour)
	defer p.timer.Stop()
	rate := p.m.rate
	if p.fault == "endless" && rate == 0 {
		rate = 1000
	}
	if p.fault == "zero" {
		p.all = nil
	}
	at := p.m.at
	switch {
	case at < 0 && (p.fault == "nodone" || p.fault == "emptychunk"):
		at = len(p.all)
	case at < 0:
		at = min(3, len(p.all))
	default:
		at = min(at, len(p.all))
	}
	if err := p.waitFirst(); err != nil {
		return err
	}
	began, sent := time.Now(), 0
	for i := 0; ; i++ {
		if i == at {
			if over, err := p.mishap(); over || err != nil {
				return err
			}
		}
		if i >= len(p.all) && (p.fault != "endless" || len(p.all) == 0) {
			break
		}
		if rate > 0 {
			if err := p.until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))); err != nil {
				return err
			}
		}
		if err := p.voice.say(p.all[i%max(1, len(p.all))]); err != nil {
			return err
		}
		sent++
	}
	return p.voice.end(p.reason, counts{prompt: p.prompt, output: sent, load: p.load, reading: p.m.first, took: time.Since(p.arrived)})
}

// waitFirst is the time until the first piece.
func (p *play) waitFirst() error {
	if p.fault != "slowfirst" {
		if err := p.until(p.arrived.Add(p.load + p.m.first)); err != nil {
			return err
		}
		return p.voice.begin()
	}
	if err := p.voice.begin(); err != nil {
		return err
	}
	wait := p.m.first
	if wait == 0 {
		wait = 2 * time.Second
	}
	for end := time.Now().Add(wait); time.Now().Before(end); {
		if err := p.until(minTime(end, time.Now().Add(100*time.Millisecond))); err != nil {
			return err
		}
		if err := p.line.comment(); err != nil {
			return err
		}
	}
	return nil
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// until waits for a time, or for the reader to go.
func (p *play) until(t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return p.r.Context().Err()
	}
	p.timer.Reset(wait)
	select {
	case <-p.timer.C:
		return nil
	case <-p.r.Context().Done():
		return p.r.Context().Err()
	case <-p.s.ended:
		return http.ErrServerClosed
	}
}

// mishap does the fault whose place is reached; over ends the answer.
func (p *play) mishap() (over bool, err error) {
	if p.fault == "cut" || p.fault == "stall" || p.fault == "nodone" {
		if err := p.line.to.Flush(); err != nil {
			return true, err
		}
	}
	switch p.fault {
	case "cut":
		panic(http.ErrAbortHandler)
	case "nodone":
		return true, nil
	case "stall":
		p.s.silence(p.r)
		return true, nil
	case "midstream":
		return true, p.voice.fail("an error was encountered while running the model", "")
	case "midstream-object", "midstream-string":
		return true, p.voice.fail("an error was encountered while running the model", strings.TrimPrefix(p.fault, "midstream-"))
	case "emptychunk":
		return true, p.voice.empty()
	case "giant":
		return false, p.voice.say(piece{kind: pieceText, text: strings.Repeat("x", p.m.size)})
	}
	return false, nil
}
