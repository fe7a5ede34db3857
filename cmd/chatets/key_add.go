package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/fault"
)

func newKeyAdd(o *options) *cobra.Command {
	g := group("add", "Add a way to the keys", newKeyAddFile(o), newKeyAddCredential(o), newKeyAddPassphrase(o), newKeyAddTPM(o), newKeyAddTransit(o))
	g.Long = "Add a way to the keys. Each way alone opens the data; the others stay until they are removed."
	return g
}

// addSlot asks the service for a new slot and says what became of it.
func (o *options) addSlot(cmd *cobra.Command, in map[string]any) error {
	return o.with(cmd, func(s *service) error {
		var slot keySlot
		if err := s.Call(cmd.Context(), "POST", "/api/operator/keys", in, &slot); err != nil {
			return err
		}
		if o.json {
			return o.printJSON(slot)
		}
		o.say("Added slot %d: %s %s.", slot.Slot, slot.Kind, slot.Where)
		return nil
	})
}

func newKeyAddFile(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "file [PATH]", Short: "A key file outside the data directory, made where it is not there",
		Long: `A key file outside the data directory (default: the configured one). Where it is not there it is
made, by root for the service's group. With the service stopped and every other way lost,
--recovery-key-stdin opens the keys and this makes a key file again.`,
		Example: "  chatets key add file /etc/chatets/master.key\n  chatets key add file --recovery-key-stdin",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			file := cfg.Key
			if len(args) == 1 {
				if file, err = filepath.Abs(args[0]); err != nil {
					return err
				}
			}
			made, err := makeForOwner(file, cfg.Data)
			if err != nil {
				return err
			}
			err = o.addSlot(cmd, map[string]any{"kind": "file", "file": file})
			if err != nil && made {
				err = errors.Join(err, os.Remove(file))
			}
			return err
		},
	}
}

// makeForOwner makes a key file as root where the owner of the data directory may
// read it and not write it; without root the service makes it.
func makeForOwner(file, data string) (made bool, err error) {
	info, err := os.Stat(data)
	if err != nil || os.Geteuid() != 0 {
		return false, nil // whoever opens the directory says what is wrong
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return false, nil
	}
	return appliance.MakeKeyFile(file, int(owner.Gid))
}

func newKeyAddCredential(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "credential [NAME]", Short: "A systemd credential of the unit (default chatets-key)",
		Long: `A systemd credential that the unit loads. It must reach the process that adds it, so add
LoadCredentialEncrypted to the unit, restart the service, and then run this:
  head -c 32 /dev/urandom | systemd-creds encrypt --name=chatets-key - /etc/credstore.encrypted/chatets-key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.addSlot(cmd, map[string]any{"kind": "credential", "credential": strings.Join(args, "")})
		},
	}
}

func newKeyAddPassphrase(o *options) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use: "passphrase", Short: "A passphrase, asked for at each start where no other way opens", Args: exactly(0, "no argument"),
		Long: "A passphrase. It is asked for on the terminal, twice, or read with --new-passphrase-stdin.\nA start asks for it, on the console or through systemd's password agents, only where no other\nway opens the keys: remove the others to be asked each time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			passphrase, err := o.password(cmd.Context(), stdin, "New passphrase")
			if err != nil {
				return err
			}
			return o.addSlot(cmd, map[string]any{"kind": "passphrase", "passphrase": passphrase})
		},
	}
	cmd.Flags().BoolVar(&stdin, "new-passphrase-stdin", false, "read it from the first line of standard input")
	return cmd
}

func newKeyAddTPM(o *options) *cobra.Command {
	var device, pcrs string
	cmd := &cobra.Command{
		Use: "tpm", Short: "The TPM 2.0 of this machine", Args: exactly(0, "no argument"),
		Long:    "The TPM 2.0 of this machine seals a key that it gives to no other. With --pcrs it gives it only\nwhile these platform registers are as now; a firmware or kernel update changes some of them, so\nkeep another way.",
		Example: "  chatets key add tpm --pcrs 7",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"kind": "tpm"}
			if device != "" {
				in["device"] = device
			}
			var registers []uint
			for _, part := range strings.FieldsFunc(pcrs, func(r rune) bool { return r == ',' || r == ' ' }) {
				n, err := strconv.ParseUint(part, 10, 8)
				if err != nil {
					return wrongUse("give numbers, for example 0,2,7", "%q is no platform register", part)
				}
				registers = append(registers, uint(n))
			}
			if len(registers) > 0 {
				in["pcrs"] = registers
			}
			return o.addSlot(cmd, in)
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "`path` of the TPM (default /dev/tpmrm0)")
	cmd.Flags().StringVar(&pcrs, "pcrs", "", "platform `registers` that must not change, for example 7")
	return cmd
}

func newKeyAddTransit(o *options) *cobra.Command {
	var t struct{ url, mount, key, namespace, ca, tokenFile, tokenCredential string }
	cmd := &cobra.Command{
		Use: "transit", Short: "A transit key of Vault or OpenBao", Args: exactly(0, "no argument; use --url and --transit-key"),
		Long: "A transit key of Vault or OpenBao encrypts what opens the keys; the server is asked at each start.\nThe token lies in a file of mode 0600 outside the data directory, or in a systemd credential.",
		Example: `  chatets key add transit --url https://vault.clinic.example:8200 --transit-key chatets \
    --token-file /etc/chatets/vault.token --ca /etc/chatets/vault-ca.pem`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"url": t.url, "key": t.key}
			for name, value := range map[string]string{"mount": t.mount, "namespace": t.namespace, "tokenCredential": t.tokenCredential} {
				if value != "" {
					in[name] = value
				}
			}
			if t.tokenFile != "" {
				file, err := filepath.Abs(t.tokenFile)
				if err != nil {
					return err
				}
				in["tokenFile"] = file
			}
			if t.ca != "" {
				text, err := os.ReadFile(t.ca)
				if err != nil {
					return fault.New(fault.NotFound, "The certificate %s cannot be read.", t.ca).Because(err)
				}
				in["ca"] = string(text)
			}
			return o.addSlot(cmd, map[string]any{"kind": "transit", "transit": in})
		},
	}
	for _, f := range []struct {
		to         *string
		name, help string
	}{
		{&t.url, "url", "`address` of the server"}, {&t.key, "transit-key", "`name` of the transit key"}, {&t.mount, "mount", "`path` of the transit engine (default transit)"},
		{&t.namespace, "namespace", "`namespace`, where there are some"}, {&t.ca, "ca", "PEM `file` of the authority of its certificate"},
		{&t.tokenFile, "token-file", "`file` that holds the token"}, {&t.tokenCredential, "token-credential", "systemd `credential` that holds the token"},
	} {
		cmd.Flags().StringVar(f.to, f.name, "", f.help)
	}
	return cmd
}
