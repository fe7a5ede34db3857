package inference

import "chatets/appliance/fault"

// Codes of the failures of model servers, on the fault that carries them.
const (
	CodeUnreachable = "server-unreachable" // no connection, or not in time
	CodeCertificate = "server-certificate" // its certificate is not trusted
	CodeDenied      = "server-denied"      // it wants another token
	CodeBusy        = "server-busy"        // 429 or 503; RetryAfter says how long, where it is known
	CodeBroken      = "server-broken"      // it failed, or what it says cannot be understood
	CodeCut         = "stream-cut"         // the answer ended without its end
	CodeStalled     = "stream-stalled"     // the answer did not go on
	CodeModel       = "model-unknown"      // it has no such model
	CodeContext     = "context-exceeded"   // the prompt is longer than the model takes
	CodeCannot      = "model-cannot"       // the model has not what is asked for: images, tools, thinking
	CodeEndless     = "answer-endless"     // the answer is larger than any real one
)

// Elsewhere reports whether another server with the same model may do better.
func Elsewhere(err error) bool {
	switch codeOf(err) {
	case CodeUnreachable, CodeCertificate, CodeDenied, CodeBusy, CodeBroken, CodeCut, CodeStalled, CodeModel:
		return true
	}
	return false
}

// Sick reports whether the failure says that the server itself is not well.
func Sick(err error) bool {
	switch codeOf(err) {
	case CodeUnreachable, CodeCertificate, CodeBroken, CodeCut, CodeStalled:
		return true
	}
	return false
}

func codeOf(err error) string { return fault.Of(err).Code }
