package main

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// scannerState is what the API says of the malware scanner.
type scannerState struct {
	Address     string     `json:"address"`
	Unjudged    string     `json:"unjudged"`
	State       string     `json:"state"`
	Since       *time.Time `json:"since,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Cure        string     `json:"cure,omitempty"`
	Waiting     int        `json:"waiting"`
	Quarantined int        `json:"quarantined"`
}

func newScan(o *options) *cobra.Command {
	return group("scan", "The malware scanner and what it found", newScanShow(o), newScanSet(o), newScanTest(o),
		newScanList(o), newScanRelease(o), newScanDelete(o))
}

func newScanShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show whether the malware scanner answers, and what waits for it", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var got scannerState
				if err := s.Call(cmd.Context(), "GET", "/api/scanner", nil, &got); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(got)
				}
				switch got.State {
				case "off":
					o.say("No malware scanner is set; files are read without a scan. Set one: chatets scan set clamd:///run/clamav/clamd.ctl")
				case "answers":
					o.say("%s answers. Files it gives no verdict on are %s.", got.Address, unjudged(got.Unjudged))
				default:
					o.say("%s does not answer since %s. Files are %s.\n%s %s", got.Address, got.Since.Local().Format(time.DateTime), unjudged(got.Unjudged), got.Reason, got.Cure)
				}
				o.say("%s for it; %s in quarantine.", count(got.Waiting, "document waits", "documents wait"), count(got.Quarantined, "document is", "documents are"))
				return nil
			})
		},
	}
}

func unjudged(policy string) string {
	if policy == "read" {
		return "read, with a note"
	}
	return "held back"
}

func newScanSet(o *options) *cobra.Command {
	var policy string
	cmd := &cobra.Command{
		Use:   "set ADDRESS",
		Short: "Set the malware scanner that is asked about each file, or off",
		Example: `  chatets scan set clamd:///run/clamav/clamd.ctl
  chatets scan set icap://scanner.clinic.example:1344/avscan --unjudged read
  chatets scan set off`,
		Args: exactly(1, "one address, or off"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := args[0]
			if address == "off" {
				address = ""
			}
			return o.with(cmd, func(s *service) error {
				if policy != "" {
					if err := s.Call(cmd.Context(), "PUT", "/api/settings/scan.unjudged", map[string]any{"value": policy}, nil); err != nil {
						return err
					}
				}
				if err := s.Call(cmd.Context(), "PUT", "/api/settings/scan.address", map[string]any{"value": address}, nil); err != nil {
					return err
				}
				var got scannerState
				if err := s.Call(cmd.Context(), "GET", "/api/scanner", nil, &got); err != nil {
					return err
				}
				switch {
				case o.json:
					return o.printJSON(got)
				case got.State == "silent":
					o.say("Set, but it does not answer: %s", got.Cure)
				case address == "":
					o.say("Files are read without a scan from now on.")
				default:
					o.say("Set, and it answers.")
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&policy, "unjudged", "", "what becomes of files without a verdict: `hold` or read (default as it is set)")
	return cmd
}

func newScanTest(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE",
		Short: "Have the malware scanner judge a file, which is not kept",
		Long:  "Have the malware scanner judge a file, which is not kept. The exit code is 1 when it finds something.\nFILE - is standard input.",
		Args:  exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error { return o.scanFile(cmd.Context(), s, args[0]) })
		},
	}
}

func (o *options) scanFile(ctx context.Context, s *service, path string) error {
	body, size := io.ReadCloser(io.NopCloser(o.in)), int64(-1)
	if path != stdinArg {
		f, err := os.Open(path)
		if err != nil {
			return fault.New(fault.NotFound, "The file %s cannot be read.", path).Cure("Check the path and its permissions").Because(err)
		}
		info, err := f.Stat()
		if err != nil || info.IsDir() {
			return errors.Join(wrongUse("name a file in it", "%s is a folder", path), f.Close())
		}
		body, size = f, info.Size()
	}
	defer body.Close()
	var v struct {
		Clean        bool   `json:"clean"`
		Finding      string `json:"finding,omitempty"`
		Milliseconds int64  `json:"milliseconds"`
	}
	if err := s.Upload(ctx, "/api/scanner/test", body, size, func(int64) {}, &v); err != nil {
		return err
	}
	if o.json {
		if err := o.printJSON(v); err != nil {
			return err
		}
	}
	name := filepath.Base(path)
	if !v.Clean {
		return fault.New(fault.Conflict, "The scanner found %s in %s.", v.Finding, name).Cure("Such a file would be put in quarantine")
	}
	if !o.json {
		o.say("The scanner finds nothing in %s (%d ms).", name, v.Milliseconds)
	}
	return nil
}

func newScanList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "quarantine", Short: "List the documents in quarantine", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				return o.rows([]string{"name", "knowledge", "finding", "size", "id"}, func(row func(...any) error) error {
					type caught struct {
						Document  document `json:"document"`
						Knowledge string   `json:"knowledge"`
					}
					return each(cmd.Context(), s, "/api/quarantine", func(c caught) error {
						return row(c.Document.Name, c.Knowledge, c.Document.Finding, o.bytes(c.Document.Size), c.Document.ID)
					})
				})
			})
		},
	}
}

func newScanRelease(o *options) *cobra.Command {
	var reason, reference string
	cmd := &cobra.Command{
		Use: "release ID", Short: "Read a document although the scanner found something in it", Args: exactly(1, "the id of a document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return wrongUse("say why with --reason; it is recorded", "chatets scan release needs a reason")
			}
			return o.with(cmd, func(s *service) error {
				var d document
				if err := s.Call(cmd.Context(), "POST", "/api/quarantine/"+url.PathEscape(args[0])+"/release", map[string]any{"reason": reason, "reference": reference}, &d); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(d)
				}
				o.say("Released %s; it is read now.", d.Name)
				return nil
			})
		},
	}
	decision(cmd, &reason, &reference)
	return cmd
}

func newScanDelete(o *options) *cobra.Command {
	var reason, reference string
	cmd := &cobra.Command{
		Use: "delete ID", Short: "Delete a document that is in quarantine", Args: exactly(1, "the id of a document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return wrongUse("say why with --reason; it is recorded", "chatets scan delete needs a reason")
			}
			return o.with(cmd, func(s *service) error {
				if err := s.Call(cmd.Context(), "DELETE", "/api/quarantine/"+url.PathEscape(args[0])+"?reason="+url.QueryEscape(reason)+"&reference="+url.QueryEscape(reference), nil, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(map[string]string{"deleted": args[0]})
				}
				o.say("Deleted.")
				return nil
			})
		},
	}
	decision(cmd, &reason, &reference)
	return cmd
}

// scanner is the doctor's look at the malware scanner.
func (x *examination) scanner(ctx context.Context, s *service) {
	var got scannerState
	if err := s.Call(ctx, "GET", "/api/scanner", nil, &got); err != nil {
		x.failed("scanner", err)
		return
	}
	switch got.State {
	case "off":
		x.note("scanner", good, "", "no malware scanner is set")
	case "silent":
		x.note("scanner", bad, got.Cure, "%s does not answer; %s for it", got.Address, count(got.Waiting, "document waits", "documents wait"))
	default:
		x.note("scanner", good, "", "%s answers; %s in quarantine", got.Address, count(got.Quarantined, "document is", "documents are"))
	}
}

func decision(cmd *cobra.Command, reason, reference *string) {
	cmd.Flags().StringVar(reason, "reason", "", "`why`: false-alarm, checked, test-file, needed, malware or unwanted; it is recorded")
	cmd.Flags().StringVar(reference, "reference", "", "`number` of a ticket or the like where more is written down; it is recorded")
}
