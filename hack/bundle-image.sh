#!/usr/bin/env bash
# Builds the image of the OLM bundle: manifests and labels on nothing at all. It
# needs no registry. Needs root; the storage is that of image.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${1:?usage: bundle-image.sh IMAGE ARCHIVE}
archive=${2:?usage: bundle-image.sh IMAGE ARCHIVE}

storage=${NFT_OPERATOR_CACHE:-.cache}/image
mkdir -p "$storage" "$(dirname "$archive")"
buildah=(buildah --root "$(realpath "$storage")/storage" --runroot "$(realpath "$storage")/run" --storage-driver vfs)

# Not its hour: the same bundle is the same image.
"${buildah[@]}" bud --quiet --isolation chroot --format oci --timestamp 0 --tag "$image" --file bundle.Dockerfile . >/dev/null
rm -f "$archive"
"${buildah[@]}" push --quiet "$image" "oci-archive:$archive:$image"
chown --reference=. "$(dirname "$archive")" "$archive"
