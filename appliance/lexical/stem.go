package lexical

// stem takes the inflection off an English word by Porter's algorithm (1980),
// the one FTS5's porter tokeniser uses. The word is folded already. What is not
// plain a-z is returned as it is: a part number has no plural.
func stem(word string) string {
	if len(word) < 3 || len(word) > maxToken {
		return word
	}
	for i := range len(word) {
		if word[i] < 'a' || word[i] > 'z' {
			return word
		}
	}
	w := porter([]byte(word))
	w = w.plural()
	w = w.past()
	w = w.y()
	w = w.swap(steps2[:], 0)
	w = w.swap(steps3[:], 0)
	w = w.drop()
	return string(w.tail())
}

type porter []byte

// rule replaces an ending.
type rule struct{ from, to string }

var steps2 = [...]rule{
	{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"logi", "log"}, {"bli", "ble"}, {"alli", "al"},
	{"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"}, {"ator", "ate"}, {"alism", "al"},
	{"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"}, {"iviti", "ive"}, {"biliti", "ble"},
}

var steps3 = [...]rule{
	{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""},
}

var steps4 = [...]string{
	"ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion", "al", "er", "ic", "ou",
}

func (w porter) ends(s string) bool { return len(w) >= len(s) && string(w[len(w)-len(s):]) == s }

func (w porter) consonant(i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return i == 0 || !w.consonant(i-1)
	}
	return true
}

// measure counts the changes from vowels to consonants.
func (w porter) measure() int {
	n, vowel := 0, false
	for i := range w {
		if !w.consonant(i) {
			vowel = true
		} else if vowel {
			n, vowel = n+1, false
		}
	}
	return n
}

func (w porter) hasVowel() bool {
	for i := range w {
		if !w.consonant(i) {
			return true
		}
	}
	return false
}

func (w porter) doubled() bool {
	n := len(w)
	return n > 1 && w[n-1] == w[n-2] && w.consonant(n-1)
}

// short reports an ending of consonant, vowel and a consonant that is not w, x
// or y, after which an e was written.
func (w porter) short() bool {
	n := len(w)
	if n < 3 || !w.consonant(n-1) || w.consonant(n-2) || !w.consonant(n-3) {
		return false
	}
	return w[n-1] != 'w' && w[n-1] != 'x' && w[n-1] != 'y'
}

func (w porter) plural() porter {
	switch {
	case w.ends("sses"), w.ends("ies"):
		return w[:len(w)-2]
	case w.ends("ss"):
		return w
	case w.ends("s"):
		return w[:len(w)-1]
	}
	return w
}

func (w porter) past() porter {
	if w.ends("eed") {
		if w[:len(w)-3].measure() > 0 {
			return w[:len(w)-1]
		}
		return w
	}
	switch {
	case w.ends("ed") && w[:len(w)-2].hasVowel():
		w = w[:len(w)-2]
	case w.ends("ing") && w[:len(w)-3].hasVowel():
		w = w[:len(w)-3]
	default:
		return w
	}
	switch {
	case w.ends("at"), w.ends("bl"), w.ends("iz"):
		return append(w, 'e')
	case w.doubled() && !w.ends("l") && !w.ends("s") && !w.ends("z"):
		return w[:len(w)-1]
	case w.measure() == 1 && w.short():
		return append(w, 'e')
	}
	return w
}

func (w porter) y() porter {
	if w.ends("y") && w[:len(w)-1].hasVowel() {
		w[len(w)-1] = 'i'
	}
	return w
}

// swap applies the first rule whose ending is there, when what stands before it
// is long enough.
func (w porter) swap(rules []rule, least int) porter {
	for _, r := range rules {
		if !w.ends(r.from) {
			continue
		}
		if root := w[:len(w)-len(r.from)]; root.measure() > least {
			return append(root, r.to...)
		}
		return w
	}
	return w
}

func (w porter) drop() porter {
	for _, s := range steps4 {
		if !w.ends(s) {
			continue
		}
		root := w[:len(w)-len(s)]
		if s == "ion" && !root.ends("s") && !root.ends("t") {
			return w
		}
		if root.measure() > 1 {
			return root
		}
		return w
	}
	return w
}

func (w porter) tail() porter {
	if w.ends("e") {
		root := w[:len(w)-1]
		if m := root.measure(); m > 1 || m == 1 && !root.short() {
			w = root
		}
	}
	if w.ends("ll") && w.measure() > 1 {
		w = w[:len(w)-1]
	}
	return w
}
