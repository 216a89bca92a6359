package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nft-operator/nft-operator/test/lab"
)

// known is a section that can be measured.
type known struct {
	name  string
	title string
	// isolation is what it needs.
	isolation lab.Isolation
	measure   func(context.Context) (section, error)
}

// sections are in the order of the document.
var sections = []known{
	{"propagation", "From a write to the packet", lab.Isolation{ControlPlane: true}, measurePropagation},
	{"burst", "A burst of Services", lab.Isolation{ControlPlane: true}, measureBurst},
	{"hosts", "Many hosts", lab.Isolation{ControlPlane: true}, measureHosts},
	{"footprint", "What it takes", lab.Isolation{ControlPlane: true}, measureFootprint},
	{"packets", "Packets through a gateway", lab.Isolation{}, measurePacketsSection},
}

func sectionNamed(name string) (known, error) {
	var names []string
	for _, one := range sections {
		if one.name == name {
			return one, nil
		}
		names = append(names, one.name)
	}
	return known{}, fmt.Errorf("there is no section %q; there are %s", name, strings.Join(names, ", "))
}

// run measures a section, in the lab.
func (k known) run(ctx context.Context) (section, error) {
	began := time.Now()
	measured, err := k.measure(ctx)
	if err != nil {
		return section{}, fmt.Errorf("%s: %w", k.name, err)
	}
	measured.Name, measured.Seconds = k.name, time.Since(began).Round(time.Second).Seconds()
	measured.Machine, err = machine()
	return measured, err
}

// progress tells whoever waits what goes on.
func progress(format string, values ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", values...)
}

// machine tells what matters of it and can be compared.
func machine() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	release := strings.SplitN(unix.ByteSliceToString(name.Release[:]), ".", 3)
	information, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	cores := strings.Count("\n"+string(information), "\nprocessor\t")
	return strconv.Itoa(cores) + " cores, Linux " + strings.Join(release[:min(2, len(release))], "."), nil
}
