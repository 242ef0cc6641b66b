/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "model/name.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/tokens.h"

#define HASH_LENGTH 64

typedef struct {
    whk_invocation_t *invocation;
    apr_pool_t *pool; /* of an enterprise, or of a token */
    int is_dry;
    int prunes;
    apr_hash_t *seen; /* ids and hashes of the file */
    json_t *changes;
} apply_t;

static void __attribute__((format(printf, 2, 3))) note(apply_t *apply, const char *format, ...)
{
    va_list arguments;
    const char *text;

    va_start(arguments, format);
    text = whk_printable(apply->pool, apr_pvsprintf(apply->pool, format, arguments));
    va_end(arguments);
    json_array_append_new(apply->changes, json_string(text));
    if (!apply->invocation->json)
        puts(text);
}

/* ---- the file ---- */

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A typing error must not pass for something that was left out. */
static int check_members(const json_t *object, const char *what, const char *names)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return whk_refused("%s must be an object", what);
    json_object_foreach((json_t *)object, name, value)
    {
        const char *at = strstr(names, name);

        if (!at || strchr(name, ' ') || (at > names && at[-1] != ' ') ||
            (at[strlen(name)] && at[strlen(name)] != ' '))
            return whk_refused("%s has a member \"%s\": it may have %s", what, name, names);
    }
    return WHK_EXIT_DONE;
}

static int check_text(const char *what, const json_t *value,
                      const char *(*flaw_of)(const char *, apr_size_t))
{
    const char *text = json_string_value(value);
    const char *flaw = text ? flaw_of(text, json_string_length(value)) : "be a string";

    return flaw ? whk_refused("%s must %s", what, flaw) : WHK_EXIT_DONE;
}

/* Two entries of one would each undo what the other does. */
static int check_first(apply_t *apply, const char *what, const char *member_name,
                       const json_t *object)
{
    apr_pool_t *pool = apply->invocation->pool;
    const char *key = apr_pstrcat(pool, member_name, " ", member(object, member_name), NULL);

    if (apr_hash_get(apply->seen, key, APR_HASH_KEY_STRING))
        return whk_refused("%s has the %s of an entry before it: make them one", what, member_name);
    apr_hash_set(apply->seen, key, APR_HASH_KEY_STRING, key);
    return WHK_EXIT_DONE;
}

static int check_enterprise(apply_t *apply, const json_t *enterprise, size_t index)
{
    const char *what = apr_psprintf(apply->pool, "enterprises[%d]", (int)index);
    const json_t *admins = json_object_get(enterprise, "admins");
    const json_t *name = json_object_get(enterprise, "name");
    json_t *admin;
    size_t i;

    WHK_TRY_STATUS(check_members(enterprise, what, "id name admins"));
    WHK_TRY_STATUS(check_text(apr_pstrcat(apply->pool, what, ".id", NULL),
                              json_object_get(enterprise, "id"), whk_enterprise_id_flaw));
    WHK_TRY_STATUS(check_first(apply, what, "id", enterprise));
    if (name)
        WHK_TRY_STATUS(
            check_text(apr_pstrcat(apply->pool, what, ".name", NULL), name, whk_name_flaw));
    if (admins && !json_is_array(admins))
        return whk_refused("%s.admins must be an array of users", what);
    json_array_foreach(admins, i, admin)
    {
        WHK_TRY_STATUS(check_text(apr_psprintf(apply->pool, "%s.admins[%d]", what, (int)i), admin,
                                  whk_user_flaw));
    }
    return WHK_EXIT_DONE;
}

static const char *hash_flaw(const char *text, apr_size_t length)
{
    return length == HASH_LENGTH && strspn(text, "0123456789abcdef") == HASH_LENGTH
               ? NULL
               : "be the SHA-256 of the token, 64 lower-case hex digits, as sha256sum prints it";
}

static const char *time_flaw(const char *text, apr_size_t length)
{
    apr_time_t when;

    (void)length;
    return whk_time_parse(text, &when) ? NULL : "be a date and time, as 2027-01-01T00:00:00Z";
}

static int check_token(apply_t *apply, const json_t *token, size_t index)
{
    static const struct {
        const char *name;
        const char *(*flaw_of)(const char *, apr_size_t);
        int is_needed;
    } members[] = {{"user", whk_user_flaw, 1},
                   {"sha256", hash_flaw, 1},
                   {"label", whk_name_flaw, 0},
                   {"expires", time_flaw, 0}};
    const char *what = apr_psprintf(apply->pool, "tokens[%d]", (int)index);
    size_t i;

    WHK_TRY_STATUS(check_members(token, what, "user sha256 label expires"));
    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const json_t *value = json_object_get(token, members[i].name);

        if (value || members[i].is_needed)
            WHK_TRY_STATUS(check_text(apr_pstrcat(apply->pool, what, ".", members[i].name, NULL),
                                      value, members[i].flaw_of));
    }
    return check_first(apply, what, "sha256", token);
}

