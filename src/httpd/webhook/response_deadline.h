/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** No read from a backend's connection, and no write to it, waits beyond the time that the whole
 * answer has (WebhookKeysResponseTimeout), be it in a header that comes byte by byte, where no
 * filter of the answer is asked. mod_proxy reads on the thread that runs the handler, so the time
 * is a thread's. Handlers that read without httpd's connections (CGI, FastCGI) have the time looked
 * at when they pass something on. */

#include <httpd.h>

#include <apr_time.h>

/** pre_connection: for connections that httpd opens. */
int whk_response_deadline_pre_connection(conn_rec *c, void *socket);

void whk_response_deadline_register_filter(void);

/** Until when, by whk_clock_now(), this thread may send requests and read answers; 0: for ever. */
void whk_response_deadline_set(apr_time_t deadline);
