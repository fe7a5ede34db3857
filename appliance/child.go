package appliance

import (
	"io"

	"chatets/appliance/extract"
)

// ExtractChild is the command line's word for the process that reads one
// document inside the fence.
const ExtractChild = extract.Subcommand

// RunExtractChild is that process; it returns its exit code.
func RunExtractChild(in io.Reader, out io.Writer, args []string) int {
	return extract.Child(in, out, args)
}
