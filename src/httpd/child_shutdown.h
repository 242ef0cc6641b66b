/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The end of the background tasks of a child. mod_watchdog's threads belong to the process, and
 * nothing joins them before the child's pool goes: so a child that ends tells its tasks, waits for
 * those that run, and what would begin later does nothing. They begin as carelessly, while other
 * modules still set up the child, mod_dbd among them: until that is over no task does anything.
 *
 * The prefork MPM ends a child inside a signal handler, in the middle of whatever the one thread of
 * the child does. Where that is a request, which may be inside of the database, of libcurl or of
 * malloc(), nothing of the child can be taken down under it: then the process ends at once. */

#include <httpd.h>

/** child_init, after all that tasks use: they begin behind it, and end before any of it does. */
void whk_shutdown_child_init(apr_pool_t *pool, server_rec *s);

/** child_stopping: tasks end; where it is not graceful, the fetches of requests too. */
void whk_shutdown_child_stopping(apr_pool_t *pool, int graceful);

/** post_read_request: the request is under way until its pool goes. */
int whk_shutdown_post_read_request(request_rec *r);

/** A task begins. @return 0: it must not, and touch nothing */
int whk_shutdown_task_begin(void);

/** A task that began is over. */
void whk_shutdown_task_end(void);

/** Not 0 once the tasks, or the requests, of this process are to break off. */
const volatile apr_uint32_t *whk_shutdown_tasks_stopped(void);
const volatile apr_uint32_t *whk_shutdown_requests_stopped(void);
