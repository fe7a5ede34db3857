package backup

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/web"
)

// archiveRoutes adds the archives to the API.
func (b *Backups) archiveRoutes(api *web.API) {
	web.HandleDownload(api, web.Route{Method: http.MethodPost, Path: "/api/backup/archive", ID: "makeArchive", Tag: tag, Access: web.Administrator, StepUp: true,
		Summary: "Make a portable archive of everything and fetch it, sealed; it opens with the keys of this moment, the recovery key among them", Errors: []int{403, 409, 507}}, b.postArchive)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/archives", ID: "listArchives", Tag: tag, Access: web.Administrator, Scope: web.Operate,
		Summary: "List the archives and sets that were made, the newest first"}, b.getArchives)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/archives/{id}", ID: "getArchive", Tag: tag, Access: web.Administrator, Scope: web.Operate,
		Summary: "Show how the making of an archive ended", Errors: []int{404}}, b.getArchive)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/backup/archives/{id}", ID: "forgetArchive", Tag: tag, Access: web.Administrator,
		Summary: "Take an archive off the list, because it was destroyed", Errors: []int{403, 404}}, b.deleteArchive)
	b.setRoutes(api)
}

// ArchiveMade is an archive that was made, on the wire.
type ArchiveMade struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind" enum:"file,set" doc:"A file, or a set in a backup target."`
	Name    string     `json:"name" doc:"The file it was made as; of a set the name of its target."`
	By      string     `json:"by" doc:"Id of who made it."`
	Made    time.Time  `json:"made"`
	Key     uint32     `json:"key" doc:"Number of the data key that was current."`
	State   string     `json:"state" enum:"begun,whole,broken,unknown" doc:"unknown: nobody saw how it ended."`
	Ended   *time.Time `json:"ended,omitempty"`
	Bytes   int64      `json:"bytes"`
	Files   int        `json:"files"`
	Damaged int        `json:"damaged" doc:"Files that could not be read when it was made, and are not in it."`
	Why     string     `json:"why,omitempty" doc:"Why it broke off."`
	Cure    string     `json:"cure,omitempty"`
}

func (a archiveRow) show() ArchiveMade {
	out := ArchiveMade{ID: a.ID, Kind: a.Kind, Name: a.Name, By: a.Owner, Made: a.Made, Key: a.Key, State: a.State, Bytes: a.Bytes, Files: a.Files, Damaged: a.Damaged, Why: a.Why, Cure: a.Cure}
	if !a.Ended.IsZero() {
		out.Ended = &a.Ended
	}
	return out
}

type postArchiveIn struct {
	Body struct {
		Name string `json:"name,omitempty" maxLength:"4096" doc:"What it will be called where it is kept; for the list alone."`
	}
}

func (b *Backups) postArchive(ctx context.Context, in *postArchiveIn) (web.File, error) {
	a, err := b.NewArchive(ctx, in.Body.Name)
	if err != nil {
		return web.File{}, err
	}
	return web.File{Name: a.Name, Type: "application/octet-stream", Size: -1, Modified: a.Head.Made, Body: a.Body}, nil
}

type archivesOut struct {
	Body struct {
		Items []ArchiveMade `json:"items"`
	}
}

func (b *Backups) getArchives(ctx context.Context, _ *struct{}) (*archivesOut, error) {
	list, err := b.archives(ctx)
	out := &archivesOut{}
	out.Body.Items = []ArchiveMade{}
	for _, a := range list {
		out.Body.Items = append(out.Body.Items, a.show())
	}
	return out, err
}

type archiveIn struct {
	ID string `path:"id" maxLength:"64"`
}

type archiveOut struct{ Body ArchiveMade }

func (b *Backups) getArchive(ctx context.Context, in *archiveIn) (*archiveOut, error) {
	a, err := b.archive(ctx, in.ID)
	return &archiveOut{Body: a.show()}, err
}

func (b *Backups) deleteArchive(ctx context.Context, in *archiveIn) (*struct{}, error) {
	return &struct{}{}, b.forget(ctx, in.ID)
}
