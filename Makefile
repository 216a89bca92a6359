# make alone prints this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

BIN := $(CURDIR)/bin
TOOLS := $(BIN)/controller-gen $(BIN)/kustomize $(BIN)/golangci-lint
OPERATOR_SDK := github.com/operator-framework/operator-sdk

# The release: config/manager and bundles name the image with it.
VERSION := 0.1.0
# Who wants it before it is stable subscribes to this channel of OLM.
CHANNEL := candidate
IMAGE ?= ghcr.io/nft-operator/nft-operator:$(VERSION)
BUNDLE_IMAGE ?= ghcr.io/nft-operator/nft-operator-bundle:$(VERSION)
ARCH ?= $(shell go env GOARCH)
ARCHIVE := dist/nft-operator-$(VERSION)-linux-$(ARCH).oci.tar
BUNDLE_ARCHIVE := dist/nft-operator-bundle-$(VERSION).oci.tar

IMAGE_SOURCES := $(wildcard $(shell git ls-files --cached --others --exclude-standard \
	api cmd controllers internal playbooks roles templates ansible.cfg watches.yaml LICENSE Dockerfile go.mod go.sum hack/*image.sh hack/sbom))

SHELL_SCRIPTS := $(shell git ls-files --cached --others --exclude-standard .ci/run 'hack/*.sh')

.PHONY: help
help: ## Print this help
	@echo 'nft-operator: the external gateway of a bare-metal cluster, made of plain Linux boxes'
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24
	@echo
	@echo '  make demo ONCE=1     the same, then clean up; exit 0 only if every expectation held'

##@ The newcomer's two commands

.PHONY: demo
demo: $(ARCHIVE) manifests ## Watch Services being opened on two gateways, with real packets; Ctrl-C ends it
	@hack/setup.sh --image
	@go run ./test/lab/cmd/kube-binaries >/dev/null
	@go build -o $(BIN)/ ./test/demo
	@hack/as-root.sh $(BIN)/demo $(if $(ONCE),--once) --image $(ARCHIVE) --install dist/install.yaml

.PHONY: test
test: setup test-python test-go ## Run every test but those of the test-… below, installing what they need

##@ Parts of them

.PHONY: setup
setup: ## Install the Debian packages that are missing
	@hack/setup.sh

.PHONY: kube
kube: ## Build Kubernetes for the lab (minutes, once)
	@go run ./test/lab/cmd/kube-binaries

.PHONY: test-go
test-go: kube ## Run the Go tests; they make namespaces, so they run as root
	@go vet ./...
	@# One package at a time: several labs at once would only fight over the cores.
	@go test -exec $(CURDIR)/hack/as-root.sh -p 1 -timeout 30m $$(go list ./... | grep -v '/test/vm$$\|/test/limits$$\|/test/bench$$\|/test/image$$\|/test/cluster$$')

.PHONY: test-limits
test-limits: setup ## Measure what Services get through their limits, with nothing else running; FOR= is how long
	@go test -exec $(CURDIR)/hack/as-root.sh -count 1 -v ./test/limits -for $(or $(FOR),3s)

.PHONY: bench
bench: setup kube $(BIN)/draw ## Measure all of it (20 minutes) and write the figures down; ONLY= chooses a section
	@go build -o $(BIN)/ ./test/bench
	@mkdir -p dist
	@# Only what measures is root; what it found is written by whoever asked.
	@cd test/bench && $(CURDIR)/hack/as-root.sh $(BIN)/bench $(if $(ONLY),-only $(ONLY)) >$(CURDIR)/dist/bench.json
	@$(BIN)/bench -report dist/bench.json -results bench/results.json -document docs/performance.md
	@$(BIN)/draw bench/results.json docs/performance

.PHONY: bench-quick
bench-quick: setup kube ## Compare what must not become slower, with wide margins, in 3 minutes
	@go test -exec $(CURDIR)/hack/as-root.sh -count 1 -timeout 15m -v ./test/bench

.PHONY: test-vm
test-vm: ## Run the tests that need a machine of its own: boots, resets, its clock (minutes)
	@hack/setup.sh --vm
	@go test -exec $(CURDIR)/hack/as-root.sh -timeout 60m ./test/vm

.PHONY: test-image
test-image: $(ARCHIVE) ## Build the image, and run it as Kubernetes would: any user, read-only, no capability
	@go test -exec $(CURDIR)/hack/as-root.sh -count 1 -timeout 10m ./test/image -archive $(CURDIR)/$(ARCHIVE) -version $(VERSION)

.PHONY: test-cluster
test-cluster: $(ARCHIVE) bundle-image manifests ## Install the operator on a real node, through OLM too, and reach real Pods through it
	@go run ./test/lab/cmd/kube-binaries -olm >/dev/null
	@go test -exec $(CURDIR)/hack/as-root.sh -count 1 -timeout 20m ./test/cluster \
		-archive $(CURDIR)/$(ARCHIVE) -install $(CURDIR)/dist/install.yaml \
		-bundle $(CURDIR)/bundle -bundle-archive $(CURDIR)/$(BUNDLE_ARCHIVE) -before-olm $(CURDIR)/dist/olm.yaml

.PHONY: soak
soak: setup kube ## Make 1,000 changes under traffic and lose nothing; CHANGES= and SEED= choose others
	@go test -exec $(CURDIR)/hack/as-root.sh -count 1 -timeout 2h -v ./test/soak -run Churn \
		-args -changes $(or $(CHANGES),1000) -seed $(or $(SEED),0)

.PHONY: test-python
test-python: ## Run the unit tests of the Ansible module
	@/usr/bin/python3 -m unittest discover --start-directory test/role --quiet

##@ Development

.PHONY: build
build: ## Build the operator and the kubectl plugin into bin/
	@echo 'building (the first time takes minutes)'
	@go build -o $(BIN)/ ./cmd/...

.PHONY: generate
generate: $(BIN)/controller-gen ## Write deep copies, CRDs and RBAC anew from the Go types
	@$(BIN)/controller-gen object paths=./api/...
	@$(BIN)/controller-gen crd paths=./api/... output:crd:dir=config/crd
	@$(BIN)/controller-gen rbac:roleName=nft-operator paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: image
image: ## Build the container image and its SBOM into dist/; IMAGE=, ARCH= and BASE= choose others
	@hack/setup.sh --image
	@CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/linux-$(ARCH)/ ./cmd/...
	@hack/as-root.sh hack/image.sh $(IMAGE) $(VERSION) $(ARCH) $(ARCHIVE) $(BASE)
	@go run ./hack/sbom -image $(IMAGE) -dpkg-status $(ARCHIVE).packages $(BIN)/linux-$(ARCH)/* >$(ARCHIVE:.oci.tar=.spdx.json)
	@rm $(ARCHIVE).packages
	@ls -sh1 $(ARCHIVE:.oci.tar=)*

# What needs the image has it built where something of it is newer.
$(ARCHIVE): $(IMAGE_SOURCES)
	@$(MAKE) --no-print-directory image

.PHONY: manifests
manifests: $(BIN)/kustomize ## Write dist/install.yaml, which installs all of it, and dist/olm.yaml, for where OLM does
	@mkdir -p dist
	@$(BIN)/kustomize build config/default >dist/install.yaml
	@$(BIN)/kustomize build config/olm >dist/olm.yaml

.PHONY: bundle
bundle: $(BIN)/kustomize $(BIN)/operator-sdk ## Write the OLM bundle, bundle/ and bundle.Dockerfile, anew
	@# What is no longer made must not stay.
	@rm -rf bundle bundle.Dockerfile
	@# The samples lie beside config/manifests, not below.
	@$(BIN)/kustomize build --load-restrictor LoadRestrictionsNone config/manifests | \
		$(BIN)/operator-sdk generate bundle --quiet --package nft-operator --version $(VERSION) \
			--channels $(CHANNEL) --default-channel $(CHANNEL)
	@go run ./hack/csv bundle/manifests config/manifests/icon.svg

.PHONY: bundle-check
bundle-check: $(BIN)/operator-sdk ## Ask the checks of the Operator Framework about the bundle; a warning is an error
	@hack/bundle-check.sh $(BIN)/operator-sdk bundle

.PHONY: bundle-image
bundle-image: ## Build the image of the OLM bundle into dist/; BUNDLE_IMAGE= chooses another name
	@hack/setup.sh --image
	@hack/as-root.sh hack/bundle-image.sh $(BUNDLE_IMAGE) $(BUNDLE_ARCHIVE)
	@ls -sh1 $(BUNDLE_ARCHIVE)

.PHONY: lint
lint: $(BIN)/golangci-lint ## Run every linter
	@$(BIN)/golangci-lint run ./...
	@cd test/bench/draw && $(BIN)/golangci-lint run ./...
	@ansible-lint --offline --strict
	@yamllint --strict .
	@shellcheck $(SHELL_SCRIPTS)

.PHONY: install
install: ## Create all but the operator itself in the cluster of your KUBECONFIG, to run bin/nft-operator by hand
	@kubectl apply --server-side -k config/base
	@kubectl apply --server-side -k config/admission

.PHONY: clean
clean: ## Remove what was built, the lab's control plane too
	@hack/as-root.sh rm -rf $(BIN) dist .cache

# Tools are built from a module of their own, pinned there.
$(BIN)/controller-gen: hack/tools/go.mod
	@go build -C hack/tools -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
$(BIN)/kustomize: hack/tools/go.mod
	@go build -C hack/tools -o $@ sigs.k8s.io/kustomize/kustomize/v5
$(BIN)/golangci-lint: hack/tools/go.mod
	@go build -C hack/tools -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/draw: $(wildcard test/bench/draw/*)
	@go build -C test/bench/draw -o $@ .
# A module of its own, because it takes minutes, and its parts go with no others.
# The tags leave out C libraries of image formats; the version is named in bundles.
$(BIN)/operator-sdk: hack/operator-sdk/go.mod
	@echo 'building operator-sdk (minutes, once)'
	@go build -C hack/operator-sdk -o $@ -tags containers_image_openpgp,exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper \
		-ldflags "-s -w -X $(OPERATOR_SDK)/internal/version.Version=$$(go list -C hack/operator-sdk -m -f '{{.Version}}' $(OPERATOR_SDK))" \
		$(OPERATOR_SDK)/cmd/operator-sdk
