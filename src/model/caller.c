/* SPDX-License-Identifier: Apache-2.0 */
#include "model/caller.h"

#include <apr_strings.h>
#include <string.h>

#include "model/key.h"

struct whk_caller_t {
    const char *actor;
    const char *enterprise_id;
    const char *remote_address;
    const char *request_id;
    int complete;
};

whk_caller_t *whk_caller_authorized(apr_pool_t *pool, const char *user, const char *enterprise_id,
                                    const char *remote_address, const char *request_id)
{
    whk_caller_t *caller = apr_pcalloc(pool, sizeof(*caller));

    caller->actor = apr_pstrdup(pool, user);
    caller->enterprise_id = apr_pstrdup(pool, enterprise_id);
    caller->remote_address = apr_pstrdup(pool, remote_address);
    caller->request_id = apr_pstrdup(pool, request_id);
    return caller;
}

void whk_caller_complete(whk_caller_t *caller)
{
    caller->complete = 1;
}

whk_caller_t *whk_caller_operator(apr_pool_t *pool, const char *unix_user,
                                  const char *enterprise_id)
{
    whk_caller_t *caller = apr_pcalloc(pool, sizeof(*caller));

    caller->actor = apr_pstrcat(pool, "operator:", unix_user, NULL);
    caller->enterprise_id = apr_pstrdup(pool, enterprise_id);
    caller->complete = 1;
    return caller;
}

#define IMPORT "import:"

whk_caller_t *whk_caller_import(apr_pool_t *pool, const char *unix_user, const char *enterprise_id,
                                const char *run)
{
    whk_caller_t *caller = whk_caller_operator(pool, unix_user, enterprise_id);

    caller->request_id = apr_pstrcat(pool, IMPORT, run, NULL);
    return caller;
}

int whk_caller_is_import(const char *request_id)
{
    return request_id && !strncmp(request_id, IMPORT, strlen(IMPORT));
}

whk_caller_t *whk_caller_background(apr_pool_t *pool, const char *enterprise_id)
{
    whk_caller_t *caller = apr_pcalloc(pool, sizeof(*caller));

    caller->actor = "background";
    caller->enterprise_id = apr_pstrdup(pool, enterprise_id);
    return caller;
}

whk_caller_t *whk_caller_schedule(apr_pool_t *pool, const char *enterprise_id)
{
    whk_caller_t *caller = whk_caller_background(pool, enterprise_id);

    caller->actor = WHK_SCHEDULE;
    return caller;
}

int whk_caller_is_complete(const whk_caller_t *caller)
{
    return caller && caller->complete;
}

const char *whk_caller_actor(const whk_caller_t *caller)
{
    return caller->actor;
}

const char *whk_caller_enterprise(const whk_caller_t *caller)
{
    return caller->enterprise_id;
}

const char *whk_caller_remote_address(const whk_caller_t *caller)
{
    return caller->remote_address;
}

const char *whk_caller_request_id(const whk_caller_t *caller)
{
    return caller->request_id;
}