typedef int (*each_t)(apply_t *apply, const json_t *item, size_t index);

static int for_each(apply_t *apply, const json_t *file, const char *name, each_t each)
{
    const json_t *items = json_object_get(file, name);
    json_t *item;
    size_t i;

    if (items && !json_is_array(items))
        return whk_refused("%s must be an array", name);
    json_array_foreach(items, i, item)
    {
        apr_pool_clear(apply->pool);
        WHK_TRY_STATUS(each(apply, item, i));
    }
    return WHK_EXIT_DONE;
}

/* ---- enterprises and admins ---- */

static int apply_admin(apply_t *apply, const char *enterprise, const char *user, int is_new)
{
    whk_store_t *store = apply->invocation->store;
    whk_admin_t made = {.enterprise_id = enterprise, .user = user, .created = whk_time_now()};
    whk_admin_t *there = NULL;
    int added;

    if (!is_new)
        WHK_TRY_OR_REFUSE(whk_store_admin_get(store, apply->pool, enterprise, user, &there));
    if (there) {
        WHK_TRY_OR_REFUSE(whk_admin_check(apply->pool, apply->invocation->key, there));
        return WHK_EXIT_DONE;
    }
    if (!apply->is_dry) {
        WHK_TRY_OR_REFUSE(whk_admin_set_seal(apply->pool, apply->invocation->key, &made));
        WHK_TRY_OR_REFUSE(whk_store_admin_add(store, apply->pool, &made, &added));
    }
    note(apply, "+ admin %s of %s", user, enterprise);
    return WHK_EXIT_DONE;
}

static int is_listed(const json_t *admins, size_t count, const char *user)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (!strcmp(json_string_value(json_array_get(admins, i)), user))
            return 1;
    return 0;
}

static int prune_admins(apply_t *apply, const char *enterprise, const json_t *admins)
{
    whk_store_t *store = apply->invocation->store;
    apr_array_header_t *there;
    int removed;
    int i;

    WHK_TRY_OR_REFUSE(whk_store_admin_list(store, apply->pool, enterprise, &there));
    for (i = 0; i < there->nelts; i++) {
        const char *user = APR_ARRAY_IDX(there, i, const whk_admin_t *)->user;

        if (is_listed(admins, json_array_size(admins), user))
            continue;
        if (!apply->is_dry)
            WHK_TRY_OR_REFUSE(
                whk_store_admin_remove(store, apply->pool, enterprise, user, &removed));
        note(apply, "- admin %s of %s", user, enterprise);
    }
    return WHK_EXIT_DONE;
}

/* Its row, as the file wants it. */
static int apply_row(apply_t *apply, const char *id, const char *name, int *is_new)
{
    whk_store_t *store = apply->invocation->store;
    whk_enterprise_t *there;
    int done;

    WHK_TRY_OR_REFUSE(whk_store_enterprise_get(store, apply->pool, id, &there));
    *is_new = !there;
    if (!there) {
        if (!apply->is_dry)
            WHK_TRY_OR_REFUSE(whk_store_enterprise_add(store, apply->pool, id, name ? name : id,
                                                       whk_time_now(), &done));
        note(apply, "+ enterprise %s", id);
    } else if (name && (!there->name || strcmp(there->name, name) != 0)) {
        if (!apply->is_dry)
            WHK_TRY_OR_REFUSE(whk_store_enterprise_rename(store, apply->pool, id, name));
        note(apply, "~ enterprise %s is called %s", id, name);
    }
    return WHK_EXIT_DONE;
}

static int apply_enterprise(apply_t *apply, const json_t *enterprise, size_t index)
{
    const char *id = member(enterprise, "id");
    const json_t *admins = json_object_get(enterprise, "admins");
    json_t *admin;
    int is_new = 0;
    size_t i;

    (void)index;
    WHK_TRY_STATUS(apply_row(apply, id, member(enterprise, "name"), &is_new));
    json_array_foreach(admins, i, admin)
    {
        if (!is_listed(admins, i, json_string_value(admin)))
            WHK_TRY_STATUS(apply_admin(apply, id, json_string_value(admin), is_new));
    }
    return admins && apply->prunes && !is_new ? prune_admins(apply, id, admins) : WHK_EXIT_DONE;
}

/* ---- tokens ---- */

