package doc

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxRead    = 20 << 10 // bytes of a text that are looked at
	leastWords = 2        // words that point to a language
)

// Language tells the language of a text by its script and its small words, as
// two letters of ISO 639-1; "" where it is not sure.
func Language(text string) string {
	text = spread(text)
	var latin, cyrillic, arabic, hebrew, greek, thai, hangul, kana, han int
	var persian, ukrainian int
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			if r|0x20 >= 'a' && r|0x20 <= 'z' {
				latin++
			}
		case r >= 0x4e00 && r <= 0x9fff:
			han++
		case r >= 0x3041 && r <= 0x30ff:
			kana++
		case r >= 0xac00 && r <= 0xd7a3:
			hangul++
		case r >= 0x400 && r <= 0x4ff:
			cyrillic++
			if strings.ContainsRune("іїєґІЇЄҐ", r) {
				ukrainian++
			}
		case r >= 0x600 && r <= 0x6ff:
			arabic++
			if strings.ContainsRune("پچژگکی", r) {
				persian++
			}
		case r >= 0x590 && r <= 0x5ff:
			hebrew++
		case r >= 0x370 && r <= 0x3ff:
			greek++
		case r >= 0xe00 && r <= 0xe7f:
			thai++
		case unicode.IsLetter(r):
			latin++
		}
	}
	// A sign of Chinese or Japanese says as much as several letters.
	all := latin + cyrillic + arabic + hebrew + greek + thai + hangul + 3*(kana+han)
	most := func(n int) bool { return n >= 4 && n*2 > all }
	switch {
	case most(3 * (kana + han)):
		if kana*20 > kana+han {
			return "ja"
		}
		return "zh"
	case most(hangul):
		return "ko"
	case most(thai):
		return "th"
	case most(greek):
		if vowels(text, "άέήίόύώ")*30 < greek && strings.ToUpper(text) != text {
			return "" // letters of another encoding
		}
		return "el"
	case most(hebrew):
		return "he"
	case most(arabic):
		if persian*12 > arabic {
			return "fa"
		}
		return "ar"
	case most(cyrillic):
		if ukrainian*50 > cyrillic {
			return "uk"
		}
		return slavic(text)
	case most(latin):
		return byWords(text)
	}
	return ""
}

// spread is the text, or pieces of its beginning, middle and end: the first
// page is often a form in several languages.
func spread(text string) string {
	if len(text) <= maxRead {
		return text
	}
	third := maxRead / 3
	middle := len(text)/2 - third/2
	return strings.ToValidUTF8(text[:third]+" "+text[middle:middle+third]+" "+text[len(text)-third:], "")
}

// slavic is Russian unless letters or words say that it is another language in
// this script, which none of the two-letter answers stands for.
func slavic(text string) string {
	if strings.ContainsAny(text, "ўјљњђћџѓќ") || strings.Contains(text, " ще ") || strings.Contains(text, " със ") {
		return ""
	}
	letters := vowels(text, "абвгдежзийклмнопрстуфхцчшщъыьэюяё")
	if n := vowels(text, "аеиоуыэюяё"); n*10 < letters*3 || n*10 > letters*6 {
		return "" // letters of another encoding
	}
	return "ru"
}

// vowels counts the letters of a text that are in a set.
func vowels(text, set string) int {
	n := 0
	for _, r := range text {
		if r = unicode.ToLower(r); r >= utf8.RuneSelf && strings.ContainsRune(set, r) {
			n++
		}
	}
	return n
}

// byWords counts the small words of each language, and letters that only some
// have; the first needs a lead over the second.
func byWords(text string) string {
	scores := map[string]int{}
	index := smallWords()
	total := 0
	whole := map[string]bool{} // languages with a word of more than one letter
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		total++
		for _, language := range index[word] {
			scores[language] += 4
			whole[language] = whole[language] || len(word) > 1
		}
		for _, r := range word {
			if r >= utf8.RuneSelf {
				for _, language := range strings.Fields(ownLetters(r)) {
					scores[language] += 3
				}
			}
		}
	}
	best, first, second := "", 0, 0
	for language, n := range scores {
		switch {
		case n > first:
			best, first, second = language, n, first
		case n > second:
			second = n
		}
	}
	if !whole[best] || first < 4*leastWords || first*12 < total*4 || first == second || first*10 < second*11 {
		return ""
	}
	return best
}

// ownLetters are the languages a letter points to.
func ownLetters(r rune) string {
	switch r {
	case 'ß':
		return "de de"
	case 'ä', 'ö':
		return "de sv"
	case 'ü':
		return "de tr"
	case 'å':
		return "sv da"
	case 'ø', 'æ':
		return "da da"
	case 'ñ', '¿', '¡':
		return "es es"
	case 'ã', 'õ':
		return "pt pt"
	case 'ç':
		return "fr pt tr"
	case 'è', 'ù':
		return "fr it"
	case 'ê', 'û', 'î', 'œ':
		return "fr"
	case 'ò', 'ì':
		return "it it"
	case 'ł', 'ą', 'ę', 'ś', 'ż', 'ź', 'ć', 'ń':
		return "pl pl"
	case 'ě', 'ř', 'ů':
		return "cs cs"
	case 'č', 'š', 'ž', 'ý':
		return "cs"
	case 'ğ', 'ı', 'ş':
		return "tr tr"
	}
	return ""
}

// smallWords are the words that most sentences of a language hold.
func smallWords() map[string][]string {
	index := make(map[string][]string, 700)
	for language, words := range map[string]string{
		"en": "the of and to in is that for it with as was on are be this by at from or which not have has an were can will must should when if before after their been its each may",
		"de": "der die das und in ist den von zu mit nicht ein eine auf für im dem des sich auch es an werden aus bei nach wird sind oder einer als wenn vor zum zur durch nur über kann wie noch dass einem einen",
		"fr": "le la les de des et un une est en du que dans qui pour pas sur au par plus ne se avec ce sont il ou cette aux être elle ont mais nous vous leur doit avant après",
		"es": "el la los las de y en que un una es por con para no se del al lo su como más o este esta son pero ha sobre ser debe cuando entre también antes después hay fue",
		"it": "il la le di e un una che è per non in con del della i si da al dei gli nel sono più come alla lo ha o ma anche delle questo essere deve prima dopo ogni nella viene",
		"nl": "de het een en van in is dat op te zijn met voor niet aan er om door ook als bij worden wordt naar uit die maar deze of dit heeft moet na over wanneer hij geen",
		"pl": "i w na z się nie do jest to że o jak po za od przez dla są ma co przed oraz lub ale być może czy tym tego które który jego należy każdy być przy",
		"pt": "o a os as de e do da em um uma que é não para com por se no na dos das ao mais como ou mas foi são pelo pela ser deve quando antes depois também você está",
		"sv": "och i att en det som är på för med av till den inte om ett har de kan ska från eller när var vid efter före måste detta sig alla men varje blir vi",
		"da": "og i at en det er på for med af til den ikke om et har de kan skal fra eller når var ved efter før må dette sig alle men hver bliver vi der som blev",
		"cs": "a v na se je že s z do o k i to jako pro ve po od by jsou nebo při není ale ze byl který která které musí být před každý také až bez",
		"tr": "ve bir bu da de için ile olarak olan daha çok gibi en ne kadar sonra önce her veya var değil ise olan tarafından üzerinde edilir ancak göre olduğu",
	} {
		for _, word := range strings.Fields(words) {
			known := index[word]
			if len(known) == 0 || known[len(known)-1] != language {
				index[word] = append(known, language)
			}
		}
	}
	return index
}
