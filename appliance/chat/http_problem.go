package chat

import "chatets/appliance/web"

// Failure says why a run failed, in the words the API says everything in.
type Failure = web.Problem

// failure is the problem of a run; run stands where the id of a request would.
func failure(err error, run string) *Failure {
	p := web.ProblemOf(err, run)
	return &p
}
