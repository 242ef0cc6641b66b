/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What whkctl check looks for: each finding has an id that stays (docs/checks.md). */

#include <jansson.h>

#include "ctl/invocation.h"

typedef enum {
    WHK_FOUND_OK,
    WHK_FOUND_NOTICE,
    WHK_FOUND_PROBLEM
} whk_found_t;

typedef enum {
    WHK_CHECK_ENFORCE_OFF,
    WHK_CHECK_MODULE_MISSING,
    WHK_CHECK_MPM_PREFORK,
    WHK_CHECK_TLS_OFF,
    WHK_CHECK_TLS_DATABASE,
    WHK_CHECK_REQUIRE_MISSING,
    WHK_CHECK_METRICS_OPEN,
    WHK_CHECK_ENCODED_SLASHES,
    WHK_CHECK_DBD_MAX,
    WHK_CHECK_DBD_PERSIST,
    WHK_CHECK_REPLAY_CACHE_OFF,
    WHK_CHECK_LOG_LEVEL,
    WHK_CHECK_SECRET_KEY_DIRECTIVE,
    WHK_CHECK_SECRET_KEY_FILE,
    WHK_CHECK_SECRET_KEY_ROTATION,
    WHK_CHECK_SECRET_KEY_MARK,
    WHK_CHECK_SECRET_KEY_SHARED,
    WHK_CHECK_REGISTRY_MISSING,
    WHK_CHECK_REGISTRY_MODE,
    WHK_CHECK_REGISTRY_COMPANIONS,
    WHK_CHECK_REGISTRY_OWNER,
    WHK_CHECK_REGISTRY_FOLDER,
    WHK_CHECK_REGISTRY_CONNECTION,
    WHK_CHECK_REGISTRY_READ,
    WHK_CHECK_CLOCK_DATABASE,
    WHK_CHECK_SCHEMA_MISSING,
    WHK_CHECK_SCHEMA_VERSION,
    WHK_CHECK_SCHEMA_OBJECTS,
    WHK_CHECK_OTP_SECRET,
    WHK_CHECK_ADMINS_NAME,
    WHK_CHECK_ADMINS_OTP,
    WHK_CHECK_ADMINS_NONE,
    WHK_CHECK_ROWS_SEAL,
    WHK_CHECK_KEYS_NEAR_REVOCATION,
    WHK_CHECK_KEYS_SET_FAILING,
    WHK_CHECK_CLOCK_KEY_SET,
    WHK_CHECK_KEYS_LAST_ACTIVE,
    WHK_CHECK_KEYS_UNUSED,
    WHK_CHECK_OTP_LOCKED,
    WHK_CHECK_COUNT
} whk_check_id_t;

typedef struct whk_check_t {
    whk_invocation_t *invocation;
    json_t *checks;   /**< `check`, `result`, `message`: for scripts from before there were ids */
    json_t *findings; /**< `id`, `result`, `message`, `fix` */
    int problems;
} whk_check_t;

/** Print a finding, and keep it for --json.
 * @param fix what to do, as `run chmod 640 FILE`; NULL: nothing, or the message says it */
void whk_check_report(whk_check_t *check, whk_check_id_t id, whk_found_t found, const char *fix,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

/** A sentence in the pool of the invocation, for `fix`. */
const char *whk_check_fix(const whk_check_t *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** An operand as a shell takes it. */
const char *whk_check_quoted(const whk_check_t *check, const char *operand);

/** Report an outcome as a problem. */
void whk_check_report_outcome(whk_check_t *check, whk_check_id_t id, const whk_outcome_t *outcome);

/** What httpd says of its configuration. */
void whk_check_configuration(whk_check_t *check);

/** The secret key file; reads the key where it can be. */
void whk_check_key_file(whk_check_t *check);

/** The registry's file. Becomes its owner. @return 1 where it can be opened */
int whk_check_registry_file(whk_check_t *check);

/** @return 1 where what is in the registry can be read */
int whk_check_schema(whk_check_t *check);

/** How servers are reached and guarded. */
void whk_check_servers(whk_check_t *check);

/** The time here, and at the origins of key sets, as httpd saw it. */
void whk_check_origin_clocks(whk_check_t *check);

/** The time here, and at the database. */
void whk_check_clock(whk_check_t *check);

/** All rows. */
void whk_check_content(whk_check_t *check);

/** @param enterprise whose ACTIVE keys are looked at, beside their seals */
const whk_outcome_t *whk_check_keys(whk_check_t *check, const char *enterprise, apr_pool_t *pool);
