package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// keysFolder holds keys.json as it was after each change; the newest one counts.
// It opens with what its slots want and with nothing in the target.
const keysFolder = "keys/"

// seenKeys is keys.json as a target has it.
type seenKeys struct {
	mu   sync.Mutex // one copy at a time: two would be under two names
	info os.FileInfo
	at   time.Time
}

// again is how often a target is asked whether it still has the keys.
const again = time.Hour

// keysFirst puts keys.json into a target that has it not as it is now. It is
// called before anything is copied: what is copied is worth nothing without the
// key it is sealed with, and that was in the file before anything was sealed.
func (b *Backups) keysFirst(ctx context.Context, id string, t target.Target) error {
	path := filepath.Join(b.cfg.Data, secret.DocumentName)
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the keys for the backup targets: %w", err)
	}
	b.mu.Lock()
	seen := b.keysAt[id]
	if seen == nil {
		seen = &seenKeys{}
		b.keysAt[id] = seen
	}
	b.mu.Unlock()
	seen.mu.Lock()
	defer seen.mu.Unlock()
	now := b.cfg.Now()
	if seen.info != nil && os.SameFile(seen.info, info) && seen.info.ModTime().Equal(info.ModTime()) && now.Sub(seen.at) < again {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the keys for the backup targets: %w", err)
	}
	if err := putKeys(ctx, t, text, now); err != nil {
		return err
	}
	seen.info, seen.at = info, now
	return nil
}

// putKeys writes keys.json under a new name, unless the newest one is the same.
func putKeys(ctx context.Context, t target.Target, text []byte, now time.Time) error {
	sum := sha256.Sum256(text)
	short := hex.EncodeToString(sum[:8])
	newest, err := newestKeys(ctx, t)
	if err != nil || strings.HasSuffix(newest, "-"+short+".json") {
		return err
	}
	return t.Put(ctx, fmt.Sprintf("%s%013d-%s.json", keysFolder, now.UnixMilli(), short), bytes.NewReader(text), int64(len(text)))
}

func newestKeys(ctx context.Context, t target.Target) (name string, err error) {
	for o, err := range t.List(ctx, keysFolder, "") {
		if err != nil {
			return "", err
		}
		name = o.Name
	}
	return name, nil
}

// ReadKeys is the newest keys.json of a target; fault.NotFound where it has none.
func ReadKeys(ctx context.Context, t target.Target) ([]byte, error) {
	name, err := newestKeys(ctx, t)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fault.New(fault.NotFound, "The backup target %s holds no keys.", t.String()).Code("target-empty").Cure("Check its address.")
	}
	r, err := t.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	if !strings.HasSuffix(name, "-"+hex.EncodeToString(sum[:8])+".json") {
		return nil, fault.New(fault.Conflict, "The file %s of the backup target is damaged.", name).Code("replica-damaged").
			Cure("Put back keys.json from another target, or from where you keep its copy.")
	}
	return text, nil
}

// KeepsKeys is until when targets need what a data key opens that was retired
// then: as long as a point from before can be restored, and a day more. Without a
// target that is the moment itself.
func (b *Backups) KeepsKeys(ctx context.Context, retired time.Time) (time.Time, error) {
	list, err := b.store.targets(ctx)
	if err != nil || len(list) == 0 {
		return retired, err
	}
	return retired.Add(b.keep.retention().EachHour + 24*time.Hour), nil
}
