#!/usr/bin/env bash
# Runs a command as root, with the caller's Go, modules and choices: the lab
# makes network namespaces. Root's own build cache is used, so that nothing of
# root's lies in the caller's.
set -euo pipefail
if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
if ! command -v sudo >/dev/null; then
    echo "$1 must run as root, and sudo is not installed: become root, or install sudo" >&2
    exit 1
fi
kept=("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin") # an ordinary user has no sbin
if command -v go >/dev/null; then
    kept+=("GOMODCACHE=$(go env GOMODCACHE)")
fi
for name in CI NO_COLOR TERM KUBEBUILDER_ASSETS NFT_OPERATOR_CACHE; do
    if [ -n "${!name:-}" ]; then
        kept+=("$name=${!name}")
    fi
done
exec sudo --set-home env "${kept[@]}" "$@"
