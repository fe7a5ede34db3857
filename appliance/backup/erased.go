package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

const (
	// erasedFolder holds an entry for each erasure and each change of who may come
	// in, in the order of their times. Nothing in it is ever replaced or deleted.
	erasedFolder  = "erased/"
	erasedPurpose = "erased"
	// slack is how far before a restored point the list is read: the times of the
	// list and of the changes come from two looks at the clock.
	slack = time.Minute
)

// Acts that a restore does again where they came after its point.
const (
	ActShred   = "key.shred"
	ActDisable = "person.disable"
	ActEnable  = "person.enable"
)

// Erasure is one entry of the list: an act of the audit record, by ids alone.
type Erasure struct {
	Act     string    `json:"act"`
	Kind    string    `json:"kind"` // workspace or person
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"`
}

// erasedName sorts by time, and is the same however often the act is told.
func erasedName(e told) string {
	return fmt.Sprintf("%s%013d-%d-%x", erasedFolder, e.Time.UnixMilli(), e.row, e.hash[:min(8, len(e.hash))])
}

// told is an act as the audit record holds it.
type told struct {
	Erasure
	row  int64
	hash []byte
}

// tellErasures writes to every target what was erased since it was last told. The
// record of acts is the truth and the target's row says how far it was told, so
// that nothing is lost while a target is away.
func (b *Backups) tellErasures(ctx context.Context) error {
	list, err := b.store.targets(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range list {
		b.mu.Lock()
		opened := b.open[t.ID]
		b.mu.Unlock()
		if opened != nil {
			errs = append(errs, b.tellTarget(ctx, t, opened))
		}
	}
	return errors.Join(errs...)
}

func (b *Backups) tellTarget(ctx context.Context, t Target, to target.Target) error {
	for {
		acts, err := b.store.untold(ctx, t)
		if err != nil || len(acts) == 0 {
			return err
		}
		if err := b.keysFirst(ctx, t.ID, to); err != nil {
			return err
		}
		for _, act := range acts {
			if err := writeErasure(ctx, to, b.cfg.Keys, act); err != nil {
				return err
			}
		}
		if err := b.store.told(ctx, t.ID, acts[len(acts)-1].row); err != nil {
			return err
		}
	}
}

func writeErasure(ctx context.Context, to target.Target, keys *secret.Keyring, act told) error {
	ring, err := never(keys, erasedPurpose)
	if err != nil {
		return err
	}
	name := erasedName(act)
	text, err := json.Marshal(act.Erasure)
	if err == nil {
		text, err = ring.Seal(erasedPurpose, text, []byte(name))
	}
	if err != nil {
		return err
	}
	err = to.PutIfAbsent(ctx, name, text)
	if errors.Is(err, target.ErrExists) {
		return nil
	}
	return err
}

// readErasures lists the acts of a target since a time, the oldest first. An entry
// that does not open stops a restore: what was erased must not come back unseen.
func readErasures(ctx context.Context, from target.Target, keys *secret.Keyring, after time.Time) (list []Erasure, err error) {
	ring, err := never(keys, erasedPurpose)
	if err != nil {
		return nil, err
	}
	start := max(after.Add(-slack).UnixMilli(), 0)
	for o, err := range from.List(ctx, erasedFolder, fmt.Sprintf("%s%013d", erasedFolder, start)) {
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(strings.TrimPrefix(o.Name, erasedFolder), "-")
		if _, err := strconv.ParseInt(digits, 10, 64); err != nil {
			continue
		}
		e, err := readErasure(ctx, from, ring, o.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func readErasure(ctx context.Context, from target.Target, ring *secret.Keyring, name string) (e Erasure, err error) {
	r, err := from.Get(ctx, name, 0, -1)
	if err != nil {
		return e, err
	}
	sealed, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err = errors.Join(err, r.Close()); err != nil {
		return e, err
	}
	text, err := ring.Open(erasedPurpose, sealed, []byte(name))
	if err == nil {
		read := json.NewDecoder(bytes.NewReader(text))
		err = read.Decode(&e)
	}
	if err != nil {
		return e, fault.New(fault.Conflict, "The entry %s in the backup target's list of erasures is damaged.", name).Code("replica-damaged").
			Cure("Restore from another target, or to the newest state: what was erased before it is not in it.").Because(err)
	}
	return e, nil
}
