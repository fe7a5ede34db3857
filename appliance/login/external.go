package login

import (
	"context"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Door is another way in beside the password, as the sign-in page offers it.
type Door struct {
	Name  string `json:"name"`
	Label string `json:"label" doc:"What the button says."`
	Kind  string `json:"kind" enum:"oidc,saml"`
}

// Providers are the identity providers that vouch for people.
type Providers interface {
	// Doors lists those that can be used now.
	Doors() []Door
	// Leave is called before a session ends and returns where the browser has to
	// go so that it is signed out at the provider too; "" = nowhere.
	Leave(ctx context.Context, session string) string
}

// UseProviders says who vouches for people beside the directories; call it
// before the first request.
func (l *Logins) UseProviders(p Providers) { l.providers = p }

func (l *Logins) doors() []Door {
	if l.providers == nil {
		return nil
	}
	return l.providers.Doors()
}

// External is somebody for whom an identity provider has vouched.
type External struct {
	Person     string // id, of somebody who is here
	By         string // what vouched, for the record: oidc or saml
	SecondStep bool   // the provider is trusted to have asked for a second step
	Agent      string
	Device     string // token of a trusted device
	Also       Also   // is written together with the session
}

// external opens the session of whom a provider vouched for, after the second
// step where one is due and the provider is not trusted with it.
func (l *Logins) external(ctx context.Context, e External) (opened, error) {
	p, err := l.accounts.ByID(ctx, e.Person)
	if err != nil {
		return opened{}, err
	}
	if p.Disabled {
		return opened{}, fault.New(fault.Forbidden, "This account is disabled here.").Code("disabled").
			Cure("An administrator can enable the person again.")
	}
	from := network(actor.From(ctx).Address)
	write := func(ctx context.Context, o opened) error {
		return l.store.beginFor(ctx, o.session, digest(o.token), from, e)
	}
	if e.SecondStep {
		return l.open(ctx, p, e.Agent, write)
	}
	return l.second(ctx, p, credentials{device: e.Device, agent: e.Agent}, write)
}
