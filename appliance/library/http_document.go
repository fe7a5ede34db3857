package library

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"chatets/appliance/lexical"
	"chatets/appliance/web"
)

func (l *Library) documentRoutes(api *web.API) {
	const tag = "Documents"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents", ID: "listDocuments", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "List the documents of a knowledge base, the newest first", Errors: []int{403, 404}}, l.getDocuments)
	web.HandleUpload(api, web.Route{Method: http.MethodPost, Path: "/api/documents", ID: "addDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Add a file to a knowledge base; the body is the file itself", BodyLimit: maxMegabytes * 1_000_000, Errors: []int{403, 404, 413, 415, 422, 507}}, l.postDocument)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}", ID: "getDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Show a document and how far it is", Errors: []int{403, 404}}, l.getDocument)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/documents/{id}", ID: "deleteDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Delete a document", Errors: []int{403, 404}}, l.deleteDocument)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/documents/{id}/retry", ID: "retryDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Read a document again that failed", Errors: []int{403, 404, 409}}, l.postRetry)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/documents/{id}/cancel", ID: "cancelDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Stop reading a document", Errors: []int{403, 404, 409}}, l.postCancel)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/documents/{id}/password", ID: "unlockDocument", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Give the password of a locked file, and read it again", Errors: []int{403, 404, 409, 422}}, l.putPassword)
	web.HandleDownload(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/file", ID: "getFile", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Download a document as it was added", Errors: []int{403, 404}}, l.getFile)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/content", ID: "getContent", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Read a document's text, from a character on", Errors: []int{403, 404, 409, 422}}, l.getContent)
	web.HandleDownload(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/pages/{page}", ID: "getPage", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Show a page of a PDF document or a scan as a picture (JPEG)", Errors: []int{403, 404, 409, 422}}, l.getPage)
}

