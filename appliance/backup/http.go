package backup

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

const tag = "Backups"

// Routes adds the targets to the API.
func (b *Backups) Routes(api *web.API) {
	b.archiveRoutes(api)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/targets", ID: "listBackupTargets", Tag: tag, Access: web.Administrator, Scope: web.Operate,
		Summary: "List the backup targets and how far each is, by name"}, b.getTargets)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets", ID: "addBackupTarget", Tag: tag, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Test a backup target and begin to copy to it", Errors: []int{403, 404, 409, 422, 503, 507}}, b.postTarget)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets/host-key", ID: "askHostKey", Tag: tag, Access: web.Administrator,
		Summary: "Ask an SFTP server for its key, to compare its fingerprint before the target is added", Errors: []int{422, 503}}, b.postHostKey)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/backup/targets/{id}", ID: "removeBackupTarget", Tag: tag, Access: web.Administrator,
		Summary: "Copy to a target no more; what it holds stays there", Errors: []int{404}}, b.deleteTarget)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets/{id}/test", ID: "testBackupTarget", Tag: tag, Access: web.Administrator,
		Summary: "Try everything that copying to a target needs", Errors: []int{403, 404, 409, 503, 507}}, b.postTest)
	b.drillRoutes(api)
	b.restoreRoutes(api)
}

// targetOut is a target on the wire.
type targetOut struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Kind         string     `json:"kind" enum:"directory,s3,sftp"`
	URL          string     `json:"url"`
	HasSecret    bool       `json:"hasSecret" doc:"A key or password is kept, sealed."`
	HasCA        bool       `json:"hasCa" doc:"Own certificates are trusted for it."`
	Wait         bool       `json:"wait" doc:"A document counts as kept once the target has it."`
	Rate         int64      `json:"rate" doc:"Bytes a second; 0 = no limit."`
	State        string     `json:"state" enum:"current,behind,failing,starting"`
	Why          string     `json:"why,omitempty" doc:"Why it is not current."`
	Cure         string     `json:"cure,omitempty"`
	BehindMs     int64      `json:"behindMs" doc:"Age of the oldest change it has not; 0 = it has all."`
	Generation   uint64     `json:"generation" doc:"Which start of a master writes to it."`
	LastChangeAt *time.Time `json:"lastChangeAt,omitempty" doc:"Time of the newest change it has."`
	LastID       uint64     `json:"lastTransaction" doc:"Number of the newest change it has."`
	OldestAt     *time.Time `json:"oldestAt,omitempty" doc:"Oldest point that can be restored since this count of changes began."`
	ContactAt    *time.Time `json:"contactAt,omitempty" doc:"When it last answered."`
	FilesWaiting int64      `json:"filesWaiting" doc:"Files it lacks."`
	FilesLate    int64      `json:"filesLate" doc:"Files that were acknowledged without it since the start, although it is waited for."`
	Bytes        int64      `json:"bytes" doc:"What it holds of the database and of files."`
	Keeps        bool       `json:"keeps" doc:"It lets nothing be deleted; what is out of time must go by its own rule."`
	CreatedAt    time.Time  `json:"createdAt"`
}

func show(t Target, s State, known bool) targetOut {
	out := targetOut{ID: t.ID, Name: t.Name, Kind: string(t.Kind), URL: t.URL, HasSecret: len(t.sealed) > 0, HasCA: t.CA != "", Wait: t.Wait, Rate: t.Rate, CreatedAt: t.Created,
		State: "starting", BehindMs: s.behind().Milliseconds(), Generation: s.Database.Generation, LastID: s.Database.Shipped, FilesWaiting: s.Files.Waiting, FilesLate: s.Files.Late,
		Bytes: s.Database.Bytes + s.Files.Bytes, Keeps: s.Database.Keeps || s.Files.Keeps}
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	out.LastChangeAt, out.OldestAt, out.ContactAt = at(s.Database.Time), at(s.Database.Oldest), at(s.Database.Contact.UTC())
	if s.Database.Contact.IsZero() {
		out.ContactAt = nil
	}
	switch {
	case !known:
	case s.err() != nil:
		r := fault.Of(s.err())
		out.State, out.Why, out.Cure = "failing", r.Sentence, r.Cure
	case s.behind() > late:
		out.State = "behind"
	case s.Database.Generation > 0 && s.Database.Shipped > 0:
		out.State = "current"
	}
	return out
}

