#!/usr/bin/env bash
# Installs the Debian packages that the demo, the tests and the linters need,
# where they are missing. Says what it does.
set -euo pipefail

packages=(
    ansible-core    # runs the playbooks
    openssh-client  # reaches the gateways
    libnss-wrapper  # names the user to ssh where /etc/passwd does not
    tini            # is pid 1 of the operator's container
    openssh-server  # is a gateway's sshd in the lab
    nftables        # is a gateway's nft in the lab
    iproute2        # makes the lab's network
    python3         # runs the module on a gateway
    sudo            # becomes root on a gateway
    netbase         # names protocols
    iputils-ping    # pings in the tests
)
linters=(ansible-lint yamllint shellcheck)
machine=(
    qemu-system-x86 # is the virtual machine
    mmdebstrap      # makes its image
    e2fsprogs       # makes its disk
)
image=(
    buildah         # makes the container image
    mmdebstrap      # makes its base where there is no registry
    runc            # runs it in its tests
)
case ${1:-} in
    --lint) packages+=("${linters[@]}") ;;
    --image) packages+=("${image[@]}") ;;
    --vm) packages+=("${machine[@]}") ;;
esac

if ! command -v go >/dev/null; then
    echo "setup: Go is not on the path. Install Go $(sed -n 's/^go //p' go.mod) or newer from https://go.dev/dl/" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "setup: this needs Debian 12 (apt-get is missing). Elsewhere, install by hand: ${packages[*]}" >&2
    exit 1
fi

# Some of what lies in there is made as root, and must not be the first.
mkdir -p "${NFT_OPERATOR_CACHE:-.cache}"

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
echo "setup: installing ${missing[*]}"
"$(dirname "$0")/as-root.sh" apt-get update -qq
"$(dirname "$0")/as-root.sh" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
