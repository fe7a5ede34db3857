package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"chatets/appliance/fault"
)

// maxProblem is how much of a refusal is read, in bytes.
const maxProblem = 1 << 20

// refusal turns an answer that is no success into a fault.
func refusal(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err == nil {
		if e := Problem(text); e != nil {
			return e
		}
	}
	return fault.New(kindOf(res.StatusCode), "The service answered with status %d.", res.StatusCode).Cure("Look into its log.")
}

// Problem turns a problem document back into the fault it was made from; nil
// where data is none.
func Problem(data []byte) error {
	var p struct {
		Status  int            `json:"status"`
		Detail  string         `json:"detail"`
		Code    string         `json:"code"`
		Cure    string         `json:"cure"`
		Request string         `json:"request"`
		Errors  []fault.Detail `json:"errors"`
	}
	if err := json.Unmarshal(data, &p); err != nil || p.Detail == "" {
		return nil
	}
	e := fault.New(kindOf(p.Status), "%s", p.Detail).With(p.Errors...)
	if p.Code != "" {
		e = e.Code(p.Code)
	}
	switch {
	case p.Status >= 500 && p.Request != "" && p.Cure != "":
		e = e.Cure("%s Request: %s", p.Cure, p.Request)
	case p.Cure != "":
		e = e.Cure("%s", p.Cure)
	}
	if p.Request != "" {
		e = e.Because(fmt.Errorf("request %s", p.Request))
	}
	return e
}

func kindOf(status int) fault.Kind {
	switch status {
	case 400:
		return fault.Malformed
	case 401:
		return fault.Unauthenticated
	case 403:
		return fault.Forbidden
	case 404:
		return fault.NotFound
	case 409:
		return fault.Conflict
	case 413:
		return fault.TooLarge
	case 415:
		return fault.Unsupported
	case 422:
		return fault.Invalid
	case 429:
		return fault.TooMany
	case 499:
		return fault.Cancelled
	case 503:
		return fault.Unavailable
	case 507:
		return fault.Full
	}
	return fault.Internal
}
