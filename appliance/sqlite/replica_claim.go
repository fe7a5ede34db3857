package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/target"
)

// What a target says about itself, readable without any key: it holds ids and
// numbers only.
const (
	manifestName     = "installation.json"
	generationFolder = "generation/"
	targetFormat     = 1
)

// Manifest says whose a target is.
type Manifest struct {
	Format       int       `json:"format"`
	Installation string    `json:"installation"`
	Version      string    `json:"version"`
	Made         time.Time `json:"made"`
}

// Generation is one start of a service that writes to a target. The newest one
// alone may write: whoever finds a newer one than its own stops.
type Generation struct {
	Number  uint64    `json:"generation"`
	Line    uint64    `json:"line"`    // generation in which transactions began to be counted
	Lineage string    `json:"lineage"` // drawn when they did
	Token   string    `json:"token"`   // drawn for this start
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
}

// ReadManifest says whose a target is; fault.NotFound when it is nobody's yet.
func ReadManifest(ctx context.Context, t target.Target) (m Manifest, err error) {
	if err := readJSON(ctx, t, manifestName, &m); err != nil {
		if errors.Is(err, target.ErrNotFound) {
			return m, fault.New(fault.NotFound, "There is no backup of ChatETS at %s.", t.String()).Code("target-empty").
				Cure("Check its address.").Because(err)
		}
		return m, err
	}
	if m.Format > targetFormat {
		return m, fault.New(fault.Conflict, "The backup target was written by a newer ChatETS (%s).", m.Version).Code("newer-format").
			Cure("Use that version or a later one.")
	}
	return m, nil
}

// Hold makes a new target the installation's, and refuses that of another one.
func Hold(ctx context.Context, t target.Target, m Manifest) error {
	m.Format = targetFormat
	there, err := ReadManifest(ctx, t)
	if fault.Is(err, fault.NotFound) {
		text, jerr := json.Marshal(m)
		if jerr != nil {
			return jerr
		}
		if err = t.PutIfAbsent(ctx, manifestName, text); !errors.Is(err, target.ErrExists) {
			return err
		}
		there, err = ReadManifest(ctx, t)
	}
	if err != nil {
		return err
	}
	if there.Installation != m.Installation {
		return Foreign(t.String(), there.Installation)
	}
	return nil
}

// Foreign refuses a target of another installation.
func Foreign(where, installation string) error {
	return fault.New(fault.Conflict, "The backup target %s holds the data of another installation (%s).", where, installation).Code("target-foreign").
		Cure("Use another folder or bucket for this one.")
}

// NewestGeneration is the generation that may write to a target; Number 0 when
// nobody has written yet. It looks only behind the one that is known.
func NewestGeneration(ctx context.Context, t target.Target, known uint64) (g Generation, err error) {
	name := ""
	after := ""
	if known > 0 {
		after = generationName(known - 1)
	}
	for o, err := range t.List(ctx, generationFolder, after) {
		if err != nil {
			return g, err
		}
		name = o.Name
	}
	if name == "" {
		return g, nil
	}
	err = readJSON(ctx, t, name, &g)
	if err == nil && generationName(g.Number) != name {
		err = damagedFile(name, errors.New("it holds another number than its name"))
	}
	return g, err
}

// Generations lists all starts, the oldest first.
func Generations(ctx context.Context, t target.Target) (list []Generation, err error) {
	for o, err := range t.List(ctx, generationFolder, "") {
		if err != nil {
			return nil, err
		}
		var g Generation
		if err := readJSON(ctx, t, o.Name, &g); err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

func generationName(n uint64) string { return fmt.Sprintf("%s%08d.json", generationFolder, n) }

func readJSON(ctx context.Context, t target.Target, name string, into any) error {
	r, err := t.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return damagedFile(name, err)
	}
	return nil
}

// superseded is a master that finds a newer one.
func superseded(where string, g Generation) error {
	return fault.New(fault.Conflict, "Another ChatETS has taken the backup target %s over (generation %d, %s); nothing more is written to it from here.", where, g.Number, g.Time.UTC().Format("2006-01-02 15:04 UTC")).
		Code("superseded").Cure("If this machine is to go on as the master, remove the target and add it again with --take-over; else stop the service here.")
}

// claims is what a data directory remembers of its own starts: the token of the
// last one, and of one that was tried and may have been lost.
type claims struct {
	Token string `json:"token"`
	Next  string `json:"next,omitempty"`
}

// claim becomes the writer of a target.
//
//  1. The newest generation there must be this directory's own last one, unless
//     the target is new or is to be taken over.
//  2. The token of the next one is written down here, then claimed there: a crash
//     between the two leaves both known.
//  3. Of two who claim the same number one gets it; the other looks again.
func claim(ctx context.Context, t target.Target, file, lineage, version string, takeOver bool, now time.Time) (Generation, error) {
	var mine claims
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &mine)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Generation{}, fmt.Errorf("read the claims of a target: %w", err)
	}
	for range 3 {
		newest, err := NewestGeneration(ctx, t, 0)
		if err != nil {
			return Generation{}, err
		}
		ours := newest.Token != "" && (newest.Token == mine.Token || newest.Token == mine.Next)
		// A directory that was restored, or a target that was added to take it over,
		// takes it over once: from then on it is as any other, and can be taken over.
		if newest.Number > 0 && !ours && (!takeOver || mine.Token != "") {
			return Generation{}, superseded(t.String(), newest)
		}
		if ours {
			mine.Token = newest.Token
		}
		g := Generation{Number: newest.Number + 1, Line: newest.Number + 1, Lineage: lineage, Token: drawn(), Version: version, Time: now.UTC()}
		if newest.Lineage == lineage {
			g.Line = newest.Line
		}
		mine.Next = g.Token
		if err := writeClaims(file, mine); err != nil {
			return Generation{}, err
		}
		text, err := json.Marshal(g)
		if err != nil {
			return Generation{}, err
		}
		err = t.PutIfAbsent(ctx, generationName(g.Number), text)
		if errors.Is(err, target.ErrExists) {
			continue
		}
		if err != nil {
			return Generation{}, err
		}
		return g, writeClaims(file, claims{Token: g.Token})
	}
	return Generation{}, fault.New(fault.Conflict, "Several ChatETS claim the backup target %s at the same time.", t.String()).Code("superseded").
		Cure("Stop all but one of them.")
}

func drawn() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}

func writeClaims(file string, c claims) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return replaceFile(file, text)
}

// replaceFile writes a small file that is there whole after a power cut.
func replaceFile(file string, data []byte) error {
	part, err := os.CreateTemp(filepath.Dir(file), ".part-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(part, bytes.NewReader(data))
	if err = errors.Join(err, part.Sync(), part.Close()); err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lineageOf names the count of transactions of a directory; a new count, a new
// name.
func lineageOf(dir string) (string, error) {
	file := filepath.Join(dir, "lineage")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		name := drawn()
		return name, replaceFile(file, []byte(name+"\n"))
	}
	return strings.TrimSpace(string(text)), err
}
