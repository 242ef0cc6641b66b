/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/identity.h"
#include "ctl/print.h"
#include "otp/secret_key_file.h"
#include "registry/first_seals.h"
#include "store/enterprises.h"
#include "store/migrations.h"
#include "store/schema_version.h"

/* ---- init: the secret key file ---- */

static int make_key(whk_invocation_t *invocation, int *made)
{
    const char *file = invocation->config.secret_key_file;
    const char *flaw;
    struct stat info;

    *made = 0;
    if (file && lstat(file, &info) != 0) {
        *made = whk_secret_key_create(invocation->pool, file, &flaw);
        if (!*made)
            return whk_refused("WebhookKeysSecretKeyFile: %s", flaw);
    }
    return whk_invocation_load_key(invocation);
}

/* ---- the schema, and that its rows are sealed ---- */

#define PATIENCE apr_time_from_sec(5)

/* The key file says of a registry that its rows were sealed, so that whoever can write the database
 * does not have his own sealed by another migration. It may be root's: opened before we become
 * somebody else. A rotation puts another file in its place, in which the mark would be missing. */
static int open_marks(whk_invocation_t *invocation, int *marks)
{
    int folder;

    if (whk_secret_key_has_mark(invocation->pool, invocation->key, invocation->config.name))
        return WHK_EXIT_DONE;
    WHK_TRY_STATUS(whk_invocation_lock_key(invocation, PATIENCE, &folder));
    WHK_TRY_STATUS(whk_invocation_load_key(invocation));
    *marks = whk_secret_key_open_marks(invocation->config.secret_key_file);
    return WHK_EXIT_DONE;
}

static int migrate(whk_invocation_t *invocation, int marks, int *from)
{
    const char *registry = invocation->config.name;
    whk_first_seals_t first = {
        .secret = invocation->key,
        .key_file = invocation->config.secret_key_file,
        .sealed_before = whk_secret_key_has_mark(invocation->pool, invocation->key, registry)};

    WHK_TRY_OR_REFUSE(whk_store_migrate(invocation->store, invocation->pool,
                                        whk_registry_migrations, &first, from));
    if (!first.sealed_before && !whk_secret_key_mark(invocation->pool, marks, registry))
        whk_hint("whkctl: %s could not be told that the rows of this registry are sealed now (%s): "
                 "see that its owner may write it, and run whkctl migrate again",
                 first.key_file, strerror(errno));
    return WHK_EXIT_DONE;
}

/* ---- init: the folder, and whose it is ---- */

static int make_folder(const char *folder, uid_t user, gid_t group)
{
    int descriptor;
    int done;

    if (mkdir(folder, 0750) != 0)
        return whk_refused("the registry's folder %s cannot be made: %s", folder, strerror(errno));
    if (geteuid() != 0)
        return WHK_EXIT_DONE;
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    done = descriptor >= 0 && fchown(descriptor, user, group) == 0;
    if (!done)
        whk_refused("the registry's folder %s cannot be given to user %lu: %s", folder,
                    (unsigned long)user, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return done ? WHK_EXIT_DONE : WHK_EXIT_REFUSED;
}

static int check_writable(whk_invocation_t *invocation, const char *folder)
{
    const char *name = whk_identity_name(invocation->pool, geteuid());

    if (access(folder, W_OK | X_OK) == 0)
        return WHK_EXIT_DONE;
    return whk_refused("user %s cannot write the registry's folder %s (%s): run chown %s %s, and "
                       "see that %s may enter the folders above it",
                       name, folder, strerror(errno), name, folder, name);
}

/* Where there is no registry yet: whoever will write it must own it from the start. */
static int become_future_owner(whk_invocation_t *invocation)
{
    const char *folder = dirname(apr_pstrdup(invocation->pool, invocation->config.params));
    const char *flaw = NULL;
    uid_t user = geteuid();
    gid_t group = getegid();
    struct stat info;
    int exists = stat(folder, &info) == 0;
    int status = WHK_EXIT_DONE;

    if (geteuid() == 0 && exists && info.st_uid != 0) {
        user = info.st_uid;
        group = info.st_gid;
    } else if (geteuid() == 0) {
        flaw = whk_identity_of_httpd(&invocation->config.user, &user, &group);
    }
    if (flaw)
        return whk_refused("%s", flaw);
    if (!exists)
        status = make_folder(folder, user, group);
    if (status == WHK_EXIT_DONE)
        flaw = whk_identity_become(invocation->pool, user, group);
    if (flaw)
        return whk_refused("%s", flaw);
    return status == WHK_EXIT_DONE ? check_writable(invocation, folder) : status;
}

/* ---- init ---- */

static int print_made(whk_invocation_t *invocation, int created, int key_made)
{
    const char *key_file = invocation->config.secret_key_file;

    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:i, s:b, s:s?, s:b}", "registry",
                                        invocation->config.name, "schemaVersion",
                                        whk_schema_version(), "created", created, "secretKeyFile",
                                        key_file, "secretKeyCreated", key_made));
    printf("The registry %s %s (schema version %d).\n", invocation->config.name,
           created ? "is made" : "is there already", whk_schema_version());
    if (key_file)
        printf("The secret key file %s %s.\n", key_file,
               key_made ? "is made: keep a copy of it apart from the registry's backups"
                        : "is there already");
    if (created)
        puts("Next: whkctl enterprise add.");
    return WHK_EXIT_DONE;
}

