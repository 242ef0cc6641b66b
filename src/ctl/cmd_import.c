/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/commands.h"
#include "ctl/import_file.h"
#include "ctl/import_record.h"
#include "ctl/print.h"
#include "ctl/progress.h"
#include "model/random.h"

/* Keys of a transaction: some ten milliseconds, in which nobody else writes to SQLite. */
#define BATCH 250

/* Lines beside, that leave something in the batch's memory. */
#define LINES_MOST 4000

/* What is told of each, one by one. */
#define FINDINGS_MOST 100

typedef struct {
    int line;
    int number;
} place_t;

typedef struct {
    int line;
    const char *enterprise;
    const char *key_id;
    const whk_outcome_t *refusal;
} finding_t;

/* Of the file. Sets that are followed come last: httpd fetches them at once, and what they publish
 * still may be REVOKED in another line. */
typedef enum {
    TRIAL, /* nothing is changed */
    KEYS,
    SETS
} pass_t;

typedef struct {
    whk_invocation_t *invocation;
    whk_import_defaults_t defaults;
    pass_t pass;
    int number; /* of the record, in this pass */
    int lines_in_batch;
    int sets; /* there are some */
    apr_pool_t *batch_pool;
    apr_array_header_t *batch;  /* whk_key_import_t * */
    apr_array_header_t *places; /* place_t: of each */
    apr_hash_t *seen;           /* of the first pass: enterprise and keyId, or key, to its line */
    apr_hash_t *settled; /* numbers of records that the first pass leaves nothing to do for */
    apr_array_header_t *findings;
    whk_progress_t progress;
    int done;
    int there;
    int followed;
    int refused;
} import_t;

/* ---- what is refused ---- */

static void settle(import_t *import, int number)
{
    int *key;

    if (import->pass != TRIAL)
        return;
    key = apr_pmemdup(import->invocation->pool, &number, sizeof(number));
    apr_hash_set(import->settled, key, sizeof(*key), key);
}

