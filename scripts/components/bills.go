package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// purl is the package URL that scanners look vulnerabilities up by.
func (c component) purl() string {
	if c.Kind == "go" {
		if c.Name == "std" {
			return "pkg:golang/stdlib@" + c.Version
		}
		return "pkg:golang/" + c.Name + "@" + c.Version
	}
	if c.Kind == "wasm" {
		return "pkg:generic/" + c.Name + "@" + c.Version
	}
	return "pkg:npm/" + strings.Replace(c.Name, "@", "%40", 1) + "@" + url.PathEscape(c.Version)
}

// sha512 is the hash npm's lock file has of the package, in hex.
func (c component) sha512() string {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.hash, "sha512-"))
	if err != nil || !strings.HasPrefix(c.hash, "sha512-") {
		return ""
	}
	return hex.EncodeToString(raw)
}

type object = map[string]any

// billOfCycloneDX is the list as CycloneDX 1.6.
func billOfCycloneDX(p product, list []component) object {
	components := []object{}
	for _, c := range list {
		kind := "library"
		if c.Kind == "model" {
			kind = "machine-learning-model"
		}
		entry := object{"type": kind, "bom-ref": c.purl(), "name": c.Name, "version": c.Version, "purl": c.purl(),
			"licenses": []object{{"expression": c.Licence}}}
		if sum := c.sha512(); sum != "" {
			entry["hashes"] = []object{{"alg": "SHA-512", "content": sum}}
		}
		components = append(components, entry)
	}
	return object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": "urn:uuid:" + p.uuid(list),
		"metadata": object{"timestamp": p.made.Format(time.RFC3339),
			"component": object{"type": "application", "bom-ref": "chatets", "name": "chatets", "version": p.version}},
		"components": components,
	}
}

// billOfSPDX is the list as SPDX 2.3.
func billOfSPDX(p product, list []component) object {
	const root = "SPDXRef-chatets"
	packages := []object{{"SPDXID": root, "name": "chatets", "versionInfo": p.version, "downloadLocation": "NOASSERTION",
		"filesAnalyzed": false, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION"}}
	relations := []object{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": root}}
	for i, c := range list {
		id := fmt.Sprintf("SPDXRef-%s-%d", c.Kind, i+1)
		entry := object{"SPDXID": id, "name": c.Name, "versionInfo": c.Version, "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
			"licenseConcluded": c.Licence, "licenseDeclared": c.Licence, "copyrightText": "NOASSERTION",
			"externalRefs": []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": c.purl()}}}
		if sum := c.sha512(); sum != "" {
			entry["checksums"] = []object{{"algorithm": "SHA512", "checksumValue": sum}}
		}
		packages = append(packages, entry)
		relations = append(relations, object{"spdxElementId": root, "relationshipType": "CONTAINS", "relatedSpdxElement": id})
	}
	return object{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "chatets-" + p.version,
		"documentNamespace": "urn:uuid:" + p.uuid(list),
		"creationInfo":      object{"created": p.made.Format(time.RFC3339), "creators": []string{"Tool: chatets-components"}},
		"packages":          packages, "relationships": relations,
	}
}

// uuid is one of version 8 made of what the bill says, so that the same bill has
// the same name.
func (p product) uuid(list []component) string {
	h := sha256.New()
	fmt.Fprintln(h, p.version, p.made.Unix())
	for _, c := range list {
		fmt.Fprintln(h, c.purl(), c.hash, c.Licence)
	}
	b := h.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func writeJSON(file string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
