package key

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/secret"
	"chatets/appliance/web"
)

// Routes adds the keys to the API.
func (k *Keys) Routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/keys", ID: "getKeys", Tag: "Keys", Access: web.Administrator,
		Summary: "Show the ways to the keys, the data keys by number and how far a rotation is; no secret is in it"}, k.getKeys)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/keys/recovery", ID: "makeRecoveryKey", Tag: "Keys", Access: web.Administrator,
		Summary: "Make a recovery key and revoke the one before; it is shown this once", Errors: []int{403}}, k.postRecovery)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/keys/recovery/test", ID: "testRecoveryKey", Tag: "Keys", Access: web.Administrator,
		Summary: "Say whether a recovery key is the one in force", Errors: []int{403, 409, 422}}, k.postTest)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/keys", ID: "addKeySlot", Tag: "Operator", Access: web.Socket,
		Summary: "Add a way to the keys", Errors: []int{409, 422, 503}}, k.postSlot)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/operator/keys/{slot}", ID: "removeKeySlot", Tag: "Operator", Access: web.Socket, Status: http.StatusOK,
		Summary: "Take a way to the keys away; one always stays", Errors: []int{404, 409}}, k.deleteSlot)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/keys/rotate", ID: "rotateKeys", Tag: "Operator", Access: web.Socket,
		Summary: "Make a new master key and a new data key; what lies under old keys follows in the background"}, k.postRotate)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/keys/shred", ID: "shred", Tag: "Operator", Access: web.Socket, Status: http.StatusAccepted,
		Summary: "Make a workspace or a person unreadable; it cannot be undone", Errors: []int{404, 409}}, k.postShred)
}

// KeySlot is one way to the keys.
type KeySlot struct {
	Slot  int       `json:"slot"`
	Kind  string    `json:"kind" enum:"file,credential,passphrase,tpm,transit,recovery"`
	Where string    `json:"where" doc:"A path, a name or an address, for people."`
	Made  time.Time `json:"made"`
	InUse bool      `json:"inUse" doc:"The service opened the keys with this one."`
}

// DataKey is one numbered key; the key itself is never shown.
type DataKey struct {
	Number  uint32     `json:"number"`
	Current bool       `json:"current"`
	Made    time.Time  `json:"made"`
	Retired *time.Time `json:"retired,omitempty" doc:"Since when another is current; it is destroyed when nothing is left under it."`
}

// KeyStatus is what can be told of the keys.
type KeyStatus struct {
	Installation string       `json:"installation"`
	Serial       uint64       `json:"serial" doc:"Grows with every change of keys.json."`
	Changed      time.Time    `json:"changed"`
	Recovery     bool         `json:"recovery" doc:"There is a recovery key."`
	Slots        []KeySlot    `json:"slots"`
	Keys         []DataKey    `json:"keys"`
	Progress     *KeyProgress `json:"progress,omitempty"`
	Failure      string       `json:"failure,omitempty" doc:"Why the work in the background last failed."`
	OldUntil     *time.Time   `json:"oldUntil,omitempty" doc:"When the old keys can be destroyed at the earliest."`
	Shreds       []Shred      `json:"shreds"`
}

type statusOut struct{ Body KeyStatus }

func (k *Keys) getKeys(ctx context.Context, _ *struct{}) (*statusOut, error) {
	now := k.c.Secrets.Status()
	s := KeyStatus{Installation: now.Installation, Serial: now.Serial, Changed: now.Written, Slots: []KeySlot{}, Keys: []DataKey{}}
	for _, slot := range now.Slots {
		s.Recovery = s.Recovery || slot.Kind == secret.RecoveryKind
		s.Slots = append(s.Slots, wire(slot, now.Opened))
	}
	for _, key := range now.Keys {
		d := DataKey{Number: key.Number, Current: key.Number == now.Current, Made: key.Made}
		if !key.Retired.IsZero() {
			d.Retired = &key.Retired
		}
		s.Keys = append(s.Keys, d)
	}
	until, err := k.Until(ctx)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() {
		s.OldUntil = &until
	}
	s.Progress, s.Failure = k.Working()
	s.Shreds, err = k.shreds(ctx)
	return &statusOut{Body: s}, err
}

func wire(slot secret.SlotStatus, opened int) KeySlot {
	return KeySlot{Slot: slot.ID, Kind: string(slot.Kind), Where: slot.Where, Made: slot.Made, InUse: slot.ID == opened}
}