static int is_same(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

/* A token is what it was made: what it may never changes. */
static int check_same(const whk_token_t *there, const json_t *token, apr_time_t expires)
{
    if (strcmp(there->user, member(token, "user")) != 0)
        return whk_refused("the token %s is another user's here, %s: make a new one for %s",
                           there->id, there->user, member(token, "user"));
    if (there->revoked)
        return whk_refused("the token %s of %s is revoked here, for ever: make a new one, or take "
                           "it out of the file",
                           there->id, there->user);
    if (there->expires != expires || !is_same(there->label, member(token, "label")))
        return whk_refused("the token %s of %s has another label here, or ends at another time, "
                           "and never changes: make a new one",
                           there->id, there->user);
    return WHK_EXIT_DONE;
}

static int apply_token(apply_t *apply, const json_t *token, size_t index)
{
    whk_store_t *store = apply->invocation->store;
    whk_token_t made = {.hash = member(token, "sha256"),
                        .user = member(token, "user"),
                        .label = member(token, "label"),
                        .created = whk_time_now()};
    whk_token_t *there;

    (void)index;
    if (member(token, "expires"))
        whk_time_parse(member(token, "expires"), &made.expires);
    WHK_TRY_OR_REFUSE(whk_store_token_find(store, apply->pool, made.hash, &there));
    if (there)
        return check_same(there, token, made.expires);
    made.id = whk_uuid(apply->pool);
    if (!made.id)
        return whk_refused("no token was made: the system gives no random bytes");
    if (!apply->is_dry)
        WHK_TRY_OR_REFUSE(whk_store_token_insert(store, apply->pool, &made));
    note(apply, "+ token of %s, of SHA-256 %.8s...", made.user, made.hash);
    return WHK_EXIT_DONE;
}

static int names_hash(const json_t *tokens, const char *hash)
{
    json_t *token;
    size_t i;

    json_array_foreach(tokens, i, token)
    {
        if (!strcmp(member(token, "sha256"), hash))
            return 1;
    }
    return 0;
}

static int prune_tokens_of(apply_t *apply, const json_t *tokens, const char *user)
{
    whk_store_t *store = apply->invocation->store;
    apr_time_t now = whk_time_now();
    apr_array_header_t *there;
    int revoked;
    int i;

    WHK_TRY_OR_REFUSE(whk_store_token_list(store, apply->pool, user, &there));
    for (i = 0; i < there->nelts; i++) {
        const whk_token_t *token = APR_ARRAY_IDX(there, i, const whk_token_t *);

        if (token->revoked || names_hash(tokens, token->hash))
            continue;
        if (!apply->is_dry)
            WHK_TRY_OR_REFUSE(whk_store_token_revoke(store, apply->pool, token->id, now, &revoked));
        note(apply, "- token %s of %s", token->id, user);
    }
    return WHK_EXIT_DONE;
}

/* Of users that the file names. */
static int prune_tokens(apply_t *apply, const json_t *tokens)
{
    apr_hash_t *users = apr_hash_make(apply->invocation->pool);
    json_t *token;
    size_t i;

    json_array_foreach(tokens, i, token)
    {
        const char *user = member(token, "user");

        if (apr_hash_get(users, user, APR_HASH_KEY_STRING))
            continue;
        apr_hash_set(users, user, APR_HASH_KEY_STRING, user);
        apr_pool_clear(apply->pool);
        WHK_TRY_STATUS(prune_tokens_of(apply, tokens, user));
    }
    return WHK_EXIT_DONE;
}

/* ---- the whole ---- */

static int apply_all(apply_t *apply, const json_t *file)
{
    WHK_TRY_STATUS(check_members(file, "the file", "enterprises tokens"));
    WHK_TRY_STATUS(for_each(apply, file, "enterprises", check_enterprise));
    WHK_TRY_STATUS(for_each(apply, file, "tokens", check_token));
    WHK_TRY_STATUS(for_each(apply, file, "enterprises", apply_enterprise));
    WHK_TRY_STATUS(for_each(apply, file, "tokens", apply_token));
    return apply->prunes ? prune_tokens(apply, json_object_get(file, "tokens")) : WHK_EXIT_DONE;
}

static int report(const apply_t *apply, int status)
{
    int count = (int)json_array_size(apply->changes);

    if (apply->invocation->json) {
        whk_print_json(json_pack("{s:b, s:i, s:O}", "done",
                                 status == WHK_EXIT_DONE && !apply->is_dry, "changed", count,
                                 "changes", apply->changes));
        return status;
    }
    if (status == WHK_EXIT_DONE && !count)
        puts("Nothing to change.");
    else if (status == WHK_EXIT_DONE)
        printf("%d changes%s.\n", count, apply->is_dry ? " would be made" : "");
    return status;
}

int whk_cmd_apply(whk_invocation_t *invocation)
{
    apply_t apply = {.invocation = invocation,
                     .is_dry = invocation->option[WHK_OPTION_DRY_RUN] != NULL,
                     .prunes = invocation->option[WHK_OPTION_PRUNE] != NULL,
                     .seen = apr_hash_make(invocation->pool),
                     .changes = json_array()};
    json_error_t error;
    json_t *file = json_loadf(invocation->input, JSON_REJECT_DUPLICATES, &error);
    int status;

    if (!file) {
        json_decref(apply.changes);
        return whk_refused("the file must be a JSON object: line %d: %s", error.line, error.text);
    }
    apr_pool_create(&apply.pool, invocation->pool);
    status = report(&apply, apply_all(&apply, file));
    json_decref(file);
    json_decref(apply.changes);
    return status;
}
