package backup

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/web"
)

func (b *Backups) restoreRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/points", ID: "listBackupPoints", Tag: tag, Access: web.Administrator,
		Summary: "List the points that a backup target can give back, the newest first", Errors: []int{404, 409, 422, 503}}, b.getPoints)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/restore", ID: "getBackupRestore", Tag: tag, Access: web.Administrator,
		Summary: "Show how far a restore is, and what this data was last restored from"}, b.getRestore)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/restore", ID: "startBackupRestore", Tag: tag, Access: web.Administrator, Status: http.StatusAccepted,
		Summary: "Restore a point of a backup target beside the data; then the service starts anew with it", Errors: []int{403, 404, 409, 422, 503}}, b.postRestore)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/backup/restore", ID: "cancelBackupRestore", Tag: tag, Access: web.Administrator,
		Summary: "Cancel a restore that is still being prepared", Errors: []int{409}}, b.deleteRestore)
}

type pointsIn struct {
	Target string    `query:"target" maxLength:"64" doc:"Id of the target; may be left out where there is one alone."`
	From   time.Time `query:"from" doc:"Not older than this."`
	To     time.Time `query:"to" doc:"Not newer than this; to page on, a millisecond before the last point."`
	Step   string    `query:"step" enum:"second,minute,hour,day" default:"hour" doc:"Of each stretch the newest point alone."`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// BackupPoint is a state that can be restored.
type BackupPoint struct {
	At          time.Time `json:"at" doc:"Give it to POST /api/backup/restore as it is."`
	Line        uint64    `json:"line" doc:"Changes are counted anew with every restore."`
	Transaction uint64    `json:"transaction"`
}

// BackupRange is from when to when a line can be restored.
type BackupRange struct {
	Line        uint64    `json:"line"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Bytes       int64     `json:"bytes"`
	Interrupted bool      `json:"interrupted" doc:"Files in between are missing."`
}

type pointsOut struct {
	Body struct {
		Items  []BackupPoint `json:"items"`
		More   bool          `json:"more" doc:"There are older ones than the limit lets through."`
		Ranges []BackupRange `json:"ranges"`
	}
}

func (b *Backups) getPoints(ctx context.Context, in *pointsIn) (*pointsOut, error) {
	list, more, ranges, err := b.Points(ctx, in.Target, PointQuery{From: in.From, To: in.To, Step: stepOf(in.Step), Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &pointsOut{}
	out.Body.Items, out.Body.Ranges, out.Body.More = make([]BackupPoint, len(list)), make([]BackupRange, len(ranges)), more
	for i, p := range list {
		out.Body.Items[i] = BackupPoint{At: p.Time, Line: p.Line, Transaction: p.Transaction}
	}
	for i, r := range ranges {
		out.Body.Ranges[i] = BackupRange{Line: r.Line, First: r.First.Time, Last: r.Last.Time, Bytes: r.Bytes, Interrupted: r.Interrupted}
	}
	return out, nil
}

// BackupRestore is how far a restore is.
type BackupRestore struct {
	State  string     `json:"state" enum:"none,running,switching,failed" doc:"switching: the service starts anew in a moment, and everybody signs in again."`
	Target string     `json:"target,omitempty" doc:"Name of the target."`
	At     *time.Time `json:"at,omitempty" doc:"The point that was asked for; without it the newest."`
	Begun  *time.Time `json:"begun,omitempty"`
	Step   string     `json:"step,omitempty" enum:"keys,database,check,files,finish,switch"`
	Done   int64      `json:"done"`
	Total  int64      `json:"total"`
	Why    string     `json:"why,omitempty" doc:"Why it failed."`
	Cure   string     `json:"cure,omitempty"`

	Last *BackupRestored `json:"last,omitempty" doc:"What this data was last restored from."`
}

// BackupRestored is a restore that ended, and how far its files are.
type BackupRestored struct {
	At         time.Time     `json:"at"`
	Point      time.Time     `json:"point"`
	Newest     time.Time     `json:"newest" doc:"The newest change that could have been restored."`
	TookMs     int64         `json:"tookMs"`
	Files      int           `json:"files" doc:"That are there."`
	FilesDone  int64         `json:"filesDone" doc:"Bytes that are there of those that follow."`
	FilesTotal int64         `json:"filesTotal"`
	Fetching   bool          `json:"fetching" doc:"Files are still being fetched."`
	Why        string        `json:"why,omitempty" doc:"Why that does not go on now."`
	Cure       string        `json:"cure,omitempty"`
	Damaged    []blob.Damage `json:"damaged" doc:"Files that the target did not give back whole."`
}

type restoreOut struct{ Body BackupRestore }

func (b *Backups) getRestore(_ context.Context, _ *struct{}) (*restoreOut, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &restoreOut{Body: BackupRestore{State: "none"}}
	if r := b.restoring; r != nil {
		o := BackupRestore{State: r.State, Target: r.Target.Name, Begun: &r.Begun, Step: r.Step, Done: r.Done, Total: r.Total}
		if !r.At.IsZero() {
			o.At = &r.At
		}
		if r.Err != nil {
			f := fault.Of(r.Err)
			o.Why, o.Cure = f.Sentence, f.Cure
		}
		out.Body = o
	}
	if !b.restored {
		return out, nil
	}
	last := &BackupRestored{At: b.last.At, Point: b.last.Point, Newest: b.last.Newest, TookMs: b.last.Took.Milliseconds(), Files: b.last.Files, Damaged: append([]blob.Damage{}, b.last.Damaged...)}
	if f := b.refill; f != nil {
		s := f.work.Status()
		last.Fetching, last.Files, last.FilesDone, last.FilesTotal, last.Damaged = true, s.Files, s.Done, s.Total, append([]blob.Damage{}, s.Damaged...)
		if f.err != nil {
			r := fault.Of(f.err)
			last.Why, last.Cure = r.Sentence, r.Cure
		}
	}
	out.Body.Last = last
	return out, nil
}

type postRestoreIn struct {
	Body struct {
		Target  string     `json:"target" maxLength:"64" doc:"Id of the target; empty where there is one alone."`
		At      *time.Time `json:"at,omitempty" doc:"The point; without it the newest."`
		Confirm string     `json:"confirm" maxLength:"400" doc:"The name of the target, as the person typed it."`
	}
}

func (b *Backups) postRestore(ctx context.Context, in *postRestoreIn) (*restoreOut, error) {
	var at time.Time
	if in.Body.At != nil {
		at = *in.Body.At
	}
	if err := b.Restore(ctx, in.Body.Target, at, in.Body.Confirm); err != nil {
		return nil, err
	}
	return b.getRestore(ctx, nil)
}

func (b *Backups) deleteRestore(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return &struct{}{}, b.Cancel(ctx)
}
