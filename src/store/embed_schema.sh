#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the migrations below conf/schema as a C file, so that a library can't meet a schema of another
# version than its own.
# usage: embed_schema.sh FILE.c   (run from the project's root)
set -eu

{
    printf '#include "store/dialect.h"\n'
    for folder in conf/schema/*/; do
        printf '\nconst whk_migration_t whk_migrations_%s[] = {\n' "$(basename "$folder")"
        for file in "$folder"[0-9][0-9][0-9][0-9]_*.sql; do
            number=$(basename "$file" | cut -c1-4 | sed 's/^0*//')
            printf '    {%s,\n' "$number"
            sed -e '/^--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/     "&\\n"/' "$file"
            printf '    },\n'
        done
        printf '    {0, NULL}};\n'
    done
    for file in conf/schema/*/objects.txt; do
        printf '\nconst char whk_objects_%s[] =\n' "$(basename "$(dirname "$file")")"
        sed -e '/^#/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' "$file"
        printf '    ;\n'
    done
} > "$1.new"
mv "$1.new" "$1"
