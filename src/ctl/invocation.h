/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** One invocation of whkctl: the command, its options and operands, and the registry that it works
 * on. */

#include <apr_pools.h>
#include <stdio.h>

#include "ctl/command.h"
#include "ctl/diagnostics.h"
#include "ctl/registry_config.h"
#include "otp/secret_box.h"
#include "registry/registry.h"
#include "store/enterprises.h"

#define WHK_OPERANDS_MAX 2

typedef struct whk_invocation_t {
    apr_pool_t *pool;
    const whk_command_t *command;
    const char *conf_file;
    const char *option[WHK_OPTION_COUNT]; /**< NULL where it was not given */
    const char *operand[WHK_OPERANDS_MAX];
    FILE *input; /**< with WHK_NEEDS_FILE; can be read again from its begin */
    int json;
    whk_registry_config_t config;
    const char *operator_name;   /**< the unix user who started us */
    const whk_secret_key_t *key; /**< with WHK_NEEDS_KEY, or whk_invocation_load_key() */
    whk_store_t *store;          /**< from whk_invocation_connect() on */
    whk_registry_t registry;
} whk_invocation_t;

/** Do what the command needs. @return an exit status; where it is not done, it was said why */
int whk_invocation_prepare(whk_invocation_t *invocation);

/** Read the secret key file, which may be root's: before whk_invocation_become_owner(). */
int whk_invocation_load_key(whk_invocation_t *invocation);

/** Before the secret key file is written, or replaced: one at a time. Its folder is locked, since
 * the file itself may be another afterwards; read it again then. Ends with the process, or with
 * `folder`.
 * @param patience for how long to wait for another */
int whk_invocation_lock_key(whk_invocation_t *invocation, apr_interval_time_t patience,
                            int *folder);

/** Started by root: become the owner of the registry's file for good, so that httpd can still write
 * what we make. Root's other doings come before this. */
int whk_invocation_become_owner(whk_invocation_t *invocation);

/** Connect to the registry's file, which SQLite makes where there is none. */
int whk_invocation_connect(whk_invocation_t *invocation);

/** Say that the registry's schema is of another version (0: none) than this whkctl works with. */
int whk_refused_version(const whk_invocation_t *invocation, int version);

/** Check an operand or option by whk_name_flaw() and the like. @return an exit status */
int whk_invocation_check_name(const char *what, const char *text,
                              const char *(*flaw_of)(const char *text, apr_size_t length));

/** The enterprise of that id, or WHK_EXIT_REFUSED where there is none. */
int whk_invocation_enterprise(whk_invocation_t *invocation, const char *id,
                              whk_enterprise_t **enterprise);

/** An option's whole number, or `fallback` where it was not given. @return an exit status */
int whk_invocation_number(whk_invocation_t *invocation, whk_option_t option, apr_int64_t least,
                          apr_int64_t most, apr_int64_t fallback, apr_int64_t *number);
