package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

const (
	maxToken = 8000     // bytes
	maxCA    = 64 << 10 // bytes of a file of certificates
)

// modelServer is what the API says of a model server.
type modelServer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Flavour string `json:"flavour"`
	Version string `json:"version"`
	URL     string `json:"url"`
	Enabled bool   `json:"enabled"`
	State   string `json:"state"`
	Why     string `json:"why"`
	Slots   int    `json:"slots"`
	Models  int    `json:"models"`
}

// languageModel is what the API says of a model.
type languageModel struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Context   int    `json:"context"`
	Loaded    bool   `json:"loaded"`
	Available bool   `json:"available"`
	Why       string `json:"why"`
	Default   bool   `json:"default"`
	Manage    *struct {
		Servers []struct {
			Name string `json:"name"`
		} `json:"servers"`
	} `json:"manage,omitempty"`
}

func newModel(o *options) *cobra.Command {
	return group("model", "Model servers and their models", newModelAdd(o), newModelList(o), newModelRemove(o), newModelTest(o), newModelImport(o))
}

func newModelAdd(o *options) *cobra.Command {
	var name, kind, address, ca string
	var slots int
	var stdin bool
	cmd := &cobra.Command{
		Use:   "add --name N --kind ollama|openai|anthropic --url URL",
		Short: "Connect a model server",
		Long: `Connect a model server. Questions and the passages that fit them are sent to it, and to no other.
The kind openai is LM Studio, vLLM, llama.cpp and everything else with OpenAI's interface.`,
		Example: `  chatets model add --name "GPU box" --kind ollama --url http://10.1.2.3:11434
  pass show llm | chatets model add --name Cluster --kind openai --url https://llm.clinic.example --ca ca.pem --token-stdin`,
		Args: exactly(0, "no argument; use --name, --kind and --url"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || kind == "" || address == "" {
				return wrongUse("chatets model add --help", "chatets model add needs --name, --kind and --url")
			}
			in := map[string]any{"name": name, "kind": kind, "url": address, "slots": slots}
			if ca != "" {
				pem, err := certificates(ca)
				if err != nil {
					return err
				}
				in["ca"] = pem
			}
			if stdin {
				token, err := io.ReadAll(io.LimitReader(o.in, maxToken+2))
				if err != nil {
					return fmt.Errorf("read the token: %w", err)
				}
				if in["token"] = strings.TrimSpace(string(token)); len(token) > maxToken {
					return wrongUse("give the token alone", "standard input is too long for a token")
				}
			}
			return o.withNew(cmd, func(s *service) error {
				var server modelServer
				if err := s.Call(cmd.Context(), "POST", "/api/servers", in, &server); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(server)
				}
				o.say("Connected %s (%s). Test it with: chatets model test %q", server.Name, server.URL, server.Name)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` as people will call the server")
	cmd.Flags().StringVar(&kind, "kind", "", "what it `speaks`: ollama, openai or anthropic")
	cmd.Flags().StringVar(&address, "url", "", "its `URL`")
	cmd.Flags().StringVar(&ca, "ca", "", "`file` with the certificate of its authority, PEM")
	cmd.Flags().IntVar(&slots, "slots", 0, "answers it writes at the same `time` (default 4)")
	cmd.Flags().BoolVar(&stdin, "token-stdin", false, "read its token from standard input")
	return cmd
}

// certificates reads a file of certificates.
func certificates(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fault.New(fault.NotFound, "The file %s cannot be read.", path).Cure("Check the path and its permissions").Because(err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxCA+1))
	if err != nil {
		return "", fault.New(fault.Unavailable, "The file %s cannot be read to its end.", path).Because(err)
	}
	if len(pem) > maxCA {
		return "", wrongUse("give the certificate of the authority alone", "%s is too large for certificates", path)
	}
	return string(pem), nil
}

func newModelList(o *options) *cobra.Command {
	var servers bool
	cmd := &cobra.Command{
		Use: "list", Short: "List models, or with --servers the servers", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				if servers {
					return o.listServers(cmd, s)
				}
				return o.listModels(cmd, s)
			})
		},
	}
	cmd.Flags().BoolVar(&servers, "servers", false, "list the servers and how they are")
	return cmd
}

func (o *options) listServers(cmd *cobra.Command, s *service) error {
	list, err := serversOf(cmd, s)
	if err != nil {
		return err
	}
	return o.rows([]string{"name", "kind", "url", "state", "slots", "models", "why", "id"}, func(row func(...any) error) error {
		for _, m := range list {
			state := m.State
			if !m.Enabled {
				state = "off"
			}
			if err := row(m.Name, m.Kind, m.URL, state, m.Slots, m.Models, m.Why, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *options) listModels(cmd *cobra.Command, s *service) error {
	var got struct {
		Items []languageModel `json:"items"`
	}
	if err := s.Call(cmd.Context(), "GET", "/api/models?all=true", nil, &got); err != nil {
		return err
	}
	return o.rows([]string{"name", "kind", "context", "servers", "loaded", "available", "default", "why", "id"}, func(row func(...any) error) error {
		for _, m := range got.Items {
			var on []string
			if m.Manage != nil {
				for _, server := range m.Manage.Servers {
					on = append(on, server.Name)
				}
			}
			if err := row(m.Name, m.Kind, m.Context, strings.Join(on, ", "), m.Loaded, m.Available, m.Default, m.Why, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func newModelRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a model server; its models stay on it", Args: exactly(1, "the name of a server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				server, err := serverNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/servers/"+url.PathEscape(server.ID), nil, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(server)
				}
				o.say("Removed %s.", server.Name)
				return nil
			})
		},
	}
}

// testReport is what a test found out.
type testReport struct {
	Steps []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
		Cure   string `json:"cure,omitempty"`
		Ms     int64  `json:"ms"`
	} `json:"steps"`
	TokensPerSecond float64 `json:"tokensPerSecond"`
	FirstTokenMs    int64   `json:"firstTokenMs"`
}

func newModelTest(o *options) *cobra.Command {
	var model string
	cmd := &cobra.Command{
		Use: "test NAME", Short: "Test a model server: connect, list, answer, make vectors", Args: exactly(1, "the name of a server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				server, err := serverNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				var report testReport
				if err := s.Call(cmd.Context(), "POST", "/api/servers/"+url.PathEscape(server.ID)+"/test", map[string]any{"model": model}, &report); err != nil {
					return err
				}
				return o.printReport(server, report)
			})
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "`name` of the model that answers (default any that the server has)")
	return cmd
}

func (o *options) printReport(server modelServer, report testReport) error {
	failed := 0
	for _, step := range report.Steps {
		if !step.OK {
			failed++
		}
	}
	if o.json {
		if err := o.printJSON(report); err != nil {
			return err
		}
	} else {
		for _, step := range report.Steps {
			word := "ok"
			if !step.OK {
				word = "failed"
			}
			o.say("%-8s %-7s %5d ms  %s", step.Name, word, step.Ms, strings.TrimSpace(step.Detail+" "+step.Cure))
		}
		if report.TokensPerSecond > 0 {
			o.say("%.1f tokens per second, the first after %d ms.", report.TokensPerSecond, report.FirstTokenMs)
		}
	}
	if failed > 0 {
		return fault.New(fault.Unavailable, "The test of %s failed.", server.Name).Cure("The reasons stand above")
	}
	return nil
}

func serversOf(cmd *cobra.Command, s *service) ([]modelServer, error) {
	var got struct {
		Items []modelServer `json:"items"`
	}
	err := s.Call(cmd.Context(), "GET", "/api/servers", nil, &got)
	return got.Items, err
}

// serverNamed finds a server by its name or its id.
func serverNamed(cmd *cobra.Command, s *service, name string) (modelServer, error) {
	list, err := serversOf(cmd, s)
	if err != nil {
		return modelServer{}, err
	}
	for _, m := range list {
		if m.ID == name || strings.EqualFold(m.Name, name) {
			return m, nil
		}
	}
	return modelServer{}, fault.New(fault.NotFound, "There is no model server %q.", name).Cure("chatets model list --servers shows all")
}
