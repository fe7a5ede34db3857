package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/fault"
)

// agents is where systemd's password agents look for questions.
const agents = "/run/systemd/ask-password"

// byService is set in the environment of what systemd starts; a command that a
// script runs must fail instead of waiting for an agent.
const byService = "INVOCATION_ID="

// askedFor is how long a start waits for an answer of an agent.
const askedFor = 90 * time.Minute

// unlocking fills in how the keys are opened by a person: what the flags read
// from standard input, the terminal, or systemd's password agents.
func (o *options) unlocking(ctx context.Context, cfg *config.Config) error {
	if o.recoveryStdin {
		line, err := o.secretLine(ctx, "Recovery key")
		if err != nil {
			return err
		}
		cfg.Recovery = line
	}
	if cfg.Recovery == "" && o.passphraseStdin {
		line, err := firstLine(o.in)
		if err != nil {
			return err
		}
		cfg.Ask = once(line)
		return nil
	}
	cfg.Ask = o.askPassphrase(slices.ContainsFunc(o.environ, func(line string) bool { return strings.HasPrefix(line, byService) }))
	return o.askFirst(ctx, cfg)
}

// once answers with a passphrase that was given before; a second question means
// that it was wrong.
func once(passphrase string) func(context.Context, error) (string, error) {
	return func(_ context.Context, failed error) (string, error) { return passphrase, failed }
}

// askFirst asks for the passphrase while the process is still root, where a start
// needs it: only root may ask systemd's agents.
func (o *options) askFirst(ctx context.Context, cfg *config.Config) error {
	if os.Geteuid() != 0 || cfg.Recovery != "" || o.passphraseStdin || !appliance.NeedsPassphrase(cfg.Data) {
		return nil
	}
	line, err := cfg.Ask(ctx, nil)
	if err != nil {
		return err
	}
	cfg.Ask = once(line)
	return nil
}

const passphrasePrompt = "Passphrase of the ChatETS data"

// askPassphrase asks on the terminal, and where there is none the agents.
func (o *options) askPassphrase(mayWait bool) func(context.Context, error) (string, error) {
	return func(ctx context.Context, failed error) (string, error) {
		if failed != nil {
			fmt.Fprintln(o.err, sentence(failed))
		}
		if _, person := columns(o.in); person {
			return o.hidden(ctx, passphrasePrompt)
		}
		answer, err := "", errors.New("no terminal")
		if mayWait {
			answer, err = askAgents(ctx, agents, passphrasePrompt)
		}
		if err != nil {
			return "", fault.New(fault.Conflict, "Nobody could be asked for the passphrase.").Code("key-unasked").
				Cure("Start it at a terminal, as root under systemd, or give the passphrase with --passphrase-stdin").Because(errors.Join(err, failed))
		}
		return answer, nil
	}
}

// askAgents asks by systemd's password agent protocol: a file in the folder says
// the question and the socket that takes the answer, "+" and the password.
func askAgents(ctx context.Context, folder, prompt string) (string, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", fmt.Errorf("there are no password agents: %w", err)
	}
	dir, err := os.MkdirTemp("", "chatets-ask-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "sck"), Net: "unixgram"})
	if err != nil {
		return "", err
	}
	defer socket.Close()
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Now()) })
	// Agents watch for files that are moved in whole.
	part, err := os.CreateTemp(folder, "tmp.chatets-*")
	if err != nil {
		return "", err
	}
	question := filepath.Join(folder, "ask."+strings.TrimPrefix(filepath.Base(part.Name()), "tmp."))
	_, err = fmt.Fprintf(part, "[Ask]\nPID=%d\nSocket=%s\nAcceptCached=0\nEcho=0\nNotAfter=0\nMessage=%s\n", os.Getpid(), socket.LocalAddr(), prompt)
	if err = errors.Join(err, part.Chmod(0o644), part.Close()); err == nil {
		err = os.Rename(part.Name(), question)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(part.Name()))
	}
	defer os.Remove(question)
	answer := make([]byte, maxPassword+1)
	defer clear(answer)
	n, err := socket.Read(answer)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", err
	case n == 0 || answer[0] != '+':
		return "", errors.New("the question was not answered")
	}
	return strings.TrimRight(string(answer[1:n]), "\x00\n"), nil
}
