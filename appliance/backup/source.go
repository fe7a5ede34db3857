package backup

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// restorePurpose is the purpose of the way to a target that is restored from; it
// also names the key that the note of it is sealed with.
const restorePurpose = "restore"

// Access is a target and what it takes to reach it, for whoever has no row of it.
type Access struct {
	URL     string `json:"url"`
	Secret  string `json:"secret,omitempty"`
	CA      string `json:"ca,omitempty"`
	HostKey string `json:"hostKey,omitempty"`
	Rate    int64  `json:"rate,omitempty"`
}

// Open lets the target be reached and opens it.
func (a Access) Open(gate *egress.Gate) (target.Target, error) {
	address, err := target.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	if address.Kind != target.Directory {
		if err := gate.Allow(restorePurpose, []egress.Rule{{Purpose: restorePurpose, Host: address.Host, Port: address.Port}}); err != nil {
			return nil, err
		}
	}
	return target.Open(target.Config{URL: a.URL, Secret: a.Secret, CAs: []byte(a.CA), HostKey: a.HostKey, Rate: a.Rate, Purpose: restorePurpose, Gate: gate})
}

// FromTarget restores from a backup target.
type FromTarget struct {
	Access Access
	Gate   *egress.Gate
	At     time.Time // zero = the newest state
	All    bool      // all files before it returns; else the running service fetches them
	Now    func() time.Time
}

// Fill implements Source.
func (f FromTarget) Fill(ctx context.Context, dir string, unlock Unlock, told Told) (r Restored, keys *secret.Keyring, err error) {
	from, err := f.Access.Open(f.Gate)
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	o := Order{From: from, At: f.At, Dir: dir, Unlock: unlock, Told: told, Now: f.Now}
	if r, keys, err = RestoreDatabase(ctx, o); err != nil {
		return r, nil, err
	}
	if f.All {
		err = RestoreFiles(ctx, o, keys, &r)
		return r, keys, errors.Join(err, r.write(dir))
	}
	if r.Rest, err = f.Access.seal(keys); err != nil {
		return r, nil, err
	}
	return r, keys, r.write(dir)
}

// Erased implements Source.
func (f FromTarget) Erased(ctx context.Context, keys *secret.Keyring, after time.Time) (list []Erasure, err error) {
	from, err := f.Access.Open(f.Gate)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return readErasures(ctx, from, keys, after)
}

// never is a keyring of a purpose whose key outlives every rotation.
func never(keys *secret.Keyring, purpose string) (*secret.Keyring, error) {
	return secret.New(keys.Sub(purpose))
}

func (a Access) seal(keys *secret.Keyring) ([]byte, error) {
	ring, err := never(keys, restorePurpose)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return ring.Seal(restorePurpose, text, nil)
}

func openAccess(keys *secret.Keyring, sealed []byte) (a Access, err error) {
	ring, err := never(keys, restorePurpose)
	if err != nil {
		return a, err
	}
	text, err := ring.Open(restorePurpose, sealed, nil)
	if err != nil {
		return a, fault.New(fault.Conflict, "The note of where files are restored from (restored.json) is damaged.").Code("restore-note").
			Cure("Restore again, with --all.").Because(err)
	}
	return a, json.Unmarshal(text, &a)
}
