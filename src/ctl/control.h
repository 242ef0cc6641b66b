/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_CTL_CONTROL_H
#define WHK_CTL_CONTROL_H

/**
 * @file ctl/control.h
 * One run of whkctl: the command, what it was given, and the registry that it works on.
 */

#include <apr_pools.h>

#include "ctl/httpd_conf.h"
#include "otp/secret_box.h"
#include "registry/registry.h"
#include "store/enterprises.h"

/** Exit statuses: docs/whkctl.8, "EXIT STATUS". */
enum {
    WHK_EXIT_DONE,
    WHK_EXIT_REFUSED,
    WHK_EXIT_USAGE
};

/** Options that some commands take. */
typedef enum {
    WHK_OPTION_NAME,
    WHK_OPTION_EXPIRES,
    WHK_OPTION_LABEL,
    WHK_OPTION_ALGORITHM,
    WHK_OPTION_DIGITS,
    WHK_OPTION_PERIOD,
    WHK_OPTION_ISSUER,
    WHK_OPTION_REPLACE,
    WHK_OPTION_STATUS,
    WHK_OPTION_LIMIT,
    WHK_OPTION_OFFSET,
    WHK_OPTION_DROP,
    WHK_OPTION_COUNT
} whk_option_t;

#define WHK_OPERANDS_MAX 2

typedef struct whk_control_t whk_control_t;

/** What a command wants to have been done before it runs. */
enum {
    WHK_NEEDS_NOTHING = 0,
    WHK_NEEDS_REGISTRY = 1, /**< the registry open, its schema of this version */
    WHK_NEEDS_KEY = 2,      /**< the secret key read */
    WHK_NEEDS_BOTH = 3
};

typedef struct whk_command_t {
    const char *noun;
    const char *verb;     /**< NULL: the noun is the whole command */
    const char *operands; /**< as in usage, `ENTERPRISE USER`; each word one, `[USER]` optional */
    unsigned int options; /**< bits 1 << whk_option_t */
    int needs;
    int (*run)(whk_control_t *control); /**< @return an exit status */
    const char *summary;
    const char *help; /**< what its --help says beside usage and summary; may be NULL */
} whk_command_t;

struct whk_control_t {
    apr_pool_t *pool;
    const whk_command_t *command;
    const char *conf_file;
    const char *option[WHK_OPTION_COUNT]; /**< NULL where it was not given */
    const char *operand[WHK_OPERANDS_MAX];
    int json;
    whk_registry_conf_t settings;
    const char *operator_name;   /**< the unix user who started us */
    const whk_secret_key_t *key; /**< with WHK_NEEDS_KEY, or whk_control_load_key() */
    whk_store_t *store;          /**< from whk_control_connect() on */
    whk_registry_t registry;
};

/** Do what the command needs. @return an exit status; where it is not done, it was said why */
int whk_control_prepare(whk_control_t *control);

/** Read the secret key file, which may be root's: before whk_control_become_owner(). */
int whk_control_load_key(whk_control_t *control);

/**
 * Before the secret key file is written, or replaced: one at a time. Its folder is locked, since
 * the file itself may be another afterwards; read it again then. Ends with the process, or with
 * `folder`.
 * @param patience for how long to wait for another
 */
int whk_control_lock_key(whk_control_t *control, apr_interval_time_t patience, int *folder);

/**
 * Started by root: become the owner of the registry's file for good, so that httpd can still write
 * what we make. Root's other doings come before this.
 */
int whk_control_become_owner(whk_control_t *control);

/** Connect to the registry's file, which SQLite makes where there is none. */
int whk_control_connect(whk_control_t *control);

/** Say on standard error why not. @return WHK_EXIT_REFUSED */
int whk_refused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same of an outcome, with what the operator can do about it. */
int whk_refused_outcome(const whk_outcome_t *outcome);

/** Say that the registry's schema is of another version (0: none) than this whkctl works with. */
int whk_refused_version(const whk_control_t *control, int version);

/** Say on standard error what is wrong with the command line. @return WHK_EXIT_USAGE */
int whk_misused(const whk_command_t *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Something that an operator should know, on standard error. */
void whk_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** For functions that return an exit status: hand up an outcome. */
#define WHK_CONTROL_TRY(expression)                                                                \
    do {                                                                                           \
        const whk_outcome_t *whk_control_outcome = (expression);                                   \
        if (whk_control_outcome)                                                                   \
            return whk_refused_outcome(whk_control_outcome);                                       \
    } while (0)

/** Judge an operand or option by whk_name_flaw() and the like. @return an exit status */
int whk_control_check_name(const char *what, const char *text,
                           const char *(*flaw_of)(const char *text, apr_size_t length));

/** The enterprise of that id, or WHK_EXIT_REFUSED where there is none. */
int whk_control_enterprise(whk_control_t *control, const char *id, whk_enterprise_t **enterprise);

/** An option's whole number, or `fallback` where it was not given. @return an exit status */
int whk_control_number(whk_control_t *control, whk_option_t option, apr_int64_t least,
                       apr_int64_t most, apr_int64_t fallback, apr_int64_t *number);

#endif
