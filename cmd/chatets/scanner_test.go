package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// poison is what the scanner of a script finds in a file.
const poison = "MALWARE-OF-A-TEST"

// scriptScanner starts a malware scanner for the rest of the script, which
// speaks clamd's protocol: scanner NAME. Its address is in $NAME.
func scriptScanner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: scanner NAME")
	}
	dir, err := os.MkdirTemp("", "scanner") // a script's own folder has too long a name for a socket
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
	ts.Setenv(args[0], "clamd://"+filepath.Join(dir, "s"))
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); scans(c) }()
		}
	}()
}

// scans answers one command.
func scans(c net.Conn) {
	in := bufio.NewReader(c)
	if command, err := in.ReadString(0); err != nil || command == "zPING\x00" {
		_, _ = io.WriteString(c, "PONG\x00")
		return
	}
	var file bytes.Buffer
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(&file, in, int64(size)); err != nil {
			return
		}
	}
	verdict := "stream: OK\x00"
	if bytes.Contains(file.Bytes(), []byte(poison)) {
		verdict = "stream: Test.Poison-1 FOUND\x00"
	}
	_, _ = io.WriteString(c, verdict)
}
