package main

import (
	"context"
	"errors"
	"net/url"
	"time"

	"chatets/appliance/fault"
)

// backgroundJob is what the API says of a job.
type backgroundJob struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Error    string `json:"error,omitempty"`
	Cure     string `json:"cure,omitempty"`
	Progress struct {
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
		Note  string `json:"note"`
	} `json:"progress"`
}

// watchJob waits for the end of a job and shows how far it is; whoever stops
// waiting stops it. noun is what the job is: an import.
func (o *options) watchJob(ctx context.Context, s *service, id, name, noun string) (backgroundJob, error) {
	bar := o.bar(name)
	defer bar.end()
	wait := time.NewTimer(0)
	defer wait.Stop()
	var job backgroundJob
	for pause := soonest; ; pause = min(latest, pause*3/2) {
		select {
		case <-ctx.Done():
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			err := s.Call(stopping, "POST", "/api/jobs/"+url.PathEscape(id)+"/cancel", nil, nil)
			return job, fault.New(fault.Cancelled, "Stopped; the %s was cancelled.", noun).Because(errors.Join(ctx.Err(), err))
		case <-wait.C:
		}
		if err := s.Call(ctx, "GET", "/api/jobs/"+url.PathEscape(id), nil, &job); err != nil {
			if ctx.Err() != nil {
				continue
			}
			return job, err
		}
		switch job.State {
		case "done":
			return job, nil
		case "failed", "cancelled":
			why, cure := job.Error, job.Cure
			if why == "" {
				why = "The " + noun + " was cancelled."
			}
			if cure == "" {
				cure = "the same command tries again"
			}
			return job, fault.New(fault.Conflict, "%s", why).Cure("%s", cure)
		}
		bar.show(job.Progress.Note, job.Progress.Done, job.Progress.Total)
		wait.Reset(pause)
	}
}
