package directory

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

const tag = "Directories"

// Routes adds directories to the API.
func (d *Directories) Routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/directories", ID: "listDirectories", Tag: tag, Access: web.Administrator,
		Summary: "List the directories, by name"}, d.getAll)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/directories", ID: "addDirectory", Tag: tag, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Add a directory; nothing is read from it yet", Errors: []int{409, 422}}, d.post)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/directories/{id}", ID: "getDirectory", Tag: tag, Access: web.Administrator,
		Summary: "Show a directory and what its last synchronisation came to", Errors: []int{404}}, d.getOne)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/directories/{id}", ID: "changeDirectory", Tag: tag, Access: web.Administrator,
		Summary: "Change a directory", Errors: []int{404, 422}}, d.patch)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/directories/{id}", ID: "removeDirectory", Tag: tag, Access: web.Administrator,
		Summary: "Remove a directory; its people stay, disabled", Errors: []int{404}}, d.remove)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/directories/{id}/test", ID: "testDirectory", Tag: tag, Access: web.Administrator,
		Summary: "Test a directory step by step, with each question and its answer", Errors: []int{404}}, d.postTest)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/directories/{id}/sync", ID: "syncDirectory", Tag: tag, Access: web.Administrator, Status: http.StatusAccepted,
		Summary: "Begin to bring people and groups in step with the directory", Errors: []int{404, 409}}, d.postSync)
}

// wireSettings are Settings on the wire.
type wireSettings struct {
	Preset       string      `json:"preset" enum:"openldap,ad"`
	URLs         []string    `json:"urls" minItems:"1" maxItems:"10" doc:"Asked in this order until one answers. ldap:// is encrypted with StartTLS."`
	CA           string      `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of the authority, PEM."`
	Pin          string      `json:"pin,omitempty" maxLength:"200" doc:"SHA-256 fingerprint of the server's certificate; no other is accepted then."`
	ClearText    bool        `json:"clearText,omitempty" doc:"Passwords cross the network readable for everybody. For tests only."`
	BindDN       string      `json:"bindDn,omitempty" maxLength:"1000" doc:"The service account that searches."`
	Base         string      `json:"base" maxLength:"1000"`
	GroupBase    string      `json:"groupBase,omitempty" maxLength:"1000" doc:"Where groups are; the base when absent."`
	PersonFilter string      `json:"personFilter,omitempty" maxLength:"2000"`
	GroupFilter  string      `json:"groupFilter,omitempty" maxLength:"2000"`
	Key          string      `json:"key,omitempty" maxLength:"100" doc:"Attribute by which an entry is known for ever: entryUUID, objectGUID."`
	Login        string      `json:"login,omitempty" maxLength:"100" doc:"Attribute people sign in with: uid, sAMAccountName."`
	Mail         string      `json:"mail,omitempty" maxLength:"100"`
	FullName     string      `json:"fullName,omitempty" maxLength:"100"`
	Only         string      `json:"only,omitempty" maxLength:"1000" doc:"Group whose members are let in, nested ones too; everybody when absent."`
	Role         actor.Role  `json:"role,omitempty" enum:"admin,editor,member,guest" doc:"In the workspace of the directory; member when absent."`
	Groups       bool        `json:"groups,omitempty" doc:"Groups of the directory become groups of the workspace."`
	Rules        []GroupRule `json:"rules,omitempty" maxItems:"200"`
	EveryMinutes int         `json:"everyMinutes,omitempty" minimum:"0" maximum:"10080" doc:"0 synchronises only when asked."`
	GraceDays    int         `json:"graceDays,omitempty" minimum:"0" maximum:"365" doc:"Days until somebody who is gone from the directory is disabled."`
	BrakePercent int         `json:"brakePercent,omitempty" minimum:"0" maximum:"100" doc:"When more than this share is gone at once, nobody is disabled. 0 = no brake."`
}

// directory is a directory on the wire.
type directory struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Workspace   string       `json:"workspace" doc:"Its people become members of it."`
	Enabled     bool         `json:"enabled"`
	HasPassword bool         `json:"hasPassword" doc:"The password of its service account is kept, sealed."`
	Settings    wireSettings `json:"settings"`
	DownSince   *time.Time   `json:"downSince,omitempty" doc:"It did not answer when it was asked last."`
	SyncedAt    *time.Time   `json:"syncedAt,omitempty"`
	Result      *SyncResult  `json:"result,omitempty" doc:"Of the last synchronisation or dry run."`
	CreatedAt   time.Time    `json:"createdAt"`
}

