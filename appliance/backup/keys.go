package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// keysFolder holds keys.json as it was after each change; the newest one counts.
// It opens with what its slots want and with nothing in the target.
const keysFolder = "keys/"

// again is how often a target is asked whether it still has the keys.
const again = time.Hour

// storeKeys puts keys.json into the targets that have it not as it is now.
func (b *Backups) storeKeys(ctx context.Context) {
	text, err := os.ReadFile(filepath.Join(b.cfg.Data, secret.DocumentName))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			b.cfg.Log.Error("the keys cannot be read for the backup targets", "error", err)
		}
		return
	}
	sum := sha256.Sum256(text)
	short := hex.EncodeToString(sum[:8])
	b.mu.Lock()
	todo := map[string]target.Target{}
	for id, t := range b.open {
		if at, known := b.keysAt[id+short]; !known || b.cfg.Now().Sub(at) > again {
			todo[id] = t
		}
	}
	b.mu.Unlock()
	for id, t := range todo {
		if err := putKeys(ctx, t, text, short, b.cfg.Now()); err != nil {
			continue // the target's state says so; it is tried again at once
		}
		b.mu.Lock()
		b.keysAt[id+short] = b.cfg.Now()
		b.mu.Unlock()
	}
}

// putKeys writes keys.json under a new name, unless the newest one is the same.
func putKeys(ctx context.Context, t target.Target, text []byte, short string, now time.Time) error {
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
