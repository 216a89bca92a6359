// Package forkserver keeps a Python process that has Ansible loaded, and has it
// fork for each run: loading Ansible takes longer than all else in a short run.
// It is an optimisation only. Whatever is wrong with that process, Start says
// that nothing was started, and the caller starts ansible-playbook itself.
package forkserver
