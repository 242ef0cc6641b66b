#ifndef WHK_HTTPD_FETCH_SLOTS_H
#define WHK_HTTPD_FETCH_SLOTS_H

/**
 * @file httpd/fetch_slots.h
 * How many fetches of a jwksUri run at once in all processes of this httpd (WebhookKeysMaxFetches):
 * a slot each in shared memory, which holds the pid of who took it, so that the slots of a process
 * that was killed come free again.
 */

#include <httpd.h>

/**
 * post_config: make the slots.
 * @param count how many; 0: a quarter of the workers, and at least one
 */
apr_status_t whk_fetch_slots_create(apr_pool_t *pconf, int count);

/** child_init: this process begins with none, whoever had its pid before. */
void whk_fetch_slots_child_init(void);

/** Take one. @return 0 where all are taken */
int whk_fetch_slots_enter(void);

/** Give one back that this process took. */
void whk_fetch_slots_leave(void);

#endif
