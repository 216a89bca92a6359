// Command bench measures nft-operator on real parts, each figure beside a
// reference in the same run, and tells what it found. make bench starts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nft-operator/nft-operator/test/lab"
)

func main() {
	if !lab.Outermost() { // a part of the lab, which has no flags
		lab.Isolate(lab.Isolation{})
	}
	only := flag.String("only", "", "measure this section only, and print it as JSON; all of them where it is empty")
	inLab := flag.String("section", "", "enter the lab and measure this section there")
	found := flag.String("report", "", "measure nothing: tell what this file of JSON has")
	kept := flag.String("results", "", "with -report: the file of results in which those are to replace older ones")
	document := flag.String("document", "", "with -report: the document in which the tables are to be written anew")
	flag.Parse()
	var err error
	switch {
	case *found != "":
		err = tell(*found, *kept, *document)
	case *inLab != "":
		err = measureInLab(*inLab)
	default:
		err = measure(*only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure has each section measured in a lab of its own, so that none is heavier
// for those before, and prints what was found.
func measure(only string) error {
	chosen := sections
	if only != "" {
		one, err := sectionNamed(only)
		if err != nil {
			return err
		}
		chosen = []known{one}
	}
	var all results
	for _, one := range chosen {
		fmt.Fprintf(os.Stderr, "\n%s\n", one.title)
		measured, err := inProcess(one.name)
		if err != nil { // what was measured before is worth minutes
			return errors.Join(err, json.NewEncoder(os.Stdout).Encode(all))
		}
		all.Sections = append(all.Sections, measured)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// inProcess measures a section in a process of its own, which ends with this one.
func inProcess(name string) (section, error) {
	runtime.LockOSThread() // Pdeathsig follows the thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", "-section", name)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := cmd.Output()
	if err != nil {
		return section{}, fmt.Errorf("%s: %w", name, err)
	}
	var measured section
	return measured, json.Unmarshal(output, &measured)
}

func measureInLab(name string) error {
	one, err := sectionNamed(name)
	if err != nil {
		return err
	}
	lab.Isolate(one.isolation)
	ctrl.SetLogger(logr.Discard()) // the operator, another process, has its own
	measured, err := one.run(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measured)
}

// tell prints what was found, and writes it where it is kept.
func tell(found, kept, document string) error {
	newer, err := readResults(found)
	if err != nil {
		return err
	}
	if len(newer.Sections) == 0 {
		return errors.New("nothing was measured")
	}
	fmt.Print(newer.table(plainText))
	if kept == "" {
		return nil
	}
	older, err := readResults(kept)
	if err != nil {
		return err
	}
	all := merged(older, newer)
	if err := all.write(kept); err != nil {
		return err
	}
	if document == "" {
		return nil
	}
	return all.writeInto(document)
}
