package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// The test of a server: is it there, what does it have, does it answer, does it
// make vectors.

const (
	// testDoors is how many servers are tested at the same time that are not in
	// use: each needs a way through the gate of its own.
	testDoors   = 4
	testTimeout = 5 * time.Minute // loading a large model included
	testTokens  = 64
)

// Report is what a test of a server found out.
type Report struct {
	Steps           []Step
	TokensPerSecond float64 // 0 unknown
	FirstToken      time.Duration
}

// Step is one part of a test.
type Step struct {
	Name         string // connect, list, answer or embed
	OK           bool
	Detail, Cure string
	Took         time.Duration
}

// listed reports whether the server told which models it has.
func (r Report) listed() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Name == "list" && s.OK })
}

// tests are those that run, by the key that whoever asked for them may stop them
// with.
type tests struct {
	mu      sync.Mutex
	running map[string]context.CancelFunc
	doors   chan int
}

func newTests() *tests {
	t := &tests{running: map[string]context.CancelFunc{}, doors: make(chan int, testDoors)}
	for n := range testDoors {
		t.doors <- n
	}
	return t
}

// begin bounds a test and lets it be stopped by its key.
func (t *tests) begin(ctx context.Context, key string) (context.Context, func(), error) {
	ctx, stop := context.WithTimeout(ctx, testTimeout)
	if key == "" {
		return ctx, stop, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[key] != nil {
		stop()
		return nil, nil, fault.New(fault.Conflict, "A test with this key is running.").Cure("Give each test a key of its own.")
	}
	t.running[key] = stop
	return ctx, func() {
		stop()
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, key)
	}, nil
}

// StopTest ends the test of a key.
func (m *Models) StopTest(ctx context.Context, key string) error {
	who, err := administers(ctx)
	if err != nil {
		return err
	}
	m.tests.mu.Lock()
	defer m.tests.mu.Unlock()
	stop := m.tests.running[who.ID+" "+key]
	if key == "" || stop == nil {
		return fault.New(fault.NotFound, "There is no such test.").Cure("It may have ended already.")
	}
	stop()
	return nil
}

// Test tests a server that was added, in use or not; model "" lets it choose.
func (m *Models) Test(ctx context.Context, id, model, key string) (Report, error) {
	who, err := administers(ctx)
	if err != nil {
		return Report{}, err
	}
	s, err := m.store.server(ctx, id)
	if err != nil {
		return Report{}, err
	}
	ctx, end, err := m.tests.begin(ctx, ownKey(who.ID, key))
	if err != nil {
		return Report{}, err
	}
	defer end()
	if l, client := m.linked(id); client != nil {
		report, err := m.try(ctx, l, client, model)
		if err == nil && report.listed() {
			if err := m.discover(ctx, l, client); err != nil {
				m.log.Warn("the models of a server cannot be listed", "server", id, "error", err)
			}
		}
		return report, err
	}
	return m.throughTestDoor(ctx, s, model)
}

// TestNew tests a server before it is added. Where like names a server that was
// added, its token and certificates stand in for those not given, as long as the
// address is the one they were entered for.
func (m *Models) TestNew(ctx context.Context, n NewServer, like, model, key string) (Report, error) {
	who, err := administers(ctx)
	if err != nil {
		return Report{}, err
	}
	s, token, err := m.reachable(Server{}, n)
	if err != nil {
		return Report{}, err
	}
	if s.ID = newID(); like != "" {
		saved, err := m.store.server(ctx, like)
		if err != nil {
			return Report{}, err
		}
		if sameOrigin(saved.URL, s.URL) {
			if s.CA == "" {
				s.CA = saved.CA
			}
			if token == "" {
				if token, err = m.openToken(saved); err != nil {
					return Report{}, err
				}
			}
		}
	}
	if s.sealed, err = m.seal(s.ID, token); err != nil {
		return Report{}, err
	}
	ctx, end, err := m.tests.begin(ctx, ownKey(who.ID, key))
	if err != nil {
		return Report{}, err
	}
	defer end()
	return m.throughTestDoor(ctx, s, model)
}

func ownKey(person, key string) string {
	if key == "" {
		return ""
	}
	return person + " " + key
}

// throughTestDoor tests a server that is not in use. It gets a way through the
// gate that ends with the test.
func (m *Models) throughTestDoor(ctx context.Context, s Server, model string) (Report, error) {
	var door int
	select {
	case door = <-m.tests.doors:
	default:
		return Report{}, fault.New(fault.TooMany, "%d servers are being tested.", testDoors).Cure("Wait until one of the tests has ended.").RetryAfter(10)
	}
	purpose := fmt.Sprintf("%s:%d", testOwner, door)
	defer func() {
		if err := m.closeDoor(purpose); err != nil {
			m.log.Error("the rules of a test cannot be taken away", "error", err)
		}
		m.tests.doors <- door
	}()
	rule, err := ruleOf(purpose, s.URL)
	if err != nil {
		return Report{}, err
	}
	if err := m.gate.Trust(purpose, []byte(s.CA)); err != nil {
		return Report{}, err
	}
	if err := m.gate.Allow(purpose, []egress.Rule{rule}); err != nil {
		return Report{}, err
	}
	client, err := m.newClient(s, purpose)
	if err != nil {
		return Report{}, err
	}
	return m.try(ctx, nil, client, model)
}

func (m *Models) closeDoor(purpose string) error {
	if err := m.gate.Allow(purpose, nil); err != nil {
		return err
	}
	return m.gate.Trust(purpose, nil)
}

