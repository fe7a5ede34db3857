package model

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// Detected is a model server that was found on this machine.
type Detected struct {
	Kind             inference.Kind
	Flavour, Version string
	URL              string
	Models           []string
}

// detectTimeout is for all that one port is asked.
const detectTimeout = time.Second

// candidate is a port where a model server may listen, and what it may speak.
type candidate struct {
	port  int
	kinds []inference.Kind
}

// candidates are the ports where model servers listen as they come.
func (m *Models) candidates() []candidate {
	if m.ports == nil {
		return []candidate{
			{11434, []inference.Kind{inference.Ollama}},
			{1234, []inference.Kind{inference.OpenAI}}, // LM Studio
			{8080, []inference.Kind{inference.OpenAI}}, // llama.cpp
			{8000, []inference.Kind{inference.OpenAI}}, // vLLM
		}
	}
	var all []candidate
	for _, port := range m.ports {
		all = append(all, candidate{port, []inference.Kind{inference.Ollama, inference.OpenAI}})
	}
	return all
}

// Detect looks for model servers on this machine. They are only offered: nothing
// is asked of them but what they are, and nothing is added.
func (m *Models) Detect(ctx context.Context) ([]Detected, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	select {
	case m.finds <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.finds }()
	known, err := m.store.servers(ctx)
	if err != nil {
		return nil, err
	}
	all := m.candidates()
	found := make([]*Detected, len(all))
	var rules []egress.Rule
	for _, c := range all {
		rules = append(rules, egress.Rule{Purpose: detectOwner, Host: "127.0.0.1", Port: c.port})
	}
	if err := m.gate.Allow(detectOwner, rules); err != nil {
		return nil, err
	}
	var asks sync.WaitGroup
	for i, c := range all {
		if m.ours(c.port) || added(known, c.port) {
			continue
		}
		asks.Go(func() { found[i] = m.ask(ctx, c.port, c.kinds) })
	}
	asks.Wait()
	if err := m.gate.Allow(detectOwner, nil); err != nil {
		return nil, err
	}
	list := []Detected{}
	for _, d := range found {
		if d != nil {
			list = append(list, *d)
		}
	}
	return list, ctx.Err()
}

// added reports whether a server on this port of this machine was added already.
func added(known []Server, port int) bool {
	for _, s := range known {
		rule, err := ruleOf("", s.URL)
		if err == nil && rule.Port == port && loopbackHost(rule.Host) {
			return true
		}
	}
	return false
}

// ask finds out what listens on a port; nil when it is no model server.
func (m *Models) ask(ctx context.Context, port int, kinds []inference.Kind) *Detected {
	ctx, stop := context.WithTimeout(ctx, detectTimeout)
	defer stop()
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	if m.isChatETS(ctx, base) {
		return nil
	}
	for _, kind := range kinds {
		client, err := m.newClient(Server{Kind: kind, URL: base}, detectOwner)
		if err != nil {
			return nil
		}
		h, err := client.Probe(ctx)
		if err != nil && fault.Of(err).Code != inference.CodeDenied && fault.Of(err).Code != inference.CodeBusy {
			continue
		}
		d := &Detected{Kind: kind, Flavour: h.Flavour, Version: h.Version, URL: base}
		list, err := client.Models(ctx)
		switch code := fault.Of(err).Code; {
		case err == nil, code == inference.CodeDenied, code == inference.CodeBusy, errors.Is(err, context.DeadlineExceeded):
		default:
			continue // it has an address like a model server's and says something else
		}
		for _, one := range list {
			d.Models = append(d.Models, plainName(one.Name))
		}
		return d
	}
	return nil
}

// isChatETS reports whether a ChatETS listens there: this one, which refuses what
// carries its own id, or another.
func (m *Models) isChatETS(ctx context.Context, base string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health", nil)
	if err != nil {
		return false
	}
	req.Header.Set("X-ChatETS-Instance", m.instance)
	res, err := m.gate.Client(detectOwner).Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	var says struct {
		Code       string  `json:"code"`
		Generation *string `json:"generation"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&says); err != nil {
		return false
	}
	return says.Code == "own-instance" || says.Generation != nil
}
