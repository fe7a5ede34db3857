package backup

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/web"
)

func (b *Backups) drillRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/backup/drills", ID: "listDrills", Tag: tag, Access: web.Administrator,
		Summary: "List the drills, the newest first, and how far the one is that runs"}, b.getDrills)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/drills", ID: "startDrill", Tag: tag, Access: web.Administrator, Status: http.StatusAccepted,
		Summary: "Restore from a backup target, or from all in turn, beside the data, to see whether it can be done", Errors: []int{404, 409, 507}}, b.postDrill)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/backup/drills/{id}/cancel", ID: "cancelDrill", Tag: tag, Access: web.Administrator,
		Summary: "Cancel a drill that waits or runs", Errors: []int{404, 409}}, b.postDrillCancel)
}

// drillOut is a drill on the wire.
type drillOut struct {
	ID         string     `json:"id"`
	Target     string     `json:"target"`
	TargetName string     `json:"targetName"`
	Nightly    bool       `json:"nightly"`
	State      string     `json:"state" enum:"waiting,running,passed,failed,cancelled"`
	StartedAt  time.Time  `json:"startedAt"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
	TookMs     int64      `json:"tookMs"`
	PointAt    *time.Time `json:"pointAt,omitempty" doc:"Time of the state that was restored."`
	LostMs     int64      `json:"lostMs" doc:"Changes of how many milliseconds were not in it; 0 = none."`
	Bytes      int64      `json:"bytes" doc:"Size of the restored database."`
	Part       int        `json:"part" doc:"Which thirtieth of the files was read; another one each time."`
	Files      int64      `json:"files" doc:"How many files that were."`
	FileBytes  int64      `json:"fileBytes"`
	People     int64      `json:"people" doc:"People whose sign-in was read."`
	Searched   bool       `json:"searched" doc:"A search found what it should; false where there is nothing to find."`
	Why        string     `json:"why,omitempty" doc:"Why it failed."`
	Cure       string     `json:"cure,omitempty"`
	Step       string     `json:"step,omitempty" enum:"keys,database,check,files,try" doc:"What it is doing."`
	Done       int64      `json:"done,omitempty"`
	Total      int64      `json:"total,omitempty"`
}

func (d Drill) show(now time.Time) drillOut {
	out := drillOut{ID: d.ID, Target: d.Target, TargetName: d.TargetName, Nightly: d.Nightly, State: string(d.State), StartedAt: d.Started, LostMs: d.Lost.Milliseconds(),
		Bytes: d.Bytes, Part: d.Part, Files: d.Files, FileBytes: d.FileBytes, People: d.People, Searched: d.Searched, Why: d.Why, Cure: d.Cure, Step: d.Step, Done: d.Done, Total: d.Total}
	end := now
	if !d.Ended.IsZero() {
		end, out.EndedAt = d.Ended, &d.Ended
	}
	if d.State != DrillWaiting {
		out.TookMs = max(end.Sub(d.Started).Milliseconds(), 0)
	}
	if !d.Point.IsZero() {
		out.PointAt = &d.Point
	}
	return out
}

type drillsIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"30"`
}

type drillsOut struct {
	Body struct {
		Items []drillOut `json:"items"`
	}
}

func (b *Backups) showDrills(list []Drill) *drillsOut {
	out := &drillsOut{}
	out.Body.Items = make([]drillOut, len(list))
	for i, d := range list {
		out.Body.Items[i] = d.show(b.cfg.Now())
	}
	return out
}

func (b *Backups) getDrills(ctx context.Context, in *drillsIn) (*drillsOut, error) {
	list, err := b.Drills(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	return b.showDrills(list), nil
}

type postDrillIn struct {
	Body struct {
		Target string `json:"target,omitempty" maxLength:"64" doc:"Id of the target; absent for all of them."`
	}
}

func (b *Backups) postDrill(ctx context.Context, in *postDrillIn) (*drillsOut, error) {
	list, err := b.StartDrill(ctx, in.Body.Target)
	if err != nil {
		return nil, err
	}
	return b.showDrills(list), nil
}

func (b *Backups) postDrillCancel(ctx context.Context, in *targetIn) (*struct{}, error) {
	return &struct{}{}, b.CancelDrill(ctx, in.ID)
}
