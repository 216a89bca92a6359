package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 Conflicts: nothing, this line goes on with the one before
Conffiles:
 /etc/ld.so.conf.d/x 0123

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1:1.0
`

func TestOnlyInstalledPackagesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(path, []byte(status), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := debianPackages(path)
	want := []part{{"libc6", "2.36-9+deb12u10", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestAFileWithoutPackagesIsAnError(t *testing.T) {
	if got, err := debianPackages(os.DevNull); err == nil {
		t.Errorf("an image without packages: %v", got)
	}
}

func TestAProgramNamesItsModules(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got, err := goModules(self)
	if err != nil || len(got) == 0 || got[0].name != "stdlib" || got[0].version == "" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEveryPartHangsOnTheImage(t *testing.T) {
	parts := []part{{"a", "1", "pkg:deb/debian/a@1"}, {"b", "2", "pkg:golang/b@2"}}
	d := newDocument("registry.example:5000/gateways/nft-operator:0.1.0", parts, time.Unix(0, 0))
	if d.Packages[0].Name != "registry.example:5000/gateways/nft-operator" || d.Packages[0].VersionInfo != "0.1.0" {
		t.Errorf("the image is %+v", d.Packages[0])
	}
	if len(d.Packages) != 3 || len(d.Relationships) != 3 {
		t.Fatalf("%d packages and %d relationships of 3", len(d.Packages), len(d.Relationships))
	}
	for number, r := range d.Relationships[1:] {
		if want := (relationship{imageID, "CONTAINS", d.Packages[number+1].SPDXID}); r != want {
			t.Errorf("got %v, want %v", r, want)
		}
	}
}
