/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Who asks: the user of a bearer token. */

#include "registry/registry.h"

/** The user of a bearer token.
 * @return invalid_token where it is unknown, expired or revoked, and nothing tells the three apart
 */
const whk_outcome_t *whk_authenticate(whk_registry_t *registry, const char *token,
                                      const char **user);
