/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A record of an import file (docs/moving-in.md) as a key to import. */

#include <jansson.h>

#include "registry/key_import.h"

/** What holds where a record does not say it. */
typedef struct whk_import_defaults_t {
    const char *operator_name;
    const char *run;        /**< by which its events are known: model/caller.h */
    const char *enterprise; /**< NULL: each record names its own */
    const char *key_id;     /**< NULL: the same */
} whk_import_defaults_t;

/** Read one.
 * @param import       set, in `pool`
 * @param is_followed  set to whether it came by a set that was followed where it was exported: such
 *                     a key comes with its set, and is none to import
 * @return NULL, or why it is none, as registering it would say */
const whk_outcome_t *whk_import_record_read(whk_key_import_t *import, int *is_followed,
                                            const json_t *record,
                                            const whk_import_defaults_t *defaults,
                                            apr_pool_t *pool);
