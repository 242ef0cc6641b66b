#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes docs/openapi.json as a C file, so that a server describes the API that it has.
# usage: embed_openapi.sh FILE.c   (run from the project's root)
set -eu

{
    printf '#include "httpd/api/openapi.h"\n\nconst char whk_openapi_text[] =\n'
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^ *//' -e 's/.*/    "&\\n"/' docs/openapi.json
    printf '    ;\n'
} > "$1.new"
mv "$1.new" "$1"
