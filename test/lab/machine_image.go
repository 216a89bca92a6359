package lab

import "io"

// machineVariable names the directory of the machine's image inside of the lab.
const machineVariable = "NFT_OPERATOR_LAB_MACHINE"

// Files of a machine's image, as hack/machine-image.sh makes them. The disk is
// the last one.
const (
	machineKernel = "kernel"
	machineInitrd = "initrd"
	machineDisk   = "disk"
)

// EnsureMachineImage returns the directory of the virtual machine's image. It is
// made by hack/machine-image.sh, once for each version of that recipe, in
// .cache/vm of the repository. It needs the network, so it works outside of the
// lab.
func EnsureMachineImage(progress io.Writer) (string, error) {
	return recipe{script: "machine-image.sh", cache: "vm", last: machineDisk, what: "the image of a Debian 12 machine"}.ensure(progress)
}