// RecoveryKey is a new recovery key; it is told once and kept nowhere.
type RecoveryKey struct {
	Key  string   `json:"key" doc:"Six groups of six letters and digits; the last four are a checksum."`
	Slot int      `json:"slot"`
	QR   []string `json:"qr" doc:"The key as a QR code: rows of 1 (dark) and 0, with a quiet margin."`
}

type recoveryOut struct{ Body RecoveryKey }

func (k *Keys) postRecovery(ctx context.Context, _ *struct{}) (*recoveryOut, error) {
	text, slot, err := k.NewRecovery(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := draw(text)
	return &recoveryOut{Body: RecoveryKey{Key: text, Slot: slot.ID, QR: rows}}, err
}

type testIn struct {
	Body struct {
		Key string `json:"key" maxLength:"200"`
	}
}

type none struct{}

func (k *Keys) postTest(ctx context.Context, in *testIn) (*none, error) {
	return &none{}, k.TestRecovery(ctx, in.Body.Key)
}

type slotIn struct {
	Body struct {
		Kind       string `json:"kind" enum:"file,credential,passphrase,tpm,transit"`
		File       string `json:"file,omitempty" maxLength:"4096"`
		Credential string `json:"credential,omitempty" maxLength:"255"`
		Passphrase string `json:"passphrase,omitempty" maxLength:"4096"`
		Device     string `json:"device,omitempty" maxLength:"4096"`
		PCRs       []uint `json:"pcrs,omitempty" maxItems:"24"`
		Transit    *struct {
			URL             string `json:"url" maxLength:"2000"`
			Mount           string `json:"mount,omitempty" maxLength:"255"`
			Key             string `json:"key" maxLength:"255"`
			Namespace       string `json:"namespace,omitempty" maxLength:"255"`
			CA              string `json:"ca,omitempty" maxLength:"100000"`
			TokenFile       string `json:"tokenFile,omitempty" maxLength:"4096"`
			TokenCredential string `json:"tokenCredential,omitempty" maxLength:"255"`
		} `json:"transit,omitempty"`
	}
}

type slotOut struct{ Body KeySlot }

func (k *Keys) postSlot(ctx context.Context, in *slotIn) (*slotOut, error) {
	b := in.Body
	n := secret.NewSlot{Kind: secret.Kind(b.Kind), File: b.File, Credential: b.Credential, Passphrase: b.Passphrase, TPM: secret.TPM{Device: b.Device, PCRs: b.PCRs}}
	if t := b.Transit; t != nil {
		n.Transit = secret.Transit{URL: t.URL, Mount: t.Mount, Key: t.Key, Namespace: t.Namespace, CA: t.CA, TokenFile: t.TokenFile, TokenCredential: t.TokenCredential}
	}
	slot, err := k.AddSlot(ctx, n)
	return &slotOut{Body: wire(slot, 0)}, err
}

type slotIDIn struct {
	Slot int `path:"slot" minimum:"1" maximum:"1000000"`
}

func (k *Keys) deleteSlot(ctx context.Context, in *slotIDIn) (*slotOut, error) {
	slot, err := k.RemoveSlot(ctx, in.Slot)
	return &slotOut{Body: wire(slot, 0)}, err
}

// KeyRotation is what a rotation did at once.
type KeyRotation struct {
	Previous uint32   `json:"previous"`
	Current  uint32   `json:"current"`
	Renewed  []string `json:"renewed" doc:"Key files that hold a new key now."`
	Kept     []string `json:"kept" doc:"Key files that the service may not write; they still hold the old key, which still opens keys.json."`
}

type rotationOut struct{ Body KeyRotation }

func (k *Keys) postRotate(ctx context.Context, _ *struct{}) (*rotationOut, error) {
	r, err := k.Rotate(ctx)
	list := func(files []string) []string { return append([]string{}, files...) }
	return &rotationOut{Body: KeyRotation{Previous: r.Previous, Current: r.Current, Renewed: list(r.Renewed), Kept: list(r.Kept)}}, err
}

type shredIn struct {
	Body struct {
		Kind    string `json:"kind" enum:"workspace,person"`
		Subject string `json:"subject" maxLength:"64" doc:"Id of the workspace or person."`
	}
}

type shredOut struct{ Body Shred }

func (k *Keys) postShred(ctx context.Context, in *shredIn) (*shredOut, error) {
	s, err := k.Shred(ctx, in.Body.Kind, in.Body.Subject)
	return &shredOut{Body: s}, err
}
