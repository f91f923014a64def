#!/usr/bin/env bash
# Back up what cannot be made again: the instance, the published scores, and a store that is a folder.
# usage: DAGSTER_POSTGRES_URL=… ORF_BOOKS_DATABASE_URL=… ORF_BOOKS_STORAGE=… back_up.sh FOLDER
# Variables that are not set, and stores in a bucket (which has versions), are left out. Needs pg_dump.
set -euo pipefail
to="${1:?name the folder to back up to}"
mkdir -p "$to"

dump() {
    # pg_dump knows no drivers of Python.
    pg_dump --format custom --file "$to/$1.dump" "${2/+psycopg/}"
}

# Databases come first: a result that the instance does not know of yet is used again, but one that it
# knows of must be there.
[ -z "${DAGSTER_POSTGRES_URL:-}" ] || dump instance "$DAGSTER_POSTGRES_URL"
[ -z "${ORF_BOOKS_DATABASE_URL:-}" ] || dump published "$ORF_BOOKS_DATABASE_URL"
case "${ORF_BOOKS_STORAGE:-}" in
    "" | s3://*) ;;
    *) cp --archive "${ORF_BOOKS_STORAGE#file://}" "$to/store" ;;
esac
