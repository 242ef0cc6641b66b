/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "model/clock.h"

#define SHOW_EVERY apr_time_from_sec(1)

#define CLEAR_LINE "\033[K"

whk_progress_t whk_progress_begin_to(const char *what, apr_int64_t end)
{
    apr_time_t now = whk_clock_now();
    whk_progress_t progress = {what, end, 0, now, now, 0};

    return progress;
}

whk_progress_t whk_progress_begin(const char *what)
{
    return whk_progress_begin_to(what, 0);
}

static int is_to_be_shown(whk_progress_t *progress)
{
    apr_time_t now = whk_clock_now();

    progress->count++;
    if (now - progress->shown_at < SHOW_EVERY || !isatty(STDERR_FILENO))
        return 0;
    progress->shown_at = now;
    progress->is_shown = 1;
    return 1;
}

void whk_progress_step(whk_progress_t *progress)
{
    if (is_to_be_shown(progress))
        fprintf(stderr, "%d %s" CLEAR_LINE "\r", progress->count, progress->what);
}

void whk_progress_step_to(whk_progress_t *progress, apr_int64_t at)
{
    static const char bar[] = "##############################";
    const int width = (int)sizeof(bar) - 1;
    double spent;
    double part;

    if (!is_to_be_shown(progress) || progress->end <= 0 || at <= 0)
        return;
    spent = (double)(progress->shown_at - progress->began) / APR_USEC_PER_SEC;
    part = at < progress->end ? (double)at / (double)progress->end : 1;
    fprintf(stderr, "[%-*.*s] %3.0f %%  %d %s, %.0f a second, %.0f s left" CLEAR_LINE "\r", width,
            (int)(part * width), bar, part * 100, progress->count, progress->what,
            progress->count / spent, spent / part - spent);
}

void whk_progress_end(const whk_progress_t *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
}
