package embed

// Notices is what is compiled in of others, with their licences, as JSON under
// gzip (see scripts/components), and whether the build made it.
func Notices() ([]byte, bool) {
	// notices has its method from notices_made.go, as weights has its own.
	made, ok := any(notices{}).(interface{ made() []byte })
	if !ok {
		return nil, false
	}
	return made.made(), true
}

type notices struct{}
