#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh TO: the pages of docs/ and of the root as a site of HTML below TO, which needs no network: open TO/index.html.
# A link that leads nowhere, or a page that the index does not lead to, is an error.
set -eu

to=${1:?where the site goes}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# A copy, in which the links between pages hold as they do in the checkout.
mkdir -p "$work/docs" "$to"
mkdir -p "$work/static"
cp "$root"/docs/site/conf.py "$work"
cp "$root"/docs/site/site.css "$work/static"
cp "$root"/README.md "$root"/CONTRIBUTING.md "$root"/SECURITY.md "$root"/CHANGES "$root"/LICENSE "$work"
cp -R "$root"/conf "$work/conf"
(cd "$root/docs" && find . -path ./site -prune -o -type f \( -name '*.md' -o -name '*.svg' -o -name '*.png' -o -name '*.yaml' \) -print |
    while read -r page; do
        mkdir -p "$work/docs/$(dirname "$page")"
        cp "$page" "$work/docs/$page"
    done)

# The manual page and CHANGES are shown as they are read in a terminal.
as_page() { # TITLE
    printf '# %s\n\n```text\n' "$1"
    cat
    printf '```\n'
}
GROFF_NO_SGR=1 groff -man -Tutf8 -rLL=100n "$root/docs/whkctl.8" | sed 's/.\x08//g' | as_page whkctl > "$work/docs/whkctl.md"
as_page Changes < "$root/CHANGES" > "$work/changes.md"
find "$work" -name '*.md' -exec sed -i \
    -e 's#](\(docs/\|\)whkctl\.8)#](\1whkctl.md)#g' -e 's#](\(\.\./\|\)CHANGES)#](\1changes.md)#g' \
    -e 's#](\(\(\.\./\|\)conf/[a-z0-9_]*\))#](\1/README.txt)#g' {} +
# A folder that a page links is its list of files.
for folder in "$work"/conf/*/; do
    (cd "$folder" && find . -type f | sort) > "$work/list"
    mv "$work/list" "${folder}README.txt"
done

# Who reads it, and what: a page that is not there is left out, and one that is not here is an error below.
part() { # CAPTION PAGE...
    printf '```{toctree}\n:caption: %s\n:maxdepth: 1\n\n' "$1"
    shift
    for page in "$@"; do
        for file in "$work"/docs/$page.md "$work/$page.md"; do
            if [ -e "$file" ]; then printf '%s\n' "$file" | sed -e "s#^$work/##" -e 's#\.md$##'; fi
        done
    done
    printf '```\n\n'
}
{
    printf '# mod_webhook_keys\n\nAn Apache httpd module: a registry of public keys by which webhooks are verified before they reach a backend.\n\n'
    part 'To begin with' README
    part 'Operators' packages operations moving-in monitoring metrics logging log-messages checks notifications performance whkctl
    part 'Directives' directives 'directives/*'
    part 'Customers' customers rotation api errors
    part 'Senders and who answers' signing answering
    part 'Backends and platforms' backends platforms
    part 'The project' architecture CONTRIBUTING SECURITY changes
} > "$work/index.md"

rm -rf "$to"
sphinx-build -q -n -W --keep-going -b html -d "$work/doctrees" "$work" "$to"
rm -rf "$to/.doctrees" "$to/.buildinfo"

# Debian's furo is made for a web server: it imports a module and a style sheet by paths that a file:// page can't
# follow, and its dark colours have lost the media query that asks for them.
scripts=$to/_static/scripts
{ cat "$scripts/gumshoe-patched.js"; sed '/^import /d' "$scripts/furo.js"; } > "$work/furo.js"
cp "$work/furo.js" "$scripts/furo.js"
rm "$scripts/gumshoe-patched.js"
styles=$to/_static/styles/furo.css
{
    cat /usr/share/javascript/normalize.css/normalize.css
    sed '/^@import /d' "$styles"
    echo '@media (prefers-color-scheme: dark) {'
    sed -n '/^ *body\[data-theme="dark"\] {$/,/}/p' "$styles" | sed 's/body\[data-theme="dark"\] {/body:not([data-theme="light"]) {/'
    echo '}'
} > "$work/furo.css"
cp "$work/furo.css" "$styles"
