package login

import (
	_ "embed" // commonPasswords
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatets/appliance/fault"
)

const (
	minPassword = 12   // characters, where the settings say nothing else
	maxPassword = 1024 // bytes
)

// commonPasswords are those that people choose most, one on a line.
//
//go:embed common.txt
var commonPasswords string

// checkPassword says with the field why a new password is refused. Length is
// what protects; there are no rules about kinds of characters, which only make
// people write passwords down.
func checkPassword(field, password, email, name string, least int) error {
	plain := strings.ToLower(norm.NFC.String(password))
	sentence := ""
	switch {
	case password == "":
		sentence = "Enter a password."
	case len(password) > maxPassword:
		sentence = "The password is too long: at most 1024 bytes."
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		sentence = "The password holds control characters or is not valid UTF-8."
	case utf8.RuneCountInString(plain) < least:
		sentence = fmt.Sprintf("The password is too short: at least %d characters.", least)
	case plain == strings.ToLower(norm.NFC.String(email)), letters(plain) != "" && letters(plain) == letters(name), letters(plain) != "" && letters(plain) == letters(email):
		sentence = "The password must not be the name or the e-mail address."
	case common(plain):
		sentence = "This password is one of the first that anybody would try."
	default:
		return nil
	}
	return fault.New(fault.Invalid, "%s", sentence).Code("password-refused").With(fault.Detail{Field: field, Sentence: sentence})
}

// letters is a text without everything that people put between and behind the
// letters of a name to make a password of it.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFC.String(text))
}

// common reports whether a password, in lower case, is one of the commonest of
// its length, a pattern, or a common word with figures around it.
func common(plain string) bool {
	if periodic(plain) || run(plain) || listed(plain) {
		return true
	}
	// Figures around the word are cut off before figures inside it are read as
	// letters: p4ssw0rd2024 is password.
	core := letters(unleet(strings.TrimFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) })))
	for _, word := range []string{
		"password", "passwort", "passwordpassword", "motdepasse", "contraseña", "contrasena", "wachtwoord", "kennwort", "parola", "senha",
		"qwerty", "qwertyuiop", "qwertyuiopasdf", "qwertzuiop", "azertyuiop", "qazwsxedc", "qazwsxedcrfv", "asdfghjkl", "zxcvbnm", "asdfghjklqwerty",
		"letmein", "letmeinplease", "welcome", "welcomewelcome", "willkommen", "iloveyou", "iloveyouforever", "sunshine", "princess", "football", "baseball",
		"superman", "batman", "dragon", "monkey", "shadow", "master", "michael", "jordan", "starwars", "whatever", "trustno", "computer", "internet",
		"administrator", "admin", "adminadmin", "root", "rootroot", "changeme", "changemenow", "changeit", "secret", "supersecret", "topsecret", "default",
		"hospital", "krankenhaus", "clinic", "chatets", "chatetschatets", "summer", "winter", "spring", "autumn", "sommer", "herbst",
		"abc", "abcd", "abcdef", "abcdefghijkl", "test", "testtest", "testtesttest", "temp", "temporary", "guest", "user", "login", "hello", "helloworld",
	} {
		if core == word {
			return true
		}
	}
	// Rows of keys walked along or up and down.
	for _, row := range []string{"1234567890-=", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn", "q1w2e3r4t5y6u7i8o9p0", "qwertyuiop[]asdfghjkl", "zaq12wsxcde34rfv", "123qweasdzxc", "qweasdzxc123", "1234qwerasdfzxcv"} {
		if strings.Contains(row, plain) {
			return true
		}
	}
	return false
}

// listed reports whether a password is on the list, with or without figures and
// signs behind it.
func listed(plain string) bool {
	bare := strings.TrimRightFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range []string{plain, bare, unleet(plain)} {
		if len(word) >= 8 && !strings.Contains(word, "\n") && strings.Contains(commonPasswords, "\n"+word+"\n") {
			return true
		}
	}
	return false
}

// unleet undoes the usual figures for letters inside a word.
func unleet(plain string) string {
	return strings.NewReplacer("@", "a", "4", "a", "3", "e", "0", "o", "$", "s", "5", "s", "1", "i", "!", "i").Replace(plain)
}

// periodic reports whether the whole text repeats a part of at most four
// characters.
func periodic(plain string) bool {
	r := []rune(plain)
	for period := 1; period <= 4; period++ {
		same := true
		for i := period; i < len(r) && same; i++ {
			same = r[i] == r[i-period]
		}
		if same {
			return true
		}
	}
	return false
}

// run reports whether each character follows the one before it, upwards or
// downwards, as in 123456789012 or abcdefghijkl.
func run(plain string) bool {
	r := []rune(plain)
	up, down := true, true
	for i := 1; i < len(r); i++ {
		step := r[i] - r[i-1]
		up = up && (step == 1 || r[i-1] == '9' && r[i] == '0')
		down = down && (step == -1 || r[i-1] == '0' && r[i] == '9')
	}
	return up || down
}
