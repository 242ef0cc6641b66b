/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dialect.h"

#include <string.h>

static const whk_dialect_t *const dialects[] = {&whk_dialect_sqlite3, &whk_dialect_pgsql,
                                                &whk_dialect_mysql};

const whk_dialect_t *whk_dialect_of(const char *driver)
{
    size_t i;

    for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (!strcmp(dialects[i]->driver, driver))
            return dialects[i];
    return NULL;
}
