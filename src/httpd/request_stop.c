/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/request_stop.h"

#include <httpd.h>

#include <http_log.h>

#include "httpd/body.h"
#include "httpd/database_watch.h"
#include "httpd/limited_log.h"
#include "metrics/metrics.h"
#include "metrics/recent_refusals.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

static int is_attack(const whk_request_t *request, whk_code_t code)
{
    return (code == WHK_INVALID_TOKEN && !request->lacks_credentials) || code == WHK_OTP_INVALID ||
           code == WHK_OTP_LOCKED;
}

/* fail2ban reads these: conf/fail2ban/webhook-keys.conf. */
static void log_attack(request_rec *r, const whk_request_t *request, whk_code_t code)
{
    const char *user = whk_log_name(r->pool, r->user);

    if (!whk_limited_log_may(r, WHK_DOOR_API, code))
        return;
    if (code == WHK_INVALID_TOKEN)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHK_LOGNO(0393) "a token was refused that is not known, or no longer good "
                                      "(invalid_token): whkctl token list shows those that are "
                                      "[request %s]",
                      request->id);
    else if (code == WHK_OTP_INVALID)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHK_LOGNO(0394) "a one-time password of user %s was refused (otp_invalid): "
                                      "where that user knows nothing of it, revoke the token that "
                                      "was sent with it, by whkctl token list %s [request %s]",
                      user, user, request->id);
    else
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHK_LOGNO(0395) "a one-time password of user %s was not looked at, since too "
                                      "many were refused (otp_locked): whkctl otp unlock %s lets "
                                      "that user try again at once [request %s]",
                      user, user, request->id);
}

static const char *advice(const whk_request_t *request, whk_code_t code)
{
    return (code == WHK_UNKNOWN_KEY || code == WHK_KEY_REVOKED) && request->enterprise_id
               ? "whkctl key list with that enterprise shows the keys that it has"
               : "docs/signing.md, \"When it is refused\", says what its sender must mend";
}

static void log_webhook(request_rec *r, const whk_request_t *request, const whk_outcome_t *outcome)
{
    if (whk_limited_log_may(r, WHK_DOOR_WEBHOOK, outcome->code))
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            WHK_LOGNO(0391) "a webhook to %.200s was refused (%s): %s; enterprise %s, claimed "
                            "keyId %s; %s [request %s]",
            r->uri, whk_code_name(outcome->code), outcome->message,
            whk_log_name(r->pool, request->enterprise_id),
            whk_log_name(r->pool, request->claimed_key_id), advice(request, outcome->code),
            request->id);
}

static void log_answer(request_rec *r, const whk_request_t *request, const whk_outcome_t *outcome)
{
    if (whk_limited_log_may(r, WHK_DOOR_ANSWER, outcome->code))
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            WHK_LOGNO(0396) "the answer to %.200s was not passed on (%s): %s; enterprise %s; "
                            "docs/answering.md says what its server must mend "
                            "[request %s]",
            r->uri, whk_code_name(outcome->code), outcome->message,
            whk_log_name(r->pool, request->enterprise_id), request->id);
}

static void log_stop(request_rec *r, whk_door_t door, const whk_outcome_t *outcome)
{
    const whk_request_t *request = whk_request_of(r);

    if (whk_database_watch_explains(r->server, outcome))
        whk_database_watch_count(r->server);
    else if (outcome->operator_hint)
        ap_log_rerror(APLOG_MARK, whk_code_status(outcome->code) >= 500 ? APLOG_ERR : APLOG_WARNING,
                      0, r, "%s (%s) [request %s]", outcome->operator_hint,
                      whk_code_name(outcome->code), request->id);
    else if (door == WHK_DOOR_WEBHOOK)
        log_webhook(r, request, outcome);
    else if (door == WHK_DOOR_ANSWER)
        log_answer(r, request, outcome);
    else if (is_attack(request, outcome->code))
        log_attack(r, request, outcome->code);
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHK_LOGNO(0390) "a request was refused (%s), and the client was told why "
                                      "[request %s]",
                      whk_code_name(outcome->code), request->id);
}

static void count_stop(const request_rec *r, whk_door_t door, const whk_outcome_t *outcome)
{
    const whk_request_t *request = whk_request_if_any(r);

    whk_metrics_count(WHK_REFUSALS, (int)door, (int)outcome->code);
    whk_refusals_add((int)door, outcome->code, request->enterprise_id, request->claimed_key_id,
                     r->useragent_ip, request->id);
}

int whk_request_stop_at(request_rec *r, whk_door_t door, const whk_outcome_t *outcome,
                        const whk_outcome_t *told)
{
    whk_error_t *error = &whk_request_of(r)->error;

    error->outcome = told;
    whk_request_of(r)->door = door;
    error->status = whk_code_status(outcome->code);
    /* Or httpd would wait for a body that plays no part in the response. */
    whk_body_discard(r);
    count_stop(r, door, outcome);
    log_stop(r, door, outcome);
    return error->status;
}

int whk_request_stop(request_rec *r, const whk_outcome_t *outcome)
{
    return whk_request_stop_at(r, WHK_DOOR_API, outcome, outcome);
}
