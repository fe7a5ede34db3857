// Command retrieval measures search by words on test collections: nDCG@10 and
// recall@10 on each, the floor of coverage below which an answer is "nothing
// found", and the time a question takes.
//
// What a newcomer gets wrong: the collections are no part of ChatETS. They are
// read from -data, one folder each with corpus.jsonl, queries.jsonl and
// qrels.tsv.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

func main() {
	data := flag.String("data", "", "folder of the test collections")
	made := flag.Int("speed", 0, "measure the time of so many made-up passages instead")
	flag.Parse()
	if *made > 0 {
		if err := speed(context.Background(), *made); err != nil {
			fmt.Fprintln(os.Stderr, "retrieval:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), *data); err != nil {
		fmt.Fprintln(os.Stderr, "retrieval:", err)
		os.Exit(1)
	}
}

// A set is one test collection.
type set struct {
	name    string
	corpus  []passage
	queries []query
	grades  map[string]map[string]float64 // query -> passage -> grade
}

type passage struct {
	ID    string `json:"_id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

type query struct {
	ID   string `json:"_id"`
	Text string `json:"text"`
}

func run(ctx context.Context, data string) error {
	if data == "" {
		return errors.New("say where the test collections are: -data FOLDER (one folder each with corpus.jsonl, queries.jsonl, qrels.tsv)")
	}
	var sets []set
	for _, name := range []string{"cranfield", "xquad-en"} {
		s, err := load(filepath.Join(data, name))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no test collection in %s: nothing was measured", filepath.Join(data, name))
		}
		if err != nil {
			return err
		}
		sets = append(sets, s)
	}
	dir, err := os.MkdirTemp("", "retrieval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, lexical.Migrations); err != nil {
		return err
	}
	for i, s := range sets {
		if err := index(ctx, db, s, int64(i)*1_000_000); err != nil {
			return err
		}
	}
	fmt.Println("| set | passages | questions | nDCG@10 | recall@10 | ms a question |")
	fmt.Println("|---|---|---|---|---|---|")
	for i, s := range sets {
		if err := quality(ctx, db, s, int64(i)*1_000_000); err != nil {
			return err
		}
	}
	for i, s := range sets {
		other := sets[1-i]
		if err := floors(ctx, db, s, other, int64(i)*1_000_000); err != nil {
			return err
		}
	}
	return nil
}

func index(ctx context.Context, db *sqlite.DB, s set, first int64) error {
	entries := make([]lexical.Entry, len(s.corpus))
	for i, p := range s.corpus {
		entries[i] = lexical.Entry{Chunk: first + int64(i) + 1, Base: s.name, Document: s.name + p.ID,
			Title: strings.ReplaceAll(p.Title, "_", " "), Text: p.Text}
	}
	return db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return lexical.Add(ctx, tx, entries...) })
}

func quality(ctx context.Context, db *sqlite.DB, s set, first int64) error {
	var gain, recall, judged float64
	began := time.Now()
	for _, q := range s.queries {
		grades := s.grades[q.ID]
		if len(grades) == 0 {
			continue
		}
		hits, err := search(ctx, db, s, q, nil)
		if err != nil {
			return err
		}
		judged++
		var got, found float64
		for i, h := range hits {
			if g := grades[s.corpus[h.Chunk-first-1].ID]; g > 0 {
				got += g / math.Log2(float64(i)+2)
				found++
			}
		}
		best := make([]float64, 0, len(grades))
		for _, g := range grades {
			best = append(best, g)
		}
		slices.Sort(best)
		slices.Reverse(best)
		var ideal float64
		for i, g := range best[:min(10, len(best))] {
			ideal += g / math.Log2(float64(i)+2)
		}
		gain += got / ideal
		recall += found / float64(len(grades))
	}
	took := time.Since(began).Seconds() * 1000 / judged
	fmt.Printf("| %s | %d | %.0f | %.4f | %.4f | %.2f |\n", s.name, len(s.corpus), judged, gain/judged, recall/judged, took)
	return nil
}

// floors prints which questions are still answered at each floor of coverage:
// the set's own, the own ones whose right passage is above it, the own ones
// asked without their right passages, and those of the other set.
func floors(ctx context.Context, db *sqlite.DB, s, other set, first int64) error {
	var own, right, without, foreign []float64
	for _, q := range s.queries {
		hits, err := search(ctx, db, s, q, nil)
		if err != nil {
			return err
		}
		own = append(own, most(hits, nil))
		right = append(right, most(hits, func(h lexical.Hit) bool { return s.grades[q.ID][s.corpus[h.Chunk-first-1].ID] > 0 }))
		var denied []string
		for id := range s.grades[q.ID] {
			denied = append(denied, s.name+id)
		}
		if hits, err = search(ctx, db, s, q, denied); err != nil {
			return err
		}
		without = append(without, most(hits, nil))
	}
	for _, q := range other.queries {
		hits, err := search(ctx, db, s, q, nil)
		if err != nil {
			return err
		}
		foreign = append(foreign, most(hits, nil))
	}
	fmt.Printf("\n| floor on %s | own questions answered | right passage above it | refused without their passages | questions of %s refused |\n|---|---|---|---|---|\n", s.name, other.name)
	for floor := 20; floor <= 70; floor += 5 {
		at := float64(floor) / 100
		fmt.Printf("| %.2f | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n", at, 100*share(own, at), 100*share(right, at), 100-100*share(without, at), 100-100*share(foreign, at))
	}
	return nil
}

func search(ctx context.Context, db *sqlite.DB, s set, q query, denied []string) ([]lexical.Hit, error) {
	return lexical.Search(ctx, db.Read(), lexical.Query{Text: q.Text, Bases: []string{s.name}, Denied: denied, K: 10})
}

// most is the highest coverage among hits.
func most(hits []lexical.Hit, which func(lexical.Hit) bool) float64 {
	best := 0.0
	for _, h := range hits {
		if which == nil || which(h) {
			best = max(best, h.Coverage)
		}
	}
	return best
}

func share(values []float64, floor float64) float64 {
	n := 0
	for _, v := range values {
		if v >= floor {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

func load(dir string) (set, error) {
	s := set{name: filepath.Base(dir), grades: map[string]map[string]float64{}}
	if err := lines(filepath.Join(dir, "corpus.jsonl"), func(line []byte) error {
		var p passage
		err := json.Unmarshal(line, &p)
		s.corpus = append(s.corpus, p)
		return err
	}); err != nil {
		return set{}, err
	}
	if err := lines(filepath.Join(dir, "queries.jsonl"), func(line []byte) error {
		var q query
		err := json.Unmarshal(line, &q)
		s.queries = append(s.queries, q)
		return err
	}); err != nil {
		return set{}, err
	}
	return s, lines(filepath.Join(dir, "qrels.tsv"), func(line []byte) error {
		cells := strings.Split(string(line), "\t")
		if len(cells) != 3 || cells[0] == "query-id" {
			return nil
		}
		grade, err := strconv.ParseFloat(cells[2], 64)
		if s.grades[cells[0]] == nil {
			s.grades[cells[0]] = map[string]float64{}
		}
		s.grades[cells[0]][cells[1]] = grade
		return err
	})
}

func lines(name string, read func([]byte) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 1<<20), 1<<26)
	for scanner.Scan() {
		if err := read(scanner.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return scanner.Err()
}
