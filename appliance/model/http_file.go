package model

import (
	"context"
	"io"
	"net/http"
	"time"

	"chatets/appliance/web"
)

func (m *Models) memoryRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/{id}/load", ID: "loadModel", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "Bring a model into the memory of a server", Errors: []int{404, 409, 503}}, m.postLoad)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/{id}/unload", ID: "unloadModel", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "Take a model out of the memory of a server", Errors: []int{404, 409, 503}}, m.postUnload)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/servers/{id}/models", ID: "deleteModel", Tag: serverTag, Access: web.Administrator,
		Summary: "Take a model off the disk of a server", Errors: []int{404, 409, 503}}, m.deleteModel)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/{id}/import", ID: "importModel", Tag: serverTag, Access: web.Administrator, Status: http.StatusAccepted,
		Summary: "Make a model of a file in the folder of models; a job does it", Errors: []int{404, 409, 422}}, m.postImport)
}

type loadIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Model   string `json:"model" maxLength:"400"`
		Context int    `json:"context,omitempty" minimum:"0" maximum:"10000000" doc:"Tokens; 0 is what its answers have."`
	}
}

func (m *Models) postLoad(ctx context.Context, in *loadIn) (*none, error) {
	if err := m.Load(ctx, in.ID, in.Body.Model, in.Body.Context); err != nil {
		return nil, err
	}
	return &none{}, nil
}

type unloadIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Model string `json:"model" maxLength:"400"`
	}
}

func (m *Models) postUnload(ctx context.Context, in *unloadIn) (*none, error) {
	if err := m.Unload(ctx, in.ID, in.Body.Model); err != nil {
		return nil, err
	}
	return &none{}, nil
}

type deleteModelIn struct {
	ID   string `path:"id" maxLength:"64"`
	Name string `query:"name" required:"true" maxLength:"400"`
}

func (m *Models) deleteModel(ctx context.Context, in *deleteModelIn) (*none, error) {
	if err := m.DeleteOn(ctx, in.ID, in.Name); err != nil {
		return nil, err
	}
	return &none{}, nil
}

type importIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		File     string `json:"file" maxLength:"200" doc:"Name of a file in the folder of models."`
		Name     string `json:"name" maxLength:"200" doc:"Of the model."`
		Template string `json:"template,omitempty" maxLength:"100000" doc:"Empty is the file's own."`
		System   string `json:"system,omitempty" maxLength:"100000"`
		Context  int    `json:"context,omitempty" doc:"Tokens; 0 leaves it to the model."`
	}
}

type importOut struct {
	Body struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
}

func (m *Models) postImport(ctx context.Context, in *importIn) (*importOut, error) {
	b := in.Body
	id, err := m.Import(ctx, Import{Server: in.ID, File: b.File, Name: b.Name, Template: b.Template, System: b.System, Context: b.Context})
	if err != nil {
		return nil, err
	}
	out := &importOut{}
	out.Body.Job.ID = id
	return out, nil
}

func (m *Models) fileRoutes(api *web.API) {
	const tag = "Model files"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/models/files", ID: "listModelFiles", Tag: tag, Access: web.Administrator,
		Summary: "List the files in the folder of models"}, m.getFiles)
	web.HandleUpload(api, web.Route{Method: http.MethodPut, Path: "/api/models/files/{name}", ID: "addModelFile", Tag: tag, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Add a GGUF file to the folder of models; the body is the file itself", BodyLimit: maxFile, Errors: []int{409, 413, 415, 422, 507}}, m.putFile)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/models/files/{name}", ID: "deleteModelFile", Tag: tag, Access: web.Administrator,
		Summary: "Delete a file of the folder of models", Errors: []int{404, 409, 422}}, m.deleteFile)
}

// modelFile is a file of the folder of models.
type modelFile struct {
	Name      string    `json:"name"`
	Size      int64     `json:"size"`
	ChangedAt time.Time `json:"changedAt"`
}

func showFile(f File) modelFile { return modelFile{Name: f.Name, Size: f.Size, ChangedAt: f.Changed} }

type filesOut struct {
	Body struct {
		Folder string      `json:"folder" doc:"On the machine of ChatETS; empty where none is configured."`
		Items  []modelFile `json:"items"`
	}
}

func (m *Models) getFiles(ctx context.Context, _ *struct{}) (*filesOut, error) {
	list, err := m.Files(ctx)
	if err != nil {
		return nil, err
	}
	out := &filesOut{}
	out.Body.Folder = m.Folder()
	out.Body.Items = make([]modelFile, len(list))
	for i, f := range list {
		out.Body.Items[i] = showFile(f)
	}
	return out, nil
}

type putFileIn struct {
	Name   string `path:"name" maxLength:"200"`
	Length int64  `header:"Content-Length" hidden:"true" default:"-1"`
}

type fileOut struct{ Body modelFile }

func (m *Models) putFile(ctx context.Context, in *putFileIn, body io.Reader) (*fileOut, error) {
	f, err := m.AddFile(ctx, in.Name, in.Length, body)
	if err != nil {
		return nil, err
	}
	return &fileOut{Body: showFile(f)}, nil
}

type fileNameIn struct {
	Name string `path:"name" maxLength:"200"`
}

func (m *Models) deleteFile(ctx context.Context, in *fileNameIn) (*none, error) {
	if err := m.RemoveFile(ctx, in.Name); err != nil {
		return nil, err
	}
	return &none{}, nil
}
