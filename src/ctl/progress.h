/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** How far something is that takes long: a line on a terminal, from the first second on. */

#include <apr_time.h>

typedef struct whk_progress_t {
    const char *what; /**< as in "10 enterprises verified" */
    apr_int64_t end;  /**< where it is all done; 0: nobody knows */
    int count;
    apr_time_t began;
    apr_time_t shown_at;
    int is_shown;
} whk_progress_t;

whk_progress_t whk_progress_begin(const char *what);

/** The same of something whose end is known, in whatever it is measured by: with a bar, how many a
 * second, and how long it will take. */
whk_progress_t whk_progress_begin_to(const char *what, apr_int64_t end);

/** One more is done, and it came as far as that. */
void whk_progress_step_to(whk_progress_t *progress, apr_int64_t at);

/** One more is done. What is printed next takes the place of the line. */
void whk_progress_step(whk_progress_t *progress);

void whk_progress_end(const whk_progress_t *progress);
