/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A row is worth what its seal says: whoever can write the database, but not read the secret key
 * file, makes no key verify, nobody an admin, and no event of the trail.
 *
 * A seal is text, `v1.<key fingerprint>.<base64url of an HMAC-SHA256>`, over netstrings
 * (`5:hello,`; an absent value is `-,`) of the kind of row and all that decides what it means:
 * - `key`: id, enterprise, keyId, keyName, algorithm, jwksUri, jwk, thumbprint, status, created,
 *   created by, revoked, revoked by, remote flaw; then, each where the row has it alone and behind
 *   its name, `revokes` (when it is planned to be revoked), `followedBy` and `gone`; not when it
 * was last used, nor what a set refused;
 * - `admin`: enterprise, user, created;
 * - `event`: enterprise, id, type, keyId, actor, at, remote address, request id, detail, and its
 *   hash, which follows from the event before (registry/audit_trail.h).
 * - `idempotency key`: enterprise, user, key, created, body's hash, code, answer;
 * - `etag`: URI and ETag of a key set by URI: who can make an ETag look like that of a set that was
 *   read keeps its keys from being read again.
 * Times are milliseconds since 1970.
 *
 * No function here touches the store. `secret` may be NULL, where an operator named no secret key
 * file: then nothing is sealed, and no seal is good. */

#include <apr_pools.h>

#include "model/event.h"
#include "model/key.h"
#include "model/outcome.h"
#include "otp/secret_key.h"
#include "store/admins.h"
#include "store/idempotency_keys.h"
#include "store/remote_sets.h"

/** The seal of a row as it is, whatever its `seal` holds; NULL: it can't be made. */
const char *whk_key_seal(apr_pool_t *pool, const whk_secret_key_t *secret, const whk_key_t *key);
const char *whk_admin_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_admin_t *admin);
const char *whk_event_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_event_t *event);

const char *whk_idempotency_key_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_idempotency_key_t *key);

/** The seal of a set's `etag`; NULL: it has none, or it can't be made. */
const char *whk_etag_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                          const whk_remote_set_t *set);

/** Set a row's `seal`, as it is to be written now. @return NULL, or an internal_error */
const whk_outcome_t *whk_key_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                      whk_key_t *key);
const whk_outcome_t *whk_admin_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                        whk_admin_t *admin);
const whk_outcome_t *whk_event_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                        whk_event_t *event);

/** What is wrong with a row that was read, in words for an operator; NULL: it is as we wrote it.
 *  Of a key also that its material has another thumbprint. */
const char *whk_key_flaw(apr_pool_t *pool, const whk_secret_key_t *secret, const whk_key_t *key);
const char *whk_admin_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_admin_t *admin);
const char *whk_event_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_event_t *event);

const char *whk_idempotency_key_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_idempotency_key_t *key);

/** Of a key, whatever its seal: that its material has another thumbprint, or that it stands for a
 *  set, or came from one, and is not as such a key is. */
const char *whk_key_material_flaw(apr_pool_t *pool, const whk_key_t *key);

/** Of its `etag` alone: nothing else of a set is sealed. */
const char *whk_etag_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                          const whk_remote_set_t *set);

/** The same of a key, admin or event as an internal_error whose hint names the row and says what to
 * do. */
const whk_outcome_t *whk_key_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                   const whk_key_t *key);
const whk_outcome_t *whk_admin_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_admin_t *admin);
const whk_outcome_t *whk_event_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_event_t *event);

/** For a key whose row was found to be bad before. */
const whk_outcome_t *whk_key_is_bad(apr_pool_t *pool, const char *enterprise_id, const char *key_id,
                                    const char *flaw) __attribute__((returns_nonnull));
