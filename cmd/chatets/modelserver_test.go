package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"chatets/appliance/inference/inferencetest"
)

// scriptModelServer starts a model server for the rest of the script:
// modelserver NAME [-tls] [-token T] MODEL…. Its address is in $NAME, and with
// -tls the certificate of its authority in the file NAME.pem.
func scriptModelServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: modelserver NAME [-tls] [-token T] MODEL…")
	}
	name, token, o := args[0], "", inferencetest.Options{}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		switch args[0] {
		case "-tls":
			o.TLS = true
		case "-token":
			token, args = args[1], args[1:]
		default:
			o.Models = append(o.Models, args[0])
		}
	}
	server, err := inferencetest.Start(o)
	ts.Check(err)
	ts.Defer(server.Close)
	server.Token(token)
	ts.Setenv(name, server.URL)
	if server.CA != "" {
		ts.Check(os.WriteFile(ts.MkAbs(name+".pem"), []byte(server.CA), 0o600))
	}
}
