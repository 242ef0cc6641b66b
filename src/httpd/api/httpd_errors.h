/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Errors that httpd's core or another module finds in a request to the API: they are answered as
 * the API's own are. */

#include <httpd.h>

/** pre_translate_name, and translate_name for what was sent percent-encoded: where the location is
 * ours, no ErrorDocument takes the place of a response, and every response carries our headers.
 * DECLINED. */
int whk_httpd_errors_pre_translate_name(request_rec *r);

/** insert_error_filter: the status becomes that of docs/api.md, "Errors", and the body JSON. */
void whk_httpd_errors_insert_error_filter(request_rec *r);
