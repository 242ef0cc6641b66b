/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/scheme.h"

#include <string.h>

const whk_scheme_t *whk_scheme_by_name(const char *name)
{
    static const whk_scheme_t *const schemes[] = {
        &whk_scheme_jws,
        &whk_scheme_jws_detached,
        &whk_scheme_jwt,
        &whk_scheme_http_signature,
        &whk_scheme_standard_webhooks,
    };
    apr_size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i]->name, name) == 0)
            return schemes[i];
    return NULL;
}
