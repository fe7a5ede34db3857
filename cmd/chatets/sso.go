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

// signOnSettings are what the API takes and gives.
type signOnSettings struct {
	Label           string   `json:"label,omitempty"`
	CA              string   `json:"ca,omitempty"`
	Issuer          string   `json:"issuer,omitempty"`
	ClientID        string   `json:"clientId,omitempty"`
	Scopes          []string `json:"scopes,omitempty"`
	Hosts           []string `json:"hosts,omitempty"`
	GroupsClaim     string   `json:"groupsClaim,omitempty"`
	PlainHTTP       bool     `json:"plainHttp,omitempty"`
	Metadata        string   `json:"metadata,omitempty"`
	Certificate     string   `json:"certificate,omitempty"`
	EmailAttribute  string   `json:"emailAttribute,omitempty"`
	NameAttribute   string   `json:"nameAttribute,omitempty"`
	Unasked         bool     `json:"unasked,omitempty"`
	Create          bool     `json:"create"`
	LinkByEmail     bool     `json:"linkByEmail,omitempty"`
	TrustSecondStep bool     `json:"trustSecondStep,omitempty"`
	Only            string   `json:"only,omitempty"`
	Role            string   `json:"role,omitempty"`
	Groups          bool     `json:"groups"`
	Rules           []any    `json:"rules,omitempty"`
}

// signOnProvider is what the API says of an identity provider.
type signOnProvider struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Name     string            `json:"name"`
	Enabled  bool              `json:"enabled"`
	People   int               `json:"people"`
	Settings signOnSettings    `json:"settings"`
	Register map[string]string `json:"register"`
	Failures []struct {
		At       string `json:"at"`
		Code     string `json:"code"`
		Sentence string `json:"sentence"`
		Cure     string `json:"cure,omitempty"`
	} `json:"failures"`
}

func newOIDC(o *options) *cobra.Command {
	return group("oidc", "Identity providers that people sign in through: OpenID Connect", newOIDCAdd(o), newProviderList(o, "oidc"), newProviderRemove(o, "oidc"), newProviderTest(o, "oidc"))
}

func newSAML(o *options) *cobra.Command {
	return group("saml", "Identity providers that people sign in through: SAML 2.0", newSAMLAdd(o), newProviderList(o, "saml"), newProviderRemove(o, "saml"), newSAMLMetadata(o), newProviderTest(o, "saml"))
}

// admission adds the flags that say what becomes of a provider's people.
func (in *signOnSettings) admission(cmd *cobra.Command, admins *[]string) {
	f := cmd.Flags()
	f.StringVar(&in.Label, "label", "", "`text` of the button on the sign-in page (default: the name)")
	f.BoolVar(&in.Create, "create", true, "whoever signs in for the first time gets an account")
	f.BoolVar(&in.LinkByEmail, "link-verified-email", false, "an identity with a verified e-mail address gets the account that has it; administrators' accounts are never linked")
	f.BoolVar(&in.TrustSecondStep, "trust-second-step", false, "the provider asks for a second step; none is asked here")
	f.StringVar(&in.Only, "only", "", "`group` whose members are let in (default: everybody)")
	f.StringVar(&in.Role, "role", "", "`role` in the workspace: admin, editor, member or guest (default member)")
	f.StringArrayVar(admins, "admins", nil, "`group` whose members administer ChatETS")
	f.BoolVar(&in.Groups, "groups", true, "groups of the provider become groups of the workspace")
}

// addProvider adds a provider and says what to register there.
func (o *options) addProvider(cmd *cobra.Command, kind, name, secret string, in signOnSettings, admins []string) error {
	for _, g := range admins {
		in.Rules = append(in.Rules, map[string]any{"group": g, "installation": "admin", "role": "admin"})
	}
	body := map[string]any{"kind": kind, "name": name, "settings": in}
	if secret != "" {
		body["secret"] = secret
	}
	return o.withNew(cmd, func(s *service) error {
		var added signOnProvider
		if err := s.Call(cmd.Context(), "POST", "/api/sso", body, &added); err != nil {
			return err
		}
		if o.json {
			return o.printJSON(added)
		}
		o.say("Added %s. Register at the provider:", added.Name)
		for _, line := range []struct{ key, words string }{{"redirect", "redirect address"}, {"signedOut", "address after sign-out"}, {"backChannel", "back-channel sign-out"},
			{"entityId", "metadata, and entity ID"}, {"acs", "answers (ACS, POST)"}, {"slo", "sign-out"}} {
			if value := added.Register[line.key]; value != "" {
				o.say("  %-24s %s", line.words, value)
			}
		}
		o.say("Then test it with: chatets %s test %s", kind, added.Name)
		return nil
	})
}

