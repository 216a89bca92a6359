#!/usr/bin/env bash
# Makes a base image of Debian 12 from packages, where no registry is in reach.
# Needs root; takes half a minute. The buildah command to use comes after the
# name: base-image.sh NAME buildah [OPTION...]
set -euo pipefail

name=${1:?usage: base-image.sh NAME buildah [OPTION...]}
buildah=("${@:2}")
part=$(mktemp --directory)
trap 'rm -rf "$part"' EXIT

# What Debian's own slim image leaves out, too.
mmdebstrap --quiet --variant=minbase \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    bookworm "$part/root.tar"
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add --quiet "$container" "$part/root.tar" / >/dev/null
"${buildah[@]}" commit --quiet --rm "$container" "$name" >/dev/null
