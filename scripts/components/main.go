// Command components lists what is compiled into the binary: Go modules, npm
// packages of the web interface, fonts and the model. It writes their licences
// for `chatets licenses`, and bills of materials in SPDX and CycloneDX.
//
// What a newcomer gets wrong: it is also the gate. A module without a licence, or
// with one that is not on the list in licence.go, ends the build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	notices := flag.String("notices", "", "folder of the package embed, into which the licences are written")
	spdx := flag.String("spdx", "", "file for the bill of materials in SPDX 2.3 JSON")
	cyclone := flag.String("cyclonedx", "", "file for the bill of materials in CycloneDX 1.6 JSON")
	version := flag.String("version", "dev", "version of ChatETS")
	made := flag.Int64("time", 0, "time the bills say they were made, in Unix seconds")
	flag.Parse()
	if err := run(*notices, *spdx, *cyclone, product{version: *version, made: time.Unix(*made, 0).UTC()}); err != nil {
		fmt.Fprintf(os.Stderr, "components: %v\n", err)
		os.Exit(1)
	}
}

// product is what the bills are about.
type product struct {
	version string
	made    time.Time // from the commit, so that the same commit makes the same bytes
}

func run(notices, spdx, cyclone string, p product) error {
	list, err := collect()
	if err != nil {
		return err
	}
	var errs []error
	if notices != "" {
		errs = append(errs, writeNotices(notices, list))
	}
	if spdx != "" {
		errs = append(errs, writeJSON(spdx, billOfSPDX(p, list)))
	}
	if cyclone != "" {
		errs = append(errs, writeJSON(cyclone, billOfCycloneDX(p, list)))
	}
	return errors.Join(errs...)
}
