/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The keys of an enterprise for those who verify by themselves (RFC 7517). */

#include "registry/registry.h"
#include <jansson.h>

/** The ACTIVE keys of an enterprise as a JWK Set (RFC 7517, section 5), oldest first.
 * @param set   set on success; owned by the registry's pool
 * @param until set to when the first of them is planned to be revoked; 0: none is
 * @return a 5xx, also where one of them can't be read: a set that lacks a key says that it is none
 */
const whk_outcome_t *whk_jwk_set(whk_registry_t *registry, const whk_caller_t *caller, json_t **set,
                                 apr_time_t *until);
