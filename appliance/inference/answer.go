package inference

import "time"

// answerLimit bounds the text and thinking of one answer, in bytes. The longest
// answers of real models are a tenth of it; whoever says more repeats itself.
const answerLimit = 4 << 20

// answer takes the pieces of an answer as a dialect finds them, tells thinking
// from text, gives both to the sink and keeps the account.
type answer struct {
	link  *link
	flow  *flow
	out   Sink
	res   Result
	think thinker
	apart bool // the server tells thinking and text apart itself

	asked, first, last time.Time
	pieces, size       int
	held               said // not given yet: pieces that came together are given as one
	refused            bool // by the sink, which is given no more
}

// newAnswer is the account of an answer that is asked for now. Set its flow when
// there is one.
func (s *link) newAnswer(r Request, out Sink) *answer {
	_, lead := s.leads.Load(r.Model)
	return &answer{link: s, out: out, think: thinker{lead: lead && r.Think != ThinkOff && !r.Prefix}, asked: time.Now(),
		res: Result{Server: s.id, Model: r.Model}}
}

// from says which answer it is.
func (a *answer) from(f *flow) {
	a.flow, f.pace = f, a.out.Pace
}

// both takes a piece of either.
func (a *answer) both(s said) error {
	if err := a.thinking(s.thinking); err != nil {
		return err
	}
	return a.text(s.text)
}

// text takes a piece of what the server calls the answer.
func (a *answer) text(piece string) error {
	if piece == "" {
		return nil
	}
	if err := a.came(len(piece)); err != nil {
		return err
	}
	if a.apart {
		return a.give("", piece)
	}
	return a.give(a.think.add(piece))
}

// thinking takes a piece of what the server calls thinking.
func (a *answer) thinking(piece string) error {
	if piece == "" {
		return nil
	}
	if err := a.came(len(piece)); err != nil {
		return err
	}
	if !a.apart {
		a.apart = true
		if err := a.give(a.think.end(false)); err != nil {
			return err
		}
	}
	return a.give(piece, "")
}

// part notes a piece that is given on only at the end, as of a call.
func (a *answer) part(size int) error { return a.came(size) }

// call takes a whole call.
func (a *answer) call(c Call) error {
	if err := a.flush(); err != nil {
		return err
	}
	a.res.Calls = append(a.res.Calls, c)
	if a.out.Call == nil {
		return nil
	}
	err := a.out.Call(c)
	a.refused = a.refused || err != nil
	return err
}

// end is the end of an answer for which reason was given, or which err broke off:
// what came until then is given on also then. What it returns is for Chat to
// return.
func (a *answer) end(reason string, err error) (Result, error) {
	if err != nil {
		reason = ""
	}
	if !a.apart && !a.refused {
		if e := a.give(a.think.end(reason == ReasonStop || reason == ReasonTools)); e != nil && err == nil {
			reason, err = "", e
		}
		switch {
		case a.think.stray: // the model's next answer will begin inside of thinking too
			a.link.leads.Store(a.res.Model, true)
		case a.think.lead && reason == ReasonStop:
			a.link.leads.Delete(a.res.Model)
		}
	}
	if e := a.flush(); e != nil && err == nil {
		reason, err = "", e
	}
	r := a.res
	r.Reason, r.Took = reason, time.Since(a.asked)
	if !a.first.IsZero() {
		r.FirstToken, r.Writing = a.first.Sub(a.asked), a.last.Sub(a.first)
	}
	if r.OutputTokens == 0 {
		r.OutputTokens = a.pieces
	}
	return r, err
}

func (a *answer) came(size int) error {
	a.last = time.Now()
	if a.first.IsZero() {
		a.first = a.last
	}
	if a.flow != nil {
		a.flow.piece()
	}
	a.pieces++
	if a.size += size; a.size > answerLimit {
		return a.link.endless()
	}
	return nil
}

// give holds what is known until flush, in its order: thinking before text.
func (a *answer) give(thinking, text string) error {
	if thinking != "" && a.held.text != "" {
		if err := a.flush(); err != nil {
			return err
		}
	}
	a.held.thinking += thinking
	a.held.text += text
	return nil
}

// flush gives on what is held. It is called before more is waited for.
func (a *answer) flush() (err error) {
	held := a.held
	a.held = said{}
	if a.refused {
		return nil
	}
	if held.thinking != "" && a.out.Thinking != nil {
		err = a.out.Thinking(held.thinking)
	}
	if err == nil && held.text != "" && a.out.Text != nil {
		err = a.out.Text(held.text)
	}
	a.refused = err != nil
	return err
}