type targetsOut struct {
	Body struct {
		Items []targetOut `json:"items"`
	}
}

func (b *Backups) getTargets(ctx context.Context, _ *struct{}) (*targetsOut, error) {
	list, err := b.store.targets(ctx)
	if err != nil {
		return nil, err
	}
	states := b.states(ctx)
	out := &targetsOut{}
	out.Body.Items = make([]targetOut, len(list))
	for i, t := range list {
		s, known := states[t.ID]
		out.Body.Items[i] = show(t, s, known)
	}
	return out, nil
}

// trialOut is what a test found.
type trialOut struct {
	TookMs      int64 `json:"tookMs"`
	Conditional bool  `json:"conditional" doc:"Of two masters one is refused; false: the target cannot tell them apart."`
	Deletes     bool  `json:"deletes" doc:"We may delete; false: what is out of time must go by the target's own rule, and a stolen server cannot destroy its backups."`
	SameDisk    bool  `json:"sameDisk" doc:"It lies on the disk of the data directory and is lost with it."`
}

func (t Trial) show() trialOut {
	return trialOut{TookMs: t.Took.Milliseconds(), Conditional: t.Conditional, Deletes: t.Deletes, SameDisk: t.SameDisk}
}

type postTargetIn struct {
	Body struct {
		Name     string `json:"name" maxLength:"400"`
		URL      string `json:"url" maxLength:"1024" doc:"file:///path, s3://bucket/folder?endpoint=https://host&region=… or sftp://user@host:port/folder"`
		Secret   string `json:"secret,omitempty" maxLength:"16000" doc:"S3: ACCESS:SECRET. SFTP: a password or a private key in PEM. Kept sealed, never given back."`
		CA       string `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of its authority as PEM, where the system does not trust it."`
		HostKey  string `json:"hostKey,omitempty" maxLength:"4000" doc:"SFTP: the server's key, as it was asked for and compared."`
		Wait     *bool  `json:"wait,omitempty" doc:"A document counts as kept once the target has it; by default for a directory."`
		Rate     int64  `json:"rate,omitempty" minimum:"0" doc:"Bytes a second in each direction; 0 = no limit."`
		TakeOver bool   `json:"takeOver,omitempty" doc:"It holds backups of this installation, and no other machine is its master any more."`
	}
}

type postTargetOut struct {
	Body struct {
		targetOut
		Test trialOut `json:"test"`
	}
}

func (b *Backups) postTarget(ctx context.Context, in *postTargetIn) (*postTargetOut, error) {
	n := in.Body
	t, trial, err := b.Add(ctx, NewTarget{Name: n.Name, URL: n.URL, Secret: n.Secret, CA: n.CA, HostKey: n.HostKey, Wait: n.Wait, Rate: n.Rate, TakeOver: n.TakeOver})
	if err != nil {
		return nil, err
	}
	s, known := b.states(ctx)[t.ID]
	out := &postTargetOut{}
	out.Body.targetOut, out.Body.Test = show(t, s, known), trial.show()
	return out, nil
}

type targetIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (b *Backups) deleteTarget(ctx context.Context, in *targetIn) (*struct{}, error) {
	return &struct{}{}, b.Remove(ctx, in.ID)
}

type testOut struct{ Body trialOut }

func (b *Backups) postTest(ctx context.Context, in *targetIn) (*testOut, error) {
	trial, err := b.Test(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &testOut{Body: trial.show()}, nil
}

type hostKeyIn struct {
	Body struct {
		URL string `json:"url" maxLength:"1024"`
	}
}

type hostKeyOut struct {
	Body struct {
		HostKey     string `json:"hostKey"`
		Fingerprint string `json:"fingerprint"`
	}
}

func (b *Backups) postHostKey(ctx context.Context, in *hostKeyIn) (*hostKeyOut, error) {
	line, fingerprint, err := b.HostKey(ctx, in.Body.URL)
	if err != nil {
		return nil, err
	}
	out := &hostKeyOut{}
	out.Body.HostKey, out.Body.Fingerprint = line, fingerprint
	return out, nil
}
