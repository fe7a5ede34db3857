package model_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/model"
	"chatets/appliance/sqlite"
)

// caller takes turns with one model.
type caller struct {
	*house
	who    *visitor
	choice model.Choice
}

// caller adds servers, one for each fake and named s0, s1 and so on, and chooses
// a model that all of them have.
func newCaller(t *testing.T, h *house, name string, fakes ...*inferencetest.Server) *caller {
	t.Helper()
	ada := h.admin(t)
	for i, f := range fakes {
		ada.server(t, fmt.Sprint("s", i), "ollama", f.URL)
	}
	c := &caller{house: h, who: ada}
	c.choose(t, name)
	return c
}

func (c *caller) choose(t *testing.T, name string) {
	t.Helper()
	var err error
	c.choice, err = c.models.Choose(t.Context(), c.who.actor(t), name)
	check(t, err)
}

// slots lets a server have so many.
func (c *caller) slots(t *testing.T, name string, n int) {
	t.Helper()
	c.who.must(t, "PATCH /api/servers/"+c.id(t, name), fmt.Sprintf(`{"slots":%d}`, n), 200)
}

// id is the server of a name.
func (c *caller) id(t *testing.T, name string) string {
	t.Helper()
	return c.who.must(t, "GET /api/servers", "", 200).model(name).get("id")
}

// told keeps what a turn hears while it waits.
type told struct {
	mu   sync.Mutex
	list []model.Waiting
}

func (w *told) hear(one model.Waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, one)
}

func (w *told) heard() []model.Waiting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]model.Waiting{}, w.list...)
}

// whys are the reasons that were told.
func (w *told) whys() string {
	var all []string
	for _, one := range w.heard() {
		all = append(all, one.Why)
	}
	return strings.Join(all, " | ")
}

func (c *caller) enter(t *testing.T, person string, class inference.Class) (*model.Turn, *told) {
	t.Helper()
	w := &told{}
	turn, err := c.models.Enter(model.Ticket{Person: person, Class: class, Choice: c.choice, Tell: w.hear})
	check(t, err)
	t.Cleanup(turn.Leave)
	return turn, w
}

// got is what became of one question.
type got struct {
	server, text string
	loading      []string
	result       inference.Result
	err          error
	told         *told
}

// ask takes a turn for one question.
func (c *caller) ask(t *testing.T) got {
	t.Helper()
	return c.askAs(t, "ada", inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: "Hello"}}})
}

func (c *caller) askAs(t *testing.T, person string, r inference.Request) got {
	t.Helper()
	turn, w := c.enter(t, person, inference.Person)
	defer turn.Leave()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	g := got{told: w}
	if g.err = turn.Wait(ctx); g.err != nil {
		return g
	}
	g.result, g.err = turn.Generate(ctx, r, inference.Sink{
		Loading:  func(server string) { g.loading = append(g.loading, server) },
		Thinking: func(string) error { return nil },
		Text: func(text string) error {
			g.text += text
			return nil
		}})
	g.server = turn.Server()
	return g
}

// TestTurnGoesElsewhere lets the first of two servers fail in each way before it
// said anything: the answer comes from the other.
func TestTurnGoesElsewhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(f *inferencetest.Server, name string)
	}{
		{"down", func(f *inferencetest.Server, _ string) { f.Down() }},
		{"an error", func(f *inferencetest.Server, _ string) { f.Break("/api/chat", "error") }},
		{"a page of HTML", func(f *inferencetest.Server, _ string) { f.Break("/api/chat", "html200") }},
		{"nothing at all", func(f *inferencetest.Server, _ string) { f.Break("/api/chat", "empty") }},
		{"busy for an hour", func(f *inferencetest.Server, _ string) { f.Break("/api/chat", "busy") }},
		{"another token", func(f *inferencetest.Server, _ string) { f.Token("other") }},
		{"the model is gone", func(f *inferencetest.Server, name string) { f.Remove(name) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const name = "m:say=plain,tokens=12"
			first, second := inferencetest.New(t, name), inferencetest.New(t, name)
			c := newCaller(t, start(t), name, first, second)
			tt.fail(first, name)
			g := c.ask(t)
			if g.err != nil || g.text == "" || g.server != c.id(t, "s1") || g.result.Server != g.server || len(second.Asked()) != 1 {
				t.Errorf("got %q of %s, %v", g.text, g.server, g.err)
			}
		})
	}
}

// TestTurnStaysOnceSomethingWasSaid breaks an answer in its middle, or in the
// middle of its thoughts: no other server begins it anew.
func TestTurnStaysOnceSomethingWasSaid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"m:tokens=20,fault=cut@5", "m:tokens=20,think=8,fault=cut@5"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := inferencetest.New(t, name), inferencetest.New(t, name)
			c := newCaller(t, start(t), name, first, second)
			g := c.ask(t)
			if fault.Of(g.err).Code != inference.CodeCut || len(first.Asked()) != 1 || len(second.Asked()) != 0 {
				t.Errorf("got %q and %v; the second was asked %d times", g.text, g.err, len(second.Asked()))
			}
		})
	}
}

