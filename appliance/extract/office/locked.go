package office

import (
	"bytes"

	"chatets/appliance/fault"
)

// compoundMark begins files of Office before 2007, and newer ones that are locked.
const compoundMark = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// old is an error for a compound file that is not a locked one: the old formats,
// which are not read. What it holds is told by the names of its streams.
func old(data []byte) error {
	for _, old := range []struct{ stream, what, ending string }{
		{"EncryptedPackage", "", ""}, {"WordDocument", "an old Word document (.doc)", ".docx"},
		{"PowerPoint Document", "an old PowerPoint presentation (.ppt)", ".pptx"},
		{"Workbook", "an old Excel workbook (.xls)", ".xlsx"}, {"Book", "an old Excel workbook (.xls)", ".xlsx"},
	} {
		name := make([]byte, 0, 2*len(old.stream))
		for i := range len(old.stream) {
			name = append(name, old.stream[i], 0)
		}
		if !bytes.Contains(data, name) {
			continue
		}
		if old.what == "" {
			return nil
		}
		return fault.New(fault.Unsupported, "This is %s; these are not read.", old.what).Cure("Save it as %s and add it again.", old.ending)
	}
	return fault.New(fault.Unsupported, "This is an old Office file; these are not read.").Cure("Save it as .docx, .xlsx or .pptx and add it again.")
}