static int make_schema(whk_invocation_t *invocation, int marks, int *created)
{
    int version;

    *created = 0;
    WHK_TRY_OR_REFUSE(whk_store_schema_version(invocation->store, invocation->pool, &version));
    if (version != 0 && version != whk_schema_version())
        return whk_refused_version(invocation, version);
    *created = version == 0;
    return migrate(invocation, marks, &version);
}

/* A new key beside rows that an older one sealed: the older one was lost, or moved. */
static int warn_of_new_key(whk_invocation_t *invocation)
{
    apr_array_header_t *one;

    WHK_TRY_OR_REFUSE(whk_store_enterprise_walk(invocation->store, invocation->pool, "", 1, &one));
    if (one->nelts > 0)
        whk_hint(
            "whkctl: the registry is sealed under another key, and none of its rows is good under "
            "the new %s: put that key's file back in its place",
            invocation->config.secret_key_file);
    return WHK_EXIT_DONE;
}

int whk_cmd_init(whk_invocation_t *invocation)
{
    struct stat info;
    int created = 0;
    int key_made;
    int marks = -1;

    WHK_TRY_STATUS(make_key(invocation, &key_made));
    WHK_TRY_STATUS(open_marks(invocation, &marks));
    WHK_TRY_STATUS(!invocation->config.dialect->is_file ||
                           stat(invocation->config.params, &info) == 0
                       ? whk_invocation_become_owner(invocation)
                       : become_future_owner(invocation));
    WHK_TRY_STATUS(whk_invocation_connect(invocation));
    WHK_TRY_STATUS(make_schema(invocation, marks, &created));
    if (key_made && !created)
        WHK_TRY_STATUS(warn_of_new_key(invocation));
    return print_made(invocation, created, key_made);
}

/* ---- migrate ---- */

int whk_cmd_migrate(whk_invocation_t *invocation)
{
    int version;
    int marks = -1;

    WHK_TRY_STATUS(whk_invocation_load_key(invocation));
    WHK_TRY_STATUS(open_marks(invocation, &marks));
    WHK_TRY_STATUS(whk_invocation_become_owner(invocation));
    WHK_TRY_STATUS(whk_invocation_connect(invocation));
    WHK_TRY_OR_REFUSE(whk_store_schema_version(invocation->store, invocation->pool, &version));
    if (version == 0 || version > whk_schema_version())
        return whk_refused_version(invocation, version);
    WHK_TRY_STATUS(migrate(invocation, marks, &version));
    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:i, s:i}", "registry", invocation->config.name,
                                        "fromVersion", version, "schemaVersion",
                                        whk_schema_version()));
    if (version == whk_schema_version())
        printf("The registry %s has schema version %d already.\n", invocation->config.name,
               version);
    else
        printf("The registry %s went from schema version %d to %d.\n", invocation->config.name,
               version, whk_schema_version());
    return WHK_EXIT_DONE;
}
