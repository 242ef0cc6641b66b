/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A command of whkctl: how it is called, and what it needs. */

#include "ctl/options.h"

struct whk_invocation_t;

/** What a command wants to have been done before it runs. */
enum {
    WHK_NEEDS_NOTHING = 0,
    WHK_NEEDS_REGISTRY = 1, /**< the registry open, its schema of this version */
    WHK_NEEDS_KEY = 2,      /**< the secret key read */
    WHK_NEEDS_BOTH = 3,
    WHK_NEEDS_FILE = 4 /**< its first operand, a file, open */
};

typedef struct whk_command_t {
    const char *noun;
    const char *verb;     /**< NULL: the noun is the whole command */
    const char *operands; /**< as in usage, `ENTERPRISE USER`; each word one, `[USER]` optional */
    unsigned int options; /**< bits 1 << whk_option_t */
    int needs;
    int (*run)(struct whk_invocation_t *invocation); /**< @return an exit status */
    const char *summary;
    const char *help; /**< what its --help says beside usage and summary; may be NULL */
} whk_command_t;
