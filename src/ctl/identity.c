/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

const char *whk_identity_name(apr_pool_t *pool, uid_t user)
{
    const struct passwd *entry = getpwuid(user);

    return entry ? apr_pstrdup(pool, entry->pw_name)
                 : apr_psprintf(pool, "%lu", (unsigned long)user);
}

const char *whk_identity_become(apr_pool_t *pool, uid_t user, gid_t group)
{
    const struct passwd *entry;
    int done;

    if (geteuid() != 0 || user == 0)
        return NULL;
    entry = getpwuid(user);
    if (entry) {
        group = entry->pw_gid;
        done = initgroups(entry->pw_name, group) == 0;
    } else {
        done = setgroups(1, &group) == 0;
    }
    if (!done || setgid(group) != 0 || setuid(user) != 0)
        return apr_psprintf(pool, "cannot work as user %s, who owns the registry: %s",
                            whk_identity_name(pool, user), strerror(errno));
    /* Whoever can go back to root has not left it. */
    if (setuid(0) == 0)
        return apr_psprintf(pool, "cannot give up the rights of root for those of user %s",
                            whk_identity_name(pool, user));
    return NULL;
}

static const struct passwd *find_user(const char *name)
{
    char *end;
    unsigned long number;

    if (*name != '#')
        return getpwnam(name);
    if (!apr_isdigit(name[1]))
        return NULL;
    number = strtoul(name + 1, &end, 10);
    return *end ? NULL : getpwuid((uid_t)number);
}

const char *whk_identity_of_setting(apr_pool_t *pool, const whk_setting_t *setting, uid_t *user,
                                    gid_t *group)
{
    const char *flaw = whk_setting_flaw(pool, "User", setting);
    const struct passwd *entry;

    if (flaw)
        return flaw;
    if (!setting->value)
        return "the configuration does not say who httpd runs as: it needs a User directive";
    entry = find_user(setting->value);
    if (!entry)
        return apr_psprintf(pool, "%s: User is \"%s\", but this system has no such user",
                            setting->place, setting->value);
    *user = entry->pw_uid;
    *group = entry->pw_gid;
    return NULL;
}
