/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "model/clock.h"

#define SHOW_EVERY apr_time_from_sec(1)

#define CLEAR_LINE "\033[K"

whk_progress_t whk_progress_begin(const char *what)
{
    whk_progress_t progress = {what, 0, whk_clock_now(), 0};

    return progress;
}

void whk_progress_step(whk_progress_t *progress)
{
    apr_time_t now = whk_clock_now();

    progress->count++;
    if (now - progress->shown_at < SHOW_EVERY || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "%d %s" CLEAR_LINE "\r", progress->count, progress->what);
    progress->shown_at = now;
    progress->is_shown = 1;
}

void whk_progress_end(const whk_progress_t *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
}
