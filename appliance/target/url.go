package target

import (
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"

	"chatets/appliance/fault"
)

// Kind is how a target is reached.
type Kind string

// The kinds.
const (
	Directory Kind = "directory"
	S3        Kind = "s3"
	SFTP      Kind = "sftp"
)

// Address is a target's URL, taken apart.
type Address struct {
	Kind   Kind
	Path   string // of a directory or on an SFTP server; absolute, but for SFTP below "~"
	Bucket string
	Prefix string // of an S3 target, "" or ending in "/"
	Host   string // of an S3 endpoint or an SFTP server
	Port   int
	Plain  bool // an S3 endpoint without TLS
	Region string
	User   string
}

// Parse reads the URL of a target.
func Parse(text string) (Address, error) {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "The address of the backup target cannot be used: %s.", why).Code("target-url").
			Cure("Write it like file:///mnt/backup, s3://bucket/folder?endpoint=https://s3.example.org&region=eu-central-1 or sftp://user@host:22/folder.")
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > 1024 {
		return Address{}, bad("it is no URL")
	}
	if u.Fragment != "" || u.Opaque != "" {
		return Address{}, bad("it has parts that no target has")
	}
	if _, has := u.User.Password(); has {
		return Address{}, bad("a password does not belong in it; it would be shown")
	}
	query := u.Query()
	switch u.Scheme {
	case "file":
		if u.Host != "" || u.User != nil || len(query) > 0 || !path.IsAbs(u.Path) || path.Clean(u.Path) == "/" {
			return Address{}, bad("a directory needs three slashes and an absolute path")
		}
		return Address{Kind: Directory, Path: path.Clean(u.Path)}, nil
	case "s3":
		a := Address{Kind: S3, Bucket: u.Host, Region: query.Get("region")}
		if a.Prefix = strings.Trim(u.Path, "/"); a.Prefix != "" {
			if !validName(a.Prefix) {
				return Address{}, bad("the folder may hold letters, digits, dots, dashes and slashes")
			}
			a.Prefix += "/"
		}
		for name := range query {
			if name != "endpoint" && name != "region" {
				return Address{}, bad("it has an unknown part " + strconv.Quote(name))
			}
		}
		if u.User != nil || !validBucket(a.Bucket) {
			return Address{}, bad("the bucket's name is missing or wrong")
		}
		if a.Region == "" {
			a.Region = "us-east-1"
		}
		return a.endpoint(query.Get("endpoint"), bad)
	case "sftp":
		a := Address{Kind: SFTP, Host: strings.ToLower(u.Hostname()), Port: 22, Path: path.Clean("/" + u.Path), User: u.User.Username()}
		if rest, home := strings.CutPrefix(a.Path, "/~/"); home {
			a.Path = rest
		}
		if a.Host == "" || a.User == "" || len(query) > 0 || a.Path == "/" {
			return Address{}, bad("an SFTP server needs a user, a host and a folder")
		}
		if u.Port() != "" {
			if a.Port, err = strconv.Atoi(u.Port()); err != nil || a.Port < 1 || a.Port > 65535 {
				return Address{}, bad("the port is not from 1 to 65535")
			}
		}
		return a, nil
	}
	return Address{}, bad("it begins with none of file:, s3: and sftp:")
}

// endpoint takes the address of an S3 server apart.
func (a Address) endpoint(text string, bad func(string) error) (Address, error) {
	e, err := url.Parse(text)
	if err != nil || e.Host == "" || e.User != nil || strings.Trim(e.Path, "/") != "" || e.RawQuery != "" || e.Scheme != "https" && e.Scheme != "http" {
		return Address{}, bad("endpoint= must name the server, as in https://s3.example.org")
	}
	a.Host, a.Plain, a.Port = strings.ToLower(e.Hostname()), e.Scheme == "http", 443
	if a.Plain {
		a.Port = 80
	}
	if e.Port() != "" {
		if a.Port, err = strconv.Atoi(e.Port()); err != nil || a.Port < 1 || a.Port > 65535 {
			return Address{}, bad("the port is not from 1 to 65535")
		}
	}
	return a, nil
}

// Server is the host and port that must be reachable; "" for a directory.
func (a Address) Server() string {
	if a.Kind == Directory {
		return ""
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// validBucket is the rule of S3 for the names of buckets.
func validBucket(name string) bool {
	if len(name) < 3 || len(name) > 63 {
		return false
	}
	for i := range len(name) {
		b := name[i]
		if !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || (b == '-' || b == '.') && i > 0 && i < len(name)-1) {
			return false
		}
	}
	return true
}
