// Command gguf makes the model files that a real Ollama is tested with, of
// nothing but this program: a language model whose answers never change, and an
// embedding model in which texts that share words are alike.
//
//	go run ./scripts/rigs/gguf FOLDER
//
// What a newcomer gets wrong: they are real models for a real runner. The
// language model has one-hot embeddings, layers of zeros, and an output matrix
// that is a table of which token follows which.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "gguf: name the folder for the files")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gguf:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := scripted().write(filepath.Join(folder, "rig-chat.gguf")); err != nil {
		return err
	}
	return embedding().write(filepath.Join(folder, "rig-embed.gguf"))
}
