package fault

// Unwritten reports whether err says that nothing can be written now, while
// reading goes on: the disk is full, the file system is read-only, or another
// machine has taken this one's place. Whoever only notes something besides its
// work goes on without the note then, and a start goes on.
func Unwritten(err error) bool {
	if err == nil {
		return false
	}
	r := Of(err)
	return r.Kind == Full || r.Code == "data-unwritable" || r.Code == Superseded
}

// Superseded is the code of a machine whose place another one has taken.
const Superseded = "superseded"
