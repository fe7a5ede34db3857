package inference

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/fault"
)

// asPieces reads the deltas of tool calls as OpenAI writes them, one line each.
func asPieces(t testing.TB, lines ...string) []piece {
	t.Helper()
	var all []piece
	for _, line := range lines {
		var d toolDelta
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, d.piece())
	}
	return all
}

func collect(all []piece, short bool) ([]Call, error) {
	var c calls
	for _, p := range all {
		if err := c.add(p); err != nil {
			return nil, err
		}
	}
	return c.all(short)
}

func TestCallsAreCollectedHoweverTheyCome(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		pieces []string
		want   []string // "id name arguments"; id ? = one of ours
	}{
		{"none", nil, nil},
		{"whole with a string", []string{`{"index":0,"id":"a","type":"function","function":{"name":"find","arguments":"{\"q\":\"x\"}"}}`}, []string{`a find {"q":"x"}`}},
		{"whole with an object", []string{`{"id":"a","function":{"name":"find","arguments":{"q": "x"}}}`}, []string{`a find {"q":"x"}`}},
		{"in pieces", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":""}}`,
			`{"index":0,"function":{"arguments":"{\"q\":"}}`,
			`{"index":0,"function":{"arguments":"\"x\"}"}}`}, []string{`a find {"q":"x"}`}},
		{"pieces that alternate", []string{
			`{"index":0,"id":"a","function":{"name":"find"}}`,
			`{"index":1,"id":"b","function":{"name":"read"}}`,
			`{"index":0,"function":{"arguments":"{\"q\":1}"}}`,
			`{"index":1,"function":{"arguments":"{\"n\":"}}`,
			`{"index":1,"function":{"arguments":"2}"}}`}, []string{`a find {"q":1}`, `b read {"n":2}`}},
		{"no index, ids", []string{
			`{"id":"a","function":{"name":"find","arguments":"{\"q\""}}`,
			`{"id":"a","function":{"arguments":":1}"}}`,
			`{"id":"b","function":{"name":"find","arguments":"{\"q\":2}"}}`}, []string{`a find {"q":1}`, `b find {"q":2}`}},
		{"neither index nor id", []string{
			`{"function":{"name":"find","arguments":"{\"q\""}}`,
			`{"function":{"arguments":":1}"}}`,
			`{"function":{"name":"read","arguments":"{}"}}`}, []string{`? find {"q":1}`, `? read {}`}},
		{"whole, all of them index 0 without ids", []string{
			`{"index":0,"function":{"name":"find","arguments":"{\"q\":1}"}}`,
			`{"index":0,"function":{"name":"find","arguments":"{\"q\":2}"}}`}, []string{`? find {"q":1}`, `? find {"q":2}`}},
		{"whole, all of them index 0 and one id", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":1}"}}`,
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":2}"}}`}, []string{`a find {"q":1}`, `? find {"q":2}`}},
		{"no arguments, all of them index 0", []string{
			`{"index":0,"id":"a","function":{"name":"now"}}`,
			`{"index":0,"id":"b","function":{"name":"now"}}`}, []string{`a now {}`, `b now {}`}},
		{"other names without arguments, all of them index 0", []string{
			`{"index":0,"function":{"name":"now"}}`,
			`{"index":0,"function":{"name":"here"}}`}, []string{`? now {}`, `? here {}`}},
		{"one id for two indexes", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{}"}}`,
			`{"index":1,"id":"a","function":{"name":"read","arguments":"{}"}}`}, []string{`a find {}`, `? read {}`}},
		{"the name with each piece", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\""}}`,
			`{"index":0,"id":"a","function":{"name":"find","arguments":":1}"}}`,
			`{"index":0,"id":"a","function":{"name":"find","arguments":""}}`}, []string{`a find {"q":1}`}},
		{"name and another id with each piece", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\""}}`,
			`{"index":0,"id":"b","function":{"name":"find","arguments":":1}"}}`}, []string{`a find {"q":1}`}},
		{"another id with each piece, no index", []string{
			`{"id":"a","function":{"name":"find","arguments":"{\"q\""}}`,
			`{"id":"b","function":{"arguments":":1}"}}`}, []string{`a find {"q":1}`}},
		{"id and name after the arguments", []string{
			`{"index":0,"function":{"arguments":"{\"q\":"}}`,
			`{"index":0,"id":"a","function":{"name":"find","arguments":"1}"}}`}, []string{`a find {"q":1}`}},
		{"empty, null, no and empty object", []string{
			`{"index":0,"id":"a","function":{"name":"now","arguments":""}}`,
			`{"index":1,"id":"b","function":{"name":"now","arguments":null}}`,
			`{"index":2,"id":"c","function":{"name":"now"}}`,
			`{"index":3,"id":"d","function":{"name":"now","arguments":{}}}`,
			`{"index":4,"id":"e","function":{"name":"now","arguments":"null"}}`}, []string{`a now {}`, `b now {}`, `c now {}`, `d now {}`, `e now {}`}},
		{"encoded twice", []string{`{"index":0,"id":"a","function":{"name":"find","arguments":"\"{\\\"q\\\":1}\""}}`}, []string{`a find {"q":1}`}},
		{"braces and quotes in texts", []string{
			`{"index":0,"function":{"name":"find","arguments":"{\"q\":\"}\\\"}"}}`,
			`{"index":0,"function":{"name":"find","arguments":"\"}"}}`,
			`{"index":0,"function":{"name":"find","arguments":"{\"q\":2}"}}`}, []string{`? find {"q":"}\"}"}`, `? find {"q":2}`}},
		{"split within a character", []string{
			`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":\"\\u20"}}`,
			`{"index":0,"function":{"arguments":"ac\"}"}}`}, []string{`a find {"q":"\u20ac"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := collect(asPieces(t, tt.pieces...), false)
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			var have []string
			for i, c := range got {
				if c.ID == "" || ids[c.ID] {
					t.Errorf("the id %q is empty or not the first", c.ID)
				}
				ids[c.ID] = true
				id := c.ID
				if i < len(tt.want) && strings.HasPrefix(tt.want[i], "? ") && len(id) == 9 {
					id = "?"
				}
				have = append(have, id+" "+c.Name+" "+string(c.Arguments))
			}
			if !slices.Equal(have, tt.want) {
				t.Errorf("got %q, want %q", have, tt.want)
			}
		})
	}
}

func TestBrokenCallsAreAClearError(t *testing.T) {
	t.Parallel()
	many := make([]string, callLimit+1)
	for i := range many {
		many[i] = `{"function":{"name":"find","arguments":"{}"}}`
	}
	for _, tt := range []struct {
		name, code, says string
		pieces           []string
	}{
		{"half an object", CodeCall, `"find"`, []string{`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":"}}`}},
		{"more than an object", CodeCall, `"find"`, []string{`{"index":0,"id":"a","function":{"name":"find","arguments":"{} {}"}}`}},
		{"a list", CodeCall, `"find"`, []string{`{"index":0,"id":"a","function":{"name":"find","arguments":[1]}}`}},
		{"a list in a string", CodeCall, `"find"`, []string{`{"index":0,"id":"a","function":{"name":"find","arguments":"[1]"}}`}},
		{"words", CodeCall, `"find"`, []string{`{"index":0,"id":"a","function":{"name":"find","arguments":"query x"}}`}},
		{"no name", CodeCall, "cannot be read", []string{`{"index":0,"id":"a","function":{"arguments":"{}"}}`}},
		{"too many", CodeEndless, "more than 128", many},
		{"endless arguments", CodeEndless, "did not stop", []string{`{"function":{"name":"find","arguments":"` + strings.Repeat("x", callsLimit) + `"}}`}},
		{"endless name", CodeEndless, "did not stop", []string{`{"function":{"name":"` + strings.Repeat("x", callNameLimit+1) + `"}}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := collect(asPieces(t, tt.pieces...), false)
			r := fault.Of(err)
			if err == nil || r.Code != tt.code || !strings.Contains(r.Sentence, tt.says) || r.Cure == "" {
				t.Errorf("got %q (%s, cure %q), want %s with %q", r.Sentence, r.Code, r.Cure, tt.code, tt.says)
			}
			if Sick(err) || Elsewhere(err) {
				t.Error("a call the model broke counts against the server")
			}
		})
	}
}

