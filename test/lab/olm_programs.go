package lab

import "io"

// olmVariable is the directory of OLM's programs inside of the lab.
const olmVariable = "NFT_OPERATOR_LAB_OLM"

// olmPrograms are what [ControlPlane.StartOLM] starts, and what its images have:
// nothing of theirs is linked to a library. The tag is for what reads signatures.
var olmPrograms = programs{module: "olm", tags: "containers_image_openpgp", environment: []string{"CGO_ENABLED=0"}, list: []program{
	{"olm", "github.com/operator-framework/operator-lifecycle-manager/cmd/olm"},
	{"catalog", "github.com/operator-framework/operator-lifecycle-manager/cmd/catalog"},
	{"cpb", "github.com/operator-framework/operator-lifecycle-manager/util/cpb"},
	{"opm", "github.com/operator-framework/operator-registry/cmd/opm"},
}}

// EnsureOLM returns a directory with the programs of the Operator Lifecycle
// Manager, built from test/olm, once for its versions, into .cache/olm of the
// repository. It needs the network, so it works outside of the lab.
func EnsureOLM(progress io.Writer) (string, error) { return olmPrograms.ensure(progress) }