// document is a document on the wire.
type document struct {
	ID         string    `json:"id"`
	Knowledge  string    `json:"knowledge"`
	Title      string    `json:"title"`
	Name       string    `json:"name" doc:"Name of the file."`
	Type       string    `json:"type" doc:"Media type."`
	Size       int64     `json:"size" doc:"Bytes of the file."`
	State      State     `json:"state" enum:"waiting,extracting,embedding,ready,failed,quarantined"`
	Reason     string    `json:"reason,omitempty" doc:"Why it failed, waits, or is in quarantine."`
	Code       string    `json:"code,omitempty" doc:"The same as a word that does not change, such as file-locked."`
	Cure       string    `json:"cure,omitempty" doc:"What to do about it."`
	Verdict    string    `json:"verdict,omitempty" enum:"clean,found,unjudged,released" doc:"Of the malware scanner; absent where it was not asked."`
	Finding    string    `json:"finding,omitempty" doc:"The name of what the malware scanner found."`
	Note       string    `json:"note,omitempty" doc:"What a reader should know, for example that its encoding was guessed."`
	Progress   *progress `json:"progress,omitempty"`
	Renewal    *renewal  `json:"renewal,omitempty" doc:"It is read again while its passages answer."`
	Chunks     int       `json:"chunks" doc:"Passages it was cut into."`
	Disabled   int       `json:"disabled,omitempty" doc:"Passages of it that are switched off."`
	Pages      int       `json:"pages" doc:"0 where the format has no pages."`
	Characters int       `json:"characters" doc:"Of its text."`
	Language   string    `json:"language,omitempty" doc:"Two letters, where it was recognised."`
	Version    int       `json:"version"`
	Folder     string    `json:"folder" doc:"Names with / between them; empty when it is in none."`
	Tags       []string  `json:"tags"`
	Right      string    `json:"right" enum:"none,read,edit" doc:"What one may do with it; none for who only manages it."`
	Manages    bool      `json:"manages" doc:"Whether one may change who has access to it."`
	Restricted bool      `json:"restricted" doc:"Only people whom its own rules allow may read it."`
	Owner      string    `json:"owner"`
	OwnerName  string    `json:"ownerName"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
}

// progress is how far the reading of a document is.
type progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Note  string `json:"note"`
}

func showDocument(d Document, names map[string]string) document {
	out := document{ID: d.ID, Knowledge: d.Knowledge, Title: d.Title, Name: d.Name, Type: d.Type, Size: d.Size, State: d.State, Reason: d.Reason, Cure: d.Cure,
		Code: d.Code, Verdict: d.Verdict, Finding: d.Finding,
		Note: d.Note, Chunks: d.Chunks, Disabled: d.Disabled, Pages: d.Pages, Characters: d.Characters, Language: d.Language, Version: d.Version, Folder: d.Folder, Tags: orNone(d.Tags),
		Right: d.Right, Manages: d.Manages, Restricted: d.Restricted, Owner: d.Owner, OwnerName: names[d.Owner],
		CreatedAt: d.Created, UpdatedAt: d.Updated}
	out.Renewal = showRenewal(d.Renewal)
	if d.State.Working() && d.Total > 0 {
		out.Progress = &progress{Done: d.Done, Total: d.Total, Note: "passages"}
		if d.Code == codePages {
			out.Progress.Note, out.Code = "pages", ""
		}
	}
	return out
}

type documentOut struct{ Body document }

func (l *Library) answerDocument(ctx context.Context, d Document, err error) (*documentOut, error) {
	if err != nil {
		return nil, err
	}
	names, err := l.names(ctx, d.Owner)
	if err != nil {
		return nil, err
	}
	return &documentOut{Body: showDocument(d, names)}, nil
}

type documentsIn struct {
	Knowledge string `query:"knowledge" required:"true" maxLength:"64"`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string `query:"cursor" maxLength:"64"`
	Query     string `query:"q" maxLength:"200" doc:"Part of a title or the name of a file."`
	State     string `query:"state" enum:"waiting,extracting,embedding,ready,failed,quarantined" doc:"Only documents in this state."`
	Managed   bool   `query:"managed" doc:"Also those that one manages and may not read."`

	Documents []string `query:"document,explode" maxItems:"500" doc:"Only these documents."`
	Folders   []string `query:"folder,explode" maxItems:"100" doc:"Only documents of these folders and the folders inside them."`
	Tags      []string `query:"tag,explode" maxItems:"100" doc:"Only documents that have one of these tags."`
	Types     []string `query:"type,explode" maxItems:"100" doc:"Only documents of these types: media types or file endings."`
	From      string   `query:"from" maxLength:"40" doc:"Only documents added on or after this day or time."`
	To        string   `query:"to" maxLength:"40" doc:"Only documents added until the end of this day, or before this time."`
}

type documentsOut struct{ Body web.Page[document] }

func (l *Library) getDocuments(ctx context.Context, in *documentsIn) (*documentsOut, error) {
	filter, err := Narrow{Documents: in.Documents, Folders: in.Folders, Tags: in.Tags, Types: in.Types, From: in.From, To: in.To}.Filter("query.")
	if err != nil {
		return nil, err
	}
	list, err := l.Documents(ctx, reach(ctx), Listing{Knowledge: in.Knowledge, Text: lexical.Fold(in.Query), State: State(in.State), Filter: filter, Managed: in.Managed, Before: in.Cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := &documentsOut{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID
	}
	owners := make([]string, len(list))
	for i, d := range list {
		owners[i] = d.Owner
	}
	names, err := l.names(ctx, owners...)
	if err != nil {
		return nil, err
	}
	out.Body.Items = make([]document, len(list))
	for i, d := range list {
		out.Body.Items[i] = showDocument(d, names)
	}
	return out, nil
}

type uploadIn struct {
	Knowledge string   `query:"knowledge" required:"true" maxLength:"64"`
	Name      string   `query:"name" required:"true" maxLength:"1000" doc:"Name of the file, without a folder."`
	Folder    string   `query:"folder" maxLength:"1000" doc:"Names with / between them; none when absent."`
	Tags      []string `query:"tag,explode" maxItems:"50" doc:"Tags to put on it."`
	Length    int64    `header:"Content-Length" hidden:"true" default:"-1"`
}

func (l *Library) postDocument(ctx context.Context, in *uploadIn, body io.Reader) (*documentOut, error) {
	d, err := l.Add(ctx, reach(ctx), Upload{Knowledge: in.Knowledge, Name: in.Name, Folder: in.Folder, Tags: in.Tags, Size: in.Length, Body: body})
	return l.answerDocument(ctx, d, err)
}

func (l *Library) getDocument(ctx context.Context, in *idIn) (*documentOut, error) {
	d, err := l.Document(ctx, reach(ctx), in.ID)
	return l.answerDocument(ctx, d, err)
}

func (l *Library) deleteDocument(ctx context.Context, in *idIn) (*none, error) {
	if err := l.RemoveDocument(ctx, reach(ctx), in.ID); err != nil {
		return nil, err
	}
	return &none{}, nil
}

func (l *Library) postRetry(ctx context.Context, in *idIn) (*documentOut, error) {
	d, err := l.Retry(ctx, reach(ctx), in.ID)
	return l.answerDocument(ctx, d, err)
}

func (l *Library) postCancel(ctx context.Context, in *idIn) (*documentOut, error) {
	d, err := l.Cancel(ctx, reach(ctx), in.ID)
	return l.answerDocument(ctx, d, err)
}

func (l *Library) getFile(ctx context.Context, in *idIn) (web.File, error) {
	d, body, err := l.File(ctx, reach(ctx), in.ID)
	return web.File{Name: d.Name, Type: d.Type, Size: d.Size, Modified: d.Created, Body: body}, err
}

type pageIn struct {
	ID    string `path:"id" maxLength:"64"`
	Page  int    `path:"page" minimum:"1" maximum:"100000"`
	Width int    `query:"width" minimum:"200" maximum:"2400" default:"1000" doc:"Pixels."`
}

func (l *Library) getPage(ctx context.Context, in *pageIn) (web.File, error) {
	picture, err := l.Picture(ctx, reach(ctx), in.ID, in.Page, in.Width)
	return web.File{Name: "page-" + strconv.Itoa(in.Page) + ".jpg", Type: "image/jpeg", Size: int64(len(picture)), Inline: true,
		Body: io.NopCloser(bytes.NewReader(picture))}, err
}

// box is where a line of a block stands on its page.
type box struct {
	From int     `json:"from" doc:"First character of the line, counted in the block's text."`
	To   int     `json:"to"`
	Page int     `json:"page"`
	X    float32 `json:"x" doc:"Left edge, as a fraction of the page's width."`
	Y    float32 `json:"y" doc:"Upper edge, as a fraction of the page's height."`
	W    float32 `json:"w"`
	H    float32 `json:"h"`
}

// cell is a cell of a row.
type cell struct {
	Column int `json:"column" doc:"From 1."`
	From   int `json:"from" doc:"First character of the cell, counted in the block's text."`
	To     int `json:"to"`
}

// block is a paragraph, a heading, a list item or the like on the wire.
type block struct {
	Kind  string `json:"kind" enum:"heading,paragraph,item,code,quote,row"`
	Level int    `json:"level" doc:"Of a heading 1 to 6, of an item its depth from 1, otherwise 0."`
	Page  int    `json:"page" doc:"Page or slide, 0 where the format has none."`
	Sheet string `json:"sheet,omitempty" doc:"Of a spreadsheet."`
	Cells string `json:"cells,omitempty" doc:"The range of cells it was made of, as A3:F3."`
	Boxes []box  `json:"boxes,omitempty" doc:"Where its lines stand on the page, for PDF documents."`
	Role  string `json:"role,omitempty" enum:"head,notes,comment,footnote,header,attachment" doc:"What it is besides its kind: the head of a table, notes of a slide, a comment, a footnote, the header of a mail, the name of a file inside the document."`
	Lang  string `json:"lang,omitempty" doc:"Language of code, as the document names it."`
	File  string `json:"file,omitempty" doc:"The file it stands in, inside a mail or an archive; page, sheet and cells are those of it."`
	First bool   `json:"first,omitempty" doc:"Of a row: a table begins with it."`
	Grid  []cell `json:"grid,omitempty" doc:"Of a row: its cells that are not empty, where they are known."`
	Text  string `json:"text"`
	Start int    `json:"start" doc:"In characters of the document's text, which is its blocks with a line feed between them."`
	End   int    `json:"end"`
}

// content is a page of a document's text.
type content struct {
	Document document `json:"document"`
	Blocks   []block  `json:"blocks"`
	Next     *int     `json:"next" nullable:"true" doc:"The character the next page begins at; null on the last page."`
}

type contentIn struct {
	ID   string `path:"id" maxLength:"64"`
	From int    `query:"from" minimum:"0" doc:"A character; the page begins with the block that holds it."`
	Page int    `query:"page" minimum:"0" maximum:"100000" doc:"A page or slide of the document to begin at instead; one without text gives what comes next."`
}

type contentOut struct{ Body content }

func (l *Library) getContent(ctx context.Context, in *contentIn) (*contentOut, error) {
	c, err := l.Open(ctx, reach(ctx), in.ID, in.From, in.Page)
	if err != nil {
		return nil, err
	}
	names, err := l.names(ctx, c.Document.Owner)
	if err != nil {
		return nil, err
	}
	out := &contentOut{Body: content{Document: showDocument(c.Document, names), Blocks: make([]block, len(c.Blocks))}}
	for i, b := range c.Blocks {
		out.Body.Blocks[i] = block{Kind: b.Kind, Level: b.Level, Page: b.Page, Sheet: b.Sheet, Cells: b.Cells, Text: b.Text, Start: b.Start, End: b.End,
			Role: b.Role, Lang: b.Lang, File: b.File, First: b.First}
		for _, c := range b.Grid {
			out.Body.Blocks[i].Grid = append(out.Body.Blocks[i].Grid, cell{Column: c.Column, From: c.From, To: c.To})
		}
		for _, x := range b.Boxes {
			out.Body.Blocks[i].Boxes = append(out.Body.Blocks[i].Boxes, box{From: x.From, To: x.To, Page: cmp.Or(x.Page, b.Page), X: x.X, Y: x.Y, W: x.W, H: x.H})
		}
	}
	if c.Next >= 0 {
		out.Body.Next = &c.Next
	}
	return out, nil
}
