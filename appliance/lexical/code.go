package lexical

import "strings"

// units stand behind a number and make one thing with it: "5 mg" is "5mg".
const units = " mg ug ml dl kg bar mbar kpa mpa kw kwh kva mm cm km nm hz khz mhz rpm ppm min mmhg mmol "

// codeAt finds a code that is written with spaces, such as E 121, DIN EN 1717 or
// 5 mg: a short word before a number, or a unit behind one.
func codeAt(tokens []token, stop map[string]bool) (need, bool) {
	if len(tokens) < 2 || tokens[1].form != word {
		return need{}, false
	}
	first, second := tokens[0].surface, tokens[1].surface
	if digits(first) && strings.Contains(units, " "+second+" ") {
		return need{term: first + second, phrase: tokens[0].term + " " + tokens[1].term, form: join, code: true}, true
	}
	if len(first) > 3 || !letters(first) || stop[first] || !starts(second) || strings.Contains(units, " "+first+" ") {
		return need{}, false
	}
	if parts, joined := joinAt(tokens[1:]); parts > 0 {
		terms := []string{tokens[0].term}
		for _, t := range tokens[1 : 1+parts] {
			terms = append(terms, t.term)
		}
		return need{term: first + joined.term, phrase: strings.Join(terms, " "), form: join, code: true}, true
	}
	return need{term: first + second, phrase: tokens[0].term + " " + tokens[1].term, form: join, code: true}, true
}

// apart is a word of letters and digits as it may be written with a space or a
// hyphen between: "e 121" for e121.
func apart(w string) string {
	var b strings.Builder
	n, from := 0, 0
	for i := 1; i <= len(w); i++ {
		if i < len(w) && (ends(w[:i]) == starts(w[i:]) || n > 0) {
			continue
		}
		if from > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(stem(w[from:i]))
		n, from = n+1, i
	}
	return b.String()
}

// telltale reports a code that names one thing: letters with digits, or a number
// of several parts such as 10.3.2, that few passages hold.
func (n need) telltale(passages float64) bool {
	if !n.code || n.held > max(3, passages/20) {
		return false
	}
	if strings.Count(n.term, string(joint)) > 1 {
		return true
	}
	letters := strings.Trim(n.term, "0123456789"+string(joint))
	switch {
	case letters == "" || !mixed(n.term):
		return false
	case !starts(n.term):
		return true
	}
	// 5mg and 101a, but no 16th, 2-yard or 1990s.
	return len(letters) <= 2 && !strings.Contains(" st nd rd th s ", " "+letters+" ")
}
