// Command fakemodel runs the model server of the tests as a process, for looking
// at pages and for measuring. A model's name is how it behaves:
//
//	go run ./scripts/fakemodel -listen 127.0.0.1:11434 -models 'fake:rate=50 slow:first=3s,rate=5'
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"chatets/appliance/inference/inferencetest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	models := flag.String("models", "fake:latest", "names of the models, separated by blanks")
	flavour := flag.String("flavour", "", "lmstudio, llamacpp or vllm; everything by path without it")
	token := flag.String("token", "", "refuse requests without this token")
	flag.Parse()
	if err := run(*listen, *models, *flavour, *token); err != nil {
		fmt.Fprintln(os.Stderr, "fakemodel:", err)
		os.Exit(1)
	}
}

func run(listen, models, flavour, token string) error {
	s, err := inferencetest.Start(inferencetest.Options{Listen: listen, Models: strings.Fields(models), Flavour: flavour})
	if err != nil {
		return err
	}
	defer s.Close()
	s.Token(token)
	fmt.Println("fakemodel serves", s.URL)
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
	return nil
}
