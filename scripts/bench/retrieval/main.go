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
	flag.Parse()
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
		if err := floors(ctx, db, s, other); err != nil {
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
		hits, err := lexical.Search(ctx, db.Read(), lexical.Query{Text: q.Text, Bases: []string{s.name}, K: 10})
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

// floors prints which share of a set's own questions and of the other set's
// questions the set's passages still answer at each floor of coverage.
func floors(ctx context.Context, db *sqlite.DB, s, other set) error {
	own, err := coverages(ctx, db, s.name, s.queries)
	if err != nil {
		return err
	}
	foreign, err := coverages(ctx, db, s.name, other.queries)
	if err != nil {
		return err
	}
	fmt.Printf("\n| floor on %s | own questions answered | questions of %s refused |\n|---|---|---|\n", s.name, other.name)
	for _, floor := range []float64{0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7} {
		fmt.Printf("| %.2f | %.1f %% | %.1f %% |\n", floor, 100*share(own, floor), 100-100*share(foreign, floor))
	}
	return nil
}

func coverages(ctx context.Context, db *sqlite.DB, base string, queries []query) ([]float64, error) {
	var best []float64
	for _, q := range queries {
		hits, err := lexical.Search(ctx, db.Read(), lexical.Query{Text: q.Text, Bases: []string{base}, K: 10})
		if err != nil {
			return nil, err
		}
		most := 0.0
		for _, h := range hits {
			most = max(most, h.Coverage)
		}
		best = append(best, most)
	}
	return best, nil
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
