/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/diagnostics.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/printable.h"

static void __attribute__((format(printf, 2, 0)))
say(const char *who, const char *format, va_list arguments)
{
    apr_pool_t *pool;
    char *rest;
    char *line;

    apr_pool_create(&pool, NULL);
    fputs(who, stderr);
    /* What it tells of may hold what a terminal obeys; lines are httpd's own. */
    rest = apr_pvsprintf(pool, format, arguments);
    while ((line = strsep(&rest, "\n")) != NULL)
        fprintf(stderr, "%s\n", whk_printable(pool, line));
    apr_pool_destroy(pool);
}

int whk_refused(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("whkctl: ", format, arguments);
    va_end(arguments);
    return WHK_EXIT_REFUSED;
}

int whk_refused_outcome(const whk_outcome_t *outcome)
{
    whk_refused("%s", outcome->message);
    if (outcome->operator_hint)
        whk_refused("%s", outcome->operator_hint);
    return WHK_EXIT_REFUSED;
}

int whk_misused(const whk_command_t *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("whkctl: ", format, arguments);
    va_end(arguments);
    if (command)
        fprintf(stderr, "Try: whkctl %s%s%s --help\n", command->noun, command->verb ? " " : "",
                command->verb ? command->verb : "");
    else
        fputs("Try: whkctl --help\n", stderr);
    return WHK_EXIT_USAGE;
}

void whk_hint(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("", format, arguments);
    va_end(arguments);
}
