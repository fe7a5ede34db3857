// Package vector finds passages by meaning: the nearest vectors inside the
// knowledge bases that may be read.
//
// The rows in the database are the truth. What is searched is derived from them
// and lives in memory, one segment per knowledge base and space: a chromem
// collection while it is small, blocks of 8-bit codes outside the Go heap from
// there on, of which full ones are kept as sealed files for a quick start.
//
// What a newcomer gets wrong: memory follows a change only after its commit, so
// nothing here may be touched inside the transaction; and permission is part of
// the query. An empty list of knowledge bases finds nothing.
package vector

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// small is the count of vectors up to which a segment is a chromem collection.
const small = 2000

// blockRows is how many vectors a block of codes holds.
const blockRows = 4096

// MaxDimension is the longest vector that is kept.
const MaxDimension = 8192

// Space says which model made a vector and how many numbers it has. Vectors of
// two spaces are never compared.
type Space struct {
	Model     string
	Dimension int
}

// Entry is the vector of one passage.
type Entry struct {
	Chunk    int64 // the caller's number of the passage, unique in a space over all bases
	Document string
	Vector   []float32
}

// Query is what is looked for and where.
type Query struct {
	Space     Space
	Vector    []float32
	Bases     []string // knowledge bases that may be read; empty finds nothing
	Denied    []string // documents that may not be seen, taken out before the cut to K
	Documents []string // nil: all; else only these documents
	Without   []int64  // chunks that are left out, before the cut to K
	K         int
}

// Hit is a passage that was found.
type Hit struct {
	Chunk int64
	Score float64 // cosine, -1..1
}

// Config is what a store needs.
type Config struct {
	DB    *sqlite.DB
	Blobs *blob.Store      // nil: no sealed files, every start reads the rows
	Log   *slog.Logger     // nil discards
	Now   func() time.Time // nil = time.Now
}

// Store is the vectors of all knowledge bases. It is safe for concurrent use.
type Store struct {
	db    *sqlite.DB
	blobs *blob.Store
	log   *slog.Logger
	now   func() time.Time

	small, block int // the constants, smaller in tests
	kernel       kernel

	tending  sync.Mutex // one round of Tend at a time
	mu       sync.Mutex
	segments map[key]*segment
	ready    atomic.Bool
	wake     chan struct{}
}

// key names a segment.
type key struct {
	base  string
	space Space
}

// New makes a store; nothing is read until Load or the first search.
func New(cfg Config) *Store {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db: cfg.DB, blobs: cfg.Blobs, log: cfg.Log, now: cfg.Now, small: small, block: blockRows,
		kernel: bestKernel(), segments: map[key]*segment{}, wake: make(chan struct{}, 1)}
}

// Ready reports whether all knowledge bases are in memory.
func (s *Store) Ready() bool { return s.ready.Load() }

// Holds reports whether vectors of a document are kept.
func (s *Store) Holds(ctx context.Context, document string) (bool, error) {
	var found bool
	err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM vector_row WHERE document = ?)`, document).Scan(&found)
	return found, err
}

// Last is the highest chunk number of a document that has a vector in a space,
// 0 when none has.
func (s *Store) Last(ctx context.Context, document string, space Space) (int64, error) {
	var last int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT coalesce(max(r.chunk), 0) FROM vector_row AS r
		JOIN vector_space AS p ON p.id = r.space WHERE r.document = ? AND p.model = ? AND p.dimension = ?`, document, space.Model, space.Dimension).Scan(&last)
	return last, err
}

// Spaces lists the spaces in which a knowledge base has vectors.
func (s *Store) Spaces(ctx context.Context, base string) ([]Space, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT p.model, p.dimension FROM vector_segment AS g
		JOIN vector_space AS p ON p.id = g.space WHERE g.base = ? AND g.count > 0 ORDER BY p.model, p.dimension`, base)
	if err != nil {
		return nil, fmt.Errorf("spaces of a base: %w", err)
	}
	defer rows.Close()
	var all []Space
	for rows.Next() {
		var p Space
		if err := rows.Scan(&p.Model, &p.Dimension); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// Count is how many vectors a knowledge base has in a space.
func (s *Store) Count(ctx context.Context, base string, space Space) (int, error) {
	var n int
	err := s.db.Read().QueryRowContext(ctx, `SELECT coalesce(sum(g.count), 0) FROM vector_segment AS g
		JOIN vector_space AS p ON p.id = g.space WHERE g.base = ? AND p.model = ? AND p.dimension = ?`, base, space.Model, space.Dimension).Scan(&n)
	return n, err
}

// Stats are the figures of what is in memory.
type Stats struct {
	Rows    int64 // vectors that can be found
	Dead    int64 // removed ones whose place is not reused yet
	Bytes   int64 // memory outside the Go heap
	Small   int   // segments held as a chromem collection
	Large   int   // segments held as codes
	Waiting int   // segments that are not loaded
	Kernel  string
}

// Stats counts what is in memory now.
func (s *Store) Stats() Stats {
	st := Stats{Kernel: s.kernel.name}
	for _, g := range s.all() {
		g.mu.RLock()
		switch {
		case g.state != loaded:
			st.Waiting++
		case g.few != nil:
			st.Small++
			st.Rows += int64(len(g.few.rows))
		default:
			st.Large++
			for _, b := range g.blocks {
				st.Rows += int64(b.n - b.dead)
				st.Dead += int64(b.dead)
				st.Bytes += int64(len(b.memory))
			}
		}
		g.mu.RUnlock()
	}
	return st
}

func (s *Store) all() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*segment, 0, len(s.segments))
	for _, g := range s.segments {
		list = append(list, g)
	}
	return list
}

// segment finds or makes the segment of a key.
func (s *Store) segment(k key) *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[k]
	if g == nil {
		g = &segment{store: s, key: k}
		s.segments[k] = g
	}
	return g
}

func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// unfit is what a vector that cannot be compared gets.
func unfit(what string) error {
	return fault.New(fault.Invalid, "The vector cannot be used: %s.", what).Code("vector-unfit").
		Cure("Check that the embedding model works and is the one the knowledge base was indexed with, or index it again.")
}

// loading is what a search gets while its knowledge bases are being read.
func loading() error {
	return fault.New(fault.Unavailable, "The search index is still being loaded.").Code("index-loading").
		Cure("Try again in a few seconds.").RetryAfter(2)
}
