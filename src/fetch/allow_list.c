/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/allow_list.h"

#include <apr_tables.h>
#include <string.h>

#include "fetch/cidr.h"
#include "fetch/host.h"

struct whk_allow_list_t {
    apr_pool_t *pool;
    apr_array_header_t *ranges; /* whk_cidr_t */
    apr_array_header_t *hosts;  /* const char * */
};

whk_allow_list_t *whk_allow_list_create(apr_pool_t *pool)
{
    whk_allow_list_t *list = apr_palloc(pool, sizeof(*list));

    list->pool = pool;
    list->ranges = apr_array_make(pool, 2, sizeof(whk_cidr_t));
    list->hosts = apr_array_make(pool, 2, sizeof(const char *));
    return list;
}

/** Digits and dots alone are never a host name, whatever the spelling. */
static int is_range(const char *entry)
{
    return strpbrk(entry, "/:") || entry[strspn(entry, "0123456789.")] == '\0';
}

const char *whk_allow_list_add(whk_allow_list_t *list, const char *entry)
{
    whk_cidr_t range;
    whk_host_t host;
    const char *flaw;

    if (*entry && is_range(entry)) {
        flaw = whk_cidr_parse(&range, entry);
        if (!flaw)
            APR_ARRAY_PUSH(list->ranges, whk_cidr_t) = range;
        return flaw;
    }
    flaw = whk_host_parse(&host, entry, strlen(entry), list->pool);
    if (flaw || host.is_address)
        return "be an address range (10.0.0.0/8, fd00::/8), an address without brackets, or the "
               "name of one host";
    APR_ARRAY_PUSH(list->hosts, const char *) = host.name;
    return NULL;
}

int whk_allow_list_has_address(const whk_allow_list_t *list, const struct sockaddr *address)
{
    int i;

    for (i = 0; i < list->ranges->nelts; i++) {
        if (whk_cidr_contains(&APR_ARRAY_IDX(list->ranges, i, whk_cidr_t), address))
            return 1;
    }
    return 0;
}

int whk_allow_list_has_host(const whk_allow_list_t *list, const char *name)
{
    int i;

    for (i = 0; i < list->hosts->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(list->hosts, i, const char *), name))
            return 1;
    }
    return 0;
}
