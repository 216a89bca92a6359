// Package ansible carries a plan to the gateways: it writes inventory,
// extra-vars and SSH configuration as files in a private folder, runs a
// playbook on them behind the one seam Runner, and decodes what the module
// reports.
package ansible
