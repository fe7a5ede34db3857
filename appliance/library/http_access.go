package library

import (
	"context"
	"net/http"

	"chatets/appliance/web"
)

// accessRoutes adds the rules of documents, their folders and their tags.
func (l *Library) accessRoutes(api *web.API) {
	const tag = "Documents"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/access", ID: "getRules", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "List who may and who may not read a document", Errors: []int{403, 404}}, l.getRules)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/documents/{id}/access", ID: "setRules", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Replace the rules of a document; they narrow what its knowledge base gives", Errors: []int{403, 404, 422}}, l.putRules)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/access/{person}", ID: "explainAccess", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Tell what a person may do with a document, and why", Errors: []int{403, 404}}, l.getWhy)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/documents/{id}", ID: "changeDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Put a document into a folder and give it tags", Errors: []int{403, 404, 422}}, l.patchDocument)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/knowledge/{id}/outline", ID: "getOutline", Tag: "Knowledge", Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Count the documents of a knowledge base by folder, tag and type", Errors: []int{403, 404}}, l.getOutline)
}

// ruleEntry is one line of the rules of a document.
type ruleEntry struct {
	Person string `json:"person,omitempty" maxLength:"64" doc:"Exactly one of person and group is set."`
	Group  string `json:"group,omitempty" maxLength:"64"`
	Right  string `json:"right" enum:"allow,deny" doc:"A deny wins over everything; an allow is for restricted documents."`
	Name   string `json:"name,omitempty" doc:"Of the person or group; ignored when sent. Empty when it no longer exists."`
}

// rulesBody is the rules of a document as they are sent.
type rulesBody struct {
	Restricted bool        `json:"restricted" doc:"Only people whom an entry allows read it, as far as its knowledge base lets them."`
	Entries    []ruleEntry `json:"entries"`
}

// rules are the rules of a document, and what they narrow.
type rules struct {
	Restricted bool        `json:"restricted"`
	Entries    []ruleEntry `json:"entries"`
	Manages    bool        `json:"manages" doc:"Whether one may change them."`
	Right      string      `json:"right" enum:"none,read,edit" doc:"What one may do with the document."`

	Owner     string        `json:"owner" doc:"Who owns the knowledge base, and so may read unless denied."`
	OwnerName string        `json:"ownerName"`
	Knowledge []accessEntry `json:"knowledge" doc:"The access list of the knowledge base."`
}

type rulesOut struct{ Body rules }

func (l *Library) answerRules(ctx context.Context, d Document, r Rules, err error) (*rulesOut, error) {
	if err != nil {
		return nil, err
	}
	base, err := l.store.access(ctx, d.Knowledge)
	if err != nil {
		return nil, err
	}
	owner, err := l.store.ownerOf(ctx, d.Knowledge)
	if err != nil {
		return nil, err
	}
	ids := []string{owner}
	for _, list := range [][]Access{base, r.Entries} {
		for _, e := range list {
			_, id := e.subject()
			ids = append(ids, id)
		}
	}
	names, err := l.names(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := &rulesOut{Body: rules{Restricted: r.Restricted, Entries: []ruleEntry{}, Manages: d.Manages, Right: d.Right, Owner: owner, OwnerName: names[owner], Knowledge: []accessEntry{}}}
	for _, e := range r.Entries {
		_, id := e.subject()
		out.Body.Entries = append(out.Body.Entries, ruleEntry{Person: e.Person, Group: e.Group, Right: e.Right, Name: names[id]})
	}
	for _, e := range base {
		_, id := e.subject()
		out.Body.Knowledge = append(out.Body.Knowledge, accessEntry{Person: e.Person, Group: e.Group, Workspace: e.Workspace, Right: e.Right, Name: names[id]})
	}
	return out, nil
}

func (l *Library) getRules(ctx context.Context, in *idIn) (*rulesOut, error) {
	d, r, err := l.Rules(ctx, reach(ctx), in.ID)
	return l.answerRules(ctx, d, r, err)
}

type rulesIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body rulesBody
}

