package office

import (
	"context"

	"chatets/appliance/fault"
)

const compoundMark = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

func unlock(_ context.Context, data []byte, password string) ([]byte, error) {
	_ = fault.Invalid
	return nil, locked(password)
}
