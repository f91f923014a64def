#!/usr/bin/env bash
# Restore a backup of back_up.sh into databases and a folder that are empty.
# usage: DAGSTER_POSTGRES_URL=… ORF_BOOKS_DATABASE_URL=… ORF_BOOKS_STORAGE=… restore.sh FOLDER
# Variables that are not set are left out. Needs pg_restore.
set -euo pipefail
from="${1:?name the folder of the backup}"

load() {
    pg_restore --exit-on-error --single-transaction --no-owner --dbname "${2/+psycopg/}" "$from/$1.dump"
}

[ -z "${DAGSTER_POSTGRES_URL:-}" ] || load instance "$DAGSTER_POSTGRES_URL"
[ -z "${ORF_BOOKS_DATABASE_URL:-}" ] || load published "$ORF_BOOKS_DATABASE_URL"
case "${ORF_BOOKS_STORAGE:-}" in
    "" | s3://*) ;;
    *) cp --archive --no-target-directory "$from/store" "${ORF_BOOKS_STORAGE#file://}" ;;
esac
