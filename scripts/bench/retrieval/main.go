// Command retrieval measures search on test collections: nDCG@10, recall@10 and
// MRR of each ranking on each set, the floor of coverage below which an answer
// is "nothing found", and the time a question takes.
//
// What a newcomer gets wrong: the collections are no part of ChatETS. They are
// read from -data, one folder each with corpus.jsonl, queries.jsonl and
// qrels.tsv; the folder's name is the set's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"chatets/appliance/lexical"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

func main() {
	data := flag.String("data", "", "folder of the test collections")
	asJSON := flag.Bool("json", false, "print nothing but one JSON object")
	made := flag.Int("speed", 0, "measure the time of so many made-up passages instead")
	dir := flag.String("dir", "", "folder that keeps the made-up passages for the next time")
	only := flag.String("tongue", "", "of the made-up passages: English, German, or no glue words; all without it")
	flag.Parse()
	run := func(ctx context.Context) error { return compare(ctx, *data, *asJSON) }
	if *made > 0 {
		run = func(ctx context.Context) error { return speed(ctx, *made, *dir, *only) }
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "retrieval:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, data string, asJSON bool) error {
	if data == "" {
		return errors.New("say where the test collections are: -data FOLDER (one folder each with corpus.jsonl, queries.jsonl, qrels.tsv)")
	}
	sets, err := loadAll(data)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "retrieval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	keys, err := secret.New(make([]byte, secret.Size)) // of a database that is removed at the end
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages()})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, lexical.Migrations, vector.Migrations); err != nil {
		return err
	}
	m, err := newMeaning(db)
	if err != nil {
		return err
	}
	rankings := []ranking{keyword{db}, m, hybrid{keyword{db}, m}}
	results := make([]map[string]any, len(sets))
	if !asJSON {
		fmt.Println("| set | ranking | passages | questions | nDCG@10 | recall@10 | MRR | ms a question |")
		fmt.Println("|---|---|---|---|---|---|---|---|")
	}
	for i, s := range sets {
		results[i] = map[string]any{"name": s.name}
		for _, r := range rankings {
			if err := r.Index(ctx, s, number(i)); err != nil {
				return err
			}
			began := time.Now()
			f, err := measure(ctx, r, s, number(i))
			if err != nil {
				return err
			}
			took := time.Since(began).Seconds() * 1000 / float64(len(s.queries))
			results[i][r.Name()] = f
			if !asJSON {
				fmt.Printf("| %s | %s | %d | %d | %.4f | %.4f | %.4f | %.2f |\n", s.name, r.Name(), len(s.corpus), len(s.queries), f.NDCG, f.Recall, f.MRR, took)
			}
		}
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"sets": results})
	}
	for i, s := range sets {
		if len(sets) < 2 {
			break
		}
		if err := floors(ctx, db, s, sets[(i+1)%len(sets)], number(i)); err != nil {
			return err
		}
	}
	return nil
}

// number is the first chunk number of a set.
func number(set int) int64 { return int64(set) * 1_000_000 }
