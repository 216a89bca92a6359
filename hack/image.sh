#!/usr/bin/env bash
# Builds the container image from the Dockerfile and what lies in bin/linux-ARCH,
# and writes it as an archive, with a list of its Debian packages beside it.
# Needs root. Progress goes to the terminal; nothing but dist/ and the cache is
# written.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${1:?usage: image.sh IMAGE VERSION ARCH ARCHIVE [BASE]}
version=$2 arch=$3 archive=$4 base=${5:-}
own=localhost/nft-operator-base:bookworm
pinned=$(sed -n 's/^ARG BASE=//p' Dockerfile)

# A storage of its own, with the driver that works everywhere, within
# containers too: nothing of this gets between the images of others.
storage=${NFT_OPERATOR_CACHE:-.cache}/image
mkdir -p "$storage" "$(dirname "$archive")"
buildah=(buildah --root "$(realpath "$storage")/storage" --runroot "$(realpath "$storage")/run" --storage-driver vfs)

say() { echo "image: $*"; }

if [ -z "$base" ]; then
    base=$pinned
    if ! "${buildah[@]}" pull --quiet --arch "$arch" "$base" >/dev/null 2>"$storage/pull.log"; then
        say "$base cannot be pulled:"
        tail -n 1 "$storage/pull.log"
        base=$own
    fi
fi
if [ "$base" = "$own" ] && ! "${buildah[@]}" inspect --type image "$own" >/dev/null 2>&1; then
    say "making a base from Debian's packages instead"
    hack/base-image.sh "$own" "${buildah[@]}"
fi

say "installing packages and programs on $base"
"${buildah[@]}" bud --quiet --pull=false --isolation chroot --format oci --arch "$arch" --tag "$image" \
    --build-arg BASE="$base" --build-arg TARGETARCH="$arch" --build-arg VERSION="$version" \
    --build-arg REVISION="$(git -c safe.directory="$PWD" rev-parse HEAD)" . >/dev/null

say "writing $archive"
rm -f "$archive"
"${buildah[@]}" push --quiet "$image" "oci-archive:$archive:$image"
container=$("${buildah[@]}" from --pull=false "$image")
cp "$("${buildah[@]}" mount "$container")/var/lib/dpkg/status" "$archive.packages"
"${buildah[@]}" rm "$container" >/dev/null
# Each build leaves the last one without a name.
"${buildah[@]}" rmi --prune >/dev/null
chown --reference=. "$(dirname "$archive")" "$archive" "$archive.packages"