/* What is kept of it outlives the batch. */
static void refuse(import_t *import, place_t place, const char *enterprise, const char *key_id,
                   const whk_outcome_t *refusal)
{
    apr_pool_t *pool = import->invocation->pool;
    whk_outcome_t *copy;

    import->refused++;
    settle(import, place.number);
    if (import->findings->nelts >= FINDINGS_MOST)
        return;
    copy = apr_pmemdup(pool, refusal, sizeof(*refusal));
    copy->message = apr_pstrdup(pool, refusal->message);
    copy->operator_hint = apr_pstrdup(pool, refusal->operator_hint);
    APR_ARRAY_PUSH(import->findings, finding_t) =
        (finding_t){place.line, apr_pstrdup(pool, enterprise), apr_pstrdup(pool, key_id), copy};
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

static void note_result(import_t *import, place_t place, const whk_key_import_t *key)
{
    import->done += key->result == WHK_IMPORT_DONE;
    if (key->result == WHK_IMPORT_THERE) {
        import->there++;
        settle(import, place.number);
    }
    if (key->result == WHK_IMPORT_REFUSED)
        refuse(import, place, whk_caller_enterprise(key->caller), key->key_id, key->refusal);
}

static void begin_batch(import_t *import)
{
    apr_pool_clear(import->batch_pool);
    import->batch = apr_array_make(import->batch_pool, BATCH, sizeof(whk_key_import_t *));
    import->places->nelts = 0;
    import->lines_in_batch = 0;
}

static int flush(import_t *import)
{
    whk_registry_t registry = import->invocation->registry;
    int adds = import->invocation->option[WHK_OPTION_ADD_ENTERPRISES] != NULL;
    int i;

    registry.pool = import->batch_pool;
    if (import->batch->nelts)
        WHK_TRY_OR_REFUSE(import->pass == TRIAL ? whk_import_try(&registry, import->batch, adds)
                                                : whk_import_keys(&registry, import->batch, adds));
    for (i = 0; i < import->batch->nelts; i++)
        note_result(import, APR_ARRAY_IDX(import->places, i, place_t),
                    APR_ARRAY_IDX(import->batch, i, const whk_key_import_t *));
    begin_batch(import);
    return WHK_EXIT_DONE;
}

static int is_set(const whk_key_import_t *key)
{
    return !key->jwk && !key->is_revoked;
}

static int add(import_t *import, place_t place, whk_key_import_t *key)
{
    const whk_outcome_t *refusal =
        import->pass == TRIAL ? check_seen(import, key, place.line) : NULL;

    if (refusal) {
        refuse(import, place, whk_caller_enterprise(key->caller), key->key_id, refusal);
        return WHK_EXIT_DONE;
    }
    import->sets += import->pass == TRIAL && is_set(key);
    if (import->pass != TRIAL && is_set(key) != (import->pass == SETS))
        return WHK_EXIT_DONE;
    APR_ARRAY_PUSH(import->batch, whk_key_import_t *) = key;
    APR_ARRAY_PUSH(import->places, place_t) = place;
    return import->batch->nelts < BATCH ? WHK_EXIT_DONE : flush(import);
}

static int take(import_t *import, place_t place, const json_t *record, const char *flaw)
{
    apr_pool_t *pool = import->batch_pool;
    whk_key_import_t *key = apr_palloc(pool, sizeof(*key));
    int is_followed = 0;
    const whk_outcome_t *refusal =
        flaw ? whk_refuse(pool, WHK_INVALID_REQUEST, "%s", flaw)
             : whk_import_record_read(key, &is_followed, record, &import->defaults, pool);

    if (refusal) {
        refuse(import, place, text_of(record, "enterprise"), text_of(record, "keyId"), refusal);
        return WHK_EXIT_DONE;
    }
    import->followed += is_followed && import->pass == TRIAL;
    return is_followed ? WHK_EXIT_DONE : add(import, place, key);
}

static int visit(void *baton, int line, const json_t *record, const char *flaw, apr_pool_t *pool)
{
    import_t *import = baton;
    place_t place = {line, ++import->number};

    (void)pool;
    whk_progress_step_to(&import->progress, ftello(import->invocation->input));
    if (import->pass != TRIAL && apr_hash_get(import->settled, &place.number, sizeof(place.number)))
        return WHK_EXIT_DONE;
    WHK_TRY_STATUS(take(import, place, record, flaw));
    return ++import->lines_in_batch < LINES_MOST ? WHK_EXIT_DONE : flush(import);
}

static int run_pass(import_t *import, pass_t pass)
{
    FILE *input = import->invocation->input;
    int status;

    import->pass = pass;
    import->number = 0;
    if (pass != SETS)
        import->done = 0;
    begin_batch(import);
    fseeko(input, 0, SEEK_END);
    import->progress =
        whk_progress_begin_to(pass == TRIAL ? "keys looked at" : "keys", ftello(input));
    status = whk_import_file_read(input, visit, import, import->invocation->pool);
    if (status == WHK_EXIT_DONE)
        status = flush(import);
    whk_progress_end(&import->progress);
    return status;
}

/* What was looked at is what is imported. */
static int is_unchanged(const whk_invocation_t *invocation, const struct stat *before)
{
    struct stat now;

    return fstat(fileno(invocation->input), &now) == 0 && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* ---- what is told ---- */

static void print_findings(const import_t *import)
{
    int i;

    for (i = 0; i < import->findings->nelts; i++) {
        const finding_t *found = &APR_ARRAY_IDX(import->findings, i, finding_t);

        whk_hint("line %d: enterprise %s, keyId %s: %s: %s", found->line,
                 found->enterprise ? found->enterprise : "-", found->key_id ? found->key_id : "-",
                 whk_code_name(found->refusal->code), whk_outcome_reason(found->refusal));
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
                       .defaults = {invocation->operator_name, whk_uuid(pool),
                                    invocation->option[WHK_OPTION_ENTERPRISE],
                                    invocation->option[WHK_OPTION_KEY_ID]},
                       .places = apr_array_make(pool, BATCH, sizeof(place_t)),
                       .seen = apr_hash_make(pool),
                       .settled = apr_hash_make(pool),
                       .findings = apr_array_make(pool, 16, sizeof(finding_t))};
    struct stat before;
    int status = WHK_EXIT_DONE;
    int refused;
    int wanted;

    if (!import.defaults.run)
        return whk_refused("nothing was imported: the system gives no random bytes");
    apr_pool_create(&import.batch_pool, pool);
    if (fstat(fileno(invocation->input), &before) != 0)
        return whk_refused("the file can't be looked at: %s", strerror(errno));
    WHK_TRY_STATUS(run_pass(&import, TRIAL));
    refused = import.refused;
    if (invocation->option[WHK_OPTION_DRY_RUN] || (refused && !skips)) {
        report(&import, 0);
        if (refused && !invocation->option[WHK_OPTION_DRY_RUN])
            whk_refused("nothing was imported: mend what is refused, or leave it out by "
                        "--skip-refused");
        return refused ? WHK_EXIT_REFUSED : WHK_EXIT_DONE;
    }
    if (!is_unchanged(invocation, &before))
        return whk_refused("nothing was imported: the file was changed while it was looked at");
    wanted = import.done;
    if (wanted)
        status = run_pass(&import, KEYS);
    if (status == WHK_EXIT_DONE && wanted && import.sets)
        status = run_pass(&import, SETS);
    report(&import, 1);
    if (status != WHK_EXIT_DONE)
        return whk_refused("%d keys are imported, and then it failed: run it again for the rest",
                           import.done);
    return import.refused > refused ? WHK_EXIT_REFUSED : WHK_EXIT_DONE;
}
