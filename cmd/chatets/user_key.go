package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// apiKey is what the API says of an API key.
type apiKey struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt time.Time  `json:"expiresAt"`
	Expired   bool       `json:"expired"`
	LastUsed  *time.Time `json:"lastUsed,omitempty"`
	Address   string     `json:"address,omitempty"`
	Key       string     `json:"key,omitempty"`
}

func newUserKey(o *options) *cobra.Command {
	return group("key", "API keys, with which programs act for a person", newUserKeyAdd(o), newUserKeyList(o), newUserKeyRevoke(o))
}

func newUserKeyAdd(o *options) *cobra.Command {
	var name string
	var scopes []string
	var days int
	cmd := &cobra.Command{
		Use:   "add EMAIL --name N --scope S",
		Short: "Make a key and print it, alone on the last line",
		Long: `Make an API key of a person and print it, alone on the last line; it is not shown again. The key acts for the person in the workspace
joined first, never has more than the person, and opens only what its scopes say: chat, knowledge.read, knowledge.write, people.read,
people.write, audit.read, operate.`,
		Example: `  chatets user key add ana@clinic.example --name "nightly upload" --scope knowledge.write --scope knowledge.read --days 90`,
		Args:    exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" || len(scopes) == 0 {
				return wrongUse("chatets user key add --help", "chatets user key add needs --name and --scope")
			}
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				var k apiKey
				in := map[string]any{"name": name, "scopes": scopes, "days": days}
				if err := s.Call(cmd.Context(), "POST", "/api/operator/people/"+url.PathEscape(p.ID)+"/api-keys", in, &k); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(k)
				}
				o.say("For %s <%s>, scopes %s, until %s:", p.Name, p.Email, strings.Join(k.Scopes, " "), k.ExpiresAt.Format(time.DateOnly))
				o.say("%s", k.Key)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what the key is for")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "`scope` it opens; may be given several times")
	cmd.Flags().IntVar(&days, "days", 90, "how many `days` it lives")
	return cmd
}

func newUserKeyList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list EMAIL", Short: "List the keys of a person", Args: exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				_, keys, err := keysOf(cmd, s, args[0])
				if err != nil {
					return err
				}
				return o.rows([]string{"id", "name", "scopes", "created", "expires", "expired", "lastUsed", "address"}, func(row func(...any) error) error {
					for _, k := range keys {
						used := ""
						if k.LastUsed != nil {
							used = k.LastUsed.Format(time.RFC3339)
						}
						if err := row(k.ID, k.Name, strings.Join(k.Scopes, " "), k.CreatedAt.Format(time.RFC3339), k.ExpiresAt.Format(time.RFC3339), k.Expired, used, k.Address); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newUserKeyRevoke(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "revoke EMAIL ID", Short: "Revoke a key; what it has open ends at once", Args: exactly(2, "the e-mail address of a person and the id of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, keys, err := keysOf(cmd, s, args[0])
				if err != nil {
					return err
				}
				for _, k := range keys {
					if k.ID != args[1] {
						continue
					}
					if err := s.Call(cmd.Context(), "DELETE", "/api/people/"+url.PathEscape(p.ID)+"/api-keys/"+url.PathEscape(k.ID), nil, nil); err != nil {
						return err
					}
					if o.json {
						return o.printJSON(k)
					}
					o.say("The key %q of %s <%s> is revoked.", k.Name, p.Name, p.Email)
					return nil
				}
				return fault.New(fault.NotFound, "%s has no key %s.", p.Email, args[1]).Cure("chatets user key list %s shows all", p.Email)
			})
		},
	}
}

func keysOf(cmd *cobra.Command, s *service, email string) (person, []apiKey, error) {
	p, err := byEmail(cmd, s, email)
	if err != nil {
		return person{}, nil, err
	}
	var out struct {
		Items []apiKey `json:"items"`
	}
	err = s.Call(cmd.Context(), "GET", "/api/people/"+url.PathEscape(p.ID)+"/api-keys", nil, &out)
	return p, out.Items, err
}
