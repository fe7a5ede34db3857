package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

const (
	dimensions      = 64
	embeddingLength = 512 // tokens of a text
	special         = 5   // tokens that stand for no text
)

// embedding is a model in which the vector of a text is the mean of those of its
// letters and pairs of letters: texts alike have vectors alike. It is a BERT
// whose only layer changes nothing.
func embedding() *file {
	tokens := []string{"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?-'"
	for _, first := range letters {
		tokens = append(tokens, "\u2581"+string(first), string(first))
		for _, second := range letters {
			tokens = append(tokens, fmt.Sprintf("\u2581%c%c", first, second), fmt.Sprintf("%c%c", first, second))
		}
	}
	kinds := make([]int32, len(tokens))
	for i := range kinds {
		kinds[i] = 1
		if i < special {
			kinds[i] = 3
		}
	}
	f := &file{}
	f.set("general.architecture", "bert")
	f.set("general.name", "letters")
	f.set("general.license", "cc0-1.0")
	f.set("general.file_type", 0)
	f.set("bert.block_count", 1)
	f.set("bert.context_length", embeddingLength)
	f.set("bert.embedding_length", dimensions)
	f.set("bert.feed_forward_length", dimensions)
	f.set("bert.attention.head_count", 1)
	f.set("bert.attention.layer_norm_epsilon", float32(1e-12))
	f.set("bert.attention.causal", false)
	f.set("bert.pooling_type", 1) // the mean
	f.set("tokenizer.ggml.model", "bert")
	f.set("tokenizer.ggml.token_type_count", 2)
	f.set("tokenizer.ggml.tokens", tokens)
	f.set("tokenizer.ggml.scores", zeros(len(tokens)))
	f.set("tokenizer.ggml.token_type", kinds)
	f.set("tokenizer.ggml.unknown_token_id", 0)
	f.set("tokenizer.ggml.bos_token_id", 1)
	f.set("tokenizer.ggml.cls_token_id", 1)
	f.set("tokenizer.ggml.eos_token_id", 2)
	f.set("tokenizer.ggml.seperator_token_id", 2) // the format's own spelling
	f.set("tokenizer.ggml.padding_token_id", 3)
	f.set("tokenizer.ggml.mask_token_id", 4)

	f.add("token_embd.weight", false, directions(len(tokens)), dimensions, len(tokens))
	f.add("token_types.weight", false, zeros(2*dimensions), dimensions, 2)
	f.add("position_embd.weight", false, zeros(embeddingLength*dimensions), dimensions, embeddingLength)
	f.add("token_embd_norm.weight", false, ones(dimensions), dimensions)
	f.add("token_embd_norm.bias", false, zeros(dimensions), dimensions)
	for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"} {
		f.add("blk.0."+name+".weight", false, zeros(dimensions*dimensions), dimensions, dimensions)
		f.add("blk.0."+name+".bias", false, zeros(dimensions), dimensions)
	}
	for _, name := range []string{"attn_output_norm", "layer_output_norm"} {
		f.add("blk.0."+name+".weight", false, ones(dimensions), dimensions)
		f.add("blk.0."+name+".bias", false, zeros(dimensions), dimensions)
	}
	return f
}

// directions gives each token a vector of its own with mean 0 and variance 1,
// which the normalisation of the layer leaves as it is.
func directions(n int) []float32 {
	random := rand.New(rand.NewPCG(1, 2))
	values := zeros(n * dimensions)
	for i := range n {
		v := values[i*dimensions : (i+1)*dimensions]
		mean, square := 0.0, 0.0
		for k := range v {
			v[k] = float32(random.NormFloat64())
			mean += float64(v[k]) / dimensions
		}
		for k := range v {
			v[k] -= float32(mean)
			square += float64(v[k]) * float64(v[k]) / dimensions
		}
		for k := range v {
			v[k] /= float32(math.Sqrt(square))
		}
	}
	return values
}
