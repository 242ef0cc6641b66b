/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What a name of ours may be: the one rule for keyId, keyName, enterprise and user (docs/api.md,
 * "Names"). */

#include <apr_pools.h>

/** The longest keyId, keyName, enterprise or user, in characters (Unicode scalar values). */
#define WHK_NAME_MAX 255

/** Check a name: UTF-8, 1 to WHK_NAME_MAX characters, no control character (C0, DEL, C1), no
 * Unicode White_Space at either end.
 * @return NULL if it is good, else a phrase that completes "… must", e.g. "be valid UTF-8". */
const char *whk_name_flaw(const char *text, apr_size_t length);

/** As whk_name_flaw(), and not `.` or `..`, which no URL path can carry: for keyIds. */
const char *whk_key_id_flaw(const char *text, apr_size_t length);

/** As whk_key_id_flaw(), and without `/`: for enterprise ids, which are one path segment. */
const char *whk_enterprise_id_flaw(const char *text, apr_size_t length);

/** As whk_name_flaw(), and none of the names under which we ourselves write to the audit trail
 * (`schedule`, `background`, `operator:…`): for users. */
const char *whk_user_flaw(const char *text, apr_size_t length);