func (d *Directories) show(dir Directory) directory {
	out := directory{ID: dir.ID, Name: dir.Name, Workspace: dir.Workspace, Enabled: dir.Enabled, HasPassword: dir.HasPassword,
		Settings: wireSettings(dir.Settings), CreatedAt: dir.Created}
	d.mu.Lock()
	if since, down := d.down[dir.ID]; down {
		at := since.UTC()
		out.DownSince = &at
	}
	d.mu.Unlock()
	if !dir.Synced.IsZero() {
		out.SyncedAt = &dir.Synced
	}
	if dir.Result.Problems != nil {
		out.Result = &dir.Result
	}
	return out
}

type directoriesOut struct {
	Body struct {
		Items []directory `json:"items"`
	}
}

func (d *Directories) getAll(ctx context.Context, _ *struct{}) (*directoriesOut, error) {
	list, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &directoriesOut{}
	out.Body.Items = make([]directory, len(list))
	for i, dir := range list {
		out.Body.Items[i] = d.show(dir)
	}
	return out, nil
}

type directoryIn struct {
	ID string `path:"id" maxLength:"64"`
}

type directoryOut struct{ Body directory }

func (d *Directories) answer(dir Directory, err error) (*directoryOut, error) {
	if err != nil {
		return nil, err
	}
	return &directoryOut{Body: d.show(dir)}, nil
}

func (d *Directories) getOne(ctx context.Context, in *directoryIn) (*directoryOut, error) {
	return d.answer(d.Get(ctx, in.ID))
}

type postIn struct {
	Body struct {
		Name     string       `json:"name" maxLength:"64" doc:"Small letters, digits, dots and dashes; it stays."`
		Password string       `json:"password,omitempty" maxLength:"1024" doc:"Of the service account. Kept sealed, never given back."`
		Settings wireSettings `json:"settings"`
	}
}

func (d *Directories) post(ctx context.Context, in *postIn) (*directoryOut, error) {
	return d.answer(d.Add(ctx, NewDirectory{Name: in.Body.Name, Password: in.Body.Password, Settings: Settings(in.Body.Settings)}))
}

type patchIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Enabled  *bool         `json:"enabled,omitempty"`
		Password *string       `json:"password,omitempty" maxLength:"1024" doc:"Empty forgets the one that is kept."`
		Settings *wireSettings `json:"settings,omitempty" doc:"All of them anew."`
	}
}

func (d *Directories) patch(ctx context.Context, in *patchIn) (*directoryOut, error) {
	return d.answer(d.Change(ctx, in.ID, ChangeDirectory{Enabled: in.Body.Enabled, Password: in.Body.Password, Settings: (*Settings)(in.Body.Settings)}))
}

type removeOut struct {
	Body struct {
		People int `json:"people" doc:"People who were disabled, because nobody vouches for them any more."`
	}
}

func (d *Directories) remove(ctx context.Context, in *directoryIn) (*removeOut, error) {
	n, err := d.Remove(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &removeOut{}
	out.Body.People = n
	return out, nil
}

type testIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Person   string `json:"person,omitempty" maxLength:"300" doc:"Name to look for, as somebody would type it."`
		Password string `json:"password,omitempty" maxLength:"1024" doc:"Tries to sign in as the person; it is not kept."`
	}
}

type testOut struct {
	Body struct {
		OK    bool            `json:"ok"`
		Steps []DirectoryStep `json:"steps"`
	}
}

func (d *Directories) postTest(ctx context.Context, in *testIn) (*testOut, error) {
	steps, err := d.Test(ctx, in.ID, in.Body.Person, in.Body.Password)
	if err != nil {
		return nil, err
	}
	out := &testOut{}
	out.Body.Steps, out.Body.OK = steps, len(steps) > 0 && steps[len(steps)-1].OK
	return out, nil
}

type syncIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		DryRun bool `json:"dryRun,omitempty" doc:"Writes nothing; result says what would be done."`
		Full   bool `json:"full,omitempty" doc:"Goes through everything, not only through what changed."`
	}
}

type syncOut struct {
	Body struct {
		Job string `json:"job" doc:"Follow it at /api/jobs/{id}; the result is then with the directory."`
	}
}

func (d *Directories) postSync(ctx context.Context, in *syncIn) (*syncOut, error) {
	id, err := d.Sync(ctx, in.ID, in.Body.DryRun, in.Body.Full)
	if err != nil {
		return nil, err
	}
	out := &syncOut{}
	out.Body.Job = id
	return out, nil
}