// try goes through the steps until one fails; l is the link of a server in use,
// which learns from the first. Only a stop is an error: what is wrong with the
// server is what the report is for.
func (m *Models) try(ctx context.Context, l *link, client inference.Client, model string) (Report, error) {
	var r Report
	step := func(name string, do func() (string, error)) bool {
		began := time.Now()
		detail, err := do()
		s := Step{Name: name, OK: err == nil, Detail: detail, Took: time.Since(began)}
		if err != nil {
			p := problemOf(outside(err))
			s.Detail, s.Cure = p.Why, p.Cure
		}
		r.Steps = append(r.Steps, s)
		return s.OK && ctx.Err() == nil
	}
	var list []inference.Model
	ok := step("connect", func() (string, error) {
		h, err := client.Probe(ctx)
		if l != nil && ctx.Err() == nil {
			m.judge(ctx, l, h, err)
		}
		return saysOf(h), err
	})
	ok = ok && step("list", func() (string, error) {
		var err error
		list, err = client.Models(ctx)
		if err == nil && len(list) == 0 {
			err = fault.New(fault.Unavailable, "The server has no model.").Cure("Load one on it, or import a file on the page Models.")
		}
		return listOf(list), err
	})
	if ok {
		chat, embed, err := chosen(list, model)
		if err != nil {
			step("answer", func() (string, error) { return "", err })
		}
		if err == nil && chat != nil {
			ok = step("answer", func() (string, error) { return m.answer(ctx, client, *chat, &r) })
		}
		if err == nil && ok && embed != nil {
			step("embed", func() (string, error) { return vectors(ctx, client, *embed) })
		}
	}
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return Report{}, err
	}
	return r, nil
}

func saysOf(h inference.Health) string {
	text := strings.TrimSpace(h.Flavour + " " + h.Version)
	if h.Busy {
		text += ", loading"
	}
	return text
}

// listOf names the first models of a list.
func listOf(list []inference.Model) string {
	names := make([]string, 0, len(list))
	for _, one := range list {
		names = append(names, plainName(one.Name))
	}
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

// chosen are the models to test: the one that was named, or one of each kind,
// best one that is in memory already.
func chosen(list []inference.Model, name string) (chat, embed *inference.Model, err error) {
	if name != "" {
		at := slices.IndexFunc(list, func(one inference.Model) bool { return plainName(one.Name) == plainName(name) })
		switch {
		case at < 0:
			return nil, nil, fault.New(fault.NotFound, "The server has no model %s.", shown(name)).Code(inference.CodeModel).Cure("Choose one that it has.")
		case list[at].Embedding:
			return nil, &list[at], nil
		}
		return &list[at], nil, nil
	}
	for i := range list {
		slot := &chat
		if list[i].Embedding {
			slot = &embed
		}
		if *slot == nil || list[i].Loaded && !(*slot).Loaded {
			*slot = &list[i]
		}
	}
	return chat, embed, nil
}

// answer has a model write a sentence, and measures it.
func (m *Models) answer(ctx context.Context, client inference.Client, model inference.Model, r *Report) (string, error) {
	req := inference.Request{
		Model: model.Name, Context: m.sizeOf(ctx, model), MaxTokens: testTokens, Thinks: model.Thinking, Think: inference.ThinkOff,
		Messages: []inference.Message{{Role: inference.RoleUser, Content: "Say in one sentence what you can help with."}},
	}
	pieces := 0
	heard := func(text string) error {
		if text != "" {
			pieces++
		}
		return nil
	}
	got, err := client.Chat(ctx, req, inference.Sink{Text: heard, Thinking: heard})
	if err != nil {
		return "", err
	}
	if pieces == 0 {
		return "", fault.New(fault.Unavailable, "The model %s says nothing.", shown(plainName(model.Name))).Code(inference.CodeBroken).
			Cure("Look into the log of the server, or test another model.")
	}
	r.FirstToken = got.FirstToken
	if got.Writing > 0 && got.OutputTokens > 1 {
		r.TokensPerSecond = math.Round(float64(got.OutputTokens-1)/got.Writing.Seconds()*10) / 10
	}
	return fmt.Sprintf("%s: %d tokens", plainName(model.Name), got.OutputTokens), nil
}

// sizeOf is the context a model is tested with: that which its answers have,
// since another would make the server load it again.
func (m *Models) sizeOf(ctx context.Context, model inference.Model) int {
	known, ok, err := m.byName(ctx, actor.Actor{Kind: actor.System}, model.Name)
	if n := known.tokens(); err == nil && ok && n > 0 {
		return n
	}
	if model.MaxContext > 0 {
		return min(model.MaxContext, ownContext)
	}
	return ownContext
}

// vectors has a model make two vectors.
func vectors(ctx context.Context, client inference.Client, model inference.Model) (string, error) {
	list, err := client.Embed(ctx, model.Name, []string{"The patient is afraid of needles.", "Le patient a peur des aiguilles."})
	if err != nil {
		return "", err
	}
	if len(list) != 2 || len(list[0]) == 0 || len(list[0]) != len(list[1]) {
		return "", fault.New(fault.Unavailable, "The model %s does not make the vectors it was asked for.", shown(plainName(model.Name))).Code(inference.CodeBroken).
			Cure("Test another model.")
	}
	return fmt.Sprintf("%s: %d dimensions", plainName(model.Name), len(list[0])), nil
}
