package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// importing is one run of model import.
type importing struct {
	o                      *options
	server, name, template string
	context                int
}

func newModelImport(o *options) *cobra.Command {
	in := importing{o: o}
	cmd := &cobra.Command{
		Use:   "import FILE --server NAME --name MODEL",
		Short: "Bring a GGUF file to an Ollama, which makes a model of it",
		Long: `Bring a GGUF file to an Ollama, which makes a model of it. The file is copied into the service's
folder of models first; one that lies there already is named without a folder and used as it is.`,
		Example: `  chatets model import /media/usb/llama-3.1-8b.gguf --server "GPU box" --name llama3.1:8b`,
		Args:    exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.server == "" || in.name == "" {
				return wrongUse("chatets model import --help", "chatets model import needs --server and --name")
			}
			return o.with(cmd, func(s *service) error { return in.run(cmd, s, args[0]) })
		},
	}
	cmd.Flags().StringVar(&in.server, "server", "", "`name` of the server")
	cmd.Flags().StringVar(&in.name, "name", "", "`name` of the model")
	cmd.Flags().StringVar(&in.template, "template", "", "`template` of the prompt (default the file's own)")
	cmd.Flags().IntVar(&in.context, "context", 0, "length of the context in `tokens` (default the model's own)")
	return cmd
}

func (in importing) run(cmd *cobra.Command, s *service, path string) error {
	ctx := cmd.Context()
	server, err := serverNamed(cmd, s, in.server)
	if err != nil {
		return err
	}
	file, err := in.bring(ctx, s, path)
	if err != nil {
		return err
	}
	var made struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
	body := map[string]any{"file": file, "name": in.name, "template": in.template, "context": in.context}
	if err := s.Call(ctx, "POST", "/api/servers/"+url.PathEscape(server.ID)+"/import", body, &made); err != nil {
		return err
	}
	return in.watch(ctx, s, made.Job.ID, server)
}

// bring copies the file into the folder of models, unless only a name was given
// and it lies there.
func (in importing) bring(ctx context.Context, s *service, path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == path {
		return path, nil // the service says whether it has it
	}
	if err != nil {
		return "", fault.New(fault.NotFound, "The file %s cannot be read.", path).Cure("Check the path and its permissions").Because(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", wrongUse("name the GGUF file in it", "%s is a folder", path)
	}
	name := filepath.Base(path)
	bar := in.o.bar(name)
	defer bar.end()
	err = s.Put(ctx, "/api/models/files/"+url.PathEscape(name), f, info.Size(), func(n int64) { bar.show("copying", n, info.Size()) }, nil)
	return name, err
}

// watch waits for the end of the import; whoever stops waiting stops it.
func (in importing) watch(ctx context.Context, s *service, id string, server modelServer) error {
	job, err := in.o.watchJob(ctx, s, id, in.name, "import")
	if err != nil {
		return err
	}
	if in.o.json {
		return in.o.printJSON(job)
	}
	in.o.say("Imported %s on %s.", in.name, server.Name)
	return nil
}
