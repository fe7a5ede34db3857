package setting

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// Routes adds the settings to the API.
func (s *Settings) Routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/settings", ID: "listSettings", Tag: "Settings", Access: web.Auditing,
		Summary: "List all settings with the value in force"}, s.list)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/settings/{key}", ID: "setSetting", Tag: "Settings", Access: web.Administrator,
		Summary: "Change a setting for everybody; an old value set again is a roll back", Errors: []int{404, 409, 422}}, s.put)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/settings/{key}/history", ID: "listSettingHistory", Tag: "Settings", Access: web.Auditing,
		Summary: "List the values a setting had, newest first", Errors: []int{404}}, s.past)
}

// Setting is one setting on the wire.
type Setting struct {
	Key       string     `json:"key"`
	Value     any        `json:"value" doc:"The value in force."`
	Default   any        `json:"default"`
	Help      string     `json:"help"`
	Version   int64      `json:"version" doc:"0 while nobody has changed it."`
	ChangedAt *time.Time `json:"changedAt,omitempty"`
	ChangedBy string     `json:"changedBy,omitempty" doc:"Id of the person."`
	Locked    bool       `json:"locked,omitempty" doc:"Fixed by the configuration; it cannot be changed here."`
}

type listOut struct{ Body web.Page[Setting] }

func (s *Settings) list(context.Context, *struct{}) (*listOut, error) {
	out := &listOut{}
	out.Body.Items = []Setting{}
	for _, name := range s.names() {
		item, err := s.show(name)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

type putIn struct {
	Key  string `path:"key" maxLength:"64"`
	Body struct {
		Value   any    `json:"value"`
		Version *int64 `json:"version,omitempty" minimum:"0" doc:"The version that was seen; another one in force is a conflict."`
	}
}

type putOut struct{ Body Setting }

func (s *Settings) put(ctx context.Context, in *putIn) (*putOut, error) {
	raw, err := json.Marshal(in.Body.Value)
	if err != nil {
		return nil, err
	}
	version := int64(-1)
	if in.Body.Version != nil {
		version = *in.Body.Version
	}
	if err := s.Set(ctx, in.Key, raw, version); err != nil {
		return nil, err
	}
	item, err := s.show(in.Key)
	return &putOut{Body: item}, err
}

// SettingVersion is one value a setting had.
type SettingVersion struct {
	Version   int64     `json:"version"`
	Value     any       `json:"value"`
	ChangedAt time.Time `json:"changedAt"`
	ChangedBy string    `json:"changedBy" doc:"Id of the person."`
}

type pastIn struct {
	Key    string `path:"key" maxLength:"64"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"20"`
}

type pastOut struct{ Body web.Page[SettingVersion] }

func (s *Settings) past(ctx context.Context, in *pastIn) (*pastOut, error) {
	before := int64(math.MaxInt64)
	if in.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
			return nil, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
				With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
		}
	}
	versions, err := s.History(ctx, in.Key, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &pastOut{}
	if len(versions) > in.Limit {
		versions = versions[:in.Limit]
		out.Body.Next = strconv.FormatInt(versions[in.Limit-1].Version, 10)
	}
	out.Body.Items = make([]SettingVersion, 0, len(versions))
	for _, v := range versions {
		item := SettingVersion{Version: v.Version, ChangedAt: v.Changed, ChangedBy: v.Owner}
		if err := json.Unmarshal(v.Value, &item.Value); err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

func (s *Settings) show(name string) (Setting, error) {
	e, ok := s.entry(name)
	if !ok {
		return Setting{}, unknown(name)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	item := Setting{Key: name, Value: e.value, Help: e.help, Version: e.stored.Version, ChangedBy: e.stored.Owner, Locked: e.locked}
	if e.stored.Version > 0 {
		at := e.stored.Changed // a copy: what is answered is written after the lock is gone
		item.ChangedAt = &at
	}
	return item, json.Unmarshal(e.fallback, &item.Default)
}
