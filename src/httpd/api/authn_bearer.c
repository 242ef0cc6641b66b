/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/authn_bearer.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>

#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"
#include "registry/authenticate.h"

static const char *challenge(request_rec *r, const char *error)
{
    const char *realm = ap_auth_name(r);

    return apr_psprintf(r->pool, "Bearer realm=\"%s\"%s%s%s",
                        ap_escape_quotes(r->pool, realm ? realm : WHK_HANDLER),
                        error ? ", error=\"" : "", error ? error : "", error ? "\"" : "");
}

/* The token of `Authorization: Bearer <token>`; NULL for none, "" for one that can't be right. */
static const char *bearer_token(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    const char *token;

    if (!header || ap_cstr_casecmpn(header, "Bearer", 6) || (header[6] && header[6] != ' '))
        return NULL;
    token = header + 6 + strspn(header + 6, " ");
    return token[strcspn(token, " \t,")] ? "" : token;
}

static const whk_outcome_t *missing(request_rec *r)
{
    whk_request_of(r)->error.challenge = challenge(r, NULL);
    whk_request_of(r)->lacks_credentials = 1;
    return whk_refuse(r->pool, WHK_INVALID_TOKEN,
                      "a bearer token is missing: send Authorization: Bearer <token>");
}

int whk_authn_bearer_check_authn(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const char *token;
    const char *user;
    const whk_outcome_t *outcome;

    if (!type || ap_cstr_casecmp(type, "Bearer") || ap_find_linked_module("mod_auth_bearer.c"))
        return DECLINED;
    r->ap_auth_type = (char *)"Bearer";
    token = bearer_token(r);
    if (!token)
        return whk_request_stop(r, missing(r));
    whk_request_of(r)->error.challenge = challenge(r, "invalid_token");
    outcome = whk_authenticate(whk_request_registry(r), token, &user);
    if (outcome)
        return whk_request_stop(r, outcome);
    whk_request_of(r)->error.challenge = NULL;
    r->user = apr_pstrdup(r->pool, user);
    return OK;
}
