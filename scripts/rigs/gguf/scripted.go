package main

import (
	"fmt"
	"strings"
)

// The texts, each under the token that begins it; the templates of the models
// end their prompt with one of these.
var scripts = []struct{ start, text string }{
	{"<|answer|>", "Employees accrue 1.75 days of paid leave per month [1]. At most ten unused days may be carried over " +
		"into the next calendar year [1], and parental leave of up to sixteen weeks is available to both parents [2].\n\n" +
		"In short:\n\n- **1.75 days** each month [1]\n- **ten days** carry-over [1]\n- **sixteen weeks** parental leave [2]\n"},
	{"<|reason|>", "<think>\nThe question is about leave. Passage one states the accrual rate, passage two the parental rule.\n</think>\n\n" +
		"The accrual rate is 1.75 days monthly [1]."},
	{"<|call|>", "<tool_call>\n{\"name\": \"search_documents\", \"arguments\": {\"query\": \"annual leave carry over\", \"limit\": 4}}\n</tool_call>"},
	{endless, " tick one, tock two, and so on;"},
}

const (
	endless = "<|endless|>" // its text begins again where it ends
	space   = "\u2581"      // how the vocabulary writes a space

	contextLength = 8192
	headSize      = 64
)

// A script is the vocabulary with what follows what.
type script struct {
	tokens []string
	kinds  []int32 // 1 normal, 2 unknown, 3 control, 4 defined by us, 6 byte
	scores []float32
	next   map[int]int
	used   map[string]bool
}

func (s *script) token(text string, kind int32) int {
	id := len(s.tokens)
	s.tokens, s.kinds, s.scores = append(s.tokens, text), append(s.kinds, kind), append(s.scores, -float32(id))
	s.used[text] = true
	return id
}

const end = 2 // the token that ends an answer

func newScript() *script {
	s := &script{next: map[int]int{}, used: map[string]bool{}}
	s.token("<unk>", 2)
	s.token("<s>", 3)
	s.token("</s>", 3)
	for i := range 256 {
		s.token(fmt.Sprintf("<0x%02X>", i), 6)
	}
	return s
}

// say adds a text as a chain of tokens, each of which is there only once.
func (s *script) say(start, text string) {
	first := s.token(start, 4)
	before := first
	letters := []rune(strings.ReplaceAll(text, " ", space))
	for i := 0; i < len(letters); {
		j := i + 1
		for {
			for j < len(letters) && string(letters[j]) != space && letters[j] != '\n' {
				j++
			}
			if !s.used[string(letters[i:j])] || j >= len(letters) {
				break
			}
			j++
		}
		piece := string(letters[i:j])
		for s.used[piece] {
			piece += space
		}
		id := s.token(piece, 1)
		s.next[before], before, i = id, id, j
	}
	s.next[before] = end
	if start == endless {
		s.next[before] = first + 1
	}
}

// scripted is the language model.
func scripted() *file {
	s := newScript()
	for _, part := range scripts {
		s.say(part.start, part.text)
	}
	vocabulary := len(s.tokens)
	width := (vocabulary + 127) / 128 * 128
	f := &file{}
	f.set("general.architecture", "llama")
	f.set("general.name", "scripted")
	f.set("general.license", "cc0-1.0")
	f.set("general.file_type", 1)
	f.set("llama.context_length", contextLength)
	f.set("llama.embedding_length", width)
	f.set("llama.block_count", 1)
	f.set("llama.feed_forward_length", width)
	f.set("llama.attention.head_count", width/headSize)
	f.set("llama.attention.head_count_kv", 1)
	f.set("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	f.set("llama.rope.dimension_count", headSize)
	f.set("llama.vocab_size", vocabulary)
	f.set("tokenizer.ggml.model", "llama")
	f.set("tokenizer.ggml.tokens", s.tokens)
	f.set("tokenizer.ggml.scores", s.scores)
	f.set("tokenizer.ggml.token_type", s.kinds)
	f.set("tokenizer.ggml.bos_token_id", 1)
	f.set("tokenizer.ggml.eos_token_id", end)
	f.set("tokenizer.ggml.unknown_token_id", 0)
	f.set("tokenizer.ggml.add_bos_token", true)
	f.set("tokenizer.ggml.add_eos_token", false)
	f.set("tokenizer.ggml.add_space_prefix", false)

	embeddings, output := zeros(vocabulary*width), zeros(vocabulary*width)
	for id := range vocabulary {
		embeddings[id*width+id] = 1
		next, known := s.next[id]
		if !known {
			next = end
		}
		output[next*width+id] = 1
	}
	f.add("token_embd.weight", true, embeddings, width, vocabulary)
	f.add("blk.0.attn_norm.weight", false, ones(width), width)
	f.add("blk.0.attn_q.weight", true, zeros(width*width), width, width)
	f.add("blk.0.attn_k.weight", true, zeros(width*headSize), width, headSize)
	f.add("blk.0.attn_v.weight", true, zeros(width*headSize), width, headSize)
	f.add("blk.0.attn_output.weight", true, zeros(width*width), width, width)
	f.add("blk.0.ffn_norm.weight", false, ones(width), width)
	f.add("blk.0.ffn_gate.weight", true, zeros(width*width), width, width)
	f.add("blk.0.ffn_up.weight", true, zeros(width*width), width, width)
	f.add("blk.0.ffn_down.weight", true, zeros(width*width), width, width)
	f.add("output_norm.weight", false, ones(width), width)
	f.add("output.weight", true, output, width, vocabulary)
	return f
}
