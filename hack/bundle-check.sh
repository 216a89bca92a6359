#!/usr/bin/env bash
# Asks operator-sdk whether a bundle is what OLM and OperatorHub take. It tells
# warnings without failing; here they fail.
set -euo pipefail

sdk=${1:?usage: bundle-check.sh OPERATOR-SDK BUNDLE}
bundle=${2:?usage: bundle-check.sh OPERATOR-SDK BUNDLE}

failed=0
said=$("$sdk" bundle validate "$bundle" --select-optional suite=operatorframework 2>&1) || failed=1
echo "$said"
if grep -qE 'level=(warning|error)|WARN|ERRO' <<<"$said"; then
    failed=1
fi
exit $failed
