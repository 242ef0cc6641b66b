/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/import_file.h"
#include "ctl/import_record.h"
#include "ctl/print.h"
#include "ctl/progress.h"

/* Keys of a transaction: some ten milliseconds, in which nobody else writes to SQLite. */
#define BATCH 250

/* What is told of each, one by one. */
#define FINDINGS_MOST 100

typedef struct {
    int line;
    const char *enterprise;
    const char *key_id;
    const whk_outcome_t *refusal;
} finding_t;

typedef struct {
    whk_invocation_t *invocation;
    whk_import_defaults_t defaults;
    int is_trial; /* the first pass: nothing is changed */
    apr_pool_t *batch_pool;
    apr_array_header_t *batch; /* whk_key_import_t * */
    apr_array_header_t *lines; /* int: of each */
    apr_hash_t *seen;          /* of the first pass: enterprise and keyId, or key, to its line */
    apr_hash_t *settled;       /* lines that the first pass has nothing left to do for */
    apr_array_header_t *findings;
    whk_progress_t progress;
    int done;
    int there;
    int followed;
    int refused;
} import_t;

/* ---- what is refused ---- */

static void settle(import_t *import, int line)
{
    int *key = apr_pmemdup(import->invocation->pool, &line, sizeof(line));

    if (import->is_trial)
        apr_hash_set(import->settled, key, sizeof(*key), key);
}

/* What is kept of it outlives the batch. */
static void refuse(import_t *import, int line, const char *enterprise, const char *key_id,
                   const whk_outcome_t *refusal)
{
    apr_pool_t *pool = import->invocation->pool;
    whk_outcome_t *copy = apr_pmemdup(pool, refusal, sizeof(*refusal));

    import->refused++;
    settle(import, line);
    if (import->findings->nelts >= FINDINGS_MOST)
        return;
    copy->message = apr_pstrdup(pool, refusal->message);
    copy->operator_hint = apr_pstrdup(pool, refusal->operator_hint);
    APR_ARRAY_PUSH(import->findings, finding_t) =
        (finding_t){line, apr_pstrdup(pool, enterprise), apr_pstrdup(pool, key_id), copy};
}

static const char *text_of(const json_t *record, const char *name)
{
    return json_string_value(json_object_get(record, name));
}

/* ---- the same twice in the file ---- */

static int line_before(import_t *import, const char *kind, const char *enterprise, const char *name,
                       int line)
{
    apr_pool_t *pool = import->invocation->pool;
    const char *key = apr_pstrcat(pool, kind, enterprise, "/", name, NULL);
    const int *before = apr_hash_get(import->seen, key, APR_HASH_KEY_STRING);

    if (before)
        return *before;
    apr_hash_set(import->seen, key, APR_HASH_KEY_STRING, apr_pmemdup(pool, &line, sizeof(line)));
    return 0;
}

static const whk_outcome_t *check_seen(import_t *import, const whk_key_import_t *key, int line)
{
    const char *enterprise = whk_caller_enterprise(key->caller);
    int before = line_before(import, "i", enterprise, key->key_id, line);

    if (before)
        return whk_refuse(import->batch_pool, WHK_KEY_ID_TAKEN,
                          "line %d has this keyId of this enterprise already", before);
    before = key->jwk ? line_before(import, "t", enterprise, key->jwk->thumbprint, line) : 0;
    return before ? whk_refuse(import->batch_pool, WHK_KEY_MATERIAL_IN_USE,
                               "line %d has this public key of this enterprise already", before)
                  : NULL;
}

/* ---- a batch ---- */

static void note_result(import_t *import, int line, const whk_key_import_t *key)
{
    import->done += key->result == WHK_IMPORT_DONE;
    if (key->result == WHK_IMPORT_THERE) {
        import->there++;
        settle(import, line);
    }
    if (key->result == WHK_IMPORT_REFUSED)
        refuse(import, line, whk_caller_enterprise(key->caller), key->key_id, key->refusal);
}

static int flush(import_t *import)
{
    whk_registry_t registry = import->invocation->registry;
    int adds = import->invocation->option[WHK_OPTION_ADD_ENTERPRISES] != NULL;
    int i;

    registry.pool = import->batch_pool;
    WHK_TRY_OR_REFUSE(import->is_trial ? whk_import_try(&registry, import->batch, adds)
                                       : whk_import_keys(&registry, import->batch, adds));
    for (i = 0; i < import->batch->nelts; i++)
        note_result(import, APR_ARRAY_IDX(import->lines, i, int),
                    APR_ARRAY_IDX(import->batch, i, const whk_key_import_t *));
    apr_pool_clear(import->batch_pool);
    import->batch = apr_array_make(import->batch_pool, BATCH, sizeof(whk_key_import_t *));
    import->lines->nelts = 0;
    return WHK_EXIT_DONE;
}

static int add(import_t *import, int line, whk_key_import_t *key)
{
    const whk_outcome_t *refusal = import->is_trial ? check_seen(import, key, line) : NULL;

    if (refusal) {
        refuse(import, line, whk_caller_enterprise(key->caller), key->key_id, refusal);
        return WHK_EXIT_DONE;
    }
    APR_ARRAY_PUSH(import->batch, whk_key_import_t *) = key;
    APR_ARRAY_PUSH(import->lines, int) = line;
    return import->batch->nelts < BATCH ? WHK_EXIT_DONE : flush(import);
}

