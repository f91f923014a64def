#!/usr/bin/env bash
# Checks of deploy/ that need no cloud. Needs node for CDK, and takes some minutes and 700 MB; says what
# it leaves out. Exceptions stand with their reasons in checkov.yaml.
set -euo pipefail
cd "$(dirname "$0")"

environment="${DEPLOY_CHECK_ENVIRONMENT:-../.venv/deploy-check}"
if [ ! -x "$environment/bin/checkov" ]; then
    ../.venv/bin/uv venv --quiet "$environment"
    ../.venv/bin/uv pip install --quiet --python "$environment/bin/python" -r requirements.txt
fi
PATH="$(cd "$environment/bin" && pwd):$PATH"
templates="$(mktemp -d)"
trap 'rm -rf "$templates"' EXIT

step() { printf '\n== %s\n' "$1"; }

step "AWS: templates of all environments, what roles may do"
python aws/synth.py "$templates" 2>"$templates/synth.log" || { cat "$templates/synth.log"; exit 1; }
for template in "$templates"/*/*.template.json; do
    echo "${template#"$templates"/}"
    # What CDK writes: a dependency named twice, zones that a real account replaces, the log bucket.
    cfn-lint --ignore-checks W3005 W3010 W3045 -- "$template"
    python aws/check_policies.py "$template"
    checkov --config-file checkov.yaml --framework cloudformation --file "$template"
done

step "Kubernetes"
kubernetes-validate --strict --kubernetes-version 1.34 kubernetes/dask.yaml kubernetes/settings.yaml
checkov --config-file checkov.yaml --framework kubernetes --file kubernetes/dask.yaml

step "Image"
hadolint Dockerfile
checkov --config-file checkov.yaml --framework dockerfile --file Dockerfile

step "Compose"
if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    compose=()
    echo "left out: there is neither docker compose nor docker-compose here"
fi
if [ "${#compose[@]}" -gt 0 ]; then
    POSTGRES_PASSWORD=x STORE_PASSWORD=x "${compose[@]}" -f compose/docker-compose.yaml config --quiet
    echo "${compose[*]} config: as intended"
fi
echo
echo "All checks passed."