func newOIDCAdd(o *options) *cobra.Command {
	in := signOnSettings{}
	var name, ca string
	var stdin bool
	var admins []string
	cmd := &cobra.Command{
		Use:   "add --name N --issuer URL --client-id ID",
		Short: "Add a provider",
		Long: `Add an OpenID Connect provider; its button is on the sign-in page from then on. It prints what the provider has to know.
An identity never gets an account that is here already, unless --link-verified-email is given.`,
		Example: `  pass show oidc | chatets oidc add --name entra --label "Microsoft" --issuer https://login.microsoftonline.com/TENANT/v2.0 --client-id ID --secret-stdin
  pass show oidc | chatets oidc add --name keycloak --issuer https://sso.clinic.example/realms/staff --ca ca.pem --client-id chatets --secret-stdin --admins chatets-admins`,
		Args: exactly(0, "no argument; use --name, --issuer and --client-id"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || in.Issuer == "" || in.ClientID == "" {
				return wrongUse("chatets oidc add --help", "chatets oidc add needs --name, --issuer and --client-id")
			}
			if ca != "" {
				pem, err := certificates(ca)
				if err != nil {
					return err
				}
				in.CA = pem
			}
			secret := ""
			if stdin {
				text, err := io.ReadAll(io.LimitReader(o.in, maxToken))
				if err != nil {
					return fmt.Errorf("read the secret: %w", err)
				}
				secret = strings.TrimRight(string(text), "\r\n")
			}
			return o.addProvider(cmd, "oidc", name, secret, in, admins)
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "short `name`; it is in the addresses that the provider knows, and stays")
	f.StringVar(&in.Issuer, "issuer", "", "`URL` of the issuer, exactly as the provider writes it")
	f.StringVar(&in.ClientID, "client-id", "", "`ID` that the provider gave")
	f.BoolVar(&stdin, "secret-stdin", false, "read the client's secret from standard input")
	f.StringVar(&ca, "ca", "", "`file` with the certificate of its authority, PEM")
	f.StringArrayVar(&in.Scopes, "scope", nil, "`scope` beside openid; give it again for others (default profile and email)")
	f.StringArrayVar(&in.Hosts, "host", nil, "further `host:port` that the provider answers from")
	f.StringVar(&in.GroupsClaim, "groups-claim", "", "`claim` with the groups (default groups); dots go into objects")
	f.BoolVar(&in.PlainHTTP, "plain-http", false, "take http:// too: tokens cross the network readable for everybody")
	in.admission(cmd, &admins)
	return cmd
}

func newSAMLAdd(o *options) *cobra.Command {
	in := signOnSettings{}
	var name, file string
	var admins []string
	cmd := &cobra.Command{
		Use:   "add --name N --metadata FILE",
		Short: "Add a provider",
		Long: `Add a SAML 2.0 provider by its metadata (FILE, or - for standard input); its button is on the sign-in page from then on.
"chatets saml metadata NAME" prints what the provider has to know.`,
		Example: `  chatets saml add --name adfs --label "Clinic" --metadata FederationMetadata.xml --admins "ChatETS Admins"`,
		Args:    exactly(0, "no argument; use --name and --metadata"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || file == "" {
				return wrongUse("chatets saml add --help", "chatets saml add needs --name and --metadata")
			}
			var text []byte
			var err error
			if file == "-" {
				text, err = io.ReadAll(io.LimitReader(o.in, 1<<20))
			} else {
				text, err = os.ReadFile(file)
			}
			if err != nil {
				return fault.New(fault.Invalid, "The metadata %s cannot be read.", file).Cure("Check the name of the file.").Because(err)
			}
			in.Metadata = string(text)
			return o.addProvider(cmd, "saml", name, "", in, admins)
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "short `name`; it is in the addresses that the provider knows, and stays")
	f.StringVar(&file, "metadata", "", "`file` with the metadata of the provider, XML")
	f.StringVar(&in.EmailAttribute, "email-attribute", "", "`attribute` with the e-mail address (default: the usual names)")
	f.StringVar(&in.NameAttribute, "name-attribute", "", "`attribute` with the full name (default: the usual names)")
	f.StringVar(&in.GroupsClaim, "groups-attribute", "", "`attribute` with the groups (default: the usual names)")
	f.BoolVar(&in.Unasked, "allow-idp-initiated", false, "take sign-ins that begin at the provider; a stranger can then sign somebody in as himself")
	in.admission(cmd, &admins)
	return cmd
}

func providers(cmd *cobra.Command, s *service, kind string) ([]signOnProvider, error) {
	var got struct {
		Items []signOnProvider `json:"items"`
	}
	if err := s.Call(cmd.Context(), "GET", "/api/sso", nil, &got); err != nil {
		return nil, err
	}
	list := []signOnProvider{}
	for _, p := range got.Items {
		if p.Kind == kind {
			list = append(list, p)
		}
	}
	return list, nil
}

func providerNamed(cmd *cobra.Command, s *service, kind, name string) (signOnProvider, error) {
	list, err := providers(cmd, s, kind)
	if err != nil {
		return signOnProvider{}, err
	}
	for _, p := range list {
		if p.Name == name {
			return p, nil
		}
	}
	return signOnProvider{}, fault.New(fault.NotFound, "There is no provider %q.", name).Cure("chatets %s list lists them", kind)
}

func newProviderList(o *options, kind string) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the providers", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				list, err := providers(cmd, s, kind)
				if err != nil {
					return err
				}
				return o.rows([]string{"name", "label", "issuer", "state", "people", "failure", "id"}, func(row func(...any) error) error {
					for _, p := range list {
						state, failure, issuer := "on", "", p.Settings.Issuer
						if !p.Enabled {
							state = "off"
						}
						if len(p.Failures) > 0 {
							failure = p.Failures[0].Sentence
						}
						if issuer == "" {
							issuer = p.Register["entityId"]
						}
						if err := row(p.Name, p.Settings.Label, issuer, state, p.People, failure, p.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newProviderRemove(o *options, kind string) *cobra.Command {
	return &cobra.Command{Use: "remove NAME", Short: "Remove a provider; the people it made stay, disabled", Args: exactly(1, "the name of a provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := providerNamed(cmd, s, kind, args[0])
				if err != nil {
					return err
				}
				var out struct {
					People int `json:"people"`
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/sso/"+url.PathEscape(p.ID), nil, &out); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(out)
				}
				o.say("Removed %s; %d people are disabled, because nobody vouches for them any more.", p.Name, out.People)
				return nil
			})
		},
	}
}

func newProviderTest(o *options, kind string) *cobra.Command {
	return &cobra.Command{Use: "test NAME", Short: "Test a provider step by step", Args: exactly(1, "the name of a provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := providerNamed(cmd, s, kind, args[0])
				if err != nil {
					return err
				}
				var out steppedTest
				if err := s.Call(cmd.Context(), "POST", "/api/sso/"+url.PathEscape(p.ID)+"/test", nil, &out); err != nil {
					return err
				}
				return o.sayStepped(out)
			})
		},
	}
}

func newSAMLMetadata(o *options) *cobra.Command {
	return &cobra.Command{Use: "metadata NAME", Short: "Print what a provider has to know of this installation, as XML", Args: exactly(1, "the name of a provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := providerNamed(cmd, s, "saml", args[0])
				if err != nil {
					return err
				}
				var out struct {
					Metadata string `json:"metadata"`
				}
				if err := s.Call(cmd.Context(), "GET", "/api/sso/"+url.PathEscape(p.ID)+"/metadata", nil, &out); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(out)
				}
				o.say("%s", strings.TrimRight(out.Metadata, "\n"))
				return nil
			})
		},
	}
}
