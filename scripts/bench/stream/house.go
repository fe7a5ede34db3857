package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"chatets/appliance/inference/inferencetest"
)

const password = "correct horse battery staple"

// fake is the model server in its process.
type fake struct {
	*process
}

func startFake(ctx context.Context, bin, model string) (fake, error) {
	p, err := begin(ctx, bin+".log", bin, "-models", model)
	return fake{p}, err
}

// A house is ChatETS in its process with people who are signed in.
type house struct {
	*process
	client *http.Client
	admin  string
	model  string
	tokens []string // of the people

	request []byte // what ChatETS asks the model
}

// openHouse starts it on a new directory and lets so many people in.
func openHouse(ctx context.Context, bin, scratch string, people int) (*house, error) {
	data := filepath.Join(scratch, "data")
	p, err := begin(ctx, filepath.Join(scratch, "chatets.log"), bin, "serve", "--data", data, "--listen", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &house{process: p, client: &http.Client{Timeout: 5 * time.Minute}}
	if err := h.furnish(ctx, bin, data, people); err != nil {
		p.stop()
		return nil, err
	}
	return h, nil
}

func (h *house) furnish(ctx context.Context, bin, data string, people int) error {
	add := exec.CommandContext(ctx, bin, "user", "add", "--data", data, "--email", "bench@house.test", "--name", "Bench", "--admin", "--password-stdin")
	add.Stdin = strings.NewReader(password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("add an administrator: %w\n%s", err, out)
	}
	var err error
	if h.admin, err = h.signIn(ctx, "bench@house.test"); err != nil {
		return err
	}
	for i := range people {
		email := fmt.Sprintf("reader%d@house.test", i)
		if err := h.call(ctx, h.admin, http.MethodPost, "/api/people", map[string]any{"email": email, "name": fmt.Sprintf("Reader %d", i), "password": password}, nil); err != nil {
			return err
		}
		token, err := h.signIn(ctx, email)
		if err != nil {
			return err
		}
		h.tokens = append(h.tokens, token)
	}
	return h.indexed(ctx)
}

// indexed waits until the documents it came with can be cited.
func (h *house) indexed(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var answer struct {
			Answer struct {
				Citations []any `json:"citations"`
			} `json:"answer"`
		}
		if err := h.call(ctx, h.admin, http.MethodPost, "/api/conversations", map[string]any{"message": question, "model": "extractive"}, &answer); err != nil {
			return err
		}
		if len(answer.Answer.Citations) > 1 {
			return nil
		}
	}
	return errors.New("the sample documents do not get ready")
}

func (h *house) signIn(ctx context.Context, email string) (string, error) {
	var session struct {
		Token string `json:"token"`
	}
	err := h.call(ctx, "", http.MethodPost, "/api/auth/login", map[string]any{"email": email, "password": password}, &session)
	return session.Token, err
}

// connect adds the model server, and returns the request ChatETS makes of it for
// the question: a server within this process, asked before, keeps it.
func (h *house) connect(ctx context.Context, base, model string, slots int) ([]byte, error) {
	h.model = model
	witness, err := inferencetest.Start(inferencetest.Options{Models: []string{model}})
	if err != nil {
		return nil, err
	}
	defer witness.Close()
	var added struct {
		ID string `json:"id"`
	}
	if err := h.call(ctx, h.admin, http.MethodPost, "/api/servers", map[string]any{"name": "bench", "kind": "ollama", "url": witness.URL, "slots": slots}, &added); err != nil {
		return nil, err
	}
	if err := h.usable(ctx, model); err != nil {
		return nil, err
	}
	if err := h.call(ctx, h.admin, http.MethodPost, "/api/conversations", map[string]any{"message": question, "model": model}, nil); err != nil {
		return nil, err
	}
	asked := witness.Asked()
	if len(asked) == 0 {
		return nil, errors.New("ChatETS did not ask the model")
	}
	if err := h.call(ctx, h.admin, http.MethodPatch, "/api/servers/"+added.ID, map[string]any{"url": base}, nil); err != nil {
		return nil, err
	}
	return asked[0].Body, h.usable(ctx, model)
}

// usable waits until the model can be asked.
func (h *house) usable(ctx context.Context, model string) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var list struct {
			Items []struct {
				Name      string `json:"name"`
				Available bool   `json:"available"`
			} `json:"items"`
		}
		if err := h.call(ctx, h.admin, http.MethodGet, "/api/models", nil, &list); err != nil {
			return err
		}
		for _, m := range list.Items {
			if m.Name == model && m.Available {
				return nil
			}
		}
	}
	return fmt.Errorf("the model %s does not get available", model)
}

// ask is the request of a person.
func (h *house) ask(int) []byte {
	body, _ := json.Marshal(map[string]any{"message": question, "model": h.model})
	return body
}

// call sends JSON and reads JSON.
func (h *house) call(ctx context.Context, token, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}
