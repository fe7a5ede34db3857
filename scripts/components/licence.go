package main

import (
	"slices"
	"strings"
)

// licences are those that may be linked: each lets us hand out the binary with
// the text of the licence and no more.
func licences() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "OFL-1.1", "Unicode-3.0", "Unlicense", "Zlib"}
}

// allowed reports whether every part of an expression is on the list; of a
// choice ("OR") one has to be.
func allowed(expression string) bool {
	expression = strings.Trim(expression, "()")
	if expression == "" {
		return false
	}
	for part := range strings.SplitSeq(expression, " AND ") {
		if !slices.ContainsFunc(strings.Split(strings.Trim(part, "()"), " OR "), func(one string) bool { return slices.Contains(licences(), one) }) {
			return false
		}
	}
	return true
}

// licenceOf knows a licence by sentences that only it has; Go's modules say it no
// other way. Several texts in one file are joined by AND.
func licenceOf(text string) string {
	plain := strings.Join(strings.Fields(text), " ")
	has := func(words string) bool { return strings.Contains(strings.ToLower(plain), strings.ToLower(words)) }
	var found []string
	if has("Apache License") && has("Version 2.0") {
		found = append(found, "Apache-2.0")
	}
	if has("Redistribution and use in source and binary forms") {
		if has("Neither the name") || has("nor the names") || has("may not be used to endorse") {
			found = append(found, "BSD-3-Clause")
		} else {
			found = append(found, "BSD-2-Clause")
		}
	}
	for _, l := range []struct{ id, words string }{
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"OFL-1.1", "SIL OPEN FONT LICENSE Version 1.1"},
		{"Unlicense", "This is free and unencumbered software released into the public domain"},
		{"Zlib", "This software is provided 'as-is', without any express or implied warranty"},
		{"CC0-1.0", "CC0 1.0 Universal"},
	} {
		if has(l.words) && !slices.Contains(found, l.id) {
			found = append(found, l.id)
		}
	}
	slices.Sort(found)
	return strings.Join(found, " AND ")
}
