/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Keys whose planned time has come: their rows say so, and so does the audit trail, as soon as
 * somebody writes it. Nothing else waits for that (registry/planned_revocation.h). */

#include "registry/registry.h"

/** Write down what is due, of all enterprises, by `schedule` and at the time that was planned. Each
 * enterprise is a transaction; of several nodes one does it. A row that is not as we wrote it is
 * left as it is.
 * @param is_stopping asked in between: true ends it
 * @return NULL, or the first failure: what was due then is due still */
const whk_outcome_t *whk_revoke_due_keys(whk_registry_t *registry, int (*is_stopping)(void *baton),
                                         void *baton);