static int visit(void *baton, int line, const json_t *record, const char *flaw, apr_pool_t *pool)
{
    import_t *import = baton;
    whk_key_import_t *key = apr_palloc(import->batch_pool, sizeof(*key));
    const whk_outcome_t *refusal;
    int is_followed = 0;

    whk_progress_step_to(&import->progress, ftello(import->invocation->input));
    if (!import->is_trial && apr_hash_get(import->settled, &line, sizeof(line)))
        return WHK_EXIT_DONE;
    refusal = flaw ? whk_refuse(pool, WHK_INVALID_REQUEST, "%s", flaw)
                   : whk_import_record_read(key, &is_followed, record, &import->defaults,
                                            import->batch_pool);
    if (refusal) {
        refuse(import, line, text_of(record, "enterprise"), text_of(record, "keyId"), refusal);
        return WHK_EXIT_DONE;
    }
    import->followed += is_followed && import->is_trial;
    return is_followed ? WHK_EXIT_DONE : add(import, line, key);
}

static int pass(import_t *import, int is_trial)
{
    FILE *input = import->invocation->input;
    int status;

    import->is_trial = is_trial;
    import->done = 0;
    import->batch = apr_array_make(import->batch_pool, BATCH, sizeof(whk_key_import_t *));
    import->lines->nelts = 0;
    fseeko(input, 0, SEEK_END);
    import->progress = whk_progress_begin_to(is_trial ? "keys looked at" : "keys", ftello(input));
    status = whk_import_file_read(input, visit, import, import->invocation->pool);
    if (status == WHK_EXIT_DONE)
        status = flush(import);
    whk_progress_end(&import->progress);
    return status;
}

/* ---- what is told ---- */

static void print_findings(const import_t *import)
{
    apr_pool_t *pool = import->invocation->pool;
    int i;

    for (i = 0; i < import->findings->nelts; i++) {
        const finding_t *found = &APR_ARRAY_IDX(import->findings, i, finding_t);

        whk_hint("line %d: enterprise %s, keyId %s: %s: %s", found->line,
                 found->enterprise ? whk_printable(pool, found->enterprise) : "-",
                 found->key_id ? whk_printable(pool, found->key_id) : "-",
                 whk_code_name(found->refusal->code),
                 whk_printable(pool, found->refusal->operator_hint ? found->refusal->operator_hint
                                                                   : found->refusal->message));
    }
    if (import->refused > import->findings->nelts)
        whk_hint("... and %d more", import->refused - import->findings->nelts);
}

static int print_json(const import_t *import, int is_done)
{
    json_t *refused = json_array();
    int i;

    for (i = 0; i < import->findings->nelts; i++) {
        const finding_t *found = &APR_ARRAY_IDX(import->findings, i, finding_t);

        json_array_append_new(refused,
                              json_pack("{s:i, s:s?, s:s?, s:s, s:s}", "line", found->line,
                                        "enterprise", found->enterprise, "keyId", found->key_id,
                                        "code", whk_code_name(found->refusal->code), "message",
                                        found->refusal->message));
    }
    return whk_print_json(json_pack("{s:b, s:i, s:i, s:i, s:i, s:o}", "done", is_done, "imported",
                                    import->done, "there", import->there, "followed",
                                    import->followed, "refused", import->refused, "refusals",
                                    refused));
}

static void print_text(const import_t *import, int is_done)
{
    printf("%d %s, %d %s there already, %d refused.\n", import->done,
           is_done ? "keys are imported" : "keys would be imported", import->there,
           import->there == 1 ? "is" : "are", import->refused);
    if (import->followed)
        printf("%d are left to the sets that they came by, which httpd fetches.\n",
               import->followed);
}

static int report(const import_t *import, int is_done)
{
    print_findings(import);
    if (import->invocation->json)
        print_json(import, is_done);
    else
        print_text(import, is_done);
    return WHK_EXIT_DONE;
}

int whk_cmd_import(whk_invocation_t *invocation)
{
    apr_pool_t *pool = invocation->pool;
    int skips = invocation->option[WHK_OPTION_SKIP_REFUSED] != NULL;
    import_t import = {.invocation = invocation,
                       .defaults = {invocation->operator_name,
                                    invocation->option[WHK_OPTION_ENTERPRISE],
                                    invocation->option[WHK_OPTION_KEY_ID]},
                       .lines = apr_array_make(pool, BATCH, sizeof(int)),
                       .seen = apr_hash_make(pool),
                       .settled = apr_hash_make(pool),
                       .findings = apr_array_make(pool, 16, sizeof(finding_t))};
    int refused;

    apr_pool_create(&import.batch_pool, pool);
    WHK_TRY_STATUS(pass(&import, 1));
    refused = import.refused;
    if (invocation->option[WHK_OPTION_DRY_RUN] || (refused && !skips)) {
        report(&import, 0);
        if (refused && !invocation->option[WHK_OPTION_DRY_RUN])
            whk_refused("nothing was imported: mend what is refused, or leave it out by "
                        "--skip-refused");
        return refused ? WHK_EXIT_REFUSED : WHK_EXIT_DONE;
    }
    if (import.done)
        WHK_TRY_STATUS(pass(&import, 0));
    report(&import, 1);
    return import.refused > refused ? WHK_EXIT_REFUSED : WHK_EXIT_DONE;
}
