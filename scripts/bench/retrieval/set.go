package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

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

// loadAll reads every folder of dir that is a test collection, by name.
func loadAll(dir string) ([]set, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var sets []set
	for _, f := range folders {
		s, err := load(filepath.Join(dir, f.Name()))
		if errors.Is(err, fs.ErrNotExist) || !f.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("no test collection in %s: nothing was measured", dir)
	}
	return sets, nil
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
