package inferencetest

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A vector is JSON and the place it belongs to.
type vector struct {
	index int
	text  string
}

// vectors makes those of a request, or answers with what is wrong with it.
// Texts with the same words have near vectors; none has length 1.
func (s *Server) vectors(w http.ResponseWriter, r *http.Request) ([]vector, bool) {
	req := requestOf(r)
	m := s.find(req.Model)
	if m == nil {
		s.unknown(w, r, req.Model)
		return nil, false
	}
	fault := s.take(m)
	if s.refuse(w, r, m, fault) {
		return nil, false
	}
	fail := func(message string) ([]vector, bool) {
		reply(w, http.StatusBadRequest, problem(r, message))
		return nil, false
	}
	switch {
	case m.embed == 0:
		return fail("this model does not support embeddings")
	case fault == "stall":
		s.silence(r)
		return nil, false
	case fault == "embedbatch" && len(req.Input) > max(m.at, 1):
		return fail("too many inputs")
	case fault == "embedword" && slices.ContainsFunc(req.Input, func(t string) bool { return strings.Contains(t, "BAD") }):
		return fail("the input could not be read")
	}
	if err := s.arrive(r, m, 0); err != nil {
		return nil, false
	}
	made := make([]vector, 0, len(req.Input))
	for i, text := range req.Input {
		made = append(made, vector{i, embed(text, m.embed)})
	}
	if len(made) == 0 {
		return made, true
	}
	last := &made[len(made)-1]
	switch fault {
	case "embednan":
		last.text = "[NaN" + strings.Repeat(",0.5", m.embed-1) + "]"
	case "embednull":
		last.text = "[null" + strings.Repeat(",0.5", m.embed-1) + "]"
	case "embedzero":
		last.text = "[0" + strings.Repeat(",0", m.embed-1) + "]"
	case "embeddim":
		last.text = "[1" + strings.Repeat(",1", m.embed) + "]"
	case "embedcount":
		made = made[:len(made)-1]
	case "embedempty":
		made = nil
	case "embedorder":
		slices.Reverse(made)
	}
	return made, true
}

// embed puts the words of a text into buckets.
func embed(text string, dimensions int) string {
	if strings.TrimSpace(text) == "" {
		return "[]" // as Ollama does
	}
	values := make([]float64, dimensions)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(strings.Trim(word, ".,;:!?\"'()")))
		values[int(h.Sum32()%uint32(dimensions))] += 2
	}
	parts := make([]string, dimensions)
	for i, v := range values {
		parts[i] = strconv.FormatFloat(v+0.01, 'g', -1, 32)
	}
	return fmt.Sprintf("[%s]", strings.Join(parts, ","))
}
