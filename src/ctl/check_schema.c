/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ctl/check.h"
#include "store/schema_flaws.h"
#include "store/schema_version.h"

/* What is ours comes back with a new schema alone, and what is not goes by its own statement. */
static const char *fix_of(const whk_check_t *check, const whk_schema_flaw_t *flaw)
{
    if (strstr(flaw->flaw, "not ours") && !strcmp(flaw->type, "trigger"))
        return whk_check_fix(check, "find out who made it, and run DROP TRIGGER %s in the database",
                             flaw->name);
    return whk_check_fix(check,
                         "find out who changed it, and restore a backup; then run whkctl -f %s "
                         "audit verify",
                         check->invocation->conf_file);
}

static const whk_outcome_t *check_objects(whk_check_t *check, int version)
{
    apr_array_header_t *flaws;
    int i;

    WHK_TRY(whk_store_schema_flaws(check->invocation->store, check->invocation->pool, &flaws));
    for (i = 0; i < flaws->nelts; i++) {
        const whk_schema_flaw_t *flaw = APR_ARRAY_IDX(flaws, i, const whk_schema_flaw_t *);

        whk_check_report(check, WHK_CHECK_SCHEMA_OBJECTS, WHK_FOUND_PROBLEM, fix_of(check, flaw),
                         "%s %s: %s", flaw->type, flaw->name, flaw->flaw);
    }
    if (flaws->nelts == 0)
        whk_check_report(check, WHK_CHECK_SCHEMA_OBJECTS, WHK_FOUND_OK, NULL,
                         "version %d, and as this whkctl makes it", version);
    return NULL;
}

int whk_check_schema(whk_check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const whk_outcome_t *outcome;
    int version = 0;

    outcome = whk_store_schema_version(invocation->store, invocation->pool, &version);
    if (!outcome && version == whk_schema_version())
        outcome = check_objects(check, version);
    if (outcome)
        whk_check_report_outcome(check, WHK_CHECK_SCHEMA_OBJECTS, outcome);
    else if (version == 0)
        whk_check_report(check, WHK_CHECK_SCHEMA_MISSING, WHK_FOUND_PROBLEM,
                         whk_check_fix(check, "run whkctl -f %s init", invocation->conf_file),
                         "there is none");
    else if (version < whk_schema_version())
        whk_check_report(check, WHK_CHECK_SCHEMA_VERSION, WHK_FOUND_PROBLEM,
                         whk_check_fix(check, "make a backup, and run whkctl -f %s migrate",
                                       invocation->conf_file),
                         "version %d is older than %d", version, whk_schema_version());
    else if (version > whk_schema_version())
        whk_check_report(check, WHK_CHECK_SCHEMA_VERSION, WHK_FOUND_PROBLEM,
                         "install here the version of mod_webhook_keys that the other nodes have",
                         "version %d is newer than %d, which this whkctl knows", version,
                         whk_schema_version());
    return !outcome && version == whk_schema_version();
}
