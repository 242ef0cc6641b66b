/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/scheme.h"

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const whk_scheme_t *find(const whk_scheme_t *const schemes[], apr_size_t count,
                                const char *name)
{
    apr_size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(schemes[i]->name, name) == 0)
            return schemes[i];
    return NULL;
}

const whk_scheme_t *whk_scheme_by_name(const char *name)
{
    static const whk_scheme_t *const schemes[] = {
        &whk_scheme_jws,
        &whk_scheme_jws_detached,
        &whk_scheme_jwt,
        &whk_scheme_http_signature,
        &whk_scheme_standard_webhooks,
    };

    return find(schemes, COUNT(schemes), name);
}

const whk_scheme_t *whk_response_scheme_by_name(const char *name)
{
    static const whk_scheme_t *const schemes[] = {
        &whk_scheme_jws,
        &whk_scheme_jws_detached,
        &whk_scheme_jwt_body,
        &whk_scheme_http_signature,
    };

    return find(schemes, COUNT(schemes), name);
}
