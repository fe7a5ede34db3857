package inferencetest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A profile is what a model's name says, after its first colon and separated by
// commas. Bare words that are none of these ("latest", "8b") mean nothing.
//
//	first=20ms    silence before the first piece
//	rate=50       pieces a second; 0 as fast as possible
//	tokens=40     length of the answer in pieces: the text is cut or repeated
//	think=8       pieces of thinking before the answer
//	load=2s       cold: not in memory, and so long until it is
//	ctx=8192      tokens of context the model can take
//	vision tools  what it can beside chat
//	embed=8       makes vectors of so many dimensions and does not chat
//	field=reasoning     where OpenAI's dialect has the thinking (reasoning_content)
//	marker=after        "Sentence. [1]" and not "Sentence [1]."
//	retry=7       seconds of Retry-After
//	size=1000     bytes of the giant line
//	create=1s     time it takes to make it of a file
//	say=cite      see say.go
//	fault=cut@5   see fault.go; "@5" after five pieces, "x1" only the first time: cut@5x1
type profile struct {
	first, load time.Duration
	rate        float64
	tokens      int
	think       int
	ctx         int
	embed       int
	retry, size int
	vision      bool
	tools       bool
	field       string
	after       bool
	say         string
	words       int // of say=word=N
	fault       string
	at          int // pieces before the fault; -1 as the fault likes
	times       int // it happens; 0 always
	create      time.Duration
}

var faultForm = regexp.MustCompile(`^([a-z0-9-]+?)(?:@(\d+))?(?:x(\d+))?$`)

func parse(name string) (profile, error) {
	p := profile{ctx: 32768, retry: 1, size: 20 << 20, field: "reasoning_content", say: "cite", at: -1}
	_, settings, _ := strings.Cut(name, ":")
	for _, setting := range strings.Split(settings, ",") {
		key, value, has := strings.Cut(setting, "=")
		var err error
		switch {
		case key == "vision" && !has:
			p.vision = true
		case key == "tools" && !has:
			p.tools = true
		case !has:
		case key == "first":
			p.first, err = time.ParseDuration(value)
		case key == "load":
			p.load, err = time.ParseDuration(value)
		case key == "create":
			p.create, err = time.ParseDuration(value)
		case key == "create":
			p.create, err = time.ParseDuration(value)
		case key == "rate":
			p.rate, err = strconv.ParseFloat(value, 64)
		case key == "tokens":
			p.tokens, err = strconv.Atoi(value)
		case key == "think":
			p.think, err = strconv.Atoi(value)
		case key == "ctx":
			p.ctx, err = strconv.Atoi(value)
		case key == "embed":
			p.embed, err = strconv.Atoi(value)
		case key == "retry":
			p.retry, err = strconv.Atoi(value)
		case key == "size":
			p.size, err = strconv.Atoi(value)
		case key == "field":
			p.field = value
		case key == "marker":
			p.after = value == "after"
		case key == "say":
			err = p.parseSay(value)
		case key == "fault":
			err = p.parseFault(value)
		default:
			err = fmt.Errorf("unknown setting %q", key)
		}
		if err != nil {
			return p, fmt.Errorf("model %q: %w", name, err)
		}
	}
	return p, nil
}

func (p *profile) parseSay(value string) error {
	say, number, has := strings.Cut(value, "=")
	switch say {
	case "cite", "plain", "invent", "all", "echo", "foreign", "markdown":
	case "word", "prefix":
		p.words = 40
	default:
		return fmt.Errorf("it cannot say %q", value)
	}
	p.say = say
	if !has {
		return nil
	}
	var err error
	p.words, err = strconv.Atoi(number)
	return err
}

func (p *profile) parseFault(value string) error {
	parts := faultForm.FindStringSubmatch(value)
	if parts == nil || !known(parts[1]) {
		return fmt.Errorf("there is no fault %q", value)
	}
	p.fault = parts[1]
	if parts[2] != "" {
		p.at, _ = strconv.Atoi(parts[2])
	}
	if parts[3] != "" {
		p.times, _ = strconv.Atoi(parts[3])
	}
	if strings.HasPrefix(p.fault, "tool") {
		p.tools = true
	}
	return nil
}
