/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is said on standard error, and the exit status that goes with it. */

#include "ctl/command.h"
#include "model/outcome.h"

/** Exit statuses: docs/whkctl.8, "EXIT STATUS". */
enum {
    WHK_EXIT_DONE,
    WHK_EXIT_REFUSED,
    WHK_EXIT_USAGE
};

/** Say on standard error why not. @return WHK_EXIT_REFUSED */
int whk_refused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same of an outcome, with what the operator can do about it. */
int whk_refused_outcome(const whk_outcome_t *outcome);

/** Say on standard error what is wrong with the command line. @return WHK_EXIT_USAGE */
int whk_misused(const whk_command_t *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Something that an operator should know, on standard error. */
void whk_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** For functions that return an exit status: hand up one that is not WHK_EXIT_DONE. */
#define WHK_TRY_STATUS(expression)                                                                 \
    do {                                                                                           \
        int whk_try_status = (expression);                                                         \
        if (whk_try_status != WHK_EXIT_DONE)                                                       \
            return whk_try_status;                                                                 \
    } while (0)

/** For functions that return an exit status: hand up an outcome. */
#define WHK_TRY_OR_REFUSE(expression)                                                              \
    do {                                                                                           \
        const whk_outcome_t *whk_try_outcome = (expression);                                       \
        if (whk_try_outcome)                                                                       \
            return whk_refused_outcome(whk_try_outcome);                                           \
    } while (0)
