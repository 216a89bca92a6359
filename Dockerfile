# The operator with the programs that it runs: Debian's Ansible and OpenSSH.
#
# The Go programs are built before, into bin/linux-ARCHITECTURE, by make image:
# Go compiles for every architecture on any machine, so that only the packages
# below are installed on the image's own, and no second base has to be had.
ARG BASE=docker.io/library/debian:bookworm-20260824-slim
FROM ${BASE}

# Their versions are those of the day, with Debian's security updates; the SBOM
# beside the image names them. libnss-wrapper lets ssh work as any user ID, tini
# waits for processes that others have left: the connections that ssh keeps.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        ansible-core libnss-wrapper openssh-client python3 tini >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /var/cache/apt/*.bin /var/cache/ldconfig

WORKDIR /opt/nft-operator
COPY ansible.cfg watches.yaml LICENSE ./
COPY playbooks playbooks
COPY roles roles
COPY templates templates
ARG TARGETARCH
COPY bin/linux-${TARGETARCH}/ /usr/local/bin/

ARG BASE
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="nft-operator" \
      org.opencontainers.image.description="The external gateway of a bare-metal cluster, made of plain Linux boxes" \
      org.opencontainers.image.url="https://github.com/nft-operator/nft-operator" \
      org.opencontainers.image.source="https://github.com/nft-operator/nft-operator" \
      org.opencontainers.image.documentation="https://github.com/nft-operator/nft-operator/blob/main/docs/install.md" \
      org.opencontainers.image.vendor="nft-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"

# A number, so that a kubelet can tell that it is not root. Any other will do.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/nft-operator"]