// TestTurnHasNowhereToGo gives the first failure back, with what to do about it,
// and asks no server twice.
func TestTurnHasNowhereToGo(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12"
	first, second := inferencetest.New(t, name), inferencetest.New(t, name)
	c := newCaller(t, start(t), name, first, second)
	first.Break("/api/chat", "error")
	second.Break("/api/chat", "html200")
	g := c.ask(t)
	if f := fault.Of(g.err); f.Kind != fault.Unavailable || f.Cure == "" || !strings.Contains(f.Sentence, strings.TrimPrefix(first.URL, "http://")) {
		t.Errorf("got %+v", f)
	}
	if a, b := len(first.Asked()), len(second.Asked()); a != 1 || b != 1 {
		t.Errorf("they were asked %d and %d times", a, b)
	}
	if !c.models.Idle() {
		t.Error("somebody is still served")
	}
}

// TestTurnWaitsForBusy honours Retry-After: a short one is waited for and told, a
// long one is handed on, also to those who come later.
func TestTurnWaitsForBusy(t *testing.T) {
	t.Parallel()
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		const name = "m:tokens=12,fault=busyx1,retry=1"
		fake := inferencetest.New(t, name)
		c := newCaller(t, start(t), name, fake)
		began := time.Now()
		g := c.ask(t)
		if took := time.Since(began); g.err != nil || took < 900*time.Millisecond || len(fake.Asked()) != 2 {
			t.Errorf("got %v after %v and %d requests", g.err, took, len(fake.Asked()))
		}
		if heard := g.told.heard(); !strings.Contains(g.told.whys(), "The server s0 is busy and asked to wait.") || heard[len(heard)-1].Seconds != 1 {
			t.Errorf("told %+v", heard)
		}
	})
	t.Run("long", func(t *testing.T) {
		t.Parallel()
		const name = "m:tokens=12,fault=busy429,retry=300"
		fake := inferencetest.New(t, name)
		c := newCaller(t, start(t), name, fake)
		for range 2 { // the second is not let to the server at all
			began := time.Now()
			g := c.ask(t)
			if f := fault.Of(g.err); f.Code != inference.CodeBusy || f.RetryAfter < 290 || f.RetryAfter > 300 || f.Cure == "" || time.Since(began) > 10*time.Second {
				t.Errorf("got %+v after %v", f, time.Since(began))
			}
		}
		if n := len(fake.Asked()); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

// TestTurnTiresOfBusy waits two minutes in all for a server that is busy again and
// again.
func TestTurnTiresOfBusy(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12,fault=busy,retry=61"
	fake := inferencetest.New(t, name)
	at := &clock{}
	c := newCaller(t, start(t, func(c *model.Config) { c.Now = at.now }), name, fake)
	ended := make(chan got)
	go func() { ended <- c.ask(t) }()
	await(t, "it was asked", func() bool { return len(fake.Asked()) == 1 })
	at.move(62 * time.Second)
	await(t, "it was asked again", func() bool {
		c.paused(t) // a change, since the alarm goes by the clock of the machine
		return len(fake.Asked()) == 2
	})
	if g := <-ended; fault.Of(g.err).RetryAfter != 61 {
		t.Errorf("got %v", g.err)
	}
}

// TestStopFreesTheServer ends an answer in its middle: the server and the slot are
// free within a second.
func TestStopFreesTheServer(t *testing.T) {
	t.Parallel()
	const name = "m:rate=50,fault=endless"
	fake := inferencetest.New(t, name)
	c := newCaller(t, start(t), name, fake)
	turn, _ := c.enter(t, "ada", inference.Person)
	waiting, _ := c.enter(t, "ben", inference.Person)
	check(t, turn.Wait(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	var stopped time.Time
	_, err := turn.Generate(ctx, inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: "Hello"}}}, inference.Sink{
		Text: func(string) error {
			if stopped.IsZero() {
				stopped = time.Now()
				stop()
			}
			return nil
		}})
	turn.Leave()
	if !fault.Is(err, fault.Cancelled) {
		t.Errorf("got %v", err)
	}
	check(t, waiting.Wait(t.Context()))
	await(t, "nothing runs", func() bool { return fake.Running() == 0 })
	if took := time.Since(stopped); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestColdModel tells that a model is brought into memory, once, with the one
// length of context that each request has.
func TestColdModel(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12,load=100ms"
	fake := inferencetest.New(t, name)
	c := newCaller(t, start(t), name, fake)
	fake.Forget()
	first, second := c.ask(t), c.ask(t)
	if first.err != nil || second.err != nil || len(first.loading) != 1 || first.loading[0] != "s0" || len(second.loading) != 0 {
		t.Errorf("loading %v, %v; %v, %v", first.loading, second.loading, first.err, second.err)
	}
	for _, r := range fake.Requests() {
		if r.Model != "" && r.NumCtx != c.choice.Context {
			t.Errorf("%s has a context of %d, not %d", r.Path, r.NumCtx, c.choice.Context)
		}
	}
	if c.choice.Context == 0 {
		t.Error("no context is known")
	}
}

// TestLMStudioKeepsBoth loads a model that chats in so many words, so that the
// one that makes vectors is not put out.
func TestLMStudioKeepsBoth(t *testing.T) {
	t.Parallel()
	const name, embed = "m:tokens=12,load=20ms", "e:embed=8,load=20ms"
	fake := inferencetest.NewFlavour(t, "lmstudio", name, embed)
	h := start(t)
	ada := h.admin(t)
	id := ada.server(t, "s0", "openai", fake.URL)
	ada.must(t, "POST /api/servers/"+id+"/load", object("model", embed), 204)
	c := &caller{house: h, who: ada}
	c.choose(t, name)
	if g := c.ask(t); g.err != nil || len(g.loading) != 1 {
		t.Errorf("loading %v, %v", g.loading, g.err)
	}
	if loaded := strings.Join(fake.Loaded(), " "); !strings.Contains(loaded, name) || !strings.Contains(loaded, embed) {
		t.Errorf("in memory is %s", loaded)
	}
}

// TestTwoServersShare spreads turns over the servers that have the model.
func TestTwoServersShare(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12"
	c := newCaller(t, start(t), name, inferencetest.New(t, name), inferencetest.New(t, name))
	c.slots(t, "s0", 2)
	c.slots(t, "s1", 2)
	count := map[string]int{}
	for i := range 4 {
		turn, _ := c.enter(t, fmt.Sprint(i), inference.Person)
		check(t, turn.Wait(t.Context()))
		if count[turn.Server()]++; count[turn.Server()] > i/2+1 {
			t.Errorf("turn %d: %v", i, count)
		}
	}
	if _, w := c.enter(t, "late", inference.Person); len(w.heard()) != 1 || w.heard()[0].Place != 1 {
		t.Errorf("told %v", w.heard())
	}
}

// TestBackgroundComesLast serves what nobody waits for when nobody waits.
func TestBackgroundComesLast(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12"
	c := newCaller(t, start(t), name, inferencetest.New(t, name))
	c.slots(t, "s0", 1)
	working, _ := c.enter(t, "ada", inference.Person)
	title, _ := c.enter(t, "ada", inference.Background)
	waiting, _ := c.enter(t, "ben", inference.Person)
	check(t, working.Wait(t.Context()))
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	working.Leave()
	check(t, waiting.Wait(t.Context()))
	if err := title.Wait(short); err == nil {
		t.Error("the background went before a person")
	}
	if c.models.Idle() {
		t.Error("a person is served, and it is idle")
	}
	waiting.Leave()
	check(t, title.Wait(t.Context()))
}

// TestPlaceIsEstimated tells how long a place will take once an answer was
// measured, also after a restart.
func TestPlaceIsEstimated(t *testing.T) {
	t.Parallel()
	const name = "m:say=plain,rate=100,tokens=60"
	fake := inferencetest.New(t, name)
	h := start(t)
	c := newCaller(t, h, name, fake)
	c.slots(t, "s0", 1)
	seconds := func() int {
		c.choose(t, name)
		turn, _ := c.enter(t, "ada", inference.Person)
		defer turn.Leave()
		var last *told
		for i := range 10 {
			_, last = c.enter(t, fmt.Sprint(i), inference.Person)
		}
		return last.heard()[0].Seconds
	}
	if n := seconds(); n != 0 {
		t.Errorf("nothing was measured, and %d seconds are told", n)
	}
	h = start(t)
	c = newCaller(t, h, name, fake)
	c.slots(t, "s0", 1)
	if g := c.ask(t); g.err != nil {
		t.Fatal(g.err)
	}
	if n := seconds(); n < 3 || n > 20 { // ten answers of 0.6 s each
		t.Errorf("%d seconds are told", n)
	}
	h.stop()
	again := startIn(t, h.dir)
	c.house, c.who.house = again, again
	await(t, "the model is there", func() bool {
		choice, err := again.models.Choose(t.Context(), c.who.actor(t), name)
		return err == nil && choice.TokensPerSecond > 0
	})
	if n := seconds(); n < 3 || n > 60 {
		t.Errorf("after a restart %d seconds are told", n)
	}
}

// TestImagesGoWhereTheyAreSeen leaves a server out whose model takes no images.
func TestImagesGoWhereTheyAreSeen(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12,vision"
	blind, sees := inferencetest.New(t, name), inferencetest.New(t, name)
	c := newCaller(t, start(t), name, blind, sees)
	check(t, c.db.Update(c.system(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE model_place SET capabilities = '[]' WHERE server = ?`, c.id(t, "s0"))
		return err
	}))
	c.choose(t, name)
	if g := c.ask(t); g.err != nil || len(blind.Asked()) != 1 {
		t.Fatalf("the first in line was asked %d times, %v", len(blind.Asked()), g.err)
	}
	g := c.askAs(t, "ada", inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: "What is this?", Images: [][]byte{[]byte("\x89PNG\r\n\x1a\n0000")}}}})
	if g.err != nil || len(sees.Asked()) != 1 || len(blind.Asked()) != 1 {
		t.Errorf("got %v; the one that sees was asked %d times", g.err, len(sees.Asked()))
	}
}
