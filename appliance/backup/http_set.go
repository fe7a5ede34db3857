package backup

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/web"
)

// setRoutes adds the sets to the API.
func (b *Backups) setRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/targets/{id}/sets", ID: "listSets", Tag: tag, Access: web.Administrator, Scope: web.Operate,
		Summary: "List the sets of a backup target, the oldest first", Errors: []int{404, 503}}, b.getSets)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets/{id}/sets", ID: "makeSet", Tag: tag, Access: web.Administrator, StepUp: true, Status: http.StatusAccepted,
		Summary: "Begin a set in a backup target: everything as it is now, without what is there already", Errors: []int{403, 404, 409, 503}}, b.postSet)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets/{id}/sets/verify", ID: "verifySet", Tag: tag, Access: web.Administrator, StepUp: true,
		Summary: "Read a set to its end and check all that is in it", Errors: []int{403, 404, 409, 503, 507}}, b.postVerifySet)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/targets/{id}/sets/prune", ID: "pruneSets", Tag: tag, Access: web.Administrator, StepUp: true,
		Summary: "Delete old sets, but never the newest, and the files that no set needs", Errors: []int{403, 404, 409, 422, 503}}, b.postPruneSets)
}

// BackupSet is a set that a target holds.
type BackupSet struct {
	ID       string    `json:"id"`
	Made     time.Time `json:"made"`
	Database int64     `json:"database" doc:"Bytes of its database, as it lies there."`
}

type setsOut struct {
	Body struct {
		Items []BackupSet `json:"items"`
	}
}

func (b *Backups) getSets(ctx context.Context, in *targetIn) (*setsOut, error) {
	sets, err := b.Sets(ctx, in.ID)
	out := &setsOut{}
	out.Body.Items = []BackupSet{}
	for _, s := range sets {
		out.Body.Items = append(out.Body.Items, BackupSet{ID: s.ID, Made: s.Made, Database: s.Size})
	}
	return out, err
}

type setBegunOut struct {
	Body struct {
		ID string `json:"id" doc:"Of the set; /api/backup/archives/{id} says how it ended."`
	}
}

func (b *Backups) postSet(ctx context.Context, in *targetIn) (*setBegunOut, error) {
	id, err := b.NewSet(ctx, in.ID)
	out := &setBegunOut{}
	out.Body.ID = id
	return out, err
}

type verifySetIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Set      string `json:"set,omitempty" maxLength:"64" doc:"Id of the set; none is the newest."`
		Recovery string `json:"recovery,omitempty" maxLength:"200" doc:"Open it with this recovery key alone."`
	}
}

type verifySetOut struct {
	Body struct {
		ID       string    `json:"id"`
		Made     time.Time `json:"made"`
		Database int64     `json:"database"`
		Files    int       `json:"files"`
		Damaged  int       `json:"damaged" doc:"Files that could not be read when it was made, and are not in it."`
	}
}

func (b *Backups) postVerifySet(ctx context.Context, in *verifySetIn) (*verifySetOut, error) {
	c, err := b.VerifySet(ctx, in.ID, in.Body.Set, in.Body.Recovery)
	out := &verifySetOut{}
	out.Body.ID, out.Body.Made, out.Body.Database, out.Body.Files, out.Body.Damaged = c.Head.ID, c.Head.Made, c.Head.Database, c.Files, c.Damaged
	return out, err
}

type pruneSetsIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		KeepDays int `json:"keepDays" minimum:"1" maximum:"36600"`
	}
}

type pruneSetsOut struct {
	Body struct {
		Sets  int `json:"sets" doc:"Sets that were deleted."`
		Files int `json:"files" doc:"Files that were deleted, because no set needs them."`
		Kept  int `json:"kept" doc:"Sets that are kept."`
	}
}

func (b *Backups) postPruneSets(ctx context.Context, in *pruneSetsIn) (*pruneSetsOut, error) {
	p, err := b.PruneSets(ctx, in.ID, in.Body.KeepDays)
	out := &pruneSetsOut{}
	out.Body.Sets, out.Body.Files, out.Body.Kept = p.Sets, p.Files, p.Kept
	return out, err
}
