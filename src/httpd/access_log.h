/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What an access log can tell of a request: docs/logging.md, "The access log". The same names are
 * environment variables and notes, set when the request is over, so that they are there whatever
 * redirects and error documents httpd made of it, and so that nobody else's value is told. */

#include <httpd.h>

/** pre_config: `%^WK` of LogFormat, a request as a line of JSON, where mod_log_config is loaded.
 * OK. */
int whk_access_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** log_transaction, before whoever logs. DECLINED. */
int whk_access_log_log_transaction(request_rec *r);