func TestACallTheLimitCutIsLeftOut(t *testing.T) {
	t.Parallel()
	got, err := collect(asPieces(t,
		`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":1}"}}`,
		`{"index":1,"id":"b","function":{"name":"find","arguments":"{\"q\":"}}`), true)
	if err != nil || len(got) != 1 || got[0].ID != "a" {
		t.Errorf("got %+v and %v, want only the first", got, err)
	}
	if _, err := collect(asPieces(t,
		`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\":"}}`,
		`{"index":1,"id":"b","function":{"name":"find","arguments":"{}"}}`), true); codeOf(err) != CodeCall {
		t.Errorf("got %v, want that a broken call before the last is an error", err)
	}
}

func FuzzCalls(f *testing.F) {
	for _, s := range []string{
		`{"index":0,"id":"a","function":{"name":"find","arguments":"{\"q\""}}` + "\n" + `{"index":0,"function":{"arguments":":1}"}}`,
		`{"id":"a","function":{"name":"f","arguments":{"a":[1,"}"]}}}` + "\n" + `{"id":"a","function":{"name":"f","arguments":"{}"}}`,
		`{"function":{"name":"f","arguments":null}}`, `{"index":-1}`, `{"index":7,"function":{"arguments":"\"\\\"{}\\\"\""}}`, `{}`,
	} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, in string, short bool) {
		var c calls
		for line := range strings.Lines(in) {
			var d toolDelta
			if json.Unmarshal([]byte(line), &d) != nil {
				continue
			}
			if err := c.add(d.piece()); err != nil {
				known(t, err)
				return
			}
		}
		got, err := c.all(short)
		if err != nil {
			known(t, err)
		}
		ids := map[string]bool{}
		for _, call := range got {
			var object map[string]any
			if err := json.Unmarshal(call.Arguments, &object); err != nil || call.Name == "" || call.ID == "" || ids[call.ID] {
				t.Fatalf("got %+v (%v)", call, err)
			}
			ids[call.ID] = true
		}
	})
}

// known fails the test where an error has no code and sentence of its own.
func known(t *testing.T, err error) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || codeOf(err) != CodeCall && codeOf(err) != CodeEndless {
		t.Fatalf("got the error %v (%s)", err, codeOf(err))
	}
}
