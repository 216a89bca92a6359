package main

import (
	"fmt"
	"strings"
	"time"
)

// part is one thing that an image is made of. Its purl is its name in all the
// world: https://github.com/package-url/purl-spec.
type part struct{ name, version, purl string }

// document has the fields of SPDX 2.3 that must be there, and purls.
type document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creationInfo   `json:"creationInfo"`
	Packages          []spdxPackage  `json:"packages"`
	Relationships     []relationship `json:"relationships"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	VersionInfo      string        `json:"versionInfo,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	ExternalRefs     []externalRef `json:"externalRefs,omitempty"`
}

type externalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const (
	documentID = "SPDXRef-DOCUMENT"
	imageID    = "SPDXRef-Image"
	// unsaid is SPDX's word for what this program does not look at.
	unsaid = "NOASSERTION"
)

func newDocument(image string, parts []part, now time.Time) document {
	created := now.UTC().Format(time.RFC3339)
	name, version := image, ""
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		name, version = image[:colon], image[colon+1:]
	}
	d := document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: documentID, Name: image,
		DocumentNamespace: fmt.Sprintf("https://github.com/nft-operator/nft-operator/sbom/%s/%s", image, created),
		CreationInfo:      creationInfo{Created: created, Creators: []string{"Tool: nft-operator/hack/sbom"}},
		Packages:          []spdxPackage{{SPDXID: imageID, Name: name, VersionInfo: version, DownloadLocation: unsaid}},
		Relationships:     []relationship{{documentID, "DESCRIBES", imageID}},
	}
	for number, p := range parts {
		id := fmt.Sprintf("SPDXRef-Part-%d", number+1)
		d.Packages = append(d.Packages, spdxPackage{
			SPDXID: id, Name: p.name, VersionInfo: p.version, DownloadLocation: unsaid,
			ExternalRefs: []externalRef{{"PACKAGE-MANAGER", "purl", p.purl}},
		})
		d.Relationships = append(d.Relationships, relationship{imageID, "CONTAINS", id})
	}
	return d
}
