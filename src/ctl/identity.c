/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/identity.h"

#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

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

const char *whk_identity_of_httpd(const whk_httpd_user_t *httpd, uid_t *user, gid_t *group)
{
    const struct passwd *entry;

    if (!httpd->name)
        return "the configuration does not say who httpd runs as: it needs a User directive";
    entry = getpwuid(httpd->uid);
    *user = httpd->uid;
    *group = entry ? entry->pw_gid : httpd->gid;
    return NULL;
}
