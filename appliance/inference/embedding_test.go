package inference

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/fault"
)

// vectorsOf are vectors by which a test knows their texts again.
func vectorsOf(texts []string) [][]float32 {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = []float32{float32(len(t)), 1, 0}
	}
	return out
}

func texts(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.Repeat("x", i+1)
	}
	return out
}

func TestEmbedAll(t *testing.T) {
	t.Parallel()
	var sizes []int
	got, err := embedAll(t.Context(), texts(70), func(_ context.Context, batch []string) ([][]float32, error) {
		sizes = append(sizes, len(batch))
		return vectorsOf(batch), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sizes, []int{32, 32, 6}) {
		t.Errorf("asked in batches of %v", sizes)
	}
	for i, v := range got {
		length := math.Hypot(float64(v[0]), float64(v[1]))
		if math.Abs(length-1) > 1e-6 || math.Abs(float64(v[0]/v[1])-float64(i+1)) > 1e-3 {
			t.Fatalf("vector %d is %v: of another text, or not of length 1", i, v)
		}
	}
	if none, err := embedAll(t.Context(), nil, nil); err != nil || none == nil || len(none) != 0 {
		t.Errorf("of no texts: got %v, %v", none, err)
	}
}

func TestEmbedAllWrong(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, tt := range []struct {
		name  string
		spoil func(v [][]float32) [][]float32
	}{
		{"one too few", func(v [][]float32) [][]float32 { return v[:len(v)-1] }},
		{"one too many", func(v [][]float32) [][]float32 { return append(v, v[0]) }},
		{"none", func([][]float32) [][]float32 { return nil }},
		{"empty", func(v [][]float32) [][]float32 { v[0] = nil; return v }},
		{"not a number", func(v [][]float32) [][]float32 { v[0][1] = nan; return v }},
		{"endless", func(v [][]float32) [][]float32 { v[0][1] = inf; return v }},
		{"zero", func(v [][]float32) [][]float32 { v[0] = []float32{0, 0, 0}; return v }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := embedAll(t.Context(), texts(3), func(_ context.Context, batch []string) ([][]float32, error) {
				return tt.spoil(vectorsOf(batch)), nil
			})
			if codeOf(err) != CodeBroken || fault.Of(err).Cure == "" {
				t.Errorf("got %v, want %s with a cure", err, CodeBroken)
			}
		})
	}
	t.Run("another dimension in a later batch", func(t *testing.T) {
		t.Parallel()
		_, err := embedAll(t.Context(), texts(40), func(_ context.Context, batch []string) ([][]float32, error) {
			v := vectorsOf(batch)
			if len(batch) < 32 {
				for i := range v {
					v[i] = append(v[i], 1)
				}
			}
			return v, nil
		})
		if codeOf(err) != CodeBroken {
			t.Errorf("got %v", err)
		}
	})
	t.Run("very small and very large numbers are none the less vectors", func(t *testing.T) {
		t.Parallel()
		v, err := embedAll(t.Context(), texts(2), func(context.Context, []string) ([][]float32, error) {
			return [][]float32{{1e-30, 1e-30}, {3e38, 3e38}}, nil
		})
		if err != nil || math.Abs(float64(v[0][0])-math.Sqrt2/2) > 1e-6 || math.Abs(float64(v[1][1])-math.Sqrt2/2) > 1e-6 {
			t.Errorf("got %v, %v", v, err)
		}
	})
	t.Run("an empty text is not asked", func(t *testing.T) {
		t.Parallel()
		_, err := embedAll(t.Context(), []string{"a", " \n"}, func(context.Context, []string) ([][]float32, error) {
			t.Error("it was")
			return nil, nil
		})
		if r := fault.Of(err); r.Kind != fault.Invalid || !strings.Contains(r.Sentence, "Text 2 of 2") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestEmbedAllHalves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, code string
		most       int // texts a request may have
		want       string
	}{
		{"a server that takes few", CodeBroken, 5, ""},
		{"a server that takes few tokens", CodeContext, 1, ""},
		{"a server that takes none", CodeBroken, 0, CodeBroken},
		{"text too long", CodeContext, 0, CodeContext},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			got, err := embedAll(t.Context(), texts(33), func(_ context.Context, batch []string) ([][]float32, error) {
				if asked++; len(batch) > tt.most {
					return nil, fault.New(fault.Unavailable, "It failed.").Code(tt.code)
				}
				return vectorsOf(batch), nil
			})
			if tt.want != "" {
				if codeOf(err) != tt.want || asked > 6 {
					t.Errorf("got %v after %d requests", err, asked)
				}
				return
			}
			if err != nil || len(got) != 33 {
				t.Fatalf("got %d, %v", len(got), err)
			}
			for i, v := range got {
				if math.Abs(float64(v[0]/v[1])-float64(i+1)) > 1e-3 {
					t.Fatalf("vector %d is of another text", i)
				}
			}
		})
	}
	t.Run("the text that is too long is named", func(t *testing.T) {
		t.Parallel()
		_, err := embedAll(t.Context(), texts(40), func(_ context.Context, batch []string) ([][]float32, error) {
			if slices.ContainsFunc(batch, func(s string) bool { return len(s) == 35 }) {
				return nil, fault.New(fault.Invalid, "Too long.").Code(CodeContext)
			}
			return vectorsOf(batch), nil
		})
		if r := fault.Of(err); r.Code != CodeContext || !strings.Contains(r.Sentence, "Text 35 of 40") {
			t.Errorf("got %+v", r)
		}
	})
	for _, code := range []string{CodeUnreachable, CodeDenied, CodeBusy, CodeModel, CodeCertificate, CodeCannot} {
		t.Run("not for "+code, func(t *testing.T) {
			t.Parallel()
			asked := 0
			_, err := embedAll(t.Context(), texts(8), func(context.Context, []string) ([][]float32, error) {
				asked++
				return nil, fault.New(fault.Unavailable, "No.").Code(code)
			})
			if asked != 1 || codeOf(err) != code {
				t.Errorf("asked %d times, got %v", asked, err)
			}
		})
	}
	t.Run("not for who left", func(t *testing.T) {
		t.Parallel()
		ctx, leave := context.WithCancel(t.Context())
		asked := 0
		_, err := embedAll(ctx, texts(40), func(context.Context, []string) ([][]float32, error) {
			asked++
			leave()
			return nil, fault.New(fault.Unavailable, "It failed.").Code(CodeBroken).Because(fmt.Errorf("closed: %w", context.Canceled))
		})
		if asked != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("asked %d times, got %v", asked, err)
		}
	})
}
