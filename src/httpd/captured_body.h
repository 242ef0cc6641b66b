#ifndef WHK_HTTPD_CAPTURED_BODY_H
#define WHK_HTTPD_CAPTURED_BODY_H

/**
 * @file httpd/captured_body.h
 * A body that is read before its handler runs, and handed out again to whoever reads the request
 * then: mod_proxy, a CGI script, a subrequest's handler after an internal redirect.
 */

#include <httpd.h>

#include "model/outcome.h"

typedef struct whk_captured_body_t {
    char *bytes;
    apr_size_t length;
    apr_size_t given; /**< bytes that were handed out */
} whk_captured_body_t;

/**
 * Read the body through the input filters, and put it back in front of them. A chunked body has a
 * length from then on.
 * @return as whk_body_read()
 */
const whk_outcome_t *whk_captured_body_read(request_rec *r, apr_int64_t limit,
                                            whk_captured_body_t **body);

/** register_hooks: make the filter known. */
void whk_captured_body_register_filter(void);

#endif
