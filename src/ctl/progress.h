/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** How far something is that takes long: a line on a terminal, from the first second on. */

#include <apr_time.h>

typedef struct whk_progress_t {
    const char *what; /**< as in "10 enterprises verified" */
    int count;
    apr_time_t shown_at;
    int is_shown;
} whk_progress_t;

whk_progress_t whk_progress_begin(const char *what);

/** One more is done. What is printed next takes the place of the line. */
void whk_progress_step(whk_progress_t *progress);

void whk_progress_end(const whk_progress_t *progress);
