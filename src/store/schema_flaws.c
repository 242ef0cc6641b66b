/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/log_number.h"
#include "store/migrations.h"
#include "store/schema_flaws.h"
#include "store/statement.h"

/* Each table of ours begins with it. */
#define OURS "whk_"

typedef struct {
    const char *type;
    const char *name;
    const char *sql; /* NULL: an index that its table brings along */
    int is_met;
} object_t;

static void *read_object(whk_row_t *row)
{
    object_t *object = apr_pcalloc(row->pool, sizeof(*object));

    object->type = whk_row_text(row, 0);
    object->name = whk_row_text(row, 1);
    object->sql = whk_row_text_or_null(row, 2);
    return object;
}

static const whk_outcome_t *list_objects(whk_store_t *store, apr_pool_t *pool,
                                         apr_array_header_t **objects)
{
    const void *arguments[] = {NULL};

    return whk_statement_read(store, pool, SQL_SCHEMA_LIST, arguments, read_object, objects);
}

/* ---- a fresh database ---- */

static const whk_outcome_t *list_in(whk_connection_t *connection, apr_pool_t *pool,
                                    apr_array_header_t **objects)
{
    whk_store_t *store = whk_store_create_over(connection->pool, connection);
    int from;

    WHK_TRY(whk_store_migrate(store, pool, NULL, NULL, &from));
    return list_objects(store, pool, objects);
}

static const whk_outcome_t *list_in_new(const whk_dialect_t *dialect, apr_pool_t *pool,
                                        apr_array_header_t **objects)
{
    whk_connection_t connection = {0};
    const whk_outcome_t *outcome;

    if (apr_dbd_get_driver(pool, dialect->driver, &connection.driver) != APR_SUCCESS ||
        apr_dbd_open(connection.driver, pool, dialect->scratch, &connection.handle) != APR_SUCCESS)
        return whk_fail(
            pool, WHK_STORE_UNAVAILABLE,
            WHK_LOGNO(0106) "no fresh database is to be had to compare the registry's schema with");
    apr_pool_create(&connection.pool, pool);
    outcome = list_in(&connection, pool, objects);
    /* With what was prepared, which must go before the connection. */
    apr_pool_destroy(connection.pool);
    apr_dbd_close(connection.driver, connection.handle);
    return outcome;
}

static const whk_outcome_t *list_work(whk_store_t *store, void *objects, apr_pool_t *pool)
{
    return list_objects(store, pool, objects);
}

/* Rows of SQL_SCHEMA_LIST as text. */
static apr_array_header_t *read_objects(apr_pool_t *pool, const char *text)
{
    apr_array_header_t *objects = apr_array_make(pool, 64, sizeof(object_t *));
    char *lines = apr_pstrdup(pool, text);
    char *end;

    for (; (end = strchr(lines, '\n')); lines = end + 1) {
        object_t *object = apr_pcalloc(pool, sizeof(*object));
        char *state;

        *end = '\0';
        object->type = apr_strtok(lines, "\t", &state);
        object->name = apr_strtok(NULL, "\t", &state);
        object->sql = apr_strtok(NULL, "\t", &state);
        APR_ARRAY_PUSH(objects, object_t *) = object;
    }
    return objects;
}

static const whk_outcome_t *list_fresh(whk_store_t *store, apr_pool_t *pool,
                                       apr_array_header_t **objects)
{
    const whk_dialect_t *dialect;

    WHK_TRY(whk_session_acquire(store, pool));
    dialect = store->session->dialect;
    whk_session_release(store);
    if (dialect->objects) {
        *objects = read_objects(pool, dialect->objects);
        return NULL;
    }
    return dialect->scratch ? list_in_new(dialect, pool, objects)
                            : whk_migrate_in_vain(store, pool, list_work, objects);
}

/* ---- the comparison ---- */

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* But for how much white space there is, which a migration may be written with otherwise some day.
 * Where there is none, there must be none: in 'REVOKED ' it would count. */
static int is_same_text(const char *left, const char *right)
{
    if (!left || !right)
        return left == right;
    while (*left || *right) {
        if (isspace((unsigned char)*left) && isspace((unsigned char)*right)) {
            left = skip_space(left);
            right = skip_space(right);
        } else if (*left++ != *right++) {
            return 0;
        }
    }
    return 1;
}

static int mentions_ours(const char *sql)
{
    for (; sql && *sql; sql++)
        if (!strncasecmp(sql, OURS, strlen(OURS)))
            return 1;
    return 0;
}

static const char *flaw_of(const object_t *object, object_t *fresh)
{
    if (!fresh && (!strcmp(object->type, "trigger") || !strcmp(object->type, "rule")) &&
        mentions_ours(object->sql))
        return "it is not ours, and acts on what is: look who made it, and drop it";
    if (!fresh)
        return NULL;
    fresh->is_met = 1;
    if (strcmp(object->type, fresh->type) != 0)
        return "something else stands in its place";
    return is_same_text(object->sql, fresh->sql) ? NULL : "it is defined in another way than ours";
}

static void add_flaw(apr_array_header_t *flaws, apr_pool_t *pool, const object_t *object,
                     const char *text)
{
    whk_schema_flaw_t *flaw;

    if (!text)
        return;
    flaw = apr_pcalloc(pool, sizeof(*flaw));
    flaw->type = object->type;
    flaw->name = object->name;
    flaw->flaw = text;
    APR_ARRAY_PUSH(flaws, whk_schema_flaw_t *) = flaw;
}

static void compare(const apr_array_header_t *objects, const apr_array_header_t *fresh,
                    apr_pool_t *pool, apr_array_header_t *flaws)
{
    apr_hash_t *by_name = apr_hash_make(pool);
    int i;

    for (i = 0; i < fresh->nelts; i++) {
        object_t *ours = APR_ARRAY_IDX(fresh, i, object_t *);

        apr_hash_set(by_name, ours->name, APR_HASH_KEY_STRING, ours);
    }
    for (i = 0; i < objects->nelts; i++) {
        const object_t *object = APR_ARRAY_IDX(objects, i, const object_t *);
        object_t *ours = apr_hash_get(by_name, object->name, APR_HASH_KEY_STRING);

        add_flaw(flaws, pool, ours ? ours : object, flaw_of(object, ours));
    }
    for (i = 0; i < fresh->nelts; i++) {
        const object_t *ours = APR_ARRAY_IDX(fresh, i, const object_t *);

        if (!ours->is_met)
            add_flaw(flaws, pool, ours, "it is missing");
    }
}

const whk_outcome_t *whk_store_schema_flaws(whk_store_t *store, apr_pool_t *pool,
                                            apr_array_header_t **flaws)
{
    apr_array_header_t *objects, *fresh;

    WHK_TRY(list_objects(store, pool, &objects));
    WHK_TRY(list_fresh(store, pool, &fresh));
    *flaws = apr_array_make(pool, 4, sizeof(whk_schema_flaw_t *));
    compare(objects, fresh, pool, *flaws);
    return NULL;
}