func (l *Library) putRules(ctx context.Context, in *rulesIn) (*rulesOut, error) {
	r := Rules{Restricted: in.Body.Restricted}
	for _, e := range in.Body.Entries {
		r.Entries = append(r.Entries, Access{Person: e.Person, Group: e.Group, Right: e.Right})
	}
	d, r, err := l.SetRules(ctx, reach(ctx), in.ID, r)
	return l.answerRules(ctx, d, r, err)
}

// why is what a person may do with a document.
type why struct {
	Right     string `json:"right" enum:"none,read,edit"`
	By        string `json:"by" enum:"nothing,deny,restricted,owner,entry,workspace" doc:"What decides it."`
	Document  bool   `json:"document" doc:"It is decided by the document's own rules, not the knowledge base's."`
	Group     string `json:"group,omitempty" doc:"Through which it holds; absent where it is the person's own."`
	GroupName string `json:"groupName,omitempty"`
	Sentence  string `json:"sentence" doc:"The same in words."`
}

type whyIn struct {
	ID     string `path:"id" maxLength:"64"`
	Person string `path:"person" maxLength:"64"`
}

type whyOut struct{ Body why }

func (l *Library) getWhy(ctx context.Context, in *whyIn) (*whyOut, error) {
	w, err := l.WhyDocument(ctx, reach(ctx), in.ID, in.Person)
	if err != nil {
		return nil, err
	}
	out := why{Right: w.Right, By: w.By, Document: w.Own, Group: w.Group}
	if w.Group != "" {
		names, err := l.names(ctx, w.Group)
		if err != nil {
			return nil, err
		}
		out.GroupName = names[w.Group]
	}
	out.Sentence = w.sentence(out.GroupName)
	return &whyOut{Body: out}, nil
}

// sentence says why in words.
func (w Why) sentence(group string) string {
	through := ""
	if group != "" {
		through = ", through the group " + group
	}
	may := map[string]string{None: "May not read it", Read: "May read it", Edit: "May read and change it"}[w.Right]
	where := "the knowledge base"
	if w.Own {
		where = "the document"
	}
	switch w.By {
	case ByDeny:
		return may + ": denied by the access list of " + where + through + "."
	case ByRestricted:
		return may + ": the document is restricted and does not allow them."
	case ByOwner:
		return may + ": owns the knowledge base."
	case ByEntry:
		return may + ": has the right to the knowledge base" + through + "."
	case ByWorkspace:
		return may + ": the knowledge base is shared with the workspace."
	}
	return may + ": has no right to the knowledge base."
}

type placeIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Folder *string   `json:"folder,omitempty" maxLength:"1000" doc:"Names with / between them; empty takes it out of its folder. Absent: as it is."`
		Tags   *[]string `json:"tags,omitempty" maxItems:"50" doc:"All tags it is to have. Absent: as they are."`
	}
}

func (l *Library) patchDocument(ctx context.Context, in *placeIn) (*documentOut, error) {
	d, err := l.Place(ctx, reach(ctx), in.ID, in.Body.Folder, in.Body.Tags)
	return l.answerDocument(ctx, d, err)
}

// counted is how many documents are somewhere.
type counted struct {
	Name      string `json:"name"`
	Documents int    `json:"documents"`
}

// outline is what the documents of a knowledge base can be narrowed by.
type outline struct {
	Folders []counted `json:"folders" doc:"Each counted without the folders inside it."`
	Tags    []counted `json:"tags"`
	Types   []counted `json:"types"`
}

type outlineOut struct{ Body outline }

func (l *Library) getOutline(ctx context.Context, in *idIn) (*outlineOut, error) {
	o, err := l.Outline(ctx, reach(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	show := func(list []Count) []counted {
		out := make([]counted, len(list))
		for i, c := range list {
			out[i] = counted(c)
		}
		return out
	}
	return &outlineOut{Body: outline{Folders: show(o.Folders), Tags: show(o.Tags), Types: show(o.Types)}}, nil
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
