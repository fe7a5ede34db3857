package transfer

import (
	"context"
	"io"
	"net/http"
	"strings"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

const maxFile = 128 << 20 // bytes

// Routes adds imports to the API.
func (t *Transfers) Routes(api *web.API) {
	web.HandleUpload(api, web.Route{Method: http.MethodPost, Path: "/api/people/import", ID: "importPeople", Tag: "People", Access: web.Administrator, Scope: web.PeopleWrite, BodyLimit: maxFile,
		Summary: "Take people in from a CSV or JSON file; the body is the file", Errors: []int{413, 422}}, t.postPeople)
}

type importIn struct {
	Format string   `query:"format" enum:"csv,json," doc:"Found out when absent."`
	DryRun bool     `query:"dryRun" doc:"Writes nothing and says what would be done."`
	Lines  bool     `query:"lines" doc:"Takes each line for itself; otherwise a file with a wrong line is not taken in at all."`
	Invite bool     `query:"invite" doc:"Makes a link for each new person to set a password with."`
	Map    []string `query:"map" doc:"field=column for each field whose column has another name: email, name, firstName, lastName, groups, workspace, role, admin."`
}

type importOut struct{ Body ImportResult }

func (t *Transfers) postPeople(ctx context.Context, in *importIn, body io.Reader) (*importOut, error) {
	o := Options{Format: in.Format, DryRun: in.DryRun, Lines: in.Lines, Invite: in.Invite, Map: map[string]string{}}
	known := columns()
	for _, pair := range in.Map {
		field, column, _ := strings.Cut(pair, "=")
		if _, is := known[field]; !is || column == "" {
			return nil, fault.New(fault.Invalid, "%q is no mapping.", pair).Cure("Write it like email=Mail address.").With(fault.Detail{Field: "query.map", Sentence: "Write it like email=Mail address."})
		}
		o.Map[field] = column
	}
	r, err := t.People(ctx, body, o)
	if err != nil {
		return nil, err
	}
	return &importOut{Body: r}, nil
}
