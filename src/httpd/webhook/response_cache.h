/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** mod_cache is passed by where answers are signed: it neither keeps what comes, nor takes what it
 * has from before answers had to be signed there. It looks at the method before all else, so that
 * is hidden from it. In front of everything, as CacheQuickHandler has it, a location is found by
 * its <Location> alone. */

#include <httpd.h>

/** quick_handler, before mod_cache's and after it. */
int whk_response_cache_quick_handler(request_rec *r, int lookup);
int whk_response_cache_quick_handler_after(request_rec *r, int lookup);

/** Before the handlers, of which mod_cache may be one. */
void whk_response_cache_pass_by(request_rec *r);

/** After it: the method is again what it was. */
void whk_response_cache_passed(request_rec *r);
