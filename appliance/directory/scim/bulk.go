package scim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// bulk does many operations in the order they come; what one makes, a later one
// can name by its bulkId.
func (s *Service) bulk(ctx context.Context, c Client, body []byte) (map[string]any, error) {
	var in struct {
		FailOnErrors int `json:"failOnErrors"`
		Operations   []struct {
			Method  string          `json:"method"`
			Path    string          `json:"path"`
			BulkID  string          `json:"bulkId"`
			Version string          `json:"version"`
			Data    json.RawMessage `json:"data"`
		} `json:"Operations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, problem{http.StatusBadRequest, "invalidSyntax", "The body is no bulk request."}
	}
	if len(in.Operations) > maxBulk {
		return nil, problem{http.StatusRequestEntityTooLarge, "tooMany", fmt.Sprintf("A bulk request has at most %d operations.", maxBulk)}
	}
	made := map[string]string{}
	resolve := func(text string) string {
		for bulkID, id := range made {
			text = strings.ReplaceAll(text, "bulkId:"+bulkID, id)
		}
		return text
	}
	results, failed := []any{}, 0
	for _, o := range in.Operations {
		method := strings.ToUpper(o.Method)
		result := map[string]any{"method": method}
		if o.BulkID != "" {
			result["bulkId"] = o.BulkID
		}
		r, status, err := s.one(ctx, c, method, resolve(o.Path), o.Version, []byte(resolve(string(o.Data))))
		if err != nil {
			p := problemOf(err)
			result["status"], result["response"] = strconv.Itoa(p.status), p.document()
			failed++
		} else {
			result["status"] = strconv.Itoa(status)
			if r.id != "" {
				result["location"], result["version"] = r.location(), r.etag()
				if o.BulkID != "" {
					made[o.BulkID] = r.id
				}
			}
		}
		results = append(results, result)
		if in.FailOnErrors > 0 && failed >= in.FailOnErrors {
			break
		}
	}
	return map[string]any{"schemas": []string{bulkResponse}, "Operations": results}, nil
}

func (s *Service) one(ctx context.Context, c Client, method, at, version string, data []byte) (resource, int, error) {
	endpoint, id, _ := strings.Cut(strings.Trim(at, "/"), "/")
	kind := strings.TrimSuffix(endpoint, "s")
	if kind != kindUser && kind != kindGroup || (method == "POST") != (id == "") {
		return resource{}, 0, problem{http.StatusBadRequest, "invalidPath", fmt.Sprintf("%s %s is no operation.", method, at)}
	}
	switch method {
	case "POST":
		doc, err := object(data)
		if err != nil {
			return resource{}, 0, err
		}
		r, err := s.create(ctx, c, kind, doc)
		return r, http.StatusCreated, err
	case "PUT":
		doc, err := object(data)
		if err != nil {
			return resource{}, 0, err
		}
		r, err := s.change(ctx, c, kind, id, version, func(map[string]any) (map[string]any, error) { return doc, nil })
		return r, http.StatusOK, err
	case "PATCH":
		r, err := s.patch(ctx, c, kind, id, version, data)
		return r, http.StatusOK, err
	case "DELETE":
		return resource{}, http.StatusNoContent, s.remove(ctx, c, kind, id, version)
	}
	return resource{}, 0, problem{http.StatusBadRequest, "invalidSyntax", fmt.Sprintf("The method %s is not known.", method)}
}

// document is a refusal as it is sent.
func (p problem) document() map[string]any {
	doc := map[string]any{"schemas": []string{errorSchema}, "status": strconv.Itoa(p.status), "detail": p.text}
	if p.scimType != "" {
		doc["scimType"] = p.scimType
	}
	return doc
}
