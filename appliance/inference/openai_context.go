package inference

import (
	"regexp"
	"strconv"
	"strings"

	"chatets/appliance/fault"
)

// overflows are the ways in which servers say that a text is longer than the context:
// first the number of tokens that were asked for, then that which may be. Where two
// numbers make up the first, prompt and answer, they are added.
func overflows() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`n_prompt_tokens\D{1,4}(?P<asked>\d+)\D.*n_ctx\D{1,4}(?P<limit>\d+)`),                                                                 // llama.cpp
		regexp.MustCompile(`request \((?P<asked>\d+) tokens\) exceeds the available context size \((?P<limit>\d+)`),                                              // llama.cpp
		regexp.MustCompile(`input \((?P<asked>\d+) tokens\) is too large.*?batch size: (?P<limit>\d+)`),                                                          // llama.cpp, vectors
		regexp.MustCompile(`context length is (?P<limit>\d+) tokens\. however, you requested (?:a total of )?(?P<asked>\d+) tokens`),                             // OpenAI, vLLM
		regexp.MustCompile(`context length is (?P<limit>\d+) tokens\. however, your messages resulted in (?P<asked>\d+)`),                                        // OpenAI
		regexp.MustCompile(`passed (?P<asked>\d+) input tokens(?: and requested (?P<answer>\d+) output tokens)?.*?context length is only (?P<limit>\d+)`),        // vLLM
		regexp.MustCompile(`is too large: (?P<answer>\d+)\. .*?context length is (?P<limit>\d+) tokens and your request has (?P<asked>\d+)`),                     // vLLM
		regexp.MustCompile(`prompt \(length (?P<asked>\d+)\).*?maximum model length of (?P<limit>\d+)`),                                                          // vLLM
		regexp.MustCompile(`context length of (?P<limit>\d+) tokens\. you requested a total of (?P<asked>\d+)`),                                                  // SGLang
		regexp.MustCompile(`input \((?P<asked>\d+) tokens\) is longer than the model's context length \((?P<limit>\d+)`),                                         // SGLang
		regexp.MustCompile(`keep the first (?P<asked>\d+) tokens when .*?context length of only (?P<limit>\d+)`),                                                 // LM Studio
		regexp.MustCompile(`n_keep\D{1,5}(?P<asked>\d+)\D{1,6}n_ctx\D{1,5}(?P<limit>\d+)`),                                                                       // LM Studio
		regexp.MustCompile(`input length (?:of )?\(?(?P<asked>\d+)\)? exceeds (?:the )?(?:model's )?(?:maximum )?context (?:length|size)\D{1,12}(?P<limit>\d+)`), // LM Studio
		regexp.MustCompile(`prompt is too long: (?P<asked>\d+) tokens > (?P<limit>\d+)`),                                                                         // Anthropic
		regexp.MustCompile(`exceed context limit: (?P<asked>\d+) \+ (?P<answer>\d+) > (?P<limit>\d+)`),                                                           // Anthropic
		regexp.MustCompile(`(?:context (?:length|size|window)|n_ctx|model length)(?: is| of)?(?: only)?\D{0,3}(?P<limit>\d{3,})`),
	}
}

// isOverflow reports whether words say that a text is longer than the context. Some
// servers have sentences for that in which no word says so but together they do.
func isOverflow(words string) bool {
	low := strings.ToLower(words)
	for _, part := range []string{"context length", "context size", "context_length", "context_size", "context window", "context_window", "context limit",
		"maximum context", "maximum model length", "prompt is too long", "prompt too long", "exceed_context", "context overflow", "context the overflows",
		"exceeds the available context", "too many tokens", "input is too large", "is too large to process", "input length", "n_keep"} {
		if strings.Contains(low, part) {
			return true
		}
	}
	return false
}

// overflow finds the numbers of tokens in what a server says: those asked for and
// those it takes; 0 where it does not say.
func overflow(words string) (asked, limit int) {
	low := strings.ToLower(strings.ReplaceAll(words, "\n", " "))
	for _, form := range overflows() {
		found := form.FindStringSubmatch(low)
		if found == nil {
			continue
		}
		for i, name := range form.SubexpNames() {
			n, err := strconv.Atoi(found[i])
			switch {
			case err != nil: // the part that may be missing
			case name == "limit":
				limit = n
			case name == "asked" || name == "answer":
				asked += n
			}
		}
		return asked, limit
	}
	return 0, 0
}

// tooLong is the failure of a text that is longer than the context of a model, with
// both numbers where the server gives them.
func (s *link) tooLong(words string, cause error) *fault.Error {
	e := fault.New(fault.Invalid, "The model on %s cannot take a text of this length.", s.host)
	switch asked, limit := overflow(words); {
	case asked > limit && limit > 0:
		e = fault.New(fault.Invalid, "The model on %s takes %d tokens, but this text needs %d.", s.host, limit, asked)
	case limit > 0:
		e = fault.New(fault.Invalid, "The model on %s takes %d tokens, but this text needs more.", s.host, limit)
	}
	return e.Code(CodeContext).Because(cause).
		Cure("Shorten the message, begin a new conversation, or choose a model with a larger context.")
}
